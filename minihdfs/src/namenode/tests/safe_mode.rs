use super::*;

/// Switches or asks for safe mode, and returns whether it is on afterwards.
fn switch(session: &Session<'_>, action: SafeModeActionProto) -> bool {
    let request = SetSafeModeRequestProto {
        action: action.into(),
        checked: None,
    };
    let response = session.call::<SetSafeModeResponseProto>("setSafeMode", &request);
    response.expect("the superuser").result
}

fn is_on(fixture: &Fixture) -> bool {
    switch(&fixture.user("alice"), SafeModeActionProto::SafemodeGet)
}

/// Returns the message with which a change is refused, without what all have in common.
#[track_caller]
fn refusal(fixture: &Fixture) -> String {
    let error = fixture.hdfs().mkdirs("/d", 0o755).expect_err("safe mode");
    assert!(error.class().ends_with(".SafeModeException"), "{error}");
    let message = error.message();
    let start = "Cannot create directory /d. Name node is in safe mode.\n";
    let tip = message.strip_prefix(start).expect("Hadoop's words");
    let tip = tip.strip_suffix(" NamenodeHostName:localhost");
    tip.expect("the host").to_owned()
}

/// Writes files of one block with a replica on each of two DataNodes, and restarts.
fn restarted(keys: &[(&str, &str)], files: &[&str]) -> (Fixture, Vec<ExtendedBlockProto>) {
    let mut fixture = Fixture::with(keys).with_datanodes(2);
    switch(&fixture.hdfs(), SafeModeActionProto::SafemodeLeave);
    let mut blocks = Vec::new();
    for file in files {
        let hdfs = fixture.hdfs();
        let request = CreateRequestProto {
            replication: 2,
            ..hdfs.create_request(file, 1)
        };
        hdfs.call::<CreateResponseProto>("create", &request)
            .expect("created");
        let block = hdfs.write_block(file, None, 100);
        assert!(hdfs.complete(file, Some(&block)).expect("no error"));
        blocks.push(block);
    }
    fixture.restart();
    (fixture, blocks)
}

#[test]
fn a_namenode_that_starts_waits_for_the_reports() {
    let (fixture, blocks) = restarted(&[], &["/a", "/b", "/c"]);
    assert!(is_on(&fixture));
    assert_eq!(
        refusal(&fixture),
        "The reported blocks 0 needs additional 2 blocks to reach the threshold 0.9990 of total \
         blocks 3.\nThe number of live datanodes 0 has reached the minimum number 0. Safe mode \
         will be turned off automatically once the thresholds have been reached."
    );
    assert_eq!(fixture.hdfs().stat("/a").length, 100, "it answers");
    let nowhere = fixture.hdfs().locations("/a").expect_err("no replica yet");
    assert!(nowhere.class().ends_with(".SafeModeException"), "{nowhere}");
    assert!(
        nowhere
            .message()
            .starts_with("Zero blocklocations for /a. Name node is in safe mode.\nThe reported"),
        "{nowhere}"
    );
    fixture.returns(1, &[&blocks[0]]);
    assert_eq!(
        refusal(&fixture),
        "The reported blocks 1 needs additional 1 blocks to reach the threshold 0.9990 of total \
         blocks 3.\nThe number of live datanodes 1 has reached the minimum number 0. Safe mode \
         will be turned off automatically once the thresholds have been reached."
    );
    let located = fixture.hdfs().locations("/a").expect("one replica");
    assert_eq!(located.blocks[0].locs.len(), 1);
    assert_eq!(fixture.heartbeat(1), [], "nothing is copied yet");
    fixture.returns(2, &[&blocks[0], &blocks[1]]);
    assert!(!is_on(&fixture), "two of three blocks");
    fixture.hdfs().mkdirs("/d", 0o755).expect("made");
    let commands = fixture.heartbeat(2);
    let [DatanodeCommand::Transfer { block, .. }] = &commands[..] else {
        panic!("the second block lacks a replica: {commands:?}");
    };
    assert_eq!(block.id, blocks[1].block_id);
}

#[test]
fn every_part_of_a_report_counts_once() {
    let (fixture, blocks) = restarted(&[], &["/a", "/b", "/c", "/d"]);
    fixture.returns(1, &[&blocks[0]]);
    fixture.returns(1, &[&blocks[0]]);
    fixture.returns(2, &[&blocks[0]]);
    let counted = |count: usize| {
        let refusal = refusal(&fixture);
        let starts = format!("The reported blocks {count} needs");
        assert!(refusal.starts_with(&starts), "{refusal}");
    };
    counted(1);
    fixture.received(1, &blocks[1], 100);
    counted(2);
    fixture.report(1, &[replica(&blocks[1], ReplicaState::Finalized)]);
    counted(2);
    fixture.report(2, &[]);
    counted(1);
    let deleted = replica(&blocks[1], ReplicaState::Finalized).block;
    fixture.changed(1, deleted, BlockStatus::Deleted);
    counted(0);
    fixture.received(1, &blocks[2], 99);
    counted(0);
}

