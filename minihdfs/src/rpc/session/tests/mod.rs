//! Sessions fed with literal bytes.

pub(in crate::rpc) mod client;
mod faults;
mod identity;
mod refusals;
mod robustness;

use std::sync::Arc;

use kerbox_events::{Hook, NoHook, Server};
use kerbox_krb5::{Keytab, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::base64;
use crate::config::{AuthToLocalMechanism, HdfsConfig};
use crate::proto::common::{GetGroupsForUserRequestProto, GetGroupsForUserResponseProto};
use crate::rpc::service::{Call, Protocol, RpcService};
use crate::rpc::{RpcSecurity, protocol};
use crate::sasl::{GssapiSettings, QualityOfProtection};
use crate::secret_manager::{SecretManager, TokenUser};
use crate::user::AuthToLocal;
use client::Client;

const CLIENT_PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// A service that returns the caller it sees.
#[derive(Default)]
struct WhoAmI {
    state_id: Option<i64>,
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

pub(in crate::rpc) const PASSWORD: &str = "c2VjcmV0";

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

pub(in crate::rpc) fn endpoint(
    security: Option<RpcSecurity>,
    pairs: &[(&str, &str)],
    hook: Arc<dyn Hook>,
) -> RpcEndpoint {
    endpoint_of(Arc::new(WhoAmI::default()), security, pairs, hook)
}

pub(in crate::rpc) fn endpoint_of(
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

fn simple() -> Client {
    Client::new(endpoint(None, &[], Arc::new(NoHook)))
}

fn secure(qop: QualityOfProtection) -> Client {
    Client::new(endpoint(Some(security(qop)), PROXY, Arc::new(NoHook)))
}

pub(in crate::rpc) const PROXY: &[(&str, &str)] = &[
    ("hadoop.proxyuser.oozie.users", "alice"),
    ("hadoop.proxyuser.oozie.hosts", "127.0.0.1"),
];

pub(in crate::rpc) fn security(qop: QualityOfProtection) -> RpcSecurity {
    let principal = Principal::new("EXAMPLE.COM", ["hdfs", "localhost"]);
    RpcSecurity {
        gssapi: GssapiSettings::new(principal, Keytab::default(), &[qop]),
        tokens: Some(Arc::new(OnePassword)),
    }
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(9)
}
