use super::*;

fn create(session: &Session<'_>, src: &str) -> Result<CreateResponseProto, HdfsError> {
    let request = session.create_request(src, CreateFlagProto::Create as u32);
    session.call("create", &request)
}

fn recover_lease(session: &Session<'_>, src: &str) -> Result<bool, HdfsError> {
    let request = RecoverLeaseRequestProto {
        src: src.to_owned(),
        client_name: format!("client-{}", session.caller.user.short),
    };
    session
        .call::<RecoverLeaseResponseProto>("recoverLease", &request)
        .map(|response| response.result)
}

fn fixture() -> Fixture {
    let fixture = Fixture::new().with_datanodes(1);
    fixture.hdfs().chmod("/", 0o777).expect("changed");
    fixture
}

#[test]
fn an_open_file_is_its_writers_until_the_soft_limit() {
    let fixture = fixture();
    let (alice, bob) = (fixture.user("alice"), fixture.user("bob"));
    alice.create("/f").expect("created");
    alice.chmod("/f", 0o666).expect("her own");
    refused(
        create(&alice, "/f"),
        "AlreadyBeingCreatedException",
        "Failed to CREATE_FILE /f for client-alice on 127.0.0.1 because client-alice is already the current lease holder.",
    );
    refused(
        create(&bob, "/f"),
        "AlreadyBeingCreatedException",
        "Failed to CREATE_FILE /f for client-bob on 127.0.0.1 because this file lease is currently owned by client-alice on 127.0.0.1",
    );
    fixture.advance(Duration::from_secs(61));
    let renew = RenewLeaseRequestProto {
        client_name: "client-alice".to_owned(),
        namespaces: Vec::new(),
    };
    alice
        .call::<RenewLeaseResponseProto>("renewLease", &renew)
        .expect("renewed");
    let error = create(&bob, "/f").expect_err("renewed");
    assert!(error.class().ends_with(".AlreadyBeingCreatedException"));
    fixture.advance(Duration::from_secs(61));
    let append = AppendRequestProto {
        src: "/f".to_owned(),
        client_name: "client-bob".to_owned(),
        flag: Some(4),
    };
    bob.call::<AppendResponseProto>("append", &append)
        .expect("an empty file is taken over at once");
    refused(
        alice.complete("/f", None),
        "LeaseExpiredException",
        "Client (=client-alice) is not the lease owner (=client-bob: /f (inode 16386) Holder client-alice does not have any open files.",
    );
}

#[test]
fn a_file_with_a_block_is_recovered_before_it_is_taken_over() {
    let fixture = fixture();
    let (alice, bob) = (fixture.user("alice"), fixture.user("bob"));
    alice.create("/f").expect("created");
    alice.chmod("/f", 0o666).expect("her own");
    alice.add_block("/f", None).expect("a block");
    fixture.advance(Duration::from_secs(61));
    refused(
        create(&bob, "/f"),
        "RecoveryInProgressException",
        "Failed to CREATE_FILE /f for client-bob on 127.0.0.1 because lease recovery is in progress. Try again later.",
    );
    refused(
        create(&bob, "/f"),
        "RecoveryInProgressException",
        "Failed to CREATE_FILE /f for client-bob on 127.0.0.1 because another recovery is in progress by client-alice on 127.0.0.1",
    );
    assert!(matches!(
        &fixture.heartbeat(1)[..],
        [DatanodeCommand::Recover(_)]
    ));
}

#[test]
fn recover_lease_closes_what_it_can() {
    let fixture = fixture();
    let alice = fixture.user("alice");
    alice.create("/empty").expect("created");
    assert!(
        recover_lease(&alice, "/empty").expect("no error"),
        "there is nothing to recover"
    );
    assert!(
        recover_lease(&alice, "/empty").expect("no error"),
        "it is closed"
    );
    refused(
        recover_lease(&alice, "/missing"),
        "FileNotFoundException",
        "File does not exist: /missing",
    );
    alice.create("/f").expect("created");
    alice.add_block("/f", None).expect("a block");
    assert!(!recover_lease(&alice, "/f").expect("no error"));
    let closed = IsFileClosedRequestProto {
        src: "/f".to_owned(),
    };
    assert!(
        !alice
            .call::<IsFileClosedResponseProto>("isFileClosed", &closed)
            .expect("told")
            .result
    );
}

