//! The calls that reach the NameNode, by their protocols.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::HdfsError;
use crate::namenode::ops::{CLIENT_PROTOCOL, REPEATED, is_at_most_once};
use crate::namenode::retry_cache::Executed;
use crate::namenode::rpc::SERVER_PROTOCOLS;
use crate::namenode::service::NameNode;
use crate::namenode::side_protocols::SIDE_PROTOCOLS;
use crate::rpc::{Call, Durable, RpcService};

impl RpcService for NameNode {
    fn call(&self, call: &Call<'_>, response: &mut Vec<u8>) -> Result<(), HdfsError> {
        let now = call.now.as_micros();
        self.latest_call.store(now, Ordering::Relaxed);
        if call.protocol == CLIENT_PROTOCOL.name() {
            return self.call_client_protocol(call, response);
        }
        let mut protocols = SIDE_PROTOCOLS.iter().chain(&SERVER_PROTOCOLS);
        match protocols.find(|protocol| protocol.name() == call.protocol) {
            Some(protocol) => protocol.dispatch(self, call, response),
            None => Err(call.unknown_protocol()),
        }
    }

    fn durable(&self) -> Option<Durable> {
        self.durability.clone()?.durable()
    }

    fn state_id(&self) -> Option<i64> {
        self.config
            .state_context
            .then(|| self.read().state().transaction_id())
    }
}

impl NameNode {
    fn call_client_protocol(
        &self,
        call: &Call<'_>,
        response: &mut Vec<u8>,
    ) -> Result<(), HdfsError> {
        if !is_at_most_once(call.method) {
            return CLIENT_PROTOCOL.dispatch(self, call, response);
        }
        let mut cache = self
            .retry_cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let protocol = match cache.get(call.now, call.caller) {
            Some(Executed::Answered(answer)) => {
                response.extend_from_slice(answer);
                return Ok(());
            }
            Some(Executed::Unanswered) => &REPEATED,
            None => &CLIENT_PROTOCOL,
        };
        let start = response.len();
        protocol.dispatch(self, call, response)?;
        cache.put(call.now, call.caller, &response[start..]);
        Ok(())
    }
}
