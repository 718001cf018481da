use super::*;
use crate::proto::common::*;
use crate::secret_manager::SecretManager;
use crate::token::{AccessMode, BlockTokenIdentifier, Token};

fn secure(keys: &[(&str, &str)]) -> Fixture {
    let pairs: Vec<_> = [("hadoop.security.authentication", "kerberos")]
        .into_iter()
        .chain(keys.iter().copied())
        .collect();
    Fixture::with(&pairs)
}

fn principal<'a>(fixture: &'a Fixture, name: &str, method: AuthMethod) -> Session<'a> {
    let user = User {
        full: format!("{name}@EXAMPLE.COM").into(),
        short: name.split('/').next().expect("a name").into(),
    };
    Session {
        fixture,
        caller: Caller::new(user, method, LOOPBACK),
    }
}

fn get(session: &Session<'_>, renewer: &str) -> Result<Option<TokenProto>, HdfsError> {
    let request = GetDelegationTokenRequestProto {
        renewer: renewer.to_owned(),
    };
    session
        .call::<GetDelegationTokenResponseProto>("getDelegationToken", &request)
        .map(|response| response.token)
}

fn renew(session: &Session<'_>, token: &TokenProto) -> Result<u64, HdfsError> {
    let request = RenewDelegationTokenRequestProto {
        token: token.clone(),
    };
    session
        .call::<RenewDelegationTokenResponseProto>("renewDelegationToken", &request)
        .map(|response| response.new_expiry_time)
}

#[test]
fn without_security_there_is_no_token_and_no_error() {
    let fixture = Fixture::new();
    assert_eq!(get(&fixture.user("alice"), "yarn").expect("no error"), None);
    let always = Fixture::with(&[("dfs.namenode.delegation.token.always-use", "true")]);
    assert!(
        get(&always.user("alice"), "yarn")
            .expect("no error")
            .is_some()
    );
}

#[test]
fn tokens_are_for_those_with_a_ticket() {
    let fixture = secure(&[]);
    let alice = principal(&fixture, "alice", AuthMethod::Kerberos);
    let token = get(&alice, "yarn/rm@EXAMPLE.COM")
        .expect("issued")
        .expect("a token");
    assert_eq!(
        (token.kind.as_str(), token.service.as_str()),
        ("HDFS_DELEGATION_TOKEN", "")
    );
    let by_token = principal(&fixture, "alice", AuthMethod::Token);
    refused(
        get(&by_token, "yarn"),
        "IOException",
        "Delegation Token can be issued only with kerberos or web authentication",
    );
    let yarn_by_token = principal(&fixture, "yarn", AuthMethod::Token);
    refused(
        renew(&yarn_by_token, &token),
        "IOException",
        "Delegation Token can be renewed only with kerberos or web authentication",
    );
    let until = renew(
        &principal(&fixture, "yarn/rm", AuthMethod::Kerberos),
        &token,
    )
    .expect("its renewer");
    assert_eq!(
        until,
        (START + Duration::from_secs(24 * 3600)).as_millis() as u64
    );
    let error = renew(&alice, &token).expect_err("not its renewer");
    assert!(
        error.class().ends_with(".AccessControlException"),
        "{error}"
    );
    let cancel = CancelDelegationTokenRequestProto {
        token: token.clone(),
    };
    let stranger = principal(&fixture, "bob", AuthMethod::Kerberos);
    assert!(
        stranger
            .call::<CancelDelegationTokenResponseProto>("cancelDelegationToken", &cancel)
            .is_err()
    );
    let owner =
        by_token.call::<CancelDelegationTokenResponseProto>("cancelDelegationToken", &cancel);
    owner.expect("the owner may, even with the token itself");
    let name = Token::from(token).sasl_user_name();
    assert!(
        fixture
            .node
            .delegation_tokens()
            .sasl_password(fixture.now.get(), &name)
            .is_err()
    );
}

#[test]
fn expired_tokens_are_told_by_the_timer() {
    let recorder = Arc::new(Recorder::default());
    let fixture = Fixture::hooked(
        &[("hadoop.security.authentication", "kerberos")],
        Arc::clone(&recorder) as _,
    );
    get(&principal(&fixture, "alice", AuthMethod::Kerberos), "yarn").expect("issued");
    while fixture.now.get() < START + Duration::from_secs(26 * 3600) {
        fixture.now.set(
            fixture
                .node
                .next_deadline()
                .expect("keys are rolled for ever"),
        );
        fixture.tick();
    }
    let events = recorder.events();
    let expired = |event: &&Event| {
        matches!(
            event,
            Event::Timer {
                timer: TimerKind::DelegationTokenExpired,
                ..
            }
        )
    };
    assert_eq!(events.iter().filter(expired).count(), 1);
}

