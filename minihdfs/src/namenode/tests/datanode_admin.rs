//! DataNodes that leave service, come back, or stand on racks.

use super::*;
use crate::namenode::{HostEntry, HostLists};

fn entry(number: usize) -> HostEntry {
    HostEntry {
        ip: LOOPBACK,
        port: Some(datanode(number).transfer_port),
    }
}

/// Writes a file of one block on these DataNodes, which are the only ones, and adds others.
fn written(on: usize, others: usize) -> (Fixture, ExtendedBlockProto) {
    written_with(&[], on, others)
}

fn written_with(keys: &[(&str, &str)], on: usize, others: usize) -> (Fixture, ExtendedBlockProto) {
    let mut fixture = Fixture::with(keys).with_datanodes(on);
    let hdfs = fixture.hdfs();
    let request = CreateRequestProto {
        replication: on as u32,
        ..hdfs.create_request("/f", 1)
    };
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("created");
    let block = hdfs.write_block("/f", None, 100);
    assert!(hdfs.complete("/f", Some(&block)).expect("no error"));
    for _ in 0..others {
        fixture.add_datanode();
    }
    (fixture, block)
}

/// Returns the states of all DataNodes, in Hadoop's words.
fn states(fixture: &Fixture) -> Vec<&'static str> {
    let report = report_of(fixture, DatanodeReportTypeProto::All);
    let state = |info: &DatanodeInfoProto| info.admin_state().as_str_name();
    report.iter().map(state).collect()
}

fn report_of(fixture: &Fixture, kind: DatanodeReportTypeProto) -> Vec<DatanodeInfoProto> {
    let request = GetDatanodeReportRequestProto {
        r#type: kind.into(),
    };
    let hdfs = fixture.hdfs();
    hdfs.call::<GetDatanodeReportResponseProto>("getDatanodeReport", &request)
        .expect("the superuser")
        .di
}

/// Sends the heartbeats of an interval, and looks at the DataNodes that leave.
fn interval(fixture: &Fixture) -> Vec<(usize, DatanodeCommand)> {
    fixture.advance(Duration::from_secs(30));
    let commands = fixture.heartbeats();
    fixture.tick();
    commands
}

#[test]
fn a_datanode_is_decommissioned_once_its_blocks_are_elsewhere() {
    let (fixture, block) = written(1, 1);
    let lists = HostLists {
        excluded: vec![entry(1)],
        ..HostLists::default()
    };
    fixture.node.set_hosts(fixture.now.get(), lists);
    assert_eq!(states(&fixture), ["DECOMMISSION_INPROGRESS", "NORMAL"]);
    let leaving = report_of(&fixture, DatanodeReportTypeProto::Decommissioning);
    assert_eq!(leaving.len(), 1);
    let commands = interval(&fixture);
    let [(1, DatanodeCommand::Transfer { targets, .. })] = &commands[..] else {
        panic!("its replica is copied: {commands:?}");
    };
    assert_eq!(targets[0].uuid, datanode(2).uuid);
    assert_eq!(states(&fixture)[0], "DECOMMISSION_INPROGRESS");
    fixture.received(2, &block, 100);
    interval(&fixture);
    assert_eq!(states(&fixture), ["DECOMMISSIONED", "NORMAL"]);
    let located = fixture
        .hdfs()
        .locations("/f")
        .expect("located")
        .blocks
        .remove(0);
    let uuids: Vec<_> = located
        .locs
        .iter()
        .map(|node| &*node.id.datanode_uuid)
        .collect();
    assert_eq!(uuids, ["dn2", "dn1"], "it serves, but as the last one");
    fixture.hdfs().create("/g").expect("created");
    let next = fixture.hdfs().add_block("/g", None).expect("a block");
    assert_eq!(next.locs[0].id.datanode_uuid, "dn2");
    fixture.register(1);
    fixture.report(1, &[replica(&block, ReplicaState::Finalized)]);
    assert_eq!(
        states(&fixture)[0],
        "DECOMMISSIONED",
        "also after it has returned"
    );
    fixture
        .node
        .set_hosts(fixture.now.get(), HostLists::default());
    assert_eq!(states(&fixture), ["NORMAL", "NORMAL"]);
    let commands = fixture.heartbeats();
    assert!(
        matches!(&commands[..], [(_, DatanodeCommand::Invalidate(_))]),
        "one of two replicas is too many: {commands:?}"
    );
}

