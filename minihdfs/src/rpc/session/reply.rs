//! Responses and other output.

use kerbox_events::Printable;
use prost::Message;

use super::RpcSession;
use crate::error::HdfsError;
use crate::proto::common::RpcSaslProto;
use crate::rpc::frame::{put_frame, release};
use crate::rpc::header::{ErrorCode, Failure, ResponseHeader, Status, call_id};
use crate::rpc::wire::{put_varint, varint_length};

impl RpcSession {
    /// Appends a response whose header and contents `fill` writes. It is wrapped if that was
    /// negotiated, one response per token.
    ///
    /// After an error the output is unchanged.
    pub(super) fn reply<E>(
        &mut self,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(layer) = &mut self.layer else {
            return put_frame(&mut self.output, fill);
        };
        self.plaintext.clear();
        put_frame(&mut self.plaintext, fill)?;
        let token = layer.wrap(&self.plaintext);
        self.plaintext.clear();
        release(&mut self.plaintext);
        put_wrap(&token, &mut self.output);
        Ok(())
    }

    /// Appends the error of a call. The connection stays open.
    pub(super) fn reply_error(&mut self, header: &ResponseHeader<'_>, error: &HdfsError) {
        self.reply_failure(header, error, Status::Error, error.rpc_error_code());
    }

    /// Appends an error that ends the connection.
    pub(super) fn reply_fatal(
        &mut self,
        header: &ResponseHeader<'_>,
        error: &HdfsError,
        detail: ErrorCode,
    ) {
        tracing::debug!(peer = %self.peer, error = %Printable(error), "connection refused");
        self.reply_failure(header, error, Status::Fatal, detail);
    }

    fn reply_failure(
        &mut self,
        header: &ResponseHeader<'_>,
        error: &HdfsError,
        status: Status,
        detail: ErrorCode,
    ) {
        let failure = Failure {
            status,
            class: error.class(),
            message: error.message(),
            detail,
        };
        let Ok(()) = self.reply(|out| {
            header.encode(Some(&failure), out);
            Ok::<(), std::convert::Infallible>(())
        });
    }

    /// Appends a SASL message, which is never wrapped.
    pub(super) fn reply_sasl(&mut self, header: &ResponseHeader<'_>, message: &RpcSaslProto) {
        let Ok(()) = put_frame(&mut self.output, |out| {
            header.encode(None, out);
            out.extend_from_slice(&message.encode_length_delimited_to_vec());
            Ok::<(), std::convert::Infallible>(())
        });
    }
}

/// Appends a frame around a wrapped response: `RpcSaslProto { state: WRAP, token }`.
fn put_wrap(token: &[u8], out: &mut Vec<u8>) {
    let header = ResponseHeader {
        call_id: call_id::SASL,
        client_id: &[],
        retry_count: -1,
        state_id: None,
    };
    let message = 2 + 1 + varint_length(token.len() as u64) + token.len();
    out.reserve(message + 32);
    let Ok(()) = put_frame(out, |out| {
        header.encode(None, out);
        put_varint(message as u64, out);
        out.extend_from_slice(&[0x10, 5, 0x1a]);
        put_varint(token.len() as u64, out);
        out.extend_from_slice(token);
        Ok::<(), std::convert::Infallible>(())
    });
}

/// Appends the error that clients older than version 9 can read: call id, status, and the exception
/// as Writable strings.
pub(super) fn put_version_mismatch_before_9(message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i32).to_be_bytes());
    out.extend_from_slice(&(-1_i32).to_be_bytes());
    for text in ["org.apache.hadoop.ipc.RPC$VersionMismatch", message] {
        out.extend_from_slice(&(text.len() as u32).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}
