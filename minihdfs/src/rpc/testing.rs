//! A server whose only service names its caller, and the value that drives one of its sessions.

use std::sync::Arc;

use kerbox_events::{Hook, Server};
use kerbox_krb5::testing::{NOW, Parties};
use kerbox_krb5::{EncryptionType, Keytab, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::HdfsError;
use crate::base64;
use crate::config::{AuthToLocalMechanism, HdfsConfig};
use crate::proto::common::{GetGroupsForUserRequestProto, GetGroupsForUserResponseProto};
use crate::rpc::{
    Call, Protocol, RpcEndpoint, RpcSecurity, RpcService, RpcSession, Step, protocol,
};
use crate::sasl::{GssapiSettings, QualityOfProtection};
use crate::secret_manager::{SecretManager, TokenUser};
use crate::user::AuthToLocal;

pub(super) const CLIENT_PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";

/// A client of any kind, the server's session at the other end of its connection, and the time and
/// random data of both.
pub(super) struct Pair<C> {
    pub(super) client: C,
    pub(super) session: RpcSession,
    pub(super) rng: StdRng,
    /// The time. It stands still until a test moves it.
    pub(super) now: Timestamp,
    /// A client with a ticket, and the service that it is for.
    pub(super) parties: Parties,
    /// All bytes that the server has sent.
    pub(super) received: Vec<u8>,
}

impl<C> Pair<C> {
    pub(super) fn connect(client: C, endpoint: RpcEndpoint) -> Self {
        Self {
            client,
            session: RpcSession::new(
                Arc::new(endpoint),
                "127.0.0.1:50000".parse().expect("an address"),
            ),
            rng: rng(),
            now: NOW,
            parties: parties(),
            received: Vec::new(),
        }
    }

    /// Passes bytes to the server. Returns its output and the session's next step.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (Vec<u8>, Step) {
        self.session.input().extend_from_slice(bytes);
        let step = self.session.advance(self.now, &mut self.rng);
        let output = std::mem::take(self.session.output());
        self.received.extend_from_slice(&output);
        (output, step)
    }
}

/// Returns alice, and the server that she has a ticket for.
pub(super) fn parties() -> Parties {
    let enctype = EncryptionType::AES256_CTS_HMAC_SHA1_96;
    Parties::new(11, enctype, ["hdfs", "localhost"])
}

pub(super) fn rng() -> StdRng {
    StdRng::seed_from_u64(9)
}

/// A service that returns the caller it sees.
#[derive(Default)]
pub(super) struct WhoAmI {
    pub(super) state_id: Option<i64>,
}

static PROTOCOL: Protocol<WhoAmI> = protocol! {
    CLIENT_PROTOCOL, 1,
    "fail" => WhoAmI::fail,
    "getGroupsForUser" => WhoAmI::who_am_i,
};

impl WhoAmI {
    fn who_am_i(
        &self,
        call: &Call<'_>,
        request: GetGroupsForUserRequestProto,
    ) -> Result<GetGroupsForUserResponseProto, HdfsError> {
        let mut groups = vec![
            request.user,
            call.caller.user.full.to_string(),
            call.caller.user.short.to_string(),
        ];
        groups.extend(
            call.caller
                .real_user
                .as_ref()
                .map(|real| real.full.to_string()),
        );
        Ok(GetGroupsForUserResponseProto { groups })
    }

    fn fail(
        &self,
        _call: &Call<'_>,
        _request: GetGroupsForUserRequestProto,
    ) -> Result<GetGroupsForUserResponseProto, HdfsError> {
        Err(HdfsError::standby("not now"))
    }
}

impl RpcService for WhoAmI {
    fn call(&self, call: &Call<'_>, response: &mut Vec<u8>) -> Result<(), HdfsError> {
        match call.protocol {
            CLIENT_PROTOCOL => PROTOCOL.dispatch(self, call, response),
            _ => Err(call.unknown_protocol()),
        }
    }

    fn state_id(&self) -> Option<i64> {
        self.state_id
    }
}

/// Knows one password, for tokens whose identifiers are `owner` or `owner real`.
struct OnePassword;

pub(super) const PASSWORD: &str = "c2VjcmV0";

impl SecretManager for OnePassword {
    fn sasl_password(&self, _now: Timestamp, user_name: &str) -> Result<String, HdfsError> {
        if user_name == "standby" {
            return Err(HdfsError::standby("ask the other"));
        }
        if base64::decode(user_name).is_none() {
            return Err(HdfsError::invalid_token("token can't be found in cache"));
        }
        Ok(PASSWORD.to_owned())
    }

    fn token_user(&self, user_name: &str) -> Result<TokenUser, HdfsError> {
        let identifier =
            String::from_utf8(base64::decode(user_name).unwrap_or_default()).expect("text");
        let (effective, real) = match identifier.split_once(' ') {
            Some((effective, real)) => (effective.to_owned(), Some(real.to_owned())),
            None => (identifier, None),
        };
        Ok(TokenUser { effective, real })
    }
}

pub(super) fn endpoint(
    security: Option<RpcSecurity>,
    pairs: &[(&str, &str)],
    hook: Arc<dyn Hook>,
) -> RpcEndpoint {
    endpoint_of(Arc::new(WhoAmI::default()), security, pairs, hook)
}

pub(super) fn endpoint_of(
    service: Arc<dyn RpcService>,
    security: Option<RpcSecurity>,
    pairs: &[(&str, &str)],
    hook: Arc<dyn Hook>,
) -> RpcEndpoint {
    let (config, _) = HdfsConfig::from_pairs(pairs.iter().copied()).expect("a configuration");
    let rules =
        AuthToLocal::parse("DEFAULT", AuthToLocalMechanism::Hadoop, "EXAMPLE.COM").expect("rules");
    RpcEndpoint::new(Server::NameNode(1), service, security, rules, &config, hook)
}

pub(super) const PROXY: &[(&str, &str)] = &[
    ("hadoop.proxyuser.oozie.users", "alice"),
    ("hadoop.proxyuser.oozie.hosts", "127.0.0.1"),
];

pub(super) fn security(qop: QualityOfProtection) -> RpcSecurity {
    let principal = Principal::new("EXAMPLE.COM", ["hdfs", "localhost"]);
    RpcSecurity {
        gssapi: GssapiSettings::new(principal, Keytab::default(), &[qop]),
        tokens: Some(Arc::new(OnePassword)),
    }
}