#[test]
fn a_datanode_that_dies_and_returns_goes_on_leaving() {
    let (fixture, block) = written(1, 1);
    let lists = HostLists {
        excluded: vec![entry(1)],
        ..HostLists::default()
    };
    fixture.node.set_hosts(fixture.now.get(), lists);
    for _ in 0..30 {
        fixture.advance(Duration::from_secs(30));
        fixture.heartbeat(2);
        fixture.tick();
    }
    assert_eq!(fixture.node.live_datanodes(), 1, "it is dead");
    fixture.returns(1, &[&block]);
    assert_eq!(states(&fixture)[0], "DECOMMISSION_INPROGRESS");
    fixture.received(2, &block, 100);
    interval(&fixture);
    assert_eq!(states(&fixture), ["DECOMMISSIONED", "NORMAL"]);
}

#[test]
fn open_files_that_keep_a_datanode_from_leaving_are_listed() {
    let mut fixture = Fixture::new().with_datanodes(1);
    fixture.hdfs().create("/open").expect("created");
    fixture.hdfs().write_block("/open", None, 100);
    fixture.hdfs().write("/closed", &[100]);
    fixture.add_datanode();
    fixture.hdfs().create("/empty").expect("created");
    let blocking = |excluded: Vec<HostEntry>| {
        let lists = HostLists {
            excluded,
            ..HostLists::default()
        };
        fixture.node.set_hosts(fixture.now.get(), lists);
        let request = ListOpenFilesRequestProto {
            types: vec![OpenFilesTypeProto::BlockingDecommission.into()],
            ..ListOpenFilesRequestProto::default()
        };
        let hdfs = fixture.hdfs();
        let listed = hdfs.call::<ListOpenFilesResponseProto>("listOpenFiles", &request);
        let entries = listed.expect("the superuser").entries.into_iter();
        entries.map(|entry| entry.path).collect::<Vec<_>>()
    };
    assert!(blocking(vec![]).is_empty());
    assert_eq!(blocking(vec![entry(1)]), ["/open"]);
    assert!(blocking(vec![entry(2)]).is_empty());
}

#[test]
fn a_datanode_in_maintenance_may_be_away() {
    let (mut fixture, block) = written(2, 1);
    let until = fixture.now.get() + Duration::from_secs(3600);
    let lists = HostLists {
        maintenance: vec![(entry(1), Some(until))],
        ..HostLists::default()
    };
    fixture.node.set_hosts(fixture.now.get(), lists);
    assert_eq!(states(&fixture)[0], "ENTERING_MAINTENANCE");
    assert_eq!(fixture.heartbeats(), [], "the second replica is enough");
    interval(&fixture);
    assert_eq!(states(&fixture)[0], "IN_MAINTENANCE");
    let located = fixture
        .hdfs()
        .locations("/f")
        .expect("located")
        .blocks
        .remove(0);
    assert_eq!(located.locs[0].id.datanode_uuid, "dn2");
    assert_eq!(located.locs.len(), 1, "readers are not sent there");
    for _ in 0..30 {
        fixture.advance(Duration::from_secs(30));
        fixture.heartbeat(2);
        fixture.heartbeat(3);
        fixture.tick();
    }
    assert_eq!(fixture.node.live_datanodes(), 2, "it is away");
    assert_eq!(fixture.heartbeat(2), [], "nothing is copied");
    assert_eq!(
        fixture.node.next_deadline().map(|next| next <= until),
        Some(true)
    );
    fixture.now.set(until);
    for number in [2, 3] {
        fixture.heartbeat(number);
    }
    fixture.tick();
    assert_eq!(states(&fixture)[0], "NORMAL");
    let commands = fixture.heartbeat(2);
    assert!(
        matches!(
            &commands[..],
            [DatanodeCommand::Transfer { block: copied, .. }]
                if copied.id == block.block_id
        ),
        "it has been away for too long: {commands:?}"
    );
    fixture.restart();
}

