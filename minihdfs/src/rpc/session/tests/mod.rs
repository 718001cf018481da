//! Sessions fed with literal bytes.

pub(in crate::rpc) mod client;
mod faults;
mod identity;
mod refusals;
mod robustness;

use std::sync::Arc;

use kerbox_events::NoHook;
use kerbox_krb5::testing::NOW;

use super::*;
use crate::base64;
use crate::proto::common::{GetGroupsForUserRequestProto, GetGroupsForUserResponseProto};
use crate::rpc::testing::{
    CLIENT_PROTOCOL, PASSWORD, PROXY, Pair, WhoAmI, endpoint, endpoint_of, rng, security,
};
use crate::sasl::QualityOfProtection;
use client::Client;

fn simple() -> Client {
    Client::new(endpoint(None, &[], Arc::new(NoHook)))
}

fn secure(qop: QualityOfProtection) -> Client {
    Client::new(endpoint(Some(security(qop)), PROXY, Arc::new(NoHook)))
}
