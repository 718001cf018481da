//! One connection, without its socket.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use kerbox_krb5::client::Credentials;
use kerbox_krb5::{Principal, Timestamp};
use rand::Rng;

use super::call::{Outgoing, Reply};
use super::handshake::{Established, Handshake, Party};
use super::messages::{preamble, put_call, put_context, put_ping, put_sasl};
use super::response::Response;
use super::{ClientId, ClientSettings, Identity, RpcError, TicketError};
use crate::proto::common::rpc_sasl_proto::SaslState;
use crate::rpc::endpoint::MAX_HANDSHAKE_FRAME;
use crate::rpc::frame::{FrameBuffer, release};
use crate::sasl::Negotiated;
use crate::user::AuthMethod;

/// The next need of a connection, for its driver.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClientStep {
    /// More input, or the next deadline.
    Read,
    /// A ticket for this server; see [`ClientConnection::ticket`].
    Ticket(Principal),
    /// Nothing: it has ended, and all its calls have replies.
    Close,
}

/// One connection of a client: takes bytes from the server and calls from its user, and gives bytes
/// and replies back.
///
/// Calls that are made before the server has authenticated the client are sent as soon as it has.
/// Responses may come in any order.
///
/// ```
/// use std::sync::Arc;
/// use kerbox_krb5::Timestamp;
/// use minihdfs::rpc::client::{ClientConnection, ClientSettings, Identity, Outgoing};
///
/// let now = Timestamp::from_secs(1_700_000_000);
/// let protocol = ("org.apache.hadoop.hdfs.protocol.ClientProtocol", 1);
/// let settings = Arc::new(ClientSettings::default());
/// let mut connection =
///     ClientConnection::new(Identity::simple("alice"), protocol, [1; 16], settings, now);
/// let call = Outgoing {
///     call_id: 0,
///     retry_count: 0,
///     state_id: None,
///     method: "getFileInfo".to_owned(),
///     request: Vec::new(),
/// };
/// connection.call(call, now);
/// assert!(connection.output().starts_with(b"hrpc\x09")); // goes to the NameNode's socket
/// ```
pub struct ClientConnection {
    identity: Identity,
    settings: Arc<ClientSettings>,
    client_id: ClientId,
    protocol: String,
    version: u64,
    input: FrameBuffer,
    /// The server's inner stream of frames, if messages are wrapped.
    unwrapped: FrameBuffer,
    output: Vec<u8>,
    handshake: Handshake,
    layer: Option<Negotiated>,
    /// Calls that wait for the end of the handshake.
    waiting: Vec<Outgoing>,
    outstanding: BTreeSet<i32>,
    replies: VecDeque<Reply>,
    /// The time of the last input, or since when there is something to wait for.
    silent_since: Timestamp,
    /// The time of the last input, ping or end of a call.
    last_activity: Timestamp,
    failure: Option<RpcError>,
}

impl ClientConnection {
    /// Creates a connection for calls of one version of a protocol. The output contains its
    /// preamble.
    #[must_use]
    pub fn new(
        identity: Identity,
        (protocol, version): (&str, u64),
        client_id: ClientId,
        settings: Arc<ClientSettings>,
        now: Timestamp,
    ) -> Self {
        let sasl = identity.is_authenticated();
        let mut connection = Self {
            identity,
            settings,
            client_id,
            protocol: protocol.to_owned(),
            version,
            input: FrameBuffer::default(),
            unwrapped: FrameBuffer::default(),
            output: preamble(sasl).to_vec(),
            handshake: Handshake::Negotiating,
            layer: None,
            waiting: Vec::new(),
            outstanding: BTreeSet::new(),
            replies: VecDeque::new(),
            silent_since: now,
            last_activity: now,
            failure: None,
        };
        if sasl {
            connection.handshake = Handshake::start(&mut connection.output);
        } else {
            connection.established(Established::simple(), now);
        }
        connection
    }

    /// Returns the buffer to append incoming bytes to.
    pub fn input(&mut self) -> &mut Vec<u8> {
        self.input.tail()
    }

    /// Returns the bytes to send. The caller removes what it has sent.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Makes a call. Its reply comes from [`next_reply`](Self::next_reply).
    pub fn call(&mut self, call: Outgoing, now: Timestamp) {
        if let Some(failure) = &self.failure {
            let failure = failure.clone();
            self.reply(call.call_id, Err(failure));
            return;
        }
        if self.outstanding.is_empty() && self.is_established() {
            self.silent_since = now;
            self.last_activity = now;
        }
        self.outstanding.insert(call.call_id);
        if self.is_established() {
            self.send_call(&call);
        } else {
            self.waiting.push(call);
        }
    }

