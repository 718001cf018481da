//! One connection without its socket: [`RpcSession`] takes bytes and a time, and returns bytes.
//!
//! - `handshake`: the SASL offer and the client's choice; `mechanism`: the tokens of the chosen
//!   mechanism; `progress`: how far it is
//! - `context`: the caller's identity
//! - `call`: calls, and the faults that apply to them
//! - `reply`: responses, wrapped where that was negotiated

mod call;
mod context;
mod handshake;
mod mechanism;
mod progress;
mod reply;
#[cfg(test)]
pub(super) mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Ending, Latch};
use kerbox_krb5::Timestamp;
use rand::Rng;

use super::endpoint::{MAX_HANDSHAKE_FRAME, RpcEndpoint};
use super::frame::{self, FrameBuffer, PREAMBLE_LENGTH, Preamble};
use super::header::{ErrorCode, RequestHeader, ResponseHeader, call_id};
use super::wire;
use crate::error::HdfsError;
use crate::proto::common::RpcKindProto;
use crate::proto::common::rpc_request_header_proto::OperationProto;
use crate::sasl::SaslServer;
use crate::user::Caller;
use progress::Handshake;

/// The next action of a session's driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Write [`RpcSession::output`], then pass in more input.
    Read,
    /// Write [`RpcSession::output`], then call [`RpcSession::advance`] again, because there is more
    /// to do.
    Write,
    /// Write [`RpcSession::output`], wait this long in real time, then call [`RpcSession::advance`]
    /// again.
    Wait(Duration),
    /// Write [`RpcSession::output`], wait for [`RpcSession::latch`], then call
    /// [`RpcSession::advance`] again.
    Hold,
    /// Write [`RpcSession::output`], then close the connection.
    Close,
    /// Write [`RpcSession::output`], then close the sending half of the connection, and read and
    /// discard what comes.
    HalfClose,
    /// Stop the whole server.
    Kill,
}

/// The size of output above which it must be written first, so that a client that does not read is
/// no longer served.
const OUTPUT_HIGH_WATER: usize = 256 << 10;

/// The number of frames processed before other tasks get to run.
const FRAMES_AT_A_TIME: usize = 64;

/// The length above which a frame counts as slow to process.
const COSTLY: usize = 64 << 10;

/// One connection.
///
/// ```
/// use std::sync::Arc;
///
/// use kerbox_krb5::Timestamp;
/// use minihdfs::rpc::{RpcEndpoint, RpcSession, Step};
/// use rand::rngs::StdRng;
///
/// /// Answers all that a client sends, without a socket.
/// fn answer(
///     endpoint: Arc<RpcEndpoint>,
///     input: &[u8],
///     now: Timestamp,
///     rng: &mut StdRng,
/// ) -> Vec<u8> {
///     let mut session = RpcSession::new(endpoint, ([127, 0, 0, 1], 50_000).into());
///     session.input().extend_from_slice(input);
///     while session.advance(now, rng) == Step::Write {}
///     std::mem::take(session.output())
/// }
/// ```
pub struct RpcSession {
    endpoint: Arc<RpcEndpoint>,
    peer: SocketAddr,
    input: FrameBuffer,
    /// The unwrapped input, which has its own stream of frames.
    unwrapped: FrameBuffer,
    output: Vec<u8>,
    /// The output to send after a wait.
    held: Vec<u8>,
    /// The responses to send together with the next one, for a fault.
    joined: Vec<u8>,
    /// A fault's latch to wait for.
    latch: Option<Latch>,
    /// The number of bytes to write at once, for a fault.
    piece: Option<usize>,
    /// The plaintext of a reply before wrapping.
    plaintext: Vec<u8>,
    preamble_read: bool,
    handshake: Handshake,
    /// The negotiated security layer, if any.
    layer: Option<Box<SaslServer>>,
    /// The caller, known once the connection context was received.
    caller: Option<Caller>,
    /// Method names for the journal, each allocated only once.
    methods: Vec<Arc<str>>,
    /// True if faults have been consulted about the next frame and its delay is over.
    asked: bool,
    closed: bool,
}

/// A reason to stop processing frames after the current one.
enum End {
    /// Report the error to the client, then close.
    Fatal(HdfsError, ErrorCode),
    /// Wait, then process the same frame again.
    Wait(Duration),
    /// Wait, then send the held output.
    Hold(Duration),
    /// Wait for the session's latch. Then, if `again` is true, process the same frame again; else
    /// send the held output.
    Latched {
        again: bool,
    },
    Close,
    HalfClose,
    Kill,
}

impl End {
    /// Creates the error for an unexpected header (`FATAL_INVALID_RPC_HEADER`).
    fn invalid_header(message: impl Into<String>) -> Self {
        Self::Fatal(
            HdfsError::rpc_server(message),
            ErrorCode::FatalInvalidRpcHeader,
        )
    }

    /// Creates the error for a message that cannot be decoded (`FATAL_DESERIALIZING_REQUEST`).
    fn undecodable(message: impl Into<String>) -> Self {
        Self::Fatal(
            HdfsError::rpc_server(message),
            ErrorCode::FatalDeserializingRequest,
        )
    }

