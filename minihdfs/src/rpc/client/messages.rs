//! The client's messages.

use prost::Message;

use super::ClientId;
use super::call::Outgoing;
use crate::proto::common::rpc_sasl_proto::{SaslAuth, SaslState};
use crate::proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, RpcSaslProto,
    UserInformationProto,
};
use crate::rpc::frame::put_frame;
use crate::rpc::header::{WIRE_VERSION, call_id};

/// `rpcKind` of calls with protobuf messages.
const PROTOCOL_BUFFER: i32 = 2;
/// `rpcOp` of a complete message.
const FINAL_PACKET: i32 = 0;
/// The retry count of messages that are not calls.
const NO_RETRY_COUNT: i32 = -1;

/// Returns the start of a connection.
pub(super) fn preamble(sasl: bool) -> [u8; 7] {
    let authentication = if sasl { -33_i8 as u8 } else { 0 };
    [b'h', b'r', b'p', b'c', WIRE_VERSION, 0, authentication]
}

fn header(call_id: i32, client_id: &[u8], retry_count: i32) -> RpcRequestHeaderProto {
    RpcRequestHeaderProto {
        rpc_kind: Some(PROTOCOL_BUFFER),
        rpc_op: Some(FINAL_PACKET),
        call_id,
        client_id: client_id.to_vec().into(),
        retry_count: Some(retry_count),
        ..Default::default()
    }
}

/// Appends a frame of delimited messages.
fn put(messages: &[Vec<u8>], out: &mut Vec<u8>) {
    let Ok(()) = put_frame(out, |out| {
        messages
            .iter()
            .for_each(|message| out.extend_from_slice(message));
        Ok::<(), std::convert::Infallible>(())
    });
}

/// Appends a SASL message.
pub(super) fn put_sasl(
    state: SaslState,
    token: Option<Vec<u8>>,
    auth: Option<SaslAuth>,
    out: &mut Vec<u8>,
) {
    let message = RpcSaslProto {
        version: None,
        state: state.into(),
        token: token.map(Into::into),
        auths: auth.into_iter().collect(),
    };
    let header = header(call_id::SASL, &[], NO_RETRY_COUNT);
    let messages = [
        header.encode_length_delimited_to_vec(),
        message.encode_length_delimited_to_vec(),
    ];
    put(&messages, out);
}

/// Appends the connection context.
pub(super) fn put_context(
    client_id: &ClientId,
    protocol: &str,
    user_info: Option<UserInformationProto>,
    out: &mut Vec<u8>,
) {
    let message = IpcConnectionContextProto {
        user_info,
        protocol: Some(protocol.to_owned()),
    };
    let header = header(call_id::CONNECTION_CONTEXT, client_id, NO_RETRY_COUNT);
    let messages = [
        header.encode_length_delimited_to_vec(),
        message.encode_length_delimited_to_vec(),
    ];
    put(&messages, out);
}

/// Appends a ping.
pub(super) fn put_ping(out: &mut Vec<u8>) {
    let header = header(call_id::PING, &[], NO_RETRY_COUNT);
    put(&[header.encode_length_delimited_to_vec()], out);
}

/// Appends a call.
pub(super) fn put_call(
    client_id: &ClientId,
    call: &Outgoing,
    protocol: (&str, u64),
    out: &mut Vec<u8>,
) {
    let header = RpcRequestHeaderProto {
        state_id: call.state_id,
        ..header(call.call_id, client_id, call.retry_count)
    };
    let method = RequestHeaderProto {
        method_name: call.method.clone(),
        declaring_class_protocol_name: protocol.0.to_owned(),
        client_protocol_version: protocol.1,
    };
    let mut request = Vec::with_capacity(call.request.len() + 5);
    crate::rpc::wire::put_varint(call.request.len() as u64, &mut request);
    request.extend_from_slice(&call.request);
    let messages = [
        header.encode_length_delimited_to_vec(),
        method.encode_length_delimited_to_vec(),
        request,
    ];
    put(&messages, out);
}
