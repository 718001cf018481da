//! A client built on prost's messages, which are independent of the code under test.

use prost::Message;

use super::*;
use crate::proto::common::rpc_sasl_proto::{SaslAuth, SaslState};
use crate::proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, RpcResponseHeaderProto,
    RpcSaslProto, UserInformationProto,
};
use crate::sasl::{DigestMd5Client, UnwrapHalf, WrapHalf};

/// A client that writes its messages itself, and the session of its connection.
pub(in crate::rpc) type Client = Pair<Layer>;

/// The client's side of the security layer, once there is one.
#[derive(Default)]
pub(in crate::rpc) struct Layer(Option<(WrapHalf, UnwrapHalf)>);

/// One frame from the server.
#[derive(Debug)]
pub(in crate::rpc) struct Reply {
    pub(in crate::rpc) header: RpcResponseHeaderProto,
    pub(in crate::rpc) message: Vec<u8>,
}

impl Reply {
    pub(in crate::rpc) fn groups(&self) -> Vec<String> {
        assert_eq!(self.header.status, 0, "{:?}", self.header);
        GetGroupsForUserResponseProto::decode(self.message.as_slice())
            .expect("a response")
            .groups
    }

    pub(in crate::rpc) fn sasl(&self) -> RpcSaslProto {
        RpcSaslProto::decode(self.message.as_slice()).expect("a SASL message")
    }

    /// Returns the class and message of an exception.
    pub(in crate::rpc) fn exception(&self) -> (&str, &str) {
        (self.header.exception_class_name(), self.header.error_msg())
    }
}

pub(in crate::rpc) const SIMPLE: &[u8] = b"hrpc\x09\x00\x00";
pub(in crate::rpc) const SASL: &[u8] = b"hrpc\x09\x00\xdf";

impl Client {
    pub(in crate::rpc) fn new(endpoint: RpcEndpoint) -> Self {
        Self::connect(Layer::default(), endpoint)
    }

    /// Passes in bytes. Returns the only reply.
    pub(in crate::rpc) fn ask(&mut self, bytes: &[u8]) -> Reply {
        let (output, _) = self.feed(bytes);
        let mut replies = replies(&output);
        assert_eq!(replies.len(), 1, "{replies:?}");
        replies.pop().expect("one reply")
    }

    /// Returns the INITIATE message of a token for `identifier`, after the server's offer.
    pub(in crate::rpc) fn token(
        &mut self,
        identifier: &str,
        qop: QualityOfProtection,
    ) -> (DigestMd5Client, Vec<u8>) {
        let offer = self.ask(&[SASL, &sasl(SaslState::Negotiate, None, &[])].concat());
        let token = offer.sasl().auths[0].clone();
        let user = base64::encode(identifier.as_bytes());
        let mut digest = DigestMd5Client::rpc(user, PASSWORD.to_owned(), &[qop], &mut self.rng);
        let response = digest.respond(token.challenge()).expect("a response");
        let chosen = SaslAuth {
            challenge: None,
            ..token
        };
        (digest, sasl(SaslState::Initiate, Some(response), &[chosen]))
    }

    /// Authenticates with a token for `identifier` and returns the last reply.
    pub(in crate::rpc) fn log_in(&mut self, identifier: &str, qop: QualityOfProtection) -> Reply {
        let (digest, initiate) = self.token(identifier, qop);
        let reply = self.ask(&initiate);
        if reply.header.status == 0 {
            let (_, wrap, unwrap) = digest.finish(reply.sasl().token()).expect("rspauth");
            self.client.0 = Some((wrap, unwrap));
        }
        reply
    }

    /// Wraps like a client with a security layer.
    pub(in crate::rpc) fn wrap(&mut self, frames: &[u8]) -> Vec<u8> {
        let mut token = Vec::new();
        self.client
            .0
            .as_mut()
            .expect("a layer")
            .0
            .wrap_into(frames, &mut token);
        sasl(SaslState::Wrap, Some(token), &[])
    }

    /// Returns the frame inside a wrapped reply.
    pub(in crate::rpc) fn unwrap(&mut self, reply: &Reply) -> Reply {
        assert_eq!(reply.header.call_id, -33_i32 as u32);
        let message = reply.sasl();
        assert_eq!(message.state(), SaslState::Wrap);
        let mut frames = Vec::new();
        let unwrap = &mut self.client.0.as_mut().expect("a layer").1;
        unwrap
            .unwrap_into(message.token(), &mut frames)
            .expect("a good token");
        let mut replies = replies(&frames);
        assert_eq!(replies.len(), 1, "one response in one wrap");
        replies.pop().expect("one")
    }
}

