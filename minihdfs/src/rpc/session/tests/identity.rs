//! The caller's identity as seen by services.

use prost::Message;

use super::client::{SASL, SIMPLE, call, context, sasl};
use super::*;
use crate::proto::common::rpc_sasl_proto::SaslState;
use crate::user::{AuthMethod, User};
use QualityOfProtection::{Authentication, Integrity, Privacy};
use kerbox_krb5::testing::unhex;

const CALL: &str = "getGroupsForUser";

/// Returns the caller that a context gives after SASL, or the reason for rejecting it.
fn after_sasl(
    method: AuthMethod,
    authenticated: &str,
    context_bytes: &[u8],
) -> Result<Vec<String>, String> {
    let mut client = secure(Authentication);
    client.feed(SASL);
    let short = authenticated.split(['@', '/']).next().expect("a name");
    client.session.handshake = Handshake::Done {
        method,
        user: User {
            full: authenticated.into(),
            short: short.into(),
        },
        real: None,
        token: None,
    };
    let (output, _) = client.feed(context_bytes);
    if let Some(refusal) = client::replies(&output).pop() {
        assert_eq!(
            (refusal.header.status, refusal.header.error_detail),
            (2, Some(15))
        );
        assert_eq!(refusal.header.call_id, -3_i32 as u32);
        let (class, message) = refusal.exception();
        return Err(format!(
            "{}: {message}",
            class.rsplit('.').next().expect("a class")
        ));
    }
    Ok(client.ask(&call(0, CALL)).groups()[1..].to_vec())
}

#[test]
fn without_sasl_the_context_tells_the_user() {
    let mut client = simple();
    let reply = client.ask(&[SIMPLE, &context(Some("alice"), None), &call(7, CALL)].concat());
    assert_eq!(reply.groups(), ["?", "alice", "alice"]);
    assert_eq!(
        (reply.header.call_id, reply.header.retry_count),
        (7, Some(0))
    );
    assert_eq!(
        client.session.caller().map(|caller| caller.method),
        Some(AuthMethod::Simple)
    );
    let refused = simple().ask(&[SIMPLE, &context(None, None)].concat());
    assert_eq!(
        (refused.header.status, refused.header.error_detail),
        (2, Some(15))
    );
}

#[test]
fn without_sasl_proxy_users_are_checked_all_the_same() {
    let ask = |real| {
        let mut client = Client::new(endpoint(None, PROXY, Arc::new(NoHook)));
        client.ask(&[SIMPLE, &context(Some("alice"), Some(real)), &call(0, CALL)].concat())
    };
    assert_eq!(ask("oozie").groups(), ["?", "alice", "alice", "oozie"]);
    for real in ["bob", "alice"] {
        assert_eq!(
            ask(real).exception(),
            (
                "org.apache.hadoop.security.authorize.AuthorizationException",
                &*format!("User: {real} is not allowed to impersonate alice")
            )
        );
    }
}

#[test]
fn a_server_without_security_switches_a_sasl_client_to_simple() {
    // The bytes of a client's NEGOTIATE, and of the reply that every client must understand.
    let mut client = simple();
    let (output, step) = client.feed(&unhex("687270630900df0000000e0a08021000184122002801021001"));
    assert_eq!(
        output,
        unhex("000000120e08dfffffff0f100018093a004001021000")
    );
    assert_eq!(step, Step::Read);
    let reply = client.ask(&[context(Some("alice"), None), call(0, CALL)].concat());
    assert_eq!(reply.groups(), ["?", "alice", "alice"]);
    let refused = client.ask(&sasl(SaslState::Negotiate, None, &[]));
    assert_eq!(
        refused.header.error_msg(),
        "SASL protocol not requested by client"
    );
}

#[test]
fn a_kerberos_user_is_who_the_ticket_says() {
    let alice = ["alice@EXAMPLE.COM".to_owned(), "alice".to_owned()];
    for context_bytes in [
        context(None, None),
        context(Some("alice@EXAMPLE.COM"), None),
        // hdfs-native sends its short name as the real user.
        context(None, Some("alice")),
        context(Some(""), None),
    ] {
        let caller = after_sasl(AuthMethod::Kerberos, "alice@EXAMPLE.COM", &context_bytes);
        assert_eq!(caller.as_deref(), Ok(alice.as_slice()));
    }
}

#[test]
fn to_act_for_oneself_needs_a_rule_too() {
    for effective in ["alice", "alice/admin@EXAMPLE.COM"] {
        for real in [None, Some("alice")] {
            assert_eq!(
                after_sasl(
                    AuthMethod::Kerberos,
                    "alice@EXAMPLE.COM",
                    &context(Some(effective), real)
                ),
                Err(format!(
                    "AuthorizationException: User: alice@EXAMPLE.COM is not allowed to impersonate {effective}"
                ))
            );
        }
    }
}

