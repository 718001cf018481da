//! Replicas that are missing, too many or damaged, and where new ones go.

use super::*;

fn replicated(fixture: &Fixture, replication: u32) -> ExtendedBlockProto {
    let hdfs = fixture.hdfs();
    let request = CreateRequestProto {
        replication,
        ..hdfs.create_request("/f", 1)
    };
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("created");
    let block = hdfs.write_block("/f", None, 100);
    assert!(hdfs.complete("/f", Some(&block)).expect("no error"));
    block
}

fn holders(fixture: &Fixture) -> Vec<String> {
    let block = fixture
        .hdfs()
        .locations("/f")
        .expect("located")
        .blocks
        .remove(0);
    let mut holders: Vec<_> = block
        .locs
        .into_iter()
        .map(|node| node.id.datanode_uuid)
        .collect();
    holders.sort();
    holders
}

/// Sends heartbeats from every other DataNode until this one counts as dead.
fn let_die(fixture: &Fixture, dead: usize) {
    for _ in 0..24 {
        fixture.advance(Duration::from_secs(30));
        for number in (1..=fixture.datanodes.len()).filter(|number| *number != dead) {
            let commands = fixture.heartbeat(number);
            assert!(commands.is_empty(), "{commands:?}");
        }
    }
    fixture.tick();
}

#[test]
fn every_replica_is_on_another_datanode() {
    let fixture = Fixture::new().with_datanodes(4);
    replicated(&fixture, 3);
    let mut holders = holders(&fixture);
    holders.dedup();
    assert_eq!(holders.len(), 3);
}

#[test]
fn a_silent_datanode_dies_and_its_replicas_are_made_anew() {
    let recorder = Arc::new(Recorder::default());
    let fixture = Fixture::hooked(&[], Arc::clone(&recorder) as _).with_datanodes(3);
    let block = replicated(&fixture, 2);
    let before = holders(&fixture);
    let dead: usize = before[0][2..].parse().expect("a number");
    let_die(&fixture, dead);
    assert_eq!(fixture.node.live_datanodes(), 2);
    assert_eq!(holders(&fixture), before[1..]);
    let commands = fixture.heartbeats();
    let [
        (dead_number, DatanodeCommand::Register),
        (source, DatanodeCommand::Transfer { targets, .. }),
    ] = &sorted(commands, dead)[..]
    else {
        panic!("an order to copy");
    };
    assert_eq!(
        (*dead_number, format!("dn{source}")),
        (dead, before[1].clone())
    );
    fixture.received(number_of(&targets[0].uuid), &block, 100);
    assert_eq!(holders(&fixture).len(), 2);
    let events = recorder.events();
    assert!(events.iter().any(|event| matches!(
        event,
        Event::State {
            change: StateChange::Dead,
            ..
        }
    )));
    assert!(events.iter().any(|event| matches!(
        event,
        Event::Timer {
            timer: TimerKind::Heartbeat,
            ..
        }
    )));
}

/// Returns the commands, starting with those of `first`.
fn sorted(
    mut commands: Vec<(usize, DatanodeCommand)>,
    first: usize,
) -> Vec<(usize, DatanodeCommand)> {
    commands.sort_by_key(|(number, _)| *number != first);
    commands
}

#[test]
fn a_datanode_that_comes_back_brings_replicas_too_many_and_loses_them() {
    let fixture = Fixture::new().with_datanodes(3);
    let block = replicated(&fixture, 2);
    let dead: usize = holders(&fixture)[0][2..].parse().expect("a number");
    let_die(&fixture, dead);
    let transfer = fixture
        .heartbeats()
        .into_iter()
        .find_map(|(_, command)| match command {
            DatanodeCommand::Transfer { targets, .. } => Some(number_of(&targets[0].uuid)),
            _ => None,
        });
    fixture.received(transfer.expect("an order to copy"), &block, 100);
    fixture.register(dead);
    let replica = ReportedReplica {
        block: Block {
            id: block.block_id,
            generation_stamp: block.generation_stamp,
            length: 100,
        },
        state: ReplicaState::Finalized,
    };
    fixture.report(dead, &[replica]);
    let invalidated = fixture.heartbeats();
    assert!(
        matches!(&invalidated[..], [(_, DatanodeCommand::Invalidate(blocks))] if blocks.len() == 1),
        "{invalidated:?}"
    );
    assert_eq!(holders(&fixture).len(), 2);
}