/// Parses the server's frames; each must be consumed completely.
pub(in crate::rpc) fn replies(mut output: &[u8]) -> Vec<Reply> {
    let mut replies = Vec::new();
    while let Some((length, rest)) = output.split_first_chunk::<4>() {
        let (mut frame, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        output = rest;
        let header = RpcResponseHeaderProto::decode_length_delimited(&mut frame).expect("a header");
        let message = if header.status == 0 {
            let length = prost::decode_length_delimiter(&mut frame).expect("a length");
            let (message, rest) = frame.split_at(length);
            frame = rest;
            message.to_vec()
        } else {
            Vec::new()
        };
        assert!(frame.is_empty(), "bytes are left over");
        replies.push(Reply { header, message });
    }
    assert!(output.is_empty(), "an unfinished frame");
    replies
}

pub(in crate::rpc) fn frame(parts: &[Vec<u8>]) -> Vec<u8> {
    let contents = parts.concat();
    [&(contents.len() as u32).to_be_bytes(), contents.as_slice()].concat()
}

pub(in crate::rpc) fn header(call_id: i32) -> RpcRequestHeaderProto {
    RpcRequestHeaderProto {
        rpc_kind: Some(2),
        rpc_op: Some(0),
        call_id,
        client_id: (1..=16).collect::<Vec<u8>>().into(),
        retry_count: Some(if call_id < 0 { -1 } else { 0 }),
        ..Default::default()
    }
}

pub(in crate::rpc) fn sasl(
    state: SaslState,
    token: Option<Vec<u8>>,
    auths: &[SaslAuth],
) -> Vec<u8> {
    let message = RpcSaslProto {
        version: None,
        state: state.into(),
        token: token.map(Into::into),
        auths: auths.to_vec(),
    };
    let header = RpcRequestHeaderProto {
        client_id: Default::default(),
        ..header(-33)
    };
    frame(&[
        header.encode_length_delimited_to_vec(),
        message.encode_length_delimited_to_vec(),
    ])
}

pub(in crate::rpc) fn context(effective: Option<&str>, real: Option<&str>) -> Vec<u8> {
    let message = IpcConnectionContextProto {
        user_info: Some(UserInformationProto {
            effective_user: effective.map(str::to_owned),
            real_user: real.map(str::to_owned),
        }),
        protocol: Some(CLIENT_PROTOCOL.to_owned()),
    };
    frame(&[
        header(-3).encode_length_delimited_to_vec(),
        message.encode_length_delimited_to_vec(),
    ])
}

pub(in crate::rpc) fn call(call_id: i32, method: &str) -> Vec<u8> {
    call_of(&header(call_id), CLIENT_PROTOCOL, 1, method)
}

/// Returns a call whose request can be of any length.
pub(in crate::rpc) fn call_with(call_id: i32, method: &str, user: &str) -> Vec<u8> {
    any_call(&header(call_id), CLIENT_PROTOCOL, 1, method, user)
}

pub(in crate::rpc) fn call_of(
    header: &RpcRequestHeaderProto,
    protocol: &str,
    version: u64,
    method: &str,
) -> Vec<u8> {
    any_call(header, protocol, version, method, "?")
}

fn any_call(
    header: &RpcRequestHeaderProto,
    protocol: &str,
    version: u64,
    method: &str,
    user: &str,
) -> Vec<u8> {
    let request = GetGroupsForUserRequestProto {
        user: user.to_owned(),
    };
    let request = request.encode_length_delimited_to_vec();
    raw_call(header, protocol, version, method, request)
}

/// Returns a call with these bytes as its delimited request.
pub(in crate::rpc) fn raw_call(
    header: &RpcRequestHeaderProto,
    protocol: &str,
    version: u64,
    method: &str,
    request: Vec<u8>,
) -> Vec<u8> {
    let call = RequestHeaderProto {
        method_name: method.to_owned(),
        declaring_class_protocol_name: protocol.to_owned(),
        client_protocol_version: version,
    };
    frame(&[
        header.encode_length_delimited_to_vec(),
        call.encode_length_delimited_to_vec(),
        request,
    ])
}
