//! WebHDFS on the NameNode (Hadoop's `NamenodeWebHdfsMethods`).
//!
//! An operation calls the methods of ClientProtocol, as an RPC client would: there is one way into
//! the namespace, with the same checks and events.
//!
//! - `console`: what is this server's own in the page for people
//! - `operation`: an operation under way, and its calls
//! - `get`, `put`, `post_delete`: the operations by HTTP method
//! - `listing`: directories, page by page; trash roots
//! - `of_httpfs`: what HttpFS reads, checks and refuses otherwise
//! - `thrown`: exceptions as HttpFS's client of the NameNode throws them
//! - `redirect`: operations that a DataNode carries out

mod console;
mod get;
mod listing;
mod of_httpfs;
mod operation;
mod post_delete;
mod put;
mod redirect;
mod snapshots;
mod tables;
mod thrown;

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use http::header::{ACCEPT, HeaderName};
use http::{Method, StatusCode};
use kerbox_events::{Event, Exception, Hook, Outcome, Server};
use kerbox_krb5::Timestamp;
use kerbox_net::IdleRule;
use rand::Rng;

use super::auth::{Decision, Passed, Users, WebAuth};
use super::console::{self as page, Console, Owner, Target, VerbCall, target};
use super::content::{WebAnswer, WebContent};
use super::error::Dialect;
use super::gates::DataGates;
use super::request::{Query, Scheme, WebRequest};
use super::response::{self, WebResponse, with};
use super::servlets::{Access, Page, Saver, Servlet, Upload, Uploads};
use crate::namenode::NameNode;
use crate::rpc::{Durable, RpcService};
use crate::secret_manager::DelegationTokenSecretManager;
use crate::user::AuthToLocal;
use crate::{Caller, HdfsError};
pub(super) use of_httpfs::is_true;
use operation::{Entry, Operation, Parts, event};
use tables::entry;
pub(super) use thrown::thrown;

/// The NameNode's HTTP port, without its socket.
pub struct NameNodeWeb(Parts);

/// The settings of a NameNode's HTTP port.
pub struct NameNodeWebSettings {
    /// The authentication of requests.
    pub auth: WebAuth,
    /// The rules for short names.
    pub auth_to_local: AuthToLocal,
    /// `host:port` of the NameNode's RPC port, for DataNodes.
    pub rpc_address: String,
    /// The receiver of events.
    pub hook: Arc<dyn Hook>,
    /// The configuration that `/conf` shows.
    pub configuration: Vec<(String, String)>,
    /// The DataNodes that move data for it.
    pub gates: Arc<DataGates>,
    /// The console's verbs.
    pub console: Arc<Console>,
}

/// A request that may be served.
pub struct Admitted {
    work: Work,
    caller: Caller,
    query: Query,
    fields: Vec<(HeaderName, String)>,
}

/// The work that a request asks for.
enum Work {
    Operation {
        entry: &'static Entry,
        path: String,
        scheme: Scheme,
    },
    Page {
        servlet: &'static Servlet,
        /// The types that the client accepts.
        accept: String,
    },
    /// An image, whose bytes follow.
    Upload(Upload),
    /// A verb of the console. A change follows in the body.
    Verb(VerbCall),
}

impl NameNodeWeb {
    /// Creates the port of a NameNode.
    #[must_use]
    pub fn new(namenode: Arc<NameNode>, settings: NameNodeWebSettings) -> Self {
        let checkpointers = checkpointers(&settings);
        let users = Users {
            server: Server::NameNode(1),
            auth: settings.auth,
            auth_to_local: settings.auth_to_local,
            authorization: namenode.authorization().clone(),
            tokens: Arc::clone(namenode.delegation_tokens()),
            hook: settings.hook,
            static_user: namenode.config().web.static_user.clone(),
            is_httpfs: false,
        };
        Self(Parts {
            namenode,
            users,
            rpc_address: settings.rpc_address,
            configuration: settings.configuration,
            checkpointers,
            dialect: Dialect::WebHdfs,
            gates: settings.gates,
            uploads: Uploads::default(),
            console: settings.console,
        })
    }

    /// Returns the DataNodes that move data for it.
    pub(super) fn gates(&self) -> &Arc<DataGates> {
        &self.0.gates
    }

    /// Serves HttpFS instead: other parameters and errors, cookies that state a name, and tokens of
    /// its own.
    pub(super) fn for_httpfs(mut self, tokens: Arc<DelegationTokenSecretManager>) -> Self {
        self.0.dialect = Dialect::HttpFs;
        self.0.users.is_httpfs = true;
        self.0.users.tokens = tokens;
        self
    }

    /// Returns what responses must wait for, if anything; see [`RpcService::durable`].
    pub(super) fn durable(&self) -> Option<Durable> {
        self.0.namenode.durable()
    }

    /// Returns the rule for idle connections.
    pub(super) fn idle(&self) -> Option<IdleRule> {
        self.0.namenode.config().idle.http_rule()
    }

