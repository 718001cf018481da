//! A NameNode that is restarted: what it still knows, and what it learns from reports.

use super::*;
use crate::proto::common::*;

#[test]
fn the_tree_is_what_the_edits_made() {
    let mut fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/e", 0o750).expect("made");
    hdfs.write("/d/f", &[1024, 10]);
    hdfs.chown("/d/f", Some("alice"), Some("staff"))
        .expect("changed");
    let before = hdfs.stat("/d/f");
    fixture.restart();
    assert_eq!(fixture.hdfs().stat("/d/f"), before);
    assert_eq!(
        fixture.hdfs().list("/d"),
        Ok(vec!["e".to_owned(), "f".to_owned()])
    );
    assert_eq!(
        fixture.heartbeat(1),
        [DatanodeCommand::Register],
        "its DataNodes are unknown"
    );
    fixture.restart();
    assert_eq!(fixture.hdfs().stat("/d/f"), before, "as often as one likes");
}

#[test]
fn without_edits_the_state_itself_is_kept() {
    let fixture = Fixture::new();
    fixture.hdfs().mkdirs("/d", 0o755).expect("made");
    let saved = fixture.node.end(START, None).expect("nothing to compare");
    assert!(!fixture.hdfs().exists("/d"), "the old one has forgotten it");
    fixture
        .hdfs()
        .mkdirs("/e", 0o755)
        .expect_err("it has ended");
    let edits = MemoryEdits::new(10);
    let node = NameNode::restarted(
        fixture.node.config().clone(),
        &identity(),
        START,
        Arc::new(NoHook),
        &mut StdRng::seed_from_u64(2),
        Box::new(edits.clone()),
        saved,
    );
    let node = node.expect("it starts");
    assert_eq!((node.has("/d"), node.has("/e")), (Ok(true), Ok(false)));
    assert_eq!(node.block_pool_id(), fixture.node.block_pool_id());
    assert_eq!(
        edits.edits().map(|edits| edits.len()),
        Some(2),
        "a segment and a key"
    );
    // The law holds for the edits of both; those of the second stand apart here.
    std::mem::forget(fixture);
}

/// Returns a file with a block that a client is writing on two DataNodes.
fn open_file(fixture: &Fixture) -> LocatedBlockProto {
    let hdfs = fixture.hdfs();
    let request = CreateRequestProto {
        replication: 2,
        ..hdfs.create_request("/f", 1)
    };
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("created");
    hdfs.add_block("/f", None).expect("a block")
}

#[test]
fn a_writer_goes_on_as_if_nothing_had_happened() {
    let mut fixture = Fixture::new().with_datanodes(2);
    let located = open_file(&fixture);
    fixture.restart();
    for number in [1, 2] {
        fixture.register(number);
        fixture.report(number, &[replica(&located.b, ReplicaState::Rbw)]);
    }
    let hdfs = fixture.hdfs();
    let answer = hdfs.locations("/f").expect("out of safe mode");
    assert!(answer.under_construction);
    let last = answer.last_block.expect("it has one");
    assert_eq!(last.locs.len(), 2, "readers find those that write it");
    let same = hdfs.add_block("/f", None).expect("a repetition");
    assert_eq!((same.b.block_id, same.locs.len()), (located.b.block_id, 2));
    for number in [1, 2] {
        fixture.received(number, &located.b, 700);
    }
    let written = ExtendedBlockProto {
        num_bytes: Some(700),
        ..located.b
    };
    assert_eq!(hdfs.complete("/f", Some(&written)), Ok(true));
    assert_eq!(hdfs.stat("/f").length, 700);
    assert_eq!(
        hdfs.locations("/f").expect("closed").blocks[0].locs.len(),
        2
    );
}

#[test]
fn a_repeated_add_block_gets_other_datanodes_if_none_reports_the_block() {
    let mut fixture = Fixture::new().with_datanodes(2);
    let located = open_file(&fixture);
    fixture.restart();
    fixture.returns(1, &[]);
    fixture.heartbeat(1);
    let again = fixture.hdfs().add_block("/f", None).expect("a repetition");
    assert_eq!(again.b.block_id, located.b.block_id);
    let uuids: Vec<_> = again
        .locs
        .iter()
        .map(|node| &*node.id.datanode_uuid)
        .collect();
    assert_eq!(uuids, ["dn1"]);
    fixture.register(2);
    let late = [replica(&located.b, ReplicaState::Rbw)];
    fixture.report(2, &late);
    let last = fixture.hdfs().locations("/f").expect("located").last_block;
    assert_eq!(
        last.expect("it has one").locs.len(),
        1,
        "the client has chosen"
    );
}

#[test]
fn a_call_that_is_repeated_after_the_restart_is_not_executed_again() {
    let mut fixture = Fixture::new();
    fixture.hdfs().mkdirs("/gone", 0o755).expect("made");
    let call = |fixture: &Fixture, id: i32| {
        let mut hdfs = fixture.hdfs();
        hdfs.caller.client_id = [7; 16];
        hdfs.caller.call_id = id;
        let created = hdfs.create("/f").expect("created");
        hdfs.caller.call_id = id + 1;
        (created, hdfs.delete("/gone", true).expect("no error"))
    };
    let first = call(&fixture, 1);
    assert!(first.1);
    fixture.restart();
    assert_eq!(call(&fixture, 1), first, "from the edits");
    let edits = fixture.edits().len();
    assert_eq!(call(&fixture, 1), first, "from the edits, again");
    assert_eq!(fixture.edits().len(), edits);
    let mut hdfs = fixture.hdfs();
    hdfs.caller.client_id = [7; 16];
    hdfs.caller.call_id = 9;
    assert_eq!(hdfs.delete("/gone", true), Ok(false), "another call");
    fixture.advance(Duration::from_secs(10 * 60));
    let mut hdfs = fixture.hdfs();
    hdfs.caller.client_id = [7; 16];
    hdfs.caller.call_id = 2;
    assert_eq!(hdfs.delete("/gone", true), Ok(false), "forgotten");
}

