//! The headers of requests and responses (`RpcRequestHeaderProto`, `RequestHeaderProto`,
//! `RpcResponseHeaderProto`).

use super::wire::{self, Malformed, put_varint, varint_length};
use crate::proto::common::RpcKindProto;
use crate::proto::common::rpc_request_header_proto::OperationProto;
pub(crate) use crate::proto::common::rpc_response_header_proto::{
    RpcErrorCodeProto as ErrorCode, RpcStatusProto as Status,
};

/// The supported version of the wire protocol.
pub(crate) const WIRE_VERSION: u8 = 9;

/// Reserved call ids.
pub(crate) mod call_id {
    /// A reply to a connection that could not be set up.
    pub(crate) const NONE: i32 = -1;
    /// The connection context.
    pub(crate) const CONNECTION_CONTEXT: i32 = -3;
    /// A ping.
    pub(crate) const PING: i32 = -4;
    /// A SASL message.
    pub(crate) const SASL: i32 = -33;
}

/// The fields of `RpcRequestHeaderProto` that a server uses. Skips trace and caller context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RequestHeader<'a> {
    /// `None` if the number is unknown.
    pub(crate) kind: Option<RpcKindProto>,
    pub(crate) operation: Option<OperationProto>,
    pub(crate) call_id: i32,
    pub(crate) client_id: &'a [u8],
    pub(crate) retry_count: i32,
    pub(crate) state_id: Option<i64>,
}

impl<'a> RequestHeader<'a> {
    pub(crate) fn decode(mut input: &'a [u8]) -> Result<Self, Malformed> {
        let (mut kind, mut operation, mut call_id, mut client_id, mut retry_count, mut state_id) =
            (None, None, None, None, -1, None);
        while let Some((number, value)) = wire::field(&mut input)? {
            match number {
                1 => kind = enumeration(value.varint()?),
                2 => operation = enumeration(value.varint()?),
                3 => call_id = Some(value.sint32()?),
                4 => client_id = Some(value.bytes()?),
                5 => retry_count = value.sint32()?,
                8 => state_id = Some(value.varint()? as i64),
                _ => {}
            }
        }
        Ok(Self {
            kind,
            operation,
            call_id: call_id.ok_or(Malformed("Message missing required fields: callId"))?,
            client_id: client_id.ok_or(Malformed("Message missing required fields: clientId"))?,
            retry_count,
            state_id,
        })
    }
}

fn enumeration<E: TryFrom<i32>>(number: u64) -> Option<E> {
    E::try_from(number as i32).ok()
}

/// `RequestHeaderProto`: the protocol and the method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CallHeader<'a> {
    pub(crate) method: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) version: u64,
}

impl<'a> CallHeader<'a> {
    pub(crate) fn decode(mut input: &'a [u8]) -> Result<Self, Malformed> {
        let (mut method, mut protocol, mut version) = (None, None, None);
        while let Some((number, value)) = wire::field(&mut input)? {
            match number {
                1 => method = Some(value.string()?),
                2 => protocol = Some(value.string()?),
                3 => version = Some(value.varint()?),
                _ => {}
            }
        }
        Ok(Self {
            method: method.ok_or(Malformed("Message missing required fields: methodName"))?,
            protocol: protocol.ok_or(Malformed(
                "Message missing required fields: declaringClassProtocolName",
            ))?,
            version: version.ok_or(Malformed(
                "Message missing required fields: clientProtocolVersion",
            ))?,
        })
    }
}

/// The fields of a response that refer to its request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ResponseHeader<'a> {
    pub(crate) call_id: i32,
    pub(crate) client_id: &'a [u8],
    pub(crate) retry_count: i32,
    pub(crate) state_id: Option<i64>,
}

/// The reason why a call or a connection failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) status: Status,
    pub(crate) class: &'a str,
    pub(crate) message: &'a str,
    pub(crate) detail: ErrorCode,
}