    fn unauthorized(error: impl Into<HdfsError>) -> Self {
        Self::Fatal(error.into(), ErrorCode::FatalUnauthorized)
    }

    /// Carries out the end of an exchange by a fault.
    fn by_fault(ending: Ending) -> Result<(), Self> {
        match ending {
            Ending::Silent => Ok(()),
            Ending::Close => Err(Self::Close),
            Ending::HalfClose => Err(Self::HalfClose),
            Ending::Kill => Err(Self::Kill),
        }
    }
}

/// Returns true if the frame must be processed again.
fn again(handled: &Result<(), End>) -> bool {
    matches!(handled, Err(End::Wait(_) | End::Latched { again: true }))
}

impl RpcSession {
    /// Creates a session for a connection just accepted from `peer`.
    #[must_use]
    pub fn new(endpoint: Arc<RpcEndpoint>, peer: SocketAddr) -> Self {
        Self {
            endpoint,
            peer,
            input: FrameBuffer::default(),
            unwrapped: FrameBuffer::default(),
            output: Vec::new(),
            held: Vec::new(),
            joined: Vec::new(),
            latch: None,
            piece: None,
            plaintext: Vec::new(),
            preamble_read: false,
            handshake: Handshake::Simple,
            layer: None,
            caller: None,
            methods: Vec::new(),
            asked: false,
            closed: false,
        }
    }

    /// Returns the buffer to append input to before [`advance`](Self::advance).
    pub fn input(&mut self) -> &mut Vec<u8> {
        self.input.tail()
    }

    /// Returns the output to write. The driver removes what it has written.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Returns the number of buffered bytes of input and output, and the memory of large buffers.
    #[must_use]
    pub fn held(&self) -> usize {
        let buffers = [&self.output, &self.held, &self.joined, &self.plaintext];
        let buffers = buffers.map(|buffer| frame::held(buffer, buffer.len()));
        self.input.held() + self.unwrapped.held() + buffers.iter().sum::<usize>()
    }

    /// Returns the number of bytes to write at once.
    #[must_use]
    pub fn piece(&self) -> usize {
        self.piece.unwrap_or(usize::MAX)
    }

    /// Takes the latch to wait for after [`Step::Hold`].
    pub fn latch(&mut self) -> Latch {
        self.latch.take().unwrap_or_default()
    }

    /// Removes the output, which was written.
    pub fn written(&mut self) {
        self.output.clear();
        self.piece = None;
        frame::release(&mut self.output);
    }

    /// Returns true if the next [`advance`](Self::advance) may be slow because of a long request.
    #[must_use]
    pub fn is_costly(&self) -> bool {
        let limit = self.frame_limit();
        self.input.has_longer(COSTLY, limit) || self.unwrapped.has_longer(COSTLY, limit)
    }