#[test]
fn a_block_that_only_it_has_is_copied_before_maintenance() {
    let (fixture, block) = written(1, 1);
    let lists = HostLists {
        maintenance: vec![(entry(1), None)],
        ..HostLists::default()
    };
    fixture.node.set_hosts(fixture.now.get(), lists);
    let commands = interval(&fixture);
    assert!(matches!(
        &commands[..],
        [(1, DatanodeCommand::Transfer { .. })]
    ));
    assert_eq!(states(&fixture)[0], "ENTERING_MAINTENANCE");
    fixture.received(2, &block, 100);
    interval(&fixture);
    assert_eq!(states(&fixture)[0], "IN_MAINTENANCE");
    let away = report_of(&fixture, DatanodeReportTypeProto::InMaintenance);
    assert_eq!(away.len(), 1);
}

#[test]
fn a_datanode_that_is_not_on_the_list_may_not_register() {
    let fixture = Fixture::new().with_datanodes(2);
    let lists = HostLists {
        included: vec![entry(2)],
        ..HostLists::default()
    };
    fixture.node.set_hosts(fixture.now.get(), lists);
    assert_eq!(fixture.node.live_datanodes(), 1);
    let text = "Datanode denied communication with namenode because the host is not in the \
                include-list: DatanodeRegistration(127.0.0.1:9001, datanodeUuid=dn1, infoPort=0, \
                ipcPort=0)";
    let now = fixture.now.get();
    let beat = fixture
        .node
        .send_heartbeat(now, &datanode(1), &HeartbeatReport::default());
    refused(beat, "DisallowedDatanodeException", text);
    let again = fixture.node.register_datanode(now, &datanode(1));
    refused(again.map(|_| ()), "DisallowedDatanodeException", text);
    fixture.node.set_hosts(now, HostLists::default());
    fixture.register(1);
    assert_eq!(fixture.node.live_datanodes(), 2);
}

/// Adds a DataNode on a rack.
fn add_on(fixture: &mut Fixture, rack: &str) {
    let number = fixture.datanodes.len() + 1;
    fixture
        .node
        .set_datanode_location(&datanode(number).uuid, rack);
    fixture.add_datanode();
}

fn racks_of(locations: &[DatanodeInfoProto]) -> Vec<&str> {
    locations.iter().map(DatanodeInfoProto::location).collect()
}

#[test]
fn three_replicas_are_on_two_racks_of_which_the_second_has_two() {
    let mut fixture = Fixture::new();
    for rack in ["/a", "/a", "/a", "/b", "/b", "/c"] {
        add_on(&mut fixture, rack);
    }
    let hdfs = fixture.hdfs();
    for number in 0..20 {
        let path = format!("/{number}");
        let request = CreateRequestProto {
            replication: 3,
            ..hdfs.create_request(&path, 1)
        };
        hdfs.call::<CreateResponseProto>("create", &request)
            .expect("created");
        let block = hdfs.add_block(&path, None).expect("a block");
        let racks = racks_of(&block.locs);
        assert_eq!(racks.len(), 3, "{racks:?}");
        assert_ne!(racks[0], racks[1], "{racks:?}");
        assert!(racks[1] == racks[2] || racks[1] == "/c", "{racks:?}");
    }
}

#[test]
fn a_block_on_one_rack_gets_a_replica_on_another() {
    let mut fixture = Fixture::new();
    add_on(&mut fixture, "/a");
    add_on(&mut fixture, "/a");
    let hdfs = fixture.hdfs();
    let request = CreateRequestProto {
        replication: 2,
        ..hdfs.create_request("/f", 1)
    };
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("created");
    let block = hdfs.write_block("/f", None, 100);
    assert!(hdfs.complete("/f", Some(&block)).expect("no error"));
    assert_eq!(fixture.heartbeats(), [], "there is no other rack");
    add_on(&mut fixture, "/b");
    fixture.report(1, &[replica(&block, ReplicaState::Finalized)]);
    let commands = fixture.heartbeats();
    let [(_, DatanodeCommand::Transfer { targets, .. })] = &commands[..] else {
        panic!("a copy: {commands:?}");
    };
    assert_eq!(targets[0].uuid, datanode(3).uuid);
    fixture.received(3, &block, 100);
    let located = fixture
        .hdfs()
        .locations("/f")
        .expect("located")
        .blocks
        .remove(0);
    let mut racks = racks_of(&located.locs);
    racks.sort_unstable();
    assert_eq!(racks, ["/a", "/b"], "the surplus one goes");
}