#[test]
fn block_tokens_say_who_may_do_what_with_which_block() {
    let mut fixture = secure(&[]);
    fixture.add_datanode();
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let identifier = |token: &TokenProto| {
        BlockTokenIdentifier::from_bytes(&token.identifier).expect("an identifier")
    };
    let write = hdfs.add_block("/f", None).expect("a block");
    let granted = identifier(&write.block_token);
    assert_eq!(
        (granted.user_id.as_str(), granted.block_id),
        ("hdfs", write.b.block_id)
    );
    assert_eq!(
        (granted.modes, granted.storage_ids),
        (vec![AccessMode::Write], vec!["DS-1".to_owned()])
    );
    fixture.received(1, &write.b, 3);
    let last = ExtendedBlockProto {
        num_bytes: Some(3),
        ..write.b
    };
    assert!(hdfs.complete("/f", Some(&last)).expect("no error"));
    let read = fixture
        .user("alice")
        .locations("/f")
        .expect("located")
        .blocks
        .remove(0);
    let granted = identifier(&read.block_token);
    assert_eq!(
        (granted.user_id.as_str(), granted.modes),
        ("alice", vec![AccessMode::Read])
    );
}

#[test]
fn encryption_keys_are_given_only_where_data_is_encrypted() {
    let ask = |fixture: &Fixture| {
        let request = GetDataEncryptionKeyRequestProto {};
        let response = fixture
            .user("alice")
            .call::<GetDataEncryptionKeyResponseProto>("getDataEncryptionKey", &request);
        response.expect("no error").data_encryption_key
    };
    assert!(ask(&secure(&[])).is_none());
    let key = ask(&secure(&[
        ("dfs.encrypt.data.transfer", "true"),
        ("dfs.encrypt.data.transfer.algorithm", "rc4"),
    ]));
    assert_eq!(
        key.expect("a key").encryption_algorithm.as_deref(),
        Some("rc4")
    );
}

#[test]
fn a_renewer_without_a_short_name_is_refused_as_hadoop_does() {
    let fixture = secure(&[]);
    let alice = principal(&fixture, "alice", AuthMethod::Kerberos);
    refused(
        get(&alice, "yarn/rm@ELSEWHERE"),
        "RuntimeException",
        "org.apache.hadoop.security.authentication.util.KerberosName$NoMatchingRule: No rules applied to yarn/rm@ELSEWHERE",
    );
    refused(
        get(&alice, "a/b/c@EXAMPLE.COM"),
        "IllegalArgumentException",
        "Malformed Kerberos name: a/b/c@EXAMPLE.COM",
    );
}

#[test]
fn safe_mode_issues_renews_and_cancels_no_token() {
    let fixture = secure(&[]);
    let alice = principal(&fixture, "alice", AuthMethod::Kerberos);
    let token = get(&alice, "alice").expect("no error").expect("a token");
    let enter = SetSafeModeRequestProto {
        action: SafeModeActionProto::SafemodeEnter.into(),
        checked: None,
    };
    fixture
        .hdfs()
        .call::<SetSafeModeResponseProto>("setSafeMode", &enter)
        .expect("entered");
    let cancel = CancelDelegationTokenRequestProto {
        token: token.clone(),
    };
    let cancelled =
        alice.call::<CancelDelegationTokenResponseProto>("cancelDelegationToken", &cancel);
    for (what, error) in [
        ("issue", get(&alice, "alice").expect_err("refused")),
        ("renew", renew(&alice, &token).expect_err("refused")),
        ("cancel", cancelled.expect_err("refused")),
    ] {
        let start = format!("Cannot {what} delegation token. Name node is in safe mode.");
        assert!(error.message().starts_with(&start), "{error}");
    }
}

#[test]
fn many_threads_get_tokens_with_different_numbers() {
    let fixture = secure(&[]);
    let node = &fixture.node;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let user = User {
                    full: "alice@EXAMPLE.COM".into(),
                    short: "alice".into(),
                };
                let request = GetDelegationTokenRequestProto::default().encode_to_vec();
                let call = Call {
                    now: START,
                    caller: &Caller::new(user, AuthMethod::Kerberos, LOOPBACK),
                    protocol: "org.apache.hadoop.hdfs.protocol.ClientProtocol",
                    version: 1,
                    method: "getDelegationToken",
                    request: &request,
                };
                for _ in 0..50 {
                    node.call(&call, &mut Vec::new()).expect("issued");
                }
            });
        }
    });
    let tokens = node.delegation_tokens().tokens();
    let mut numbers: Vec<_> = tokens.iter().map(|token| token.sequence_number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}