    /// Returns the receiver of its events.
    #[must_use]
    pub fn hook(&self) -> &Arc<dyn Hook> {
        &self.0.users.hook
    }

    /// Authenticates a request and finds its operation or its page; otherwise returns the response.
    ///
    /// # Errors
    /// Fails with the response for a request that is refused, or is for none of them.
    pub fn admit(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Admitted, Box<WebResponse>> {
        if let Some(servlet) = Servlet::find(request.head.uri.path()) {
            return self.admit_page(now, request, rng, servlet);
        }
        // HttpFS has none.
        let has_console = matches!(self.0.dialect, Dialect::WebHdfs);
        match target(request).filter(|_| has_console) {
            Some(target) => self.admit_visitor(now, request, rng, target),
            None => self.admit_operation(now, request, rng),
        }
    }

    fn admit_visitor(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
        target: Target<'_>,
    ) -> Result<Admitted, Box<WebResponse>> {
        let visitor = page::admit(&self.0, now, request, rng, target)?;
        Ok(Admitted {
            work: Work::Verb(visitor.call),
            caller: visitor.caller,
            query: Query::default(),
            fields: visitor.fields,
        })
    }

    fn pass(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Passed, Box<WebResponse>> {
        match self.0.users.filter(now, request, rng) {
            Decision::Pass(passed) => Ok(passed),
            Decision::Refuse(page) => Err(page),
        }
    }

    /// Authenticates a request whose answer is the same for everyone, and returns it.
    pub(super) fn authenticate(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        answer: WebResponse,
        rng: &mut impl Rng,
    ) -> Result<WebResponse, Box<WebResponse>> {
        let passed = self.pass(now, request, rng)?;
        Ok(with(answer, passed.fields))
    }

    fn admit_operation(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Admitted, Box<WebResponse>> {
        let is_httpfs = self.0.dialect == Dialect::HttpFs;
        if is_httpfs && let Some(of_token) = of_httpfs::tokens::find(request) {
            return self.admit_of_token(now, request, rng, of_token);
        }
        let passed = self.pass(now, request, rng)?;
        let Some(path) = request.hdfs_path() else {
            return Err(Box::new(response::page(StatusCode::NOT_FOUND, "Not Found")));
        };
        let found = path.and_then(|path| {
            let user = passed.user.as_deref();
            if is_httpfs {
                self.of_httpfs(now, request, user, &path)
            } else {
                self.of_webhdfs(now, request, user, path)
            }
        });
        match found {
            Ok(admitted) => Ok(Admitted {
                fields: passed.fields,
                ..admitted
            }),
            Err(error) => {
                let response = self.0.dialect.failure(&error);
                Err(Box::new(with(response, passed.fields)))
            }
        }
    }

    /// Finds an operation of WebHDFS for a request that the filter has let pass.
    fn of_webhdfs(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        user: Option<&str>,
        path: String,
    ) -> Result<Admitted, HdfsError> {
        let query = request.query().in_lower_case();
        query.check_user(&self.0.namenode.config().web.user_pattern)?;
        let entry = entry(&request.head.method, &query)?;
        let caller = self.0.users.caller(now, request, &query, user)?;
        let scheme = request.scheme();
        Ok(Admitted::operation(entry, path, scheme, caller, query))
    }

    fn admit_page(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
        servlet: &'static Servlet,
    ) -> Result<Admitted, Box<WebResponse>> {
        let config = self.0.namenode.config();
        let users = &self.0.users;
        let query = request.query().with_user_of_ugi();
        let (caller, fields) = if servlet.access.needs_authentication(config) {
            let passed = self.pass(now, request, rng)?;
            let user = passed.user.as_deref();
            let caller = users.caller(now, request, &query, user).map_err(|error| {
                Box::new(response::page(StatusCode::FORBIDDEN, &error.to_string()))
            })?;
            (caller, passed.fields)
        } else {
            (users.unknown(request), Vec::new())
        };
        // After the authentication, for which Java's client sends OPTIONS.
        servlet
            .check_method(&request.head.method)
            .map_err(|page| Box::new(with(*page, fields.clone())))?;
        let user = &caller.user.short;
        let is_administrator = self.0.namenode.is_administrator(now, user)
            || (servlet.access == Access::Checkpointers
                && self.0.checkpointers.contains(&caller.user.full));
        servlet.access.check(config, user, is_administrator)?;
        let work = if request.head.method == Method::PUT {
            Work::Upload(Upload::of(request, &query))
        } else {
            let accept = request.header(ACCEPT).unwrap_or_default().to_owned();
            Work::Page { servlet, accept }
        };
        Ok(Admitted {
            work,
            caller,
            query,
            fields,
        })
    }

    /// Carries out an operation, or returns a page.
    #[must_use]
    pub fn serve(&self, now: Timestamp, admitted: Admitted) -> WebAnswer {
        let Admitted {
            work,
            caller,
            query,
            fields,
        } = admitted;
        let answer = match work {
            Work::Operation {
                entry,
                path,
                scheme,
            } => {
                let operation = Operation {
                    parts: &self.0,
                    now,
                    caller: &caller,
                    path: &path,
                    query: &query,
                    scheme,
                };
                let served = (entry.run)(&operation);
                served.unwrap_or_else(|error| {
                    let failure = self.0.dialect.failure(&error);
                    failure.map(WebContent::from)
                })
            }
            Work::Page { servlet, accept } => servlet.answer(&Page {
                now,
                namenode: &self.0.namenode,
                caller: &caller,
                query: &query,
                accept: &accept,
                rpc_address: &self.0.rpc_address,
                configuration: &self.0.configuration,
                saver: &(Arc::clone(&self.0.gates) as Arc<dyn Saver>),
            }),
            // The server has stored it by `store`, or has called it by `call`.
            Work::Upload(_) | Work::Verb(_) => response::empty().map(WebContent::from),
        };
        with(answer, fields)
    }

    /// Calls a verb of the console, with the change in `body` if it is one; for any other request
    /// returns what [`serve`](Self::serve) does.
    pub(super) async fn call(&self, now: Timestamp, admitted: Admitted, body: &[u8]) -> WebAnswer {
        let called = admitted.event(Outcome::Ok);
        let Work::Verb(call) = admitted.work else {
            return self.serve(now, admitted);
        };
        let is_change = call.is_change;
        let answer = page::answer(self.0.verbs(), call, admitted.fields, body).await;
        // Who only looks leaves no trace among what the others do.
        if is_change && answer.status().is_success() {
            self.hook().record(now, called);
        }
        answer
    }

    /// Stores the image that a request uploads.
    ///
    /// # Errors
    /// Fails with the response if it cannot be stored.
    pub(super) fn store(
        &self,
        now: Timestamp,
        upload: &Upload,
        contents: &mut dyn Read,
    ) -> Result<(), Box<WebResponse>> {
        let Parts {
            namenode, uploads, ..
        } = &self.0;
        upload.store(now, namenode, uploads, contents)
    }

    /// Refuses an operation with the exception of a fault.
    #[must_use]
    pub fn refuse(&self, now: Timestamp, admitted: Admitted, exception: Exception) -> WebResponse {
        let outcome = exception.outcome();
        self.hook().record(now, admitted.event(outcome));
        let failure = self.0.dialect.failure(&exception.into());
        with(failure, admitted.fields)
    }
}

impl Admitted {
    fn operation(
        entry: &'static Entry,
        path: String,
        scheme: Scheme,
        caller: Caller,
        query: Query,
    ) -> Self {
        let work = Work::Operation {
            entry,
            path,
            scheme,
        };
        Self {
            work,
            caller,
            query,
            fields: Vec::new(),
        }
    }

    /// Returns the event of the operation's first call, or of the page.
    #[must_use]
    pub fn event(&self, outcome: Outcome) -> Event {
        match &self.work {
            Work::Operation { entry, path, .. } => event(&self.caller, entry.method, path, outcome),
            Work::Page { servlet, .. } => {
                let path = self.query.get("path").unwrap_or_default();
                event(&self.caller, servlet.path, path, outcome)
            }
            Work::Upload(_) => event(&self.caller, "/imagetransfer", "", outcome),
            Work::Verb(call) => event(&self.caller, "/console", &call.verb, outcome),
        }
    }

    /// Returns whether the request calls a verb of the console, and if so, whether its body has a
    /// change.
    pub(super) fn verb(&self) -> Option<bool> {
        match &self.work {
            Work::Verb(call) => Some(call.is_change),
            _ => None,
        }
    }

    /// Returns an answer instead of that of the operation.
    pub(super) fn answered(self, answer: WebResponse) -> WebResponse {
        with(answer, self.fields)
    }

    /// Returns the image that the request uploads, if it does.
    pub(super) fn upload(&self) -> Option<&Upload> {
        match &self.work {
            Work::Upload(upload) => Some(upload),
            _ => None,
        }
    }

    /// Returns the short name of the caller.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.caller.user.short
    }
}

impl fmt::Debug for NameNodeWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP port of the NameNode at {}", self.0.rpc_address)
    }
}

/// Returns the principals of those who make checkpoints.
fn checkpointers(settings: &NameNodeWebSettings) -> BTreeSet<Arc<str>> {
    const KEYS: [&str; 2] = [
        "dfs.namenode.kerberos.principal",
        "dfs.secondary.namenode.kerberos.principal",
    ];
    let named = settings.configuration.iter();
    let named = named.filter(|(key, _)| KEYS.contains(&&**key));
    let named = named.map(|(_, principal)| principal.replace("_HOST", "localhost"));
    named.map(Arc::from).collect()
}

#[cfg(test)]
mod tests;