    /// Gives up waiting for the response to a call.
    pub fn forget(&mut self, call_id: i32) {
        self.outstanding.remove(&call_id);
        self.waiting.retain(|call| call.call_id != call_id);
    }

    /// Returns the reply of a call that has ended.
    pub fn next_reply(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// Returns true if the client is authenticated and can make calls.
    #[must_use]
    pub fn is_established(&self) -> bool {
        matches!(self.handshake, Handshake::Done(_))
    }

    /// Returns the method by which the server has authenticated the client.
    #[must_use]
    pub fn auth_method(&self) -> Option<AuthMethod> {
        match self.handshake {
            Handshake::Done(method) => Some(method),
            _ => None,
        }
    }

    /// Returns the reason why the connection has ended.
    #[must_use]
    pub fn failure(&self) -> Option<&RpcError> {
        self.failure.as_ref()
    }

    /// Processes the input, and what is due at `now`.
    pub fn advance(&mut self, now: Timestamp, rng: &mut impl Rng) -> ClientStep {
        if self.failure.is_none()
            && let Err(error) = self.frames(now, rng).and_then(|()| self.tick(now))
        {
            self.fail(error);
        }
        match (&self.failure, &self.handshake) {
            (Some(_), _) => ClientStep::Close,
            (None, Handshake::Ticket { server, .. }) => ClientStep::Ticket(server.clone()),
            _ => ClientStep::Read,
        }
    }

    /// Goes on with the ticket that [`ClientStep::Ticket`] asked for, or ends without one.
    pub fn ticket(
        &mut self,
        ticket: Result<Credentials, TicketError>,
        now: Timestamp,
        rng: &mut impl Rng,
    ) {
        self.silent_since = now;
        self.last_activity = now;
        let (settings, out) = (&self.settings, &mut self.output);
        if let Err(error) = self.handshake.initiate(ticket, now, settings, rng, out) {
            self.fail(error);
        }
    }

    /// Ends the connection, whose socket is gone or cannot be had. All calls fail with `error`.
    pub fn fail(&mut self, error: RpcError) {
        self.waiting.clear();
        for call_id in std::mem::take(&mut self.outstanding) {
            self.reply(call_id, Err(error.clone()));
        }
        self.failure.get_or_insert(error);
    }

    /// Returns the time at which [`advance`](Self::advance) has something to do without input.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        match (&self.failure, &self.handshake) {
            // The ticket's way has limits of its own.
            (Some(_), _) | (None, Handshake::Ticket { .. }) => None,
            _ if self.is_idle() => Some(self.last_activity + self.settings.max_idle_time),
            _ => Some(self.last_activity + self.settings.read_timeout()),
        }
    }

    fn is_idle(&self) -> bool {
        self.is_established() && self.outstanding.is_empty()
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), RpcError> {
        if self.next_deadline().is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        if self.is_idle() {
            return Err(RpcError::Lost("it was not used".to_owned()));
        }
        let silence = now.since(self.silent_since);
        let limit = self.settings.rpc_timeout;
        let patient = self.settings.ping && (limit.is_zero() || silence < limit);
        if !patient || !self.is_established() {
            return Err(RpcError::TimedOut(silence));
        }
        self.last_activity = now;
        let mut ping = Vec::new();
        put_ping(&mut ping);
        self.send(&ping);
        Ok(())
    }

    /// Processes all complete frames.
    fn frames(&mut self, now: Timestamp, rng: &mut impl Rng) -> Result<(), RpcError> {
        loop {
            let wrapped = self.layer.is_some();
            let limit = if self.is_established() {
                self.settings.max_response_length
            } else {
                MAX_HANDSHAKE_FRAME.min(self.settings.max_response_length)
            };
            // A frame is handled with its buffer taken out, so that it can be borrowed.
            let mut inner = std::mem::take(&mut self.unwrapped);
            let frame = next(&mut inner, limit);
            let handled = match frame {
                Ok(None) => None,
                Ok(Some(range)) => Some(self.response(&inner.unread()[range.clone()], now)),
                Err(error) => Some(Err(error)),
            };
            consume(&mut inner, &handled);
            self.unwrapped = inner;
            if let Some(handled) = handled {
                handled?;
                continue;
            }
            let mut input = std::mem::take(&mut self.input);
            let handled = match next(&mut input, limit) {
                Ok(None) => None,
                Ok(Some(range)) => {
                    let frame = &input.unread()[range];
                    self.silent_since = now;
                    self.last_activity = now;
                    Some(match self.is_established() {
                        false => self.sasl(frame, now, rng),
                        true if wrapped => self.unwrap(frame),
                        true => self.response(frame, now),
                    })
                }
                Err(error) => Some(Err(error)),
            };
            consume(&mut input, &handled);
            self.input = input;
            match handled {
                Some(handled) => handled?,
                None => return Ok(()),
            }
        }
    }

    /// Processes a message of the server during the handshake.
    fn sasl(&mut self, frame: &[u8], now: Timestamp, rng: &mut impl Rng) -> Result<(), RpcError> {
        let message = Response::decode(frame, &self.client_id)?.sasl()?;
        let party = Party {
            identity: &self.identity,
            settings: &self.settings,
        };
        let taken = self.handshake.take(message, party, rng, &mut self.output)?;
        if let Some(established) = taken {
            self.established(established, now);
        }
        Ok(())
    }

    /// Unwraps a message into the server's inner stream.
    fn unwrap(&mut self, frame: &[u8]) -> Result<(), RpcError> {
        let not_wrapped = || RpcError::Protocol("Server sent non-wrapped response".to_owned());
        let response = Response::decode(frame, &self.client_id)?;
        let message = response.sasl().map_err(|error| match error {
            RpcError::Fatal(_) => error,
            _ => not_wrapped(),
        })?;
        if message.state() != SaslState::Wrap {
            return Err(not_wrapped());
        }
        let Some(layer) = &mut self.layer else {
            return Err(not_wrapped());
        };
        let token = message.token.unwrap_or_default();
        Ok(layer.unwrap.unwrap_into(&token, self.unwrapped.tail())?)
    }

    fn response(&mut self, frame: &[u8], now: Timestamp) -> Result<(), RpcError> {
        let response = Response::decode(frame, &self.client_id)?;
        if !self.outstanding.remove(&response.call_id) {
            // A call that is no longer waited for.
            tracing::debug!(call_id = response.call_id, "a response to no call");
            return Ok(());
        }
        self.last_activity = now;
        self.replies.push_back(Reply {
            call_id: response.call_id,
            outcome: response
                .outcome
                .map(<[u8]>::to_vec)
                .map_err(RpcError::Remote),
            state_id: response.state_id,
            federated_state: response.federated_state,
        });
        Ok(())
    }

    /// Starts the calls: the server knows the client. What follows is wrapped.
    fn established(&mut self, Established { method, layer }: Established, now: Timestamp) {
        self.handshake = Handshake::Done(method);
        self.layer = layer;
        self.silent_since = now;
        self.last_activity = now;
        let mut frame = Vec::new();
        let user = self.identity.user_information(method);
        put_context(&self.client_id, &self.protocol, user, &mut frame);
        self.send(&frame);
        for call in std::mem::take(&mut self.waiting) {
            self.send_call(&call);
        }
    }

    fn send_call(&mut self, call: &Outgoing) {
        let protocol = (self.protocol.as_str(), self.version);
        if self.layer.is_some() {
            let mut frame = Vec::new();
            put_call(&self.client_id, call, protocol, &mut frame);
            self.send(&frame);
        } else {
            put_call(&self.client_id, call, protocol, &mut self.output);
        }
    }

    /// Appends a frame to the output, wrapped if that was negotiated. A long frame takes several
    /// messages.
    fn send(&mut self, frame: &[u8]) {
        release(&mut self.output);
        let Some(layer) = &mut self.layer else {
            self.output.extend_from_slice(frame);
            return;
        };
        for piece in frame.chunks(layer.raw_send_size) {
            let mut token = Vec::new();
            layer.wrap.wrap_into(piece, &mut token);
            put_sasl(SaslState::Wrap, Some(token), None, &mut self.output);
        }
    }

    fn reply(&mut self, call_id: i32, outcome: Result<Vec<u8>, RpcError>) {
        self.replies.push_back(Reply {
            call_id,
            outcome,
            state_id: None,
            federated_state: None,
        });
    }
}

/// Finds the next complete frame.
fn next(
    buffer: &mut FrameBuffer,
    limit: usize,
) -> Result<Option<std::ops::Range<usize>>, RpcError> {
    buffer.frame(limit).map_err(|bad| {
        RpcError::Protocol(format!(
            "a response has the length {}, and at most {limit} is allowed",
            bad.0
        ))
    })
}

/// Consumes the frame that was handled, and the memory of a long one.
fn consume(buffer: &mut FrameBuffer, handled: &Option<Result<(), RpcError>>) {
    if handled.is_some()
        && let Ok(Some(range)) = buffer.frame(usize::MAX)
    {
        buffer.consume(range.end);
        buffer.release();
    }
}
