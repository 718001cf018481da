//! Errors, with the exact messages of Apache Hadoop 3.4.3 as recorded from its NameNode.

use super::client::{SASL, SIMPLE, call, call_of, context, frame, header, replies, sasl};
use super::*;
use crate::proto::common::rpc_sasl_proto::{SaslAuth, SaslState};
use kerbox_krb5::testing::unhex;
use prost::Message;

const RECORDED: &str = include_str!("../../../../testdata/rpc/hadoop-3.4.3-refusals.txt");

/// Nonces are random, so ours replaces the one in the recording.
fn with_our_nonce(mut recorded: Vec<u8>, ours: &[u8]) -> Vec<u8> {
    const KEY: &[u8] = b"nonce=\"";
    let nonce = |bytes: &[u8]| {
        let start = bytes.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
        Some(start..start + 40)
    };
    if let (Some(theirs), Some(ours_at)) = (nonce(&recorded), nonce(ours)) {
        recorded[theirs].copy_from_slice(&ours[ours_at]);
    }
    recorded
}

#[test]
fn refusals_are_hadoops_byte_for_byte() {
    let mut compared = 0;
    for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
        let [server, name, sent, received, end] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let mut client = match server {
            "secure" => secure(QualityOfProtection::Authentication),
            _ => simple(),
        };
        let (output, step) = client.feed(&unhex(sent));
        let expected = with_our_nonce(unhex(received.trim_matches('-')), &output);
        assert_eq!(
            String::from_utf8_lossy(&output),
            String::from_utf8_lossy(&expected),
            "{server} {name}"
        );
        assert_eq!(output, expected, "{server} {name}");
        assert_eq!(
            step,
            if end == "closed" {
                Step::Close
            } else {
                Step::Read
            },
            "{server} {name}"
        );
        compared += 1;
    }
    assert_eq!(compared, 34);
}

#[test]
fn nothing_is_answered_after_a_fatal_reply() {
    let mut client = simple();
    let (_, step) = client.feed(&[SIMPLE, &call(0, "getGroupsForUser")].concat());
    assert_eq!(step, Step::Close);
    let (output, step) =
        client.feed(&[context(Some("alice"), None), call(0, "getGroupsForUser")].concat());
    assert_eq!((output, step), (Vec::new(), Step::Close));
}