#[test]
fn a_kerberos_user_may_act_for_whom_the_proxy_rules_allow() {
    let oozie = "oozie/localhost@EXAMPLE.COM";
    let caller = after_sasl(AuthMethod::Kerberos, oozie, &context(Some("alice"), None));
    assert_eq!(
        caller.as_deref(),
        Ok(["alice", "alice", oozie].map(str::to_owned).as_slice())
    );
    assert_eq!(
        after_sasl(AuthMethod::Kerberos, oozie, &context(Some("bob"), None)),
        Err(format!(
            "AuthorizationException: User: {oozie} is not allowed to impersonate bob"
        ))
    );
    // The real user in the context is ignored.
    assert_eq!(
        after_sasl(
            AuthMethod::Kerberos,
            "bob@EXAMPLE.COM",
            &context(Some("alice"), Some("oozie"))
        ),
        Err(
            "AuthorizationException: User: bob@EXAMPLE.COM is not allowed to impersonate alice"
                .into()
        )
    );
    assert!(
        after_sasl(
            AuthMethod::Kerberos,
            oozie,
            &context(Some("alice@ELSEWHERE"), None)
        )
        .is_err_and(|error| error
            .starts_with("AccessControlException: Illegal principal name alice@ELSEWHERE"))
    );
}

#[test]
fn a_token_speaks_for_its_owner_alone() {
    let mut client = secure(Authentication);
    assert_eq!(
        client
            .log_in("alice@EXAMPLE.COM", Authentication)
            .sasl()
            .state(),
        SaslState::Success
    );
    let reply = client.ask(&[context(None, None), call(0, CALL)].concat());
    assert_eq!(reply.groups(), ["?", "alice@EXAMPLE.COM", "alice"]);
    let caller = client.session.caller().expect("a caller");
    assert_eq!(caller.method, AuthMethod::Token);
    assert_eq!(
        caller.token.as_deref(),
        Some(base64::encode(b"alice@EXAMPLE.COM").as_str())
    );

    let mut client = secure(Authentication);
    client.log_in("alice oozie/localhost@EXAMPLE.COM", Authentication);
    let reply = client.ask(&[context(Some("alice"), None), call(0, CALL)].concat());
    assert_eq!(
        reply.groups(),
        ["?", "alice", "alice", "oozie/localhost@EXAMPLE.COM"]
    );

    assert_eq!(
        after_sasl(AuthMethod::Token, "alice@EXAMPLE.COM", &context(Some("alice"), None)),
        Err("AccessControlException: Authenticated user (alice@EXAMPLE.COM) doesn't match what the client claims to be (alice)".into())
    );
}

#[test]
fn a_principal_without_a_short_name_is_refused() {
    let mut client = secure(Authentication);
    let refused = client.log_in("alice@ELSEWHERE", Authentication);
    assert_eq!(
        refused.exception(),
        (
            "org.apache.hadoop.security.AccessControlException",
            "Illegal principal name alice@ELSEWHERE: No rules applied to alice@ELSEWHERE"
        )
    );
}

#[test]
fn with_a_security_layer_every_reply_is_one_wrap() {
    for qop in [Integrity, Privacy] {
        let mut client = secure(qop);
        client.log_in("alice", qop);
        let both = client.wrap(&[context(None, None), call(1, CALL), call(2, "fail")].concat());
        let (output, step) = client.feed(&both);
        assert_eq!(step, Step::Read);
        let wrapped = client::replies(&output);
        assert_eq!(wrapped.len(), 2);
        assert_eq!(client.unwrap(&wrapped[0]).groups(), ["?", "alice", "alice"]);
        assert_eq!(client.unwrap(&wrapped[1]).exception().1, "not now");
        // A call split over two wraps, like a large one.
        let whole = call(3, CALL);
        let first = client.wrap(&whole[..10]);
        let second = client.wrap(&whole[10..]);
        assert_eq!(client.feed(&first).0, b"");
        let reply = client.ask(&second);
        assert_eq!(client.unwrap(&reply).header.call_id, 3);
        // Plain calls are accepted as well: colinmarc/hdfs sends only those, but expects wrapped
        // replies.
        let reply = client.ask(&call(4, CALL));
        assert_eq!(client.unwrap(&reply).header.call_id, 4);
        // A SASL message inside a wrap is not accepted as one.
        let nested = client.wrap(&sasl(SaslState::Wrap, Some(Vec::new()), &[]));
        let reply = client.ask(&nested);
        assert_eq!(
            client.unwrap(&reply).exception().1,
            "Negotiation is already complete"
        );
    }
}

#[test]
fn a_tampered_wrap_ends_the_connection() {
    for qop in [Integrity, Privacy] {
        let mut client = secure(qop);
        client.log_in("alice", qop);
        let mut wrapped = client.wrap(&[context(None, None), call(1, CALL)].concat());
        let middle = wrapped.len() / 2;
        wrapped[middle] ^= 1;
        assert_eq!(client.feed(&wrapped), (Vec::new(), Step::Close));
        let replayed = {
            let mut client = secure(qop);
            client.log_in("alice", qop);
            let wrapped = client.wrap(&context(None, None));
            client.feed(&wrapped);
            client.feed(&wrapped)
        };
        assert_eq!(replayed, (Vec::new(), Step::Close));
    }
}

#[test]
fn the_state_id_stands_in_the_header_where_the_service_has_one() {
    let service = Arc::new(WhoAmI { state_id: Some(42) });
    let mut client = Client::new(endpoint_of(service, None, &[], Arc::new(NoHook)));
    let reply = client.ask(&[SIMPLE, &context(Some("alice"), None), &call(1, CALL)].concat());
    assert_eq!((reply.header.state_id, reply.groups().len()), (Some(42), 3));
}

#[test]
fn pings_are_not_answered() {
    let mut client = simple();
    client.feed(&[SIMPLE, &context(Some("alice"), None)].concat());
    let ping = client::frame(&[client::header(-4).encode_length_delimited_to_vec()]);
    assert_eq!(client.feed(&ping), (Vec::new(), Step::Read));
}