#[test]
fn the_time_of_death_is_a_deadline() {
    let fixture = Fixture::new().with_datanodes(1);
    let deadline = START + Duration::from_millis(630_000) + Duration::from_micros(1);
    assert_eq!(fixture.node.next_deadline(), Some(deadline));
    fixture.now.set(deadline - Duration::from_micros(1));
    fixture.tick();
    assert_eq!(fixture.node.live_datanodes(), 1);
    fixture.now.set(deadline);
    fixture.tick();
    assert_eq!(fixture.node.live_datanodes(), 0);
    assert!(matches!(
        &fixture.heartbeat(1)[..],
        [DatanodeCommand::Register]
    ));
}

#[test]
fn more_and_fewer_replicas_are_made_on_request() {
    let fixture = Fixture::new().with_datanodes(3);
    let block = replicated(&fixture, 1);
    let set = |replication| {
        let request = SetReplicationRequestProto {
            src: "/f".to_owned(),
            replication,
        };
        let session = fixture.hdfs();
        session
            .call::<SetReplicationResponseProto>("setReplication", &request)
            .expect("set")
            .result
    };
    assert!(set(3));
    let commands = fixture.heartbeats();
    let [(_, DatanodeCommand::Transfer { targets, .. })] = &commands[..] else {
        panic!("an order to copy: {commands:?}");
    };
    assert_eq!(targets.len(), 2);
    for target in targets {
        fixture.received(number_of(&target.uuid), &block, 100);
    }
    assert_eq!(holders(&fixture).len(), 3);
    assert!(set(1));
    let commands = fixture.heartbeats();
    assert_eq!(commands.len(), 2);
    assert!(
        commands
            .iter()
            .all(|(_, command)| matches!(command, DatanodeCommand::Invalidate(_)))
    );
    assert_eq!(holders(&fixture).len(), 1);
    let directory = SetReplicationRequestProto {
        src: "/".to_owned(),
        replication: 2,
    };
    let response = fixture
        .hdfs()
        .call::<SetReplicationResponseProto>("setReplication", &directory);
    assert!(!response.expect("no error").result);
}

#[test]
fn an_order_that_nobody_fulfils_is_given_again() {
    let fixture = Fixture::new().with_datanodes(2);
    replicated(&fixture, 1);
    let request = SetReplicationRequestProto {
        src: "/f".to_owned(),
        replication: 2,
    };
    fixture
        .hdfs()
        .call::<SetReplicationResponseProto>("setReplication", &request)
        .expect("set");
    assert_eq!(fixture.heartbeats().len(), 1);
    assert_eq!(
        fixture.node.next_deadline(),
        Some(START + Duration::from_secs(5 * 60))
    );
    fixture.advance(Duration::from_secs(5 * 60));
    assert!(fixture.heartbeats().is_empty());
    fixture.tick();
    assert_eq!(fixture.heartbeats().len(), 1);
}

#[test]
fn a_corrupt_replica_is_replaced_and_then_removed() {
    let fixture = Fixture::new().with_datanodes(3);
    let block = replicated(&fixture, 2);
    let bad = holders(&fixture)[0].clone();
    let reported = Block {
        id: block.block_id,
        generation_stamp: block.generation_stamp,
        length: 100,
    };
    fixture.bad(&bad, reported);
    assert_eq!(holders(&fixture).len(), 1, "readers are not sent there");
    let commands = fixture.heartbeats();
    let [(_, DatanodeCommand::Transfer { targets, .. })] = &commands[..] else {
        panic!("an order to copy: {commands:?}");
    };
    fixture.received(number_of(&targets[0].uuid), &block, 100);
    let commands = fixture.heartbeats();
    assert!(matches!(
        &commands[..],
        [(number, DatanodeCommand::Invalidate(_))]
            if format!("dn{number}") == bad
    ));
}

#[test]
fn a_block_whose_replicas_are_all_corrupt_is_told_as_such() {
    let fixture = Fixture::new().with_datanodes(1);
    replicated(&fixture, 1);
    let block = fixture
        .hdfs()
        .locations("/f")
        .expect("located")
        .blocks
        .remove(0);
    let request = ReportBadBlocksRequestProto {
        blocks: vec![block],
    };
    fixture
        .user("alice")
        .call::<ReportBadBlocksResponseProto>("reportBadBlocks", &request)
        .expect("taken");
    let block = fixture
        .hdfs()
        .locations("/f")
        .expect("located")
        .blocks
        .remove(0);
    assert!(block.corrupt && block.locs.len() == 1);
    let request = ListCorruptFileBlocksRequestProto {
        path: "/".to_owned(),
        cookie: None,
    };
    let response = fixture
        .hdfs()
        .call::<ListCorruptFileBlocksResponseProto>("listCorruptFileBlocks", &request);
    assert_eq!(response.expect("listed").corrupt.files, ["/f"]);
}