    /// Returns the caller, once the connection context was received.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// Returns the quality of protection that was agreed with an authenticated caller, as SASL
    /// writes it.
    #[must_use]
    pub fn protection(&self) -> Option<&'static str> {
        let of_layer = self.layer.as_ref().map(|layer| layer.qop().sasl_name());
        match self.handshake {
            Handshake::Done { .. } => Some(of_layer.unwrap_or("auth")),
            _ => None,
        }
    }

    /// Processes the received input.
    pub fn advance(&mut self, now: Timestamp, rng: &mut impl Rng) -> Step {
        // Frames are read in place while the session changes, so the buffers are moved out
        // meanwhile.
        let mut input = std::mem::take(&mut self.input);
        let step = self.run(now, rng, &mut input);
        self.input = input;
        self.input.release();
        self.unwrapped.release();
        frame::release(&mut self.held);
        self.closed |= matches!(step, Step::Close | Step::HalfClose | Step::Kill);
        step
    }

    fn run(&mut self, now: Timestamp, rng: &mut impl Rng, input: &mut FrameBuffer) -> Step {
        if self.closed {
            return Step::Close;
        }
        self.output.append(&mut self.held);
        if !self.preamble_read {
            let Some(preamble) = Preamble::read(input.unread()) else {
                return Step::Read;
            };
            if !self.begin(preamble) {
                return Step::Close;
            }
            input.consume(PREAMBLE_LENGTH);
        }
        for _ in 0..FRAMES_AT_A_TIME {
            if self.output.len() > OUTPUT_HIGH_WATER {
                return Step::Write;
            }
            let limit = self.frame_limit();
            // Wrapped input arrived before the rest of the plain input.
            let mut unwrapped = std::mem::take(&mut self.unwrapped);
            let handled = match unwrapped.frame(limit) {
                Ok(None) => None,
                Ok(Some(range)) => {
                    let end = range.end;
                    let handled = self.frame(now, rng, &unwrapped.unread()[range], true);
                    unwrapped.consume(if again(&handled) { 0 } else { end });
                    Some(handled)
                }
                Err(_) => Some(Err(End::Close)),
            };
            self.unwrapped = unwrapped;
            let handled = match handled {
                Some(handled) => handled,
                None => match input.frame(limit) {
                    Ok(None) => return Step::Read,
                    Ok(Some(range)) => {
                        let end = range.end;
                        let handled = self.frame(now, rng, &input.unread()[range], false);
                        input.consume(if again(&handled) { 0 } else { end });
                        handled
                    }
                    Err(bad) => {
                        tracing::debug!(peer = %self.peer, length = bad.0, limit, "a frame's length is out of bounds");
                        Err(End::Close)
                    }
                },
            };
            self.asked = again(&handled);
            match handled {
                Ok(()) => {}
                Err(End::Wait(duration) | End::Hold(duration)) => return Step::Wait(duration),
                Err(End::Latched { .. }) => return Step::Hold,
                Err(End::Kill) => return Step::Kill,
                Err(End::HalfClose) => return Step::HalfClose,
                Err(End::Close | End::Fatal(..)) => return Step::Close,
            }
        }
        Step::Write
    }

    /// Returns the maximum frame length, which is small until the client is identified.
    fn frame_limit(&self) -> usize {
        match self.caller {
            Some(_) => self.endpoint.max_request_length,
            None => self.endpoint.max_request_length.min(MAX_HANDSHAKE_FRAME),
        }
    }

    /// Replies to the preamble where necessary. Returns `false` if the connection ends.
    fn begin(&mut self, preamble: Preamble) -> bool {
        self.preamble_read = true;
        let (error, detail) = match preamble {
            Preamble::Simple if self.endpoint.security.is_none() => return true,
            Preamble::Sasl => {
                self.handshake = Handshake::Start;
                return true;
            }
            Preamble::Simple => (
                HdfsError::access_control(format!(
                    "SIMPLE authentication is not enabled.  Available:{}",
                    self.available()
                )),
                ErrorCode::FatalUnauthorized,
            ),
            Preamble::UnknownAuthentication(byte) => (
                HdfsError::ipc(format!("Unknown auth protocol:{byte}")),
                ErrorCode::FatalUnauthorized,
            ),
            Preamble::Version(version) => {
                let message = format!(
                    "Server IPC version 9 cannot communicate with client version {version}"
                );
                if version < 9 {
                    reply::put_version_mismatch_before_9(&message, &mut self.output);
                    return false;
                }
                (
                    HdfsError::version_mismatch(message),
                    ErrorCode::FatalVersionMismatch,
                )
            }
            Preamble::Http => {
                self.output.extend_from_slice(
                    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
                      This port speaks Hadoop RPC, not HTTP: write hdfs://, or take the web address.\n",
                );
                return false;
            }
        };
        let header = ResponseHeader {
            call_id: call_id::NONE,
            client_id: &[],
            retry_count: -1,
            state_id: None,
        };
        self.reply_fatal(&header, &error, detail);
        false
    }

    /// Processes one frame, and reports fatal errors to the client.
    fn frame(
        &mut self,
        now: Timestamp,
        rng: &mut impl Rng,
        frame: &[u8],
        wrapped: bool,
    ) -> Result<(), End> {
        let mut payload = frame;
        let header = wire::delimited(&mut payload).and_then(RequestHeader::decode);
        let handled = match &header {
            Ok(header) => self.message(now, rng, header, payload, wrapped),
            Err(malformed) => Err(End::undecodable(format!(
                "Error decoding RpcRequestHeaderProto: {}",
                malformed.0
            ))),
        };
        if let Err(End::Fatal(error, detail)) = &handled {
            let header = ResponseHeader {
                call_id: header
                    .as_ref()
                    .map_or(call_id::NONE, |header| header.call_id),
                client_id: &[],
                retry_count: header.as_ref().map_or(-1, |header| header.retry_count),
                state_id: None,
            };
            self.reply_fatal(&header, error, *detail);
        }
        handled
    }

    fn message(
        &mut self,
        now: Timestamp,
        rng: &mut impl Rng,
        header: &RequestHeader<'_>,
        payload: &[u8],
        wrapped: bool,
    ) -> Result<(), End> {
        match header.operation {
            None => {
                return Err(End::invalid_header(
                    " IPC Server: No rpc op in rpcRequestHeader",
                ));
            }
            Some(OperationProto::RpcFinalPacket) => {}
            Some(other) => {
                let name = other.as_str_name();
                return Err(End::invalid_header(format!(
                    "IPC Server does not implement rpc header operation{name}"
                )));
            }
        }
        let Some(kind) = header.kind else {
            return Err(End::invalid_header(
                " IPC Server: No rpc kind in rpcRequestHeader",
            ));
        };
        match header.call_id {
            call_id::CONNECTION_CONTEXT => self.connection_context(now, payload),
            call_id::SASL => self.sasl(now, rng, header, payload, wrapped),
            call_id::PING => Ok(()),
            other if other < 0 => Err(End::invalid_header(format!(
                "Unknown out of band call #{other}"
            ))),
            _ if self.caller.is_none() => {
                Err(End::invalid_header("Connection context not established"))
            }
            _ if kind != RpcKindProto::RpcProtocolBuffer => Err(End::invalid_header(format!(
                "Unknown rpc kind in rpc header{}",
                kind.as_str_name()
            ))),
            _ => self.call(now, header, payload),
        }
    }
}