#[test]
fn http_is_told_that_this_is_no_web_server() {
    let (output, step) = simple().feed(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(output.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
    assert_eq!(step, Step::Close);
}

#[test]
fn garbage_is_a_fatal_decoding_error() {
    let client = || secure(QualityOfProtection::Authentication);
    for (sent, message) in [
        (
            frame(&[vec![0xff; 4]]),
            "Error decoding RpcRequestHeaderProto: ",
        ),
        (frame(&[]), "Error decoding RpcRequestHeaderProto: "),
        (
            frame(&[
                header(-33).encode_length_delimited_to_vec(),
                vec![2, 0xff, 0xff],
            ]),
            "Error decoding RpcSaslProto: ",
        ),
        (
            frame(&[
                header(-33).encode_length_delimited_to_vec(),
                vec![2, 0x10, 9],
            ]),
            "Error decoding RpcSaslProto: ",
        ),
    ] {
        let reply = client().ask(&[SASL, &sent].concat());
        assert_eq!(
            (reply.header.status, reply.header.error_detail),
            (2, Some(13)),
            "{message}"
        );
        assert_eq!(
            reply.header.exception_class_name(),
            "org.apache.hadoop.ipc.RpcServerException"
        );
        assert!(
            reply.header.error_msg().starts_with(message),
            "{}",
            reply.header.error_msg()
        );
    }
    let mut client = simple();
    client.feed(&[SIMPLE, &context(Some("alice"), None)].concat());
    let reply = client.ask(&frame(&[
        header(1).encode_length_delimited_to_vec(),
        vec![2, 0xff, 0xff],
    ]));
    assert!(
        reply
            .header
            .error_msg()
            .starts_with("IPC server unable to read call parameters")
    );
}

#[test]
fn calls_that_cannot_be_dispatched_leave_the_connection_open() {
    let mut client = simple();
    client.feed(&[SIMPLE, &context(Some("alice"), None)].concat());
    let proto = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
    for (protocol, version, method, class, message, detail) in [
        (
            proto,
            1,
            "frobnicate",
            "RpcNoSuchMethodException",
            format!("Unknown method frobnicate called on {proto} protocol."),
            2,
        ),
        (
            "x.Y",
            1,
            "getFileInfo",
            "RpcNoSuchProtocolException",
            "Unknown protocol: x.Y".into(),
            3,
        ),
        (
            proto,
            2,
            "getGroupsForUser",
            "RPC$VersionMismatch",
            format!("Protocol {proto} version mismatch. (client = 2, server = 1)"),
            6,
        ),
        (proto, 1, "fail", "StandbyException", "not now".into(), 1),
    ] {
        let reply = client.ask(&call_of(&header(1), protocol, version, method));
        assert_eq!(
            reply.exception(),
            (
                format!("org.apache.hadoop.ipc.{class}").as_str(),
                message.as_str()
            )
        );
        assert_eq!(
            (reply.header.status, reply.header.error_detail),
            (1, Some(detail))
        );
        assert_eq!(reply.header.client_id, Some(header(1).client_id));
    }
    let mut undecodable = call(1, "getGroupsForUser");
    let last = undecodable.len() - 2;
    undecodable[last] = 0xff;
    let reply = client.ask(&undecodable);
    assert_eq!(
        (reply.header.status, reply.header.exception_class_name()),
        (1, "java.io.IOException")
    );
    assert_eq!(
        client.ask(&call(2, "getGroupsForUser")).groups(),
        ["?", "alice", "alice"]
    );
}

#[test]
fn a_frame_of_a_stranger_may_be_smaller_than_a_callers() {
    let large = |length: i32| length.to_be_bytes().to_vec();
    assert_eq!(
        simple().feed(&[SIMPLE, &large(128 << 10)].concat()),
        (Vec::new(), Step::Read)
    );
    assert_eq!(
        simple().feed(&[SIMPLE, &large((128 << 10) + 1)].concat()),
        (Vec::new(), Step::Close)
    );
    let mut client = simple();
    client.feed(&[SIMPLE, &context(Some("alice"), None)].concat());
    assert_eq!(client.feed(&large(32 << 20)), (Vec::new(), Step::Read));
    client.feed(&[]);
    let mut client = simple();
    client.feed(&[SIMPLE, &context(Some("alice"), None)].concat());
    assert_eq!(
        client.feed(&large((32 << 20) + 1)),
        (Vec::new(), Step::Close)
    );
}

#[test]
fn a_mechanism_is_chosen_once_and_fed_in_order() {
    let token = SaslAuth {
        method: "TOKEN".into(),
        mechanism: "DIGEST-MD5".into(),
        ..Default::default()
    };
    let last = |output: &[u8]| replies(output).pop().expect("a reply").header;
    // A client that does not wait for the offer gets the challenge first, and may not choose again.
    let mut client = secure(QualityOfProtection::Authentication);
    let initiate = sasl(
        SaslState::Initiate,
        Some(Vec::new()),
        std::slice::from_ref(&token),
    );
    let challenge = client.ask(&[SASL, &initiate].concat()).sasl();
    assert_eq!(challenge.state(), SaslState::Challenge);
    assert!(challenge.token().starts_with(b"realm=\"default\""));
    let (output, step) = client.feed(&initiate);
    assert_eq!(
        last(&output).error_msg(),
        "Client has already initiated a mechanism"
    );
    assert_eq!(step, Step::Close);
    // A choice that was not offered is answered with the offer.
    let unknown = SaslAuth {
        method: "PLAIN".into(),
        mechanism: "PLAIN".into(),
        ..Default::default()
    };
    let mut client = secure(QualityOfProtection::Authentication);
    let offer = client.ask(
        &[
            SASL,
            &sasl(SaslState::Initiate, Some(Vec::new()), &[unknown]),
        ]
        .concat(),
    );
    assert_eq!(offer.sasl().state(), SaslState::Negotiate);
    // A response without a choice.
    let mut client = secure(QualityOfProtection::Authentication);
    let reply = client.ask(&[SASL, &sasl(SaslState::Response, Some(vec![1]), &[])].concat());
    assert_eq!(
        reply.exception(),
        (
            "javax.security.sasl.SaslException",
            "Client sent unsupported state RESPONSE"
        )
    );
    assert_eq!(reply.header.error_detail, Some(15));
}

#[test]
fn sasl_is_over_once_it_has_succeeded() {
    for (state, message) in [
        (SaslState::Negotiate, "Negotiation is already complete"),
        (SaslState::Response, "Negotiation is already complete"),
        (SaslState::Wrap, "Server is not wrapping data"),
    ] {
        let mut client = secure(QualityOfProtection::Authentication);
        client.log_in("alice", QualityOfProtection::Authentication);
        let reply = client.ask(&sasl(state, Some(Vec::new()), &[]));
        assert_eq!(
            reply.exception(),
            ("javax.security.sasl.SaslException", message)
        );
        assert_eq!(
            (reply.header.status, reply.header.error_detail),
            (2, Some(12))
        );
    }
}

#[test]
fn the_secret_managers_reason_reaches_the_client() {
    let mut client = secure(QualityOfProtection::Authentication);
    let offer = client.ask(&[SASL, &sasl(SaslState::Negotiate, None, &[])].concat());
    let auth = offer.sasl().auths[0].clone();
    let mut digest = crate::sasl::DigestMd5Client::rpc(
        "!".into(),
        "x".into(),
        &[QualityOfProtection::Authentication],
        &mut rng(),
    );
    let response = digest.respond(auth.challenge()).expect("a response");
    let (output, step) = client.feed(&sasl(SaslState::Initiate, Some(response), &[auth]));
    let reply = replies(&output).pop().expect("a reply");
    assert_eq!(
        reply.exception(),
        (
            "org.apache.hadoop.security.token.SecretManager$InvalidToken",
            "token can't be found in cache"
        )
    );
    assert_eq!(
        (reply.header.call_id, reply.header.error_detail),
        (-33_i32 as u32, Some(15))
    );
    assert_eq!(step, Step::Close);
}