#[test]
fn a_namenode_may_wait_for_more() {
    let keys = [
        ("dfs.namenode.safemode.threshold-pct", "1"),
        ("dfs.namenode.safemode.replication.min", "2"),
        ("dfs.namenode.safemode.min.datanodes", "3"),
        ("dfs.namenode.safemode.extension", "30s"),
    ];
    let (mut fixture, blocks) = restarted(&keys, &["/a"]);
    fixture.returns(1, &[&blocks[0]]);
    fixture.returns(2, &[&blocks[0]]);
    assert_eq!(
        refusal(&fixture),
        "The reported blocks 1 has reached the threshold 1.0000 of total blocks 1. The number of \
         live datanodes 2 needs an additional 1 live datanodes to reach the minimum number 3.\n\
         Safe mode will be turned off automatically once the thresholds have been reached."
    );
    let keys = fixture.node.next_deadline();
    fixture.add_datanode();
    assert_eq!(
        refusal(&fixture),
        "The reported blocks 1 has reached the threshold 1.0000 of total blocks 1. The number of \
         live datanodes 3 has reached the minimum number 3. In safe mode extension. Safe mode will \
         be turned off automatically in 30 seconds."
    );
    let end = fixture.now.get() + Duration::from_secs(30);
    assert_eq!(fixture.node.next_deadline(), Some(end));
    fixture.advance(Duration::from_secs(12));
    fixture.tick();
    assert!(refusal(&fixture).ends_with("in 18 seconds."));
    fixture.report(1, &[]);
    fixture.advance(Duration::from_secs(18));
    fixture.tick();
    assert!(is_on(&fixture), "a replica is missing again");
    assert_eq!(
        fixture.node.next_deadline(),
        keys,
        "time alone changes nothing"
    );
    fixture.report(1, &[replica(&blocks[0], ReplicaState::Finalized)]);
    assert!(!is_on(&fixture));
}

#[test]
fn a_first_start_waits_for_datanodes_too() {
    let keys = [("dfs.namenode.safemode.min.datanodes", "1")];
    let recorder = Arc::new(Recorder::default());
    let mut fixture = Fixture::hooked(&keys, Arc::clone(&recorder) as _);
    assert!(is_on(&fixture));
    fixture.add_datanode();
    assert!(!is_on(&fixture));
    switch(&fixture.hdfs(), SafeModeActionProto::SafemodeEnter);
    switch(&fixture.hdfs(), SafeModeActionProto::SafemodeEnter);
    switch(&fixture.hdfs(), SafeModeActionProto::SafemodeLeave);
    let events = recorder.events();
    let changes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::State { change, .. } if *change != StateChange::Registered => Some(*change),
            _ => None,
        })
        .collect();
    use StateChange::{SafeModeOff, SafeModeOn};
    assert_eq!(changes, [SafeModeOn, SafeModeOff, SafeModeOn, SafeModeOff]);
}

#[test]
fn an_order_ends_the_safe_mode_of_a_start() {
    let (fixture, _) = restarted(&[], &["/a", "/b"]);
    assert!(switch(&fixture.hdfs(), SafeModeActionProto::SafemodeEnter));
    assert_eq!(
        refusal(&fixture),
        "It was turned on manually. Use \"hdfs dfsadmin -safemode leave\" to turn safe mode off."
    );
    assert!(!switch(&fixture.hdfs(), SafeModeActionProto::SafemodeLeave));
    fixture.hdfs().mkdirs("/d", 0o755).expect("made");
    let lost = fixture.hdfs().locations("/a").expect("an answer");
    assert!(lost.blocks[0].locs.is_empty());
}

/// A namespace that is older than the replicas must not delete them.
#[test]
fn replicas_from_the_future_are_kept_until_safe_mode_is_forced_off() {
    let (fixture, blocks) = restarted(&[], &["/a", "/b"]);
    fixture.register(1);
    let future = Block {
        id: 1 << 40,
        generation_stamp: 5000,
        length: 77,
    };
    let replicas = [
        replica(&blocks[0], ReplicaState::Finalized),
        ReportedReplica {
            block: future,
            state: ReplicaState::Finalized,
        },
    ];
    fixture.report(1, &replicas);
    let tip = refusal(&fixture);
    assert!(
        tip.contains("Exiting safe mode will cause loss of 77 byte(s)."),
        "{tip}"
    );
    assert!(switch(&fixture.hdfs(), SafeModeActionProto::SafemodeLeave));
    assert_eq!(fixture.heartbeat(1), []);
    assert!(!switch(
        &fixture.hdfs(),
        SafeModeActionProto::SafemodeForceExit
    ));
    let commands = fixture.heartbeat(1);
    assert_eq!(commands, [DatanodeCommand::Invalidate(vec![future])]);
}

#[test]
fn in_safe_mode_nothing_lapses_but_datanodes() {
    let fixture = Fixture::new().with_datanodes(2);
    let hdfs = fixture.hdfs();
    hdfs.create("/open").expect("created");
    hdfs.write("/f", &[100]);
    switch(&hdfs, SafeModeActionProto::SafemodeEnter);
    for _ in 0..50 {
        let deadline = fixture.node.next_deadline().expect("keys");
        assert!(
            deadline > fixture.now.get(),
            "no deadline waits for safe mode"
        );
        fixture.advance(Duration::from_secs(30));
        fixture.heartbeat(1);
        fixture.tick();
    }
    assert_eq!(fixture.node.live_datanodes(), 1);
    let closed = || {
        let request = IsFileClosedRequestProto {
            src: "/open".to_owned(),
        };
        let response = hdfs.call::<IsFileClosedResponseProto>("isFileClosed", &request);
        response.expect("a file").result
    };
    assert!(!closed(), "beyond the hard limit");
    switch(&hdfs, SafeModeActionProto::SafemodeLeave);
    fixture.tick();
    assert!(closed());
}
