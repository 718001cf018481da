//! The HTTP port of a realm without a NameNode: the console, and nothing else.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use kerbox_events::{Event, Hook, Outcome, Server, cut};
use kerbox_krb5::{Principal, Timestamp};
use kerbox_net::IdleRule;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::admission::{Owner, Visitor, admit, answer};
use super::guard::{Target, target};
use super::{Console, ConsoleFile, ConsoleVerbs};
use crate::Caller;
use crate::config::{HdfsConfig, WebConfig};
use crate::sasl::GssapiSettings;
use crate::secret_manager::{DelegationTokenSecretManager, DelegationTokenSettings};
use crate::user::{AuthToLocal, Authorization};
use crate::web::auth::{Users, WebAuth};
use crate::web::content::WebAnswer;
use crate::web::request::{Scheme, WebRequest};
use crate::web::response::WebResponse;

/// The settings of the console of a realm without a NameNode.
pub struct ConsoleWebSettings {
    /// The acceptance of tickets.
    pub spnego: GssapiSettings,
    /// The name of the realm.
    pub realm: String,
    /// Those who may see and change everything. Everyone else with a ticket is a reader.
    pub administrators: Vec<Principal>,
    /// The receiver of events.
    pub hook: Arc<dyn Hook>,
    /// Its verbs, which bring the files with the views.
    pub console: Arc<Console>,
}

/// The HTTP port of a realm's console, without its socket. It authenticates as a NameNode does, by
/// SPNEGO and the signed cookie, and knows neither delegation tokens nor proxy users. Users have
/// their principals' full names, so that `alice/admin` is not taken for `alice`.
///
/// ```
/// use std::sync::Arc;
///
/// use kerbox_events::NoHook;
/// use kerbox_krb5::Keytab;
/// use minihdfs::sasl::GssapiSettings;
/// use minihdfs::web::{ConsoleWeb, ConsoleWebSettings};
/// use rand::SeedableRng;
/// use rand::rngs::StdRng;
///
/// let keys = Keytab::default(); // those of HTTP/localhost, to which browsers show their tickets
/// let settings = ConsoleWebSettings {
///     spnego: GssapiSettings::new("HTTP/localhost@EXAMPLE.COM".parse()?, keys, &[]),
///     realm: "EXAMPLE.COM".to_owned(),
///     administrators: vec!["hdfs@EXAMPLE.COM".parse()?],
///     hook: Arc::new(NoHook),
///     console: Arc::default(),
/// };
/// let web = ConsoleWeb::new(settings, &mut StdRng::seed_from_u64(1));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
pub struct ConsoleWeb {
    users: Users,
    config: HdfsConfig,
    realm: String,
    administrators: BTreeSet<String>,
    console: Arc<Console>,
}

impl ConsoleWeb {
    /// Creates the port. `rng` draws the secret of its cookies.
    #[must_use]
    pub fn new(settings: ConsoleWebSettings, rng: &mut impl Rng) -> Self {
        let config = HdfsConfig::default();
        // There is no key, so that no token is accepted.
        let tokens = DelegationTokenSecretManager::new(
            DelegationTokenSettings::default(),
            Timestamp::EPOCH,
            &mut StdRng::from_seed([0; 32]),
        );
        let users = Users {
            server: Server::Console,
            auth: WebAuth::kerberos(settings.spnego, &config.web, rng),
            auth_to_local: AuthToLocal::full_names(),
            authorization: Authorization::new(&config),
            tokens: Arc::new(tokens),
            hook: settings.hook,
            static_user: String::new(),
            is_httpfs: false,
        };
        let administrators = settings.administrators.iter();
        Self {
            users,
            config,
            realm: settings.realm,
            administrators: administrators.map(ToString::to_string).collect(),
            console: settings.console,
        }
    }

    /// Returns the receiver of its events.
    pub(in crate::web) fn hook(&self) -> &Arc<dyn Hook> {
        &self.users.hook
    }

    /// Returns the rule for idle connections.
    pub(in crate::web) fn idle(&self) -> Option<IdleRule> {
        self.config.idle.http_rule()
    }

    /// Authenticates a request, and answers it unless it is for a verb.
    pub(in crate::web) fn admit(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Visitor, Box<WebResponse>> {
        // Whatever has another path is a file that there is not.
        let target = target(request).unwrap_or_else(|| Target::File(request.head.uri.path()));
        admit(self, now, request, rng, target)
    }

    /// Calls a verb, with the change in `body` if it is one.
    pub(in crate::web) async fn call(
        &self,
        now: Timestamp,
        visitor: Visitor,
        body: &[u8],
    ) -> WebAnswer {
        let Visitor {
            caller,
            fields,
            call,
        } = visitor;
        let is_change = call.is_change;
        let called = Event::RpcCall {
            server: Server::Console,
            user: Arc::clone(&caller.user.short),
            method: "/console".into(),
            path: Some(cut(&call.verb).into()),
            outcome: Outcome::Ok,
        };
        let answer = answer(self.verbs(), call, fields, body).await;
        // Who only looks leaves no trace among what the others do.
        if is_change && answer.status().is_success() {
            self.users.hook.record(now, called);
        }
        answer
    }
}

impl Owner for ConsoleWeb {
    fn users(&self) -> &Users {
        &self.users
    }

    fn config(&self) -> &WebConfig {
        &self.config.web
    }

    fn verbs(&self) -> Option<&dyn ConsoleVerbs> {
        self.console.verbs()
    }

    /// Returns none: the verbs bring those of a realm.
    fn files(&self) -> &'static [ConsoleFile] {
        &[]
    }

    fn is_administrator(&self, _now: Timestamp, user: &str) -> bool {
        self.administrators.contains(user)
    }

    fn administrators(&self) -> &'static str {
        "those whom the console's list of administrators names"
    }

    fn place(&self) -> (&'static str, &str) {
        ("realm", &self.realm)
    }

    /// Returns none: there are no DataNodes.
    fn origins(&self, _now: Timestamp, _caller: &Caller, _scheme: Scheme) -> String {
        String::new()
    }
}

impl fmt::Debug for ConsoleWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP port of the console of {}", self.realm)
    }
}

#[cfg(test)]
mod tests;
