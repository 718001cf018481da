//! The server's messages.

use bytes::Bytes;

use super::{ClientId, RemoteException, RpcError};
use crate::HdfsError;
use crate::decode::decode;
use crate::proto::common::{RpcResponseHeaderProto, RpcSaslProto};
use crate::rpc::header::{ErrorCode, Status, call_id};
use crate::rpc::wire;

/// A response frame, parsed as far as it is the same for all calls.
pub(super) struct Response<'a> {
    pub(super) call_id: i32,
    pub(super) state_id: Option<i64>,
    pub(super) federated_state: Option<Bytes>,
    /// The response message, or the exception of the call.
    pub(super) outcome: Result<&'a [u8], RemoteException>,
}

impl<'a> Response<'a> {
    /// Parses a frame. Fails if the server refuses the connection, or if this is no response to
    /// this client.
    pub(super) fn decode(mut frame: &'a [u8], ours: &ClientId) -> Result<Self, RpcError> {
        let malformed =
            |why: &str| RpcError::Protocol(format!("a response cannot be decoded: {why}"));
        let header = wire::delimited(&mut frame)
            .map_err(|malformed| malformed.0.to_owned())
            .and_then(decode::<RpcResponseHeaderProto>)
            .map_err(|why| malformed(&why))?;
        let status = Status::try_from(header.status).map_err(|_| malformed("unknown status"))?;
        let call_id = header.call_id as i32;
        let outcome = if status == Status::Success {
            Ok(wire::delimited(&mut frame).map_err(|bytes| malformed(bytes.0))?)
        } else {
            Err(RemoteException {
                error: HdfsError::new(
                    header.exception_class_name().to_owned(),
                    header.error_msg().to_owned(),
                ),
                code: header
                    .error_detail
                    .and_then(|code| ErrorCode::try_from(code).ok()),
            })
        };
        if !frame.is_empty() {
            return Err(malformed(&format!("{} bytes are left over", frame.len())));
        }
        if let (Status::Fatal, Err(exception)) = (status, &outcome) {
            return Err(RpcError::Fatal(exception.clone()));
        }
        if let Some(theirs) = header
            .client_id
            .filter(|id| !id.is_empty() && **id != *ours)
        {
            return Err(RpcError::Protocol(format!(
                "Client IDs not matched: local ID={}, ID in response={}",
                hex(ours),
                hex(&theirs)
            )));
        }
        Ok(Self {
            call_id,
            state_id: header.state_id,
            federated_state: header.router_federated_state,
            outcome,
        })
    }

    /// Parses the contents as a SASL message.
    pub(super) fn sasl(self) -> Result<RpcSaslProto, RpcError> {
        let message = self.outcome.map_err(RpcError::Fatal)?;
        if self.call_id != call_id::SASL {
            return Err(RpcError::Protocol(
                "Non-SASL response during negotiation".to_owned(),
            ));
        }
        decode(message)
            .map_err(|why| RpcError::Protocol(format!("RpcSaslProto cannot be decoded: {why}")))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(64)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
