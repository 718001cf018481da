use super::*;
use crate::protocol::{BlockSynchronization, RecoveredReplica, RecoveringBlock};

/// Returns the order to recover a file of one block on two DataNodes, after alice's lease on it was
/// taken over.
fn under_recovery(fixture: &Fixture) -> RecoveringBlock {
    let hdfs = fixture.hdfs();
    let request = CreateRequestProto {
        replication: 2,
        ..hdfs.create_request("/f", 1)
    };
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("created");
    hdfs.add_block("/f", None).expect("a block");
    let request = RecoverLeaseRequestProto {
        src: "/f".to_owned(),
        client_name: "other".to_owned(),
    };
    assert!(
        !hdfs
            .call::<RecoverLeaseResponseProto>("recoverLease", &request)
            .expect("begun")
            .result
    );
    order(fixture)
}

fn order(fixture: &Fixture) -> RecoveringBlock {
    let mut commands = fixture.heartbeats();
    match commands.pop() {
        Some((_, DatanodeCommand::Recover(recovery))) => recovery,
        other => panic!("an order to recover: {other:?}"),
    }
}

fn synchronization(order: &RecoveringBlock, new_length: u64) -> BlockSynchronization {
    BlockSynchronization {
        block: order.block,
        new_generation_stamp: order.recovery_id,
        new_length,
        delete_block: new_length == 0,
        new_targets: order
            .locations
            .iter()
            .map(|location| RecoveredReplica {
                datanode: location.clone(),
                storage_id: storage(number_of(&location.uuid)).into(),
            })
            .collect(),
    }
}

#[test]
fn a_recovered_file_has_the_length_that_the_datanodes_agreed_on() {
    let fixture = Fixture::new().with_datanodes(2);
    let order = under_recovery(&fixture);
    assert_eq!(order.locations.len(), 2);
    fixture
        .node
        .commit_block_synchronization(fixture.now.get(), &synchronization(&order, 77))
        .expect("ended");
    let located = fixture.hdfs().locations("/f").expect("located");
    assert_eq!(
        (located.file_length, located.under_construction),
        (77, false)
    );
    assert_eq!(located.blocks[0].b.generation_stamp, order.recovery_id);
    assert_eq!(located.blocks[0].locs.len(), 2);
}

#[test]
fn a_block_that_nobody_wrote_to_is_dropped() {
    let fixture = Fixture::new().with_datanodes(2);
    let order = under_recovery(&fixture);
    fixture
        .node
        .commit_block_synchronization(fixture.now.get(), &synchronization(&order, 0))
        .expect("ended");
    let located = fixture.hdfs().locations("/f").expect("located");
    assert_eq!(
        (located.blocks.len(), located.under_construction),
        (0, false)
    );
}

#[test]
fn a_recovery_that_never_ends_is_ordered_from_another_datanode() {
    let fixture = Fixture::new().with_datanodes(2);
    let first = under_recovery(&fixture);
    let deadline = START + Duration::from_secs(30);
    assert_eq!(fixture.node.next_deadline(), Some(deadline));
    fixture.now.set(deadline);
    fixture.tick();
    let second = order(&fixture);
    assert!(second.recovery_id > first.recovery_id);
    let late = fixture
        .node
        .commit_block_synchronization(fixture.now.get(), &synchronization(&first, 5));
    let error = late.expect_err("an earlier attempt");
    assert!(
        error
            .message()
            .contains("does not match current recovery id"),
        "{error}"
    );
    fixture
        .node
        .commit_block_synchronization(fixture.now.get(), &synchronization(&second, 5))
        .expect("ended");
    assert_eq!(fixture.hdfs().stat("/f").length, 5);
}

#[test]
fn the_old_writer_is_shut_out() {
    let fixture = Fixture::new().with_datanodes(2);
    let order = under_recovery(&fixture);
    let last = ExtendedBlockProto {
        pool_id: fixture.node.block_pool_id().to_owned(),
        block_id: order.block.id,
        generation_stamp: order.block.generation_stamp,
        num_bytes: Some(5),
    };
    let error = fixture
        .hdfs()
        .complete("/f", Some(&last))
        .expect_err("the lease is another's");
    assert!(error.class().ends_with(".LeaseExpiredException"), "{error}");
    let request = UpdateBlockForPipelineRequestProto {
        block: last,
        client_name: "client-hdfs".to_owned(),
    };
    let stamp = fixture
        .hdfs()
        .call::<UpdateBlockForPipelineResponseProto>("updateBlockForPipeline", &request);
    assert!(stamp.is_err());
}

fn truncate(session: &Session<'_>, new_length: u64) -> Result<bool, HdfsError> {
    let request = TruncateRequestProto {
        src: "/f".to_owned(),
        new_length,
        client_name: "client-hdfs".to_owned(),
    };
    session
        .call::<TruncateResponseProto>("truncate", &request)
        .map(|response| response.result)
}

#[test]
fn truncation_at_a_blocks_end_is_done_at_once() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[1024, 1024, 10]);
    assert!(truncate(&hdfs, 2058).expect("the same length"));
    assert!(truncate(&hdfs, 1024).expect("cut"));
    assert_eq!(hdfs.stat("/f").length, 1024);
    assert!(matches!(
        &fixture.heartbeat(1)[..],
        [DatanodeCommand::Invalidate(blocks)]
            if blocks.len() == 2
    ));
    refused(
        truncate(&hdfs, 2000),
        "HadoopIllegalArgumentException",
        "Cannot truncate to a larger file size. Current size: 1024, truncate size: 2000.",
    );
    assert!(truncate(&hdfs, 0).expect("cut"));
}

#[test]
fn truncation_within_a_block_waits_for_the_datanodes() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[1024, 1000]);
    assert!(!truncate(&hdfs, 1100).expect("begun"));
    assert!(!truncate(&hdfs, 1100).expect("the same again"));
    let error = truncate(&hdfs, 1000).expect_err("another length");
    assert!(
        error.message().ends_with("because /f is being truncated."),
        "{error}"
    );
    let order = order(&fixture);
    assert_eq!(order.truncate_to, Some(76));
    fixture
        .node
        .commit_block_synchronization(fixture.now.get(), &synchronization(&order, 76))
        .expect("ended");
    assert_eq!(hdfs.stat("/f").length, 1100);
    let closed = IsFileClosedRequestProto {
        src: "/f".to_owned(),
    };
    assert!(
        hdfs.call::<IsFileClosedResponseProto>("isFileClosed", &closed)
            .expect("told")
            .result
    );
}