impl ResponseHeader<'_> {
    /// Appends the header of a successful or failed response, preceded by its length.
    ///
    /// The call id is a `uint32`, so a negative id takes 32 bits instead of the ten bytes of an
    /// `int32`.
    pub(crate) fn encode(&self, failure: Option<&Failure<'_>>, out: &mut Vec<u8>) {
        let call_id = u64::from(self.call_id as u32);
        let retry_count = u64::from(((self.retry_count << 1) ^ (self.retry_count >> 31)) as u32);
        let bytes = |length: usize| 1 + varint_length(length as u64) + length;
        let mut length = 1
            + varint_length(call_id)
            + 2
            + 2
            + bytes(self.client_id.len())
            + 1
            + varint_length(retry_count);
        if let Some(failure) = failure {
            length += bytes(failure.class.len()) + bytes(failure.message.len()) + 2;
        }
        if let Some(state_id) = self.state_id {
            length += 1 + varint_length(state_id as u64);
        }
        out.reserve(length + 5);
        put_varint(length as u64, out);
        let put_bytes = |key: u8, bytes: &[u8], out: &mut Vec<u8>| {
            out.push(key);
            put_varint(bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        };
        out.push(0x08);
        put_varint(call_id, out);
        let status = failure.map_or(Status::Success, |failure| failure.status);
        out.extend_from_slice(&[0x10, status as u8, 0x18, WIRE_VERSION]);
        if let Some(failure) = failure {
            put_bytes(0x22, failure.class.as_bytes(), out);
            put_bytes(0x2a, failure.message.as_bytes(), out);
            out.extend_from_slice(&[0x30, failure.detail as u8]);
        }
        put_bytes(0x3a, self.client_id, out);
        out.push(0x40);
        put_varint(retry_count, out);
        if let Some(state_id) = self.state_id {
            out.push(0x48);
            put_varint(state_id as u64, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::common::{
        RequestHeaderProto, RpcCallerContextProto, RpcRequestHeaderProto, RpcResponseHeaderProto,
        RpcTraceInfoProto,
    };

    #[test]
    fn request_headers_are_read_as_prost_reads_them() {
        let message = RpcRequestHeaderProto {
            rpc_kind: Some(2),
            rpc_op: Some(0),
            call_id: -33,
            client_id: (0..16).collect::<Vec<u8>>().into(),
            retry_count: Some(7),
            trace_info: Some(RpcTraceInfoProto {
                trace_id: Some(1),
                ..Default::default()
            }),
            caller_context: Some(RpcCallerContextProto {
                context: "CLI".into(),
                signature: None,
            }),
            state_id: Some(i64::MIN),
            router_federated_state: Some(vec![1, 2].into()),
        };
        let bytes = message.encode_to_vec();
        let header = RequestHeader::decode(&bytes).expect("well-formed");
        assert_eq!(
            (header.kind, header.operation),
            (
                Some(RpcKindProto::RpcProtocolBuffer),
                Some(OperationProto::RpcFinalPacket)
            )
        );
        assert_eq!(
            (header.call_id, header.retry_count, header.state_id),
            (-33, 7, Some(i64::MIN))
        );
        assert_eq!(header.client_id, message.client_id);
        for length in 0..bytes.len() {
            let ours = RequestHeader::decode(&bytes[..length]).is_ok();
            // prost does not enforce required fields.
            assert!(
                !ours || RpcRequestHeaderProto::decode(&bytes[..length]).is_ok(),
                "{length}"
            );
        }
    }

    #[test]
    fn call_headers_are_read_as_prost_reads_them() {
        let message = RequestHeaderProto {
            method_name: "getFileInfo".into(),
            declaring_class_protocol_name: "org.apache.hadoop.hdfs.protocol.ClientProtocol".into(),
            client_protocol_version: 1,
        };
        let bytes = message.encode_to_vec();
        let header = CallHeader::decode(&bytes).expect("well-formed");
        assert_eq!((header.method, header.version), ("getFileInfo", 1));
        assert_eq!(header.protocol, message.declaring_class_protocol_name);
        for length in 0..bytes.len() {
            assert!(CallHeader::decode(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn response_headers_are_written_as_prost_writes_them() {
        for (call_id, state_id, failed) in [
            (-33, None, false),
            (0, Some(-1), true),
            (i32::MAX, Some(300), false),
            (-1, None, true),
        ] {
            let client_id: Vec<u8> = (0..16).collect();
            let header = ResponseHeader {
                call_id,
                client_id: &client_id,
                retry_count: call_id / 2,
                state_id,
            };
            let failure = Failure {
                status: Status::Fatal,
                class: "java.io.IOException",
                message: "no",
                detail: ErrorCode::FatalUnauthorized,
            };
            let mut out = Vec::new();
            header.encode(failed.then_some(&failure), &mut out);
            let expected = RpcResponseHeaderProto {
                call_id: call_id as u32,
                status: if failed { 2 } else { 0 },
                server_ipc_version_num: Some(9),
                exception_class_name: failed.then(|| failure.class.to_owned()),
                error_msg: failed.then(|| failure.message.to_owned()),
                error_detail: failed.then_some(15),
                client_id: Some(client_id.into()),
                retry_count: Some(call_id / 2),
                state_id,
                router_federated_state: None,
            };
            assert_eq!(out, expected.encode_length_delimited_to_vec());
        }
    }
}
