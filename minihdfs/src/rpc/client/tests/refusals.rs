//! Servers and credentials that do not fit.

use super::*;
use crate::proto::common::rpc_sasl_proto::{SaslAuth, SaslState};
use crate::rpc::frame::sasl_message;
use crate::rpc::header::{ErrorCode, ResponseHeader, call_id};

/// Returns a server's frame with a SASL message.
fn sasl(state: SaslState, token: Option<Vec<u8>>, auths: Vec<SaslAuth>) -> Vec<u8> {
    let mut message = sasl_message(state, token);
    message.auths = auths;
    frame(call_id::SASL, &[], &message.encode_to_vec())
}

/// Returns a server's successful response.
pub(super) fn frame(call_id: i32, client_id: &[u8], message: &[u8]) -> Vec<u8> {
    let mut contents = Vec::new();
    let header = ResponseHeader {
        call_id,
        client_id,
        retry_count: 0,
        state_id: None,
    };
    header.encode(None, &mut contents);
    crate::rpc::wire::put_varint(message.len() as u64, &mut contents);
    contents.extend_from_slice(message);
    [&(contents.len() as u32).to_be_bytes(), contents.as_slice()].concat()
}

fn auth(method: &str, mechanism: &str, protocol: &str, server_id: &str) -> SaslAuth {
    SaslAuth {
        method: method.to_owned(),
        mechanism: mechanism.to_owned(),
        protocol: Some(protocol.to_owned()),
        server_id: Some(server_id.to_owned()),
        challenge: None,
    }
}

/// Feeds `bytes` to a new connection and returns what it makes of them.
fn fed(identity: Identity, bytes: &[u8]) -> (ClientConnection, ClientStep) {
    let mut client = connection(identity, settings());
    client.call(call(0, "x"), NOW);
    client.input().extend_from_slice(bytes);
    let step = client.advance(NOW, &mut StdRng::seed_from_u64(1));
    (client, step)
}

fn refusal(identity: Identity, bytes: &[u8]) -> String {
    let (mut client, step) = fed(identity, bytes);
    assert_eq!(step, ClientStep::Close);
    let reply = client.next_reply().expect("the call fails");
    let error = reply.outcome.expect_err("a refusal");
    assert_eq!(client.failure(), Some(&error));
    error.to_string()
}

#[test]
fn a_server_with_security_refuses_a_client_without() {
    let mut pair = Pair::new(Some(Privacy), Identity::simple("carol"), settings());
    let error = pair.who(0).expect_err("refused");
    let RpcError::Fatal(exception) = error else {
        panic!("{error}");
    };
    assert_eq!(
        exception.to_string(),
        "org.apache.hadoop.security.AccessControlException: SIMPLE authentication is not enabled.  \
         Available:[TOKEN, KERBEROS]"
    );
    assert_eq!(exception.code, Some(ErrorCode::FatalUnauthorized));
}

#[test]
fn bad_tokens_and_foreign_tickets_are_refused_with_the_servers_classes() {
    let mut unknown = token("bob");
    unknown.password = vec![1].into();
    let mut pair = Pair::secure(Integrity, Identity::token(unknown));
    let error = pair
        .who(0)
        .expect_err("the password is wrong")
        .to_exception();
    assert_eq!(error.class(), "javax.security.sasl.SaslException");

    let mut pair = Pair::secure(Integrity, alice());
    // Another KDC's keys: the server cannot open the ticket.
    let enctype = EncryptionType::AES256_CTS_HMAC_SHA1_96;
    pair.parties = Parties::new(12, enctype, ["hdfs", "localhost"]);
    let error = pair.who(0).expect_err("the ticket is for another key");
    assert_eq!(
        error.to_exception().to_string(),
        "javax.security.sasl.SaslException: GSS initiate failed"
    );
}

#[test]
fn a_client_without_what_the_server_wants_says_what_that_is() {
    let offer = sasl(
        SaslState::Negotiate,
        None,
        vec![
            auth("PLAIN", "PLAIN", "", "default"),
            auth("KERBEROS", "GSSAPI", "hdfs", "localhost"),
        ],
    );
    assert_eq!(
        refusal(Identity::token(token("bob")), &offer),
        "org.apache.hadoop.security.AccessControlException: Client cannot authenticate \
         via:[PLAIN, KERBEROS]"
    );
}

#[test]
fn a_server_with_another_principal_is_refused() {
    let kerberos = auth("KERBEROS", "GSSAPI", "hdfs", "evil");
    let offer = sasl(SaslState::Negotiate, None, vec![kerberos]);
    assert_eq!(
        refusal(alice(), &offer),
        "java.lang.IllegalArgumentException: Server has invalid Kerberos principal: \
         hdfs/evil@EXAMPLE.COM, expecting: hdfs/localhost@EXAMPLE.COM"
    );
}

#[test]
fn a_server_cannot_end_the_handshake_before_it_has_proved_itself() {
    let challenge = b"realm=\"default\",nonce=\"n\",qop=\"auth\",charset=utf-8,algorithm=md5-sess";
    let offer = SaslAuth {
        challenge: Some(challenge.to_vec().into()),
        ..auth("TOKEN", "DIGEST-MD5", "", "default")
    };
    let offer = sasl(SaslState::Negotiate, None, vec![offer]);
    for (rest, expected) in [
        (
            sasl(SaslState::Success, None, vec![]),
            "Client is out of sync with server",
        ),
        (
            sasl(SaslState::Success, Some(b"rspauth=00".to_vec()), vec![]),
            "rspauth does not match",
        ),
        (
            sasl(SaslState::Challenge, None, vec![]),
            "Server challenge contains no token",
        ),
        (
            sasl(SaslState::Challenge, Some(challenge.to_vec()), vec![]),
            "second challenge",
        ),
        (
            sasl(SaslState::Response, None, vec![]),
            "RPC client doesn't support SASL RESPONSE",
        ),
        (frame(0, &[], b""), "Non-SASL response during negotiation"),
    ] {
        let bytes = [offer.clone(), rest].concat();
        let why = refusal(Identity::token(token("bob")), &bytes);
        assert!(why.contains(expected), "{why}");
    }
    let challenge = sasl(SaslState::Challenge, Some(vec![1]), vec![]);
    assert!(refusal(alice(), &challenge).contains("Server sent unsolicited challenge"));
}

#[test]
fn without_a_ticket_the_call_says_why_there_is_none() {
    let kerberos = auth("KERBEROS", "GSSAPI", "hdfs", "localhost");
    let offer = sasl(SaslState::Negotiate, None, vec![kerberos]);
    let (mut client, step) = fed(alice(), &offer);
    let server = parties().service;
    assert_eq!(step, ClientStep::Ticket(server));
    assert_eq!(
        client.next_deadline(),
        None,
        "the KDC has a limit of its own"
    );
    client.ticket(
        Err(TicketError::NoSource),
        NOW,
        &mut StdRng::seed_from_u64(1),
    );
    let reply = client.next_reply().expect("the call fails");
    assert_eq!(
        reply.outcome.expect_err("no ticket").to_string(),
        "no ticket for hdfs/localhost@EXAMPLE.COM: the client was given no source of tickets"
    );
}