#[test]
fn an_append_that_is_repeated_after_the_restart_goes_on() {
    let mut fixture = Fixture::new().with_datanodes(1);
    fixture.hdfs().write("/f", &[100]);
    let block = fixture.hdfs().locations("/f").expect("located").blocks[0]
        .b
        .clone();
    let request = AppendRequestProto {
        src: "/f".to_owned(),
        client_name: "client-hdfs".to_owned(),
        flag: None,
    };
    let append = |fixture: &Fixture| {
        let mut hdfs = fixture.hdfs();
        (hdfs.caller.client_id, hdfs.caller.call_id) = ([7; 16], 1);
        hdfs.call::<AppendResponseProto>("append", &request)
    };
    let first = append(&fixture).expect("opened");
    fixture.restart();
    let early = append(&fixture).expect_err("the DataNode has not reported");
    assert!(
        early
            .message()
            .contains("is not sufficiently replicated yet"),
        "{early}"
    );
    fixture.returns(1, &[&block]);
    let edits = fixture.edits().len();
    let again = append(&fixture).expect("open");
    let places = |answer: &AppendResponseProto| {
        let block = answer.block.as_ref().expect("it has room");
        let nodes = block.locs.iter().map(|node| node.id.datanode_uuid.clone());
        (block.b.clone(), nodes.collect::<Vec<_>>())
    };
    assert_eq!(places(&again), places(&first));
    assert_eq!(again.stat, first.stat);
    assert_eq!(append(&fixture), Ok(again), "now it is known");
    assert_eq!(fixture.edits().len(), edits, "nothing was changed");
}

fn alice(fixture: &Fixture) -> Session<'_> {
    let user = User {
        full: "alice@EXAMPLE.COM".into(),
        short: "alice".into(),
    };
    Session {
        fixture,
        caller: Caller::new(user, AuthMethod::Kerberos, LOOPBACK),
    }
}

#[test]
fn delegation_tokens_survive_and_block_keys_do_not() {
    let mut fixture =
        Fixture::with(&[("hadoop.security.authentication", "kerberos")]).with_datanodes(1);
    let request = GetDelegationTokenRequestProto {
        renewer: "alice".to_owned(),
    };
    let token = alice(&fixture)
        .call::<GetDelegationTokenResponseProto>("getDelegationToken", &request)
        .expect("issued")
        .token
        .expect("a token");
    let before = fixture.node.block_tokens().export_keys();
    fixture.restart();
    let renewal = RenewDelegationTokenRequestProto { token };
    alice(&fixture)
        .call::<RenewDelegationTokenResponseProto>("renewDelegationToken", &renewal)
        .expect("it is known");
    let keys = fixture.node.register_datanode(START, &datanode(1));
    let keys = keys.expect("registered");
    let keys = keys.expect("security is on");
    assert!(
        keys.all.iter().all(|key| !before.all.contains(key)),
        "new ones"
    );
}

#[test]
fn an_old_replica_is_deleted_when_its_datanode_returns() {
    let mut fixture = Fixture::new().with_datanodes(2);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[100]);
    let block = hdfs.locations("/f").expect("located").blocks[0].b.clone();
    fixture.restart();
    fixture.returns(1, &[&block]);
    let old = ExtendedBlockProto {
        generation_stamp: block.generation_stamp - 1,
        ..block
    };
    fixture.returns(2, &[&old]);
    let stale = replica(&old, ReplicaState::Finalized).block;
    assert_eq!(
        fixture.heartbeat(2),
        [DatanodeCommand::Invalidate(vec![stale])]
    );
    let located = fixture.hdfs().locations("/f").expect("located");
    assert_eq!(located.blocks[0].locs[0].id.datanode_uuid, "dn1");
}

#[test]
fn a_truncation_in_progress_is_finished() {
    let mut fixture = Fixture::new().with_datanodes(1);
    fixture.hdfs().write("/f", &[100]);
    let block = fixture.hdfs().locations("/f").expect("located").blocks[0]
        .b
        .clone();
    let request = TruncateRequestProto {
        src: "/f".to_owned(),
        new_length: 40,
        client_name: "client-hdfs".to_owned(),
    };
    let cut = fixture
        .hdfs()
        .call::<TruncateResponseProto>("truncate", &request);
    assert!(!cut.expect("begun").result, "the DataNodes must cut it");
    fixture.restart();
    fixture.returns(1, &[&block]);
    let request = RecoverLeaseRequestProto {
        src: "/f".to_owned(),
        client_name: "other".to_owned(),
    };
    let closed = fixture
        .hdfs()
        .call::<RecoverLeaseResponseProto>("recoverLease", &request);
    assert!(!closed.expect("begun").result);
    let commands = fixture.heartbeat(1);
    let [DatanodeCommand::Recover(recovery)] = &commands[..] else {
        panic!("an order to cut the block: {commands:?}");
    };
    assert_eq!(recovery.truncate_to, Some(40));
}