#[test]
fn beyond_the_hard_limit_the_namenode_closes_files_itself() {
    let recorder = Arc::new(Recorder::default());
    let fixture = Fixture::hooked(&[], Arc::clone(&recorder) as _);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let deadline = fixture.node.next_deadline().expect("a lease");
    assert_eq!(
        deadline,
        START + Duration::from_secs(20 * 60) + Duration::from_micros(1)
    );
    fixture.now.set(deadline);
    fixture.tick();
    let closed = IsFileClosedRequestProto {
        src: "/f".to_owned(),
    };
    assert!(
        hdfs.call::<IsFileClosedResponseProto>("isFileClosed", &closed)
            .expect("told")
            .result
    );
    let events = recorder.events();
    let fired = |event: &Event| {
        matches!(
            event,
            Event::Timer { timer: TimerKind::LeaseHardLimit, subject, .. }
                if &**subject == "client-hdfs"
        )
    };
    assert!(events.iter().any(fired), "{events:?}");
}

#[test]
fn the_hard_limit_is_configurable() {
    let fixture = Fixture::with(&[("dfs.namenode.lease-hard-limit-sec", "90")]);
    fixture.hdfs().create("/f").expect("created");
    let deadline = fixture.node.next_deadline().expect("a lease");
    assert_eq!(
        deadline,
        START + Duration::from_secs(90) + Duration::from_micros(1)
    );
}

#[test]
fn who_does_not_write_gets_hadoops_exceptions() {
    let fixture = fixture();
    let alice = fixture.user("alice");
    refused(
        alice.add_block("/missing", None),
        "FileNotFoundException",
        "File does not exist: /missing (inode 0) Holder client-alice does not have any open files.",
    );
    alice.write("/closed", &[3]);
    refused(
        alice.add_block("/closed", None),
        "LeaseExpiredException",
        "File is not open for writing: /closed (inode 16386) Holder client-alice does not have any open files.",
    );
    refused(
        alice.complete("/closed", None),
        "LeaseExpiredException",
        "File is not open for writing: /closed (inode 16386) Holder client-alice does not have any open files.",
    );
    alice.create("/open").expect("created");
    assert!(alice.delete("/open", false).expect("removed"));
    let error = alice.complete("/open", None).expect_err("it is gone");
    assert!(error.class().ends_with(".FileNotFoundException"), "{error}");
}

#[test]
fn open_files_are_listed_for_superusers() {
    let fixture = fixture();
    fixture.user("alice").create("/a").expect("created");
    fixture.user("bob").create("/b").expect("created");
    let list = |id: i64, path: &str| {
        let request = ListOpenFilesRequestProto {
            id,
            types: Vec::new(),
            path: Some(path.to_owned()),
        };
        let response = fixture
            .hdfs()
            .call::<ListOpenFilesResponseProto>("listOpenFiles", &request)
            .expect("listed");
        response
            .entries
            .into_iter()
            .map(|entry| (entry.path, entry.client_name))
            .collect::<Vec<_>>()
    };
    let (a, b) = (
        ("/a".to_owned(), "client-alice".to_owned()),
        ("/b".to_owned(), "client-bob".to_owned()),
    );
    assert_eq!(list(0, "/"), [a, b.clone()]);
    assert_eq!(
        (list(16_386, "/"), list(0, "/b")),
        (vec![b.clone()], vec![b.clone()])
    );
    assert_eq!(list(0, "/b/"), [b], "a slash at the end means nothing");
}
