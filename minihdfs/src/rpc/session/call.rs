//! Calls: the fault check, execution, response and journal entry.

use std::sync::Arc;

use kerbox_events::{Changes, Event, Exception, Outcome, ReplyFault, Ruling, cut, rule};
use kerbox_krb5::Timestamp;

use super::{End, RpcSession};
use crate::error::HdfsError;
use crate::rpc::header::{CallHeader, RequestHeader, ResponseHeader};
use crate::rpc::service::Call;
use crate::rpc::wire::{self, Malformed};
use crate::user::Caller;

/// The maximum number of method names that a session remembers: more than any protocol has.
const MAX_METHOD_NAMES: usize = 256;

/// The maximum size of the responses that a fault keeps back. Beyond it, they are sent.
const MAX_JOINED: usize = 1 << 20;

/// The reason not to carry out a call.
enum Refused {
    /// A fault answers in place of the server.
    By(Exception),
    /// The call waits, or it gets no answer.
    Ended(Result<(), End>),
}

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
            path: path_of(request).map(|path| cut(path).into()),
            outcome,
        };
        let mut reply = ResponseHeader {
            call_id: header.call_id,
            client_id: header.client_id,
            retry_count: header.retry_count,
            state_id: None,
        };
        let changes = match self.ask(now, &event) {
            Ok(changes) => changes,
            Err(Refused::Ended(ended)) => return ended,
            Err(Refused::By(exception)) => {
                let outcome = exception.outcome();
                self.send_joined();
                self.reply_error(&reply, &exception.into());
                endpoint.hook.record(now, event(outcome));
                return Ok(());
            }
        };
        let call = Call {
            now,
            caller,
            protocol: call.protocol,
            version: call.version,
            method: call.method,
            request,
        };
        let before = self.output.len();
        self.send_joined();
        let outcome = match self.execute(&call, &mut reply, &changes) {
            Ok(()) => {
                // The method exists, so its name is not invented by the client.
                self.remember(&method);
                Outcome::Ok
            }
            Err(error) => Outcome::Exception {
                class: error.class().into(),
                message: error.message().into(),
            },
        };
        endpoint.hook.record(now, event(outcome));
        self.spoil(before, changes.reply)
    }

    /// Asks for a verdict on a call, once. A call that waits for one is not asked about again.
    fn ask(
        &mut self,
        now: Timestamp,
        event: &impl Fn(Outcome) -> Event,
    ) -> Result<Changes, Refused> {
        if self.asked {
            return Ok(Changes::default());
        }
        let ended = match rule::<Exception>(&*self.endpoint.hook, now, event) {
            Ruling::Go(changes) if changes.delay.is_zero() => return Ok(changes),
            Ruling::Go(changes) => Err(End::Wait(changes.delay)),
            Ruling::Hold(latch) => {
                self.latch = Some(latch);
                Err(End::Latched { again: true })
            }
            Ruling::Refuse(exception) => return Err(Refused::By(exception)),
            Ruling::End(ending) => End::by_fault(ending),
        };
        Err(Refused::Ended(ended))
    }

    /// Carries out a call, and answers unless the answer is to be lost.
    fn execute(
        &mut self,
        call: &Call<'_>,
        reply: &mut ResponseHeader<'_>,
        changes: &Changes,
    ) -> Result<(), HdfsError> {
        if changes.reply == ReplyFault::Lost {
            // Nothing is wrapped either, so that the stream of tokens has no gap.
            return self.endpoint.service.call(call, &mut Vec::new());
        }
        self.respond(call, reply, changes.corrupt)
            .inspect_err(|error| self.reply_error(reply, error))
    }

    /// Does to the answer, which begins at `before`, as a fault demands.
    fn spoil(&mut self, before: usize, fault: ReplyFault) -> Result<(), End> {
        match fault {
            ReplyFault::None | ReplyFault::Lost => {}
            ReplyFault::Cut(bytes) => {
                self.output.truncate(before.saturating_add(bytes));
                return Err(End::Close);
            }
            ReplyFault::Chopped(bytes) => self.piece = Some(bytes),
            ReplyFault::Joined => {
                if self.output.len() - before <= MAX_JOINED {
                    self.joined.extend(self.output.drain(before..));
                }
            }
        }
        Ok(())
    }

    /// Sends the responses that a fault has kept back, before the next one.
    fn send_joined(&mut self) {
        self.output.append(&mut self.joined);
    }

    /// Carries out a call and appends its response. After an error the output is unchanged.
    fn respond(
        &mut self,
        call: &Call<'_>,
        reply: &mut ResponseHeader<'_>,
        corrupt: bool,
    ) -> Result<(), HdfsError> {
        let endpoint = Arc::clone(&self.endpoint);
        self.reply(|out| {
            let start;
            if endpoint.service.state_id().is_some() {
                // The header contains the state after the call, so the call is executed first.
                let mut response = Vec::new();
                endpoint.service.call(call, &mut response)?;
                reply.state_id = endpoint.service.state_id();
                reply.encode(None, out);
                start = out.len();
                out.extend_from_slice(&response);
            } else {
                reply.encode(None, out);
                start = out.len();
                endpoint.service.call(call, out)?;
            }
            if corrupt {
                corrupt_message(&mut out[start..]);
            }
            Ok(())
        })
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

/// Returns the path that a request is about: its first field, in the methods that have a path.
fn path_of(request: &[u8]) -> Option<&str> {
    /// The key of a string in field 1.
    const KEY: u8 = 0x0a;
    let mut rest = request.strip_prefix(&[KEY])?;
    let text = std::str::from_utf8(wire::delimited(&mut rest).ok()?).ok()?;
    text.starts_with('/').then_some(text)
}

/// Corrupts a delimited message, but not the length in front of it, so that the client reads all
/// of the corrupt bytes.
fn corrupt_message(message: &mut [u8]) {
    let length = message.iter().position(|byte| byte & 0x80 == 0);
    let contents = message.iter_mut().skip(length.map_or(0, |last| last + 1));
    contents.for_each(|byte| *byte ^= 0xff);
}
