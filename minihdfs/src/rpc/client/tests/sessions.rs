//! Calls to our own server, at every protection.

use super::*;
use crate::user::AuthMethod;

#[test]
fn calls_pass_at_every_protection_with_a_ticket_and_with_a_token() {
    for qop in [Authentication, Integrity, Privacy] {
        let mut pair = Pair::secure(qop, alice());
        let alice = ["?", "alice@EXAMPLE.COM", "alice"].map(str::to_owned);
        assert_eq!(pair.who(0), Ok(alice.to_vec()), "{qop}");
        assert_eq!(pair.client.auth_method(), Some(AuthMethod::Kerberos));
        assert_eq!(pair.who(1), Ok(alice.to_vec()), "{qop}");

        let mut pair = Pair::secure(qop, Identity::token(token("bob")));
        let bob = ["?", "bob", "bob"].map(str::to_owned);
        assert_eq!(pair.who(0), Ok(bob.to_vec()), "{qop}");
        assert_eq!(pair.client.auth_method(), Some(AuthMethod::Token));
    }
}

#[test]
fn a_server_without_security_believes_names() {
    let mut pair = Pair::simple(Identity::simple("carol"));
    assert_eq!(
        pair.who(5),
        Ok(vec!["?".into(), "carol".into(), "carol".into()])
    );
    let mut pair = Pair::simple(Identity::simple("oozie").impersonating("alice"));
    let expected = ["?", "alice", "alice", "oozie"].map(str::to_owned);
    assert_eq!(pair.who(0), Ok(expected.to_vec()));
}

#[test]
fn a_token_is_preferred_to_a_ticket_and_names_the_proxy_user_itself() {
    let mut pair = Pair::secure(Privacy, alice().with_token(token("bob oozie")));
    let expected = ["?", "bob", "bob", "oozie"].map(str::to_owned);
    assert_eq!(pair.who(0), Ok(expected.to_vec()));
}

#[test]
fn a_user_with_a_ticket_acts_for_another_if_that_is_allowed() {
    let mut pair = Pair::secure(Integrity, alice().impersonating("bob"));
    let error = pair.who(0).expect_err("alice is no proxy user");
    let RpcError::Fatal(exception) = &error else {
        panic!("{error}");
    };
    assert_eq!(
        exception.to_string(),
        "org.apache.hadoop.security.authorize.AuthorizationException: \
         User: alice@EXAMPLE.COM is not allowed to impersonate bob"
    );
    assert_eq!(pair.drive(), ClientStep::Close);
}

#[test]
fn a_client_with_a_ticket_falls_back_to_simple_only_if_it_may() {
    let mut pair = Pair::simple(alice());
    assert_eq!(
        pair.who(0).expect_err("refused").to_exception().to_string(),
        "org.apache.hadoop.security.AccessControlException: Server asks us to fall back to SIMPLE \
         auth, but this client is configured to only allow secure connections."
    );
    let allowed = ClientSettings {
        fallback_to_simple: true,
        ..settings()
    };
    let mut pair = Pair::new(None, alice(), allowed);
    assert_eq!(pair.who(0).expect("allowed")[1], "alice@EXAMPLE.COM");
}

#[test]
fn an_exception_ends_its_call_alone_and_long_requests_take_several_messages() {
    for qop in [Authentication, Integrity, Privacy] {
        let mut pair = Pair::secure(qop, alice());
        pair.client.call(call(0, "fail"), pair.now);
        let mut long = call(1, "getGroupsForUser");
        long.request = GetGroupsForUserRequestProto {
            user: "x".repeat(1 << 20),
        }
        .encode_to_vec();
        pair.client.call(long, pair.now);
        pair.drive();
        let failed = pair.client.next_reply().expect("a reply");
        let error = failed.outcome.expect_err("an exception");
        let exception = error.remote().expect("the server's");
        assert_eq!(
            (exception.class(), exception.message()),
            ("org.apache.hadoop.ipc.StandbyException", "not now")
        );
        let passed = pair.client.next_reply().expect("a reply");
        assert!(passed.outcome.expect("no exception").len() > 1 << 20);
        assert_eq!(pair.who(2).expect("the connection goes on")[2], "alice");
    }
}

#[test]
fn the_header_of_a_call_is_what_the_retry_cache_needs() {
    let mut client = connection(Identity::simple("alice"), settings());
    client.output().clear();
    let repeated = Outgoing {
        retry_count: 3,
        state_id: Some(-5),
        ..call(i32::MAX, "delete")
    };
    client.call(repeated, NOW);
    let output = std::mem::take(client.output());
    let mut frame = &output[4..];
    let header = crate::proto::common::RpcRequestHeaderProto::decode_length_delimited(&mut frame)
        .expect("a header");
    assert_eq!(header.call_id, i32::MAX);
    assert_eq!(header.retry_count, Some(3));
    assert_eq!(header.client_id, vec![7; 16]);
    assert_eq!(header.state_id, Some(-5));
}