#[test]
fn favoured_datanodes_are_chosen_first() {
    let fixture = Fixture::new().with_datanodes(4);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    for number in [3, 1, 4] {
        let request = AddBlockRequestProto {
            src: "/f".to_owned(),
            client_name: "client-hdfs".to_owned(),
            favored_nodes: vec![format!("127.0.0.1:{}", 9000 + number)],
            ..AddBlockRequestProto::default()
        };
        let block = hdfs
            .call::<AddBlockResponseProto>("addBlock", &request)
            .expect("a block")
            .block;
        assert_eq!(block.locs[0].id.datanode_uuid, format!("dn{number}"));
        let abandon = AbandonBlockRequestProto {
            b: block.b,
            src: "/f".to_owned(),
            holder: "client-hdfs".to_owned(),
            file_id: None,
        };
        hdfs.call::<AbandonBlockResponseProto>("abandonBlock", &abandon)
            .expect("dropped");
    }
}

#[test]
fn a_pipeline_that_lost_a_datanode_gets_another() {
    let fixture = Fixture::new().with_datanodes(3);
    let hdfs = fixture.hdfs();
    let request = CreateRequestProto {
        replication: 2,
        ..hdfs.create_request("/f", 1)
    };
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let request = GetAdditionalDatanodeRequestProto {
        src: "/f".to_owned(),
        blk: located.b.clone(),
        existings: vec![located.locs[0].clone()],
        excludes: vec![located.locs[1].clone()],
        num_additional_nodes: 1,
        client_name: "client-hdfs".to_owned(),
        ..GetAdditionalDatanodeRequestProto::default()
    };
    let more = hdfs
        .call::<GetAdditionalDatanodeResponseProto>("getAdditionalDatanode", &request)
        .expect("one more")
        .block;
    assert_eq!((more.locs.len(), more.storage_i_ds.len()), (2, 2));
    assert_eq!(more.locs[0].id, located.locs[0].id);
    assert!(located.locs.iter().all(|node| node.id != more.locs[1].id));
}

#[test]
fn a_damaged_replica_that_is_reported_again_stays_damaged() {
    let fixture = Fixture::new().with_datanodes(3);
    let block = replicated(&fixture, 3);
    let reported = Block {
        id: block.block_id,
        generation_stamp: block.generation_stamp,
        length: 100,
    };
    fixture.bad("dn1", reported);
    assert_eq!(holders(&fixture), ["dn2", "dn3"]);
    let report = [ReportedReplica {
        block: reported,
        state: ReplicaState::Finalized,
    }];
    fixture.report(1, &report);
    assert_eq!(holders(&fixture), ["dn2", "dn3"]);
    // A new replica is not affected.
    fixture.changed(1, reported, BlockStatus::Received);
    assert_eq!(holders(&fixture), ["dn1", "dn2", "dn3"]);
}

#[test]
fn urgent_commands_raise_the_signal_of_a_datanode_in_the_same_process() {
    let fixture = Fixture::new().with_datanodes(2);
    let block = replicated(&fixture, 1);
    let source = number_of(&holders(&fixture)[0]);
    assert!(!fixture.datanodes[source - 1].lower());
    let request = SetReplicationRequestProto {
        src: "/f".to_owned(),
        replication: 2,
    };
    fixture
        .hdfs()
        .call::<SetReplicationResponseProto>("setReplication", &request)
        .expect("set");
    assert!(fixture.datanodes[source - 1].lower(), "an order to copy");
    let commands = fixture.heartbeat(source);
    assert!(
        matches!(
            &commands[..],
            [DatanodeCommand::Transfer { block: copied, .. }]
                if copied.id == block.block_id
        ),
        "{commands:?}"
    );
}

#[test]
fn a_datanode_whose_disks_have_all_failed_is_dead_at_once() {
    let fixture = Fixture::new().with_datanodes(3);
    replicated(&fixture, 2);
    let failed = number_of(&holders(&fixture)[0]);
    let report = |error| {
        fixture
            .node
            .error_report(fixture.now.get(), &datanode(failed), error, "disk 0")
            .expect("it is taken");
    };
    for harmless in [
        DatanodeError::Notify,
        DatanodeError::DiskError,
        DatanodeError::InvalidBlock,
    ] {
        report(harmless);
        assert_eq!(holders(&fixture).len(), 2, "{harmless:?}");
    }
    report(DatanodeError::FatalDiskError);
    assert_eq!(holders(&fixture).len(), 1, "readers are not sent there");
    assert_eq!(fixture.node.live_datanodes(), 2);
    let commands = fixture.heartbeats();
    assert!(
        commands.contains(&(failed, DatanodeCommand::Register)),
        "it may come back: {commands:?}"
    );
    let copies = commands
        .iter()
        .filter(|(_, command)| matches!(command, DatanodeCommand::Transfer { .. }));
    assert_eq!(copies.count(), 1, "its replica is copied");
}
