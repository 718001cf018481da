//! Calls: the fault check, execution, response and journal entry.

use std::sync::Arc;

use kerbox_events::{Event, Outcome, Verdict, cut};
use kerbox_krb5::Timestamp;

use super::{End, RpcSession};
use crate::error::HdfsError;
use crate::rpc::header::{CallHeader, RequestHeader, ResponseHeader};
use crate::rpc::service::Call;
use crate::rpc::wire::{self, Malformed};
use crate::user::Caller;

/// The maximum number of method names that a session remembers: more than any protocol has.
const MAX_METHOD_NAMES: usize = 256;

impl RpcSession {
    pub(super) fn call(
        &mut self,
        now: Timestamp,
        header: &RequestHeader<'_>,
        mut payload: &[u8],
    ) -> Result<(), End> {
        let unreadable = |Malformed(why)| {
            End::undecodable(format!("IPC server unable to read call parameters: {why}"))
        };
        let call = wire::delimited(&mut payload)
            .and_then(CallHeader::decode)
            .map_err(unreadable)?;
        let request = wire::delimited(&mut payload).map_err(unreadable)?;
        let Some(mut caller) = self.caller.take() else {
            return Err(End::invalid_header("Connection context not established"));
        };
        caller.client_id = header.client_id.try_into().unwrap_or_default();
        caller.call_id = header.call_id;
        caller.retry_count = header.retry_count;
        caller.state_id = header.state_id;
        let served = self.serve(now, header, &call, request, &caller);
        self.caller = Some(caller);
        served
    }

    fn serve(
        &mut self,
        now: Timestamp,
        header: &RequestHeader<'_>,
        call: &CallHeader<'_>,
        request: &[u8],
        caller: &Caller,
    ) -> Result<(), End> {
        let endpoint = Arc::clone(&self.endpoint);
        let method = self.method_name(call.method);
        let event = |outcome| Event::RpcCall {
            server: endpoint.server,
            user: Arc::clone(&caller.user.short),
            method: Arc::clone(&method),
            outcome,
        };
        let mut reply = ResponseHeader {
            call_id: header.call_id,
            client_id: header.client_id,
            retry_count: header.retry_count,
            state_id: None,
        };
        let mut spoil = false;
        if !self.asked && endpoint.hook.watching() {
            match endpoint.hook.ask(now, &event(Outcome::Asked)) {
                Verdict::Exception { class, message } => {
                    self.reply_error(
                        &reply,
                        &HdfsError::new(class.to_string(), message.to_string()),
                    );
                    endpoint
                        .hook
                        .record(now, event(Outcome::Exception { class, message }));
                    return Ok(());
                }
                Verdict::Delay(duration) => return Err(End::Wait(duration)),
                Verdict::Drop => {
                    endpoint.hook.record(now, event(Outcome::Dropped));
                    return Ok(());
                }
                Verdict::Disconnect => {
                    endpoint.hook.record(now, event(Outcome::Disconnected));
                    return Err(End::Close);
                }
                Verdict::Kill => {
                    endpoint.hook.record(now, event(Outcome::Disconnected));
                    return Err(End::Kill);
                }
                Verdict::Corrupt => spoil = true,
                _ => {}
            }
        }
        let call = Call {
            now,
            caller,
            protocol: call.protocol,
            version: call.version,
            method: call.method,
            request,
        };
        let served = self.reply(|out| {
            let start;
            if endpoint.service.state_id().is_some() {
                // The header contains the state after the call, so the call is executed first.
                let mut response = Vec::new();
                endpoint.service.call(&call, &mut response)?;
                reply.state_id = endpoint.service.state_id();
                reply.encode(None, out);
                start = out.len();
                out.extend_from_slice(&response);
            } else {
                reply.encode(None, out);
                start = out.len();
                endpoint.service.call(&call, out)?;
            }
            if spoil {
                // The length stays intact, so that the client reads the corrupted bytes.
                out[start + 1..].iter_mut().for_each(|byte| *byte ^= 0xff);
            }
            Ok(())
        });
        let outcome = match served {
            Ok(()) => {
                // The method exists, so its name is not invented by the client.
                self.remember(&method);
                Outcome::Ok
            }
            Err(error) => {
                self.reply_error(&reply, &error);
                Outcome::Exception {
                    class: error.class().into(),
                    message: error.message().into(),
                }
            }
        };
        endpoint.hook.record(now, event(outcome));
        Ok(())
    }

    /// Returns the name as stored in the journal.
    fn method_name(&self, name: &str) -> Arc<str> {
        match self.methods.iter().find(|known| ***known == *name) {
            Some(known) => Arc::clone(known),
            None => cut(name).into(),
        }
    }

    fn remember(&mut self, method: &Arc<str>) {
        let known = || self.methods.iter().any(|known| Arc::ptr_eq(known, method));
        if self.methods.len() < MAX_METHOD_NAMES && !known() {
            self.methods.push(Arc::clone(method));
        }
    }
}
