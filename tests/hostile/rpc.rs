//! A Hadoop RPC client that logs in correctly and then sends arbitrary bytes.

use std::io;
use std::net::SocketAddr;

use kerbox_krb5::client::{
    AsExchange, AsStep, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::gss::{GssInitiator, GssInitiatorOptions};
use kerbox_krb5::messages::frame as kdc_frame;
use kerbox_krb5::{Clock, Principal};
use minihdfs::proto::common::rpc_sasl_proto::{SaslAuth, SaslState};
use minihdfs::proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, RpcResponseHeaderProto,
    RpcSaslProto,
};
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) const PREAMBLE: &[u8] = b"hrpc\x09\x00\xdf";
const CLIENT_PROTOCOL: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
const REALM: &str = "EXAMPLE.COM";

/// The tickets of a client of the KDC and of the NameNode.
pub(super) struct Tickets {
    pub(super) tgt: Credentials,
    pub(super) namenode: Credentials,
}

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

/// Sends a request to the KDC; returns its answer.
pub(super) async fn ask_kdc(kdc: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(kdc).await?;
    stream.write_all(&kdc_frame(request)).await?;
    let length = stream.read_u32().await?;
    let mut answer = Vec::new();
    stream.take(length.into()).read_to_end(&mut answer).await?;
    Ok(answer)
}

impl Tickets {
    /// Gets the tickets of bob, whose password is his name.
    pub(super) async fn get(kdc: SocketAddr) -> io::Result<Self> {
        let mut rng = StdRng::seed_from_u64(1);
        let now = || Clock::system().now();
        let request = InitialRequest::new(Principal::new(REALM, ["bob"]));
        let secret = Secret::Password("bob".to_owned());
        let (mut exchange, mut next) =
            AsExchange::new(request, secret, now(), &mut rng).map_err(other)?;
        let tgt = loop {
            let answer = ask_kdc(kdc, &next).await?;
            match exchange.step(&answer, &mut rng).map_err(other)? {
                AsStep::Send(request) => next = request,
                AsStep::Done(tgt) => break *tgt,
            }
        };
        let service = Principal::new(REALM, ["nn", "localhost"]);
        let request = TgsRequest::service(service, &tgt);
        let (exchange, request) =
            TgsExchange::new(&tgt, request, now(), &mut rng).map_err(other)?;
        let namenode = exchange
            .finish(&ask_kdc(kdc, &request).await?)
            .map_err(other)?;
        Ok(Self { tgt, namenode })
    }
}

pub(super) fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    [&(contents.len() as u32).to_be_bytes(), &contents[..]].concat()
}

fn header(call_id: i32) -> Vec<u8> {
    let header = RpcRequestHeaderProto {
        rpc_kind: Some(2),
        rpc_op: Some(0),
        call_id,
        client_id: vec![9; 16].into(),
        retry_count: Some(0),
        ..Default::default()
    };
    header.encode_length_delimited_to_vec()
}

pub(super) fn sasl(state: SaslState, token: Option<Vec<u8>>) -> Vec<u8> {
    let kerberos = SaslAuth {
        method: "KERBEROS".to_owned(),
        mechanism: "GSSAPI".to_owned(),
        protocol: Some("hdfs".to_owned()),
        server_id: Some("localhost".to_owned()),
        challenge: None,
    };
    let message = RpcSaslProto {
        version: None,
        state: state.into(),
        token: token.map(Into::into),
        auths: match state {
            SaslState::Initiate => vec![kerberos],
            _ => Vec::new(),
        },
    };
    frame(&[&header(-33), &message.encode_length_delimited_to_vec()])
}

/// Encodes a call whose request may be any bytes.
pub(super) fn call(method: &str, request: &[u8]) -> Vec<u8> {
    let call = RequestHeaderProto {
        method_name: method.to_owned(),
        declaring_class_protocol_name: CLIENT_PROTOCOL.to_owned(),
        client_protocol_version: 1,
    };
    let mut delimited = Vec::new();
    prost::encode_length_delimiter(request.len(), &mut delimited).expect("a Vec grows");
    delimited.extend(request);
    frame(&[
        &header(1),
        &call.encode_length_delimited_to_vec(),
        &delimited,
    ])
}

/// Reads the NameNode's next frame.
pub(super) async fn reply(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut frame = Vec::new();
    stream.take(length.into()).read_to_end(&mut frame).await?;
    Ok(frame)
}

async fn sasl_reply(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let frame = reply(stream).await?;
    let mut rest = frame.as_slice();
    let header = RpcResponseHeaderProto::decode_length_delimited(&mut rest).map_err(other)?;
    if header.status != 0 {
        return Err(other(header.error_msg()));
    }
    let message = RpcSaslProto::decode_length_delimited(rest).map_err(other)?;
    Ok(message.token.unwrap_or_default().to_vec())
}

/// Opens a connection and authenticates it as bob.
pub(super) async fn log_in(
    namenode: SocketAddr,
    tickets: &Tickets,
    seed: u64,
) -> io::Result<TcpStream> {
    let mut rng = StdRng::seed_from_u64(seed);
    let now = Clock::system().now();
    let options = GssInitiatorOptions::default();
    let (initiator, token) =
        GssInitiator::new(&tickets.namenode, options, now, &mut rng).map_err(other)?;
    let mut stream = TcpStream::connect(namenode).await?;
    let begin = [PREAMBLE, &sasl(SaslState::Negotiate, None)].concat();
    stream.write_all(&begin).await?;
    sasl_reply(&mut stream).await?;
    stream
        .write_all(&sasl(SaslState::Initiate, Some(token)))
        .await?;
    let proof = sasl_reply(&mut stream).await?;
    let mut context = initiator.finish(Some(&proof)).map_err(other)?;
    stream
        .write_all(&sasl(SaslState::Response, Some(Vec::new())))
        .await?;
    let offer = sasl_reply(&mut stream).await?;
    let (mut plain, mut choice) = (Vec::new(), Vec::new());
    context
        .receiver
        .unwrap_into(&offer, &mut plain)
        .map_err(other)?;
    context
        .sender
        .wrap_into(false, &[1, 0, 0, 0], &mut rng, &mut choice);
    stream
        .write_all(&sasl(SaslState::Response, Some(choice)))
        .await?;
    sasl_reply(&mut stream).await?;
    let context = IpcConnectionContextProto {
        user_info: None,
        protocol: Some(CLIENT_PROTOCOL.to_owned()),
    };
    let context = context.encode_length_delimited_to_vec();
    stream.write_all(&frame(&[&header(-3), &context])).await?;
    Ok(stream)
}
