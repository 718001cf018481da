//! Deletions of replicas that no file has.

use super::*;

#[test]
fn a_replica_of_an_unknown_block_is_deleted() {
    let fixture = Fixture::new().with_datanodes(1);
    let stray = ExtendedBlockProto {
        block_id: 5,
        generation_stamp: 1,
        ..ExtendedBlockProto::default()
    };
    fixture.received(1, &stray, 9);
    assert!(matches!(
        &fixture.heartbeat(1)[..],
        [DatanodeCommand::Invalidate(blocks)]
            if blocks[0].id == 5
    ));
    assert!(
        !fixture.datanodes[0].lower(),
        "it goes with the next heartbeat: nothing hurries"
    );
}

#[test]
fn deletions_of_unknown_replicas_are_queued_up_to_a_limit() {
    let fixture = Fixture::new().with_datanodes(1);
    let strays = |first: u64| {
        (first..first + 60_000).map(|id| ReportedReplica {
            block: Block {
                id,
                generation_stamp: 1,
                length: 9,
            },
            state: ReplicaState::Finalized,
        })
    };
    for first in [1, 1_000_000] {
        fixture.report(1, &strays(first).collect::<Vec<_>>());
    }
    assert_eq!(invalidated(&fixture, 1).len(), 100_000);
    fixture.report(1, &strays(1_000_000).collect::<Vec<_>>());
    assert_eq!(
        invalidated(&fixture, 1).len(),
        60_000,
        "the rest comes later"
    );
}

/// Returns the replicas that the NameNode orders this DataNode to delete, each up to a stamp.
fn invalidated(fixture: &Fixture, number: usize) -> Vec<Block> {
    let commands = fixture.heartbeat(number).into_iter();
    commands
        .flat_map(|command| match command {
            DatanodeCommand::Invalidate(blocks) => blocks,
            _ => Vec::new(),
        })
        .collect()
}

fn replica(block: &ExtendedBlockProto, generation_stamp: u64) -> Block {
    Block {
        id: block.block_id,
        generation_stamp,
        length: 0,
    }
}

#[test]
fn a_replica_being_written_of_an_unknown_block_is_deleted() {
    let fixture = Fixture::new().with_datanodes(1);
    let stray = Block {
        id: 5,
        generation_stamp: u64::MAX,
        length: 9,
    };
    fixture.changed(1, stray, BlockStatus::Receiving);
    assert_eq!(invalidated(&fixture, 1), [stray]);
    for state in [ReplicaState::Rbw, ReplicaState::Rwr, ReplicaState::Rur] {
        let report = [ReportedReplica {
            block: stray,
            state,
        }];
        fixture.report(1, &report);
        assert_eq!(invalidated(&fixture, 1), [stray], "{state:?}");
    }
}

#[test]
fn a_replica_being_written_goes_with_its_file_whatever_its_stamp() {
    let fixture = Fixture::new().with_datanodes(2);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let outside = if located.locs[0].id.datanode_uuid == "dn1" {
        2
    } else {
        1
    };
    let strange = replica(&located.b, u64::MAX);
    for _ in 0..3 {
        fixture.changed(outside, strange, BlockStatus::Receiving);
    }
    assert!(
        invalidated(&fixture, outside).is_empty(),
        "its file is open"
    );
    hdfs.delete("/f", false).expect("deleted");
    for number in [1, 2] {
        assert_eq!(invalidated(&fixture, number), [strange], "dn{number}");
    }
}

#[test]
fn a_datanode_that_a_pipeline_left_deletes_what_it_has() {
    let fixture = Fixture::new().with_datanodes(2);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let block = hdfs.add_block("/f", None).expect("a block").b;
    for number in [1, 2] {
        let receiving = replica(&block, block.generation_stamp);
        fixture.changed(number, receiving, BlockStatus::Receiving);
    }
    let request = UpdateBlockForPipelineRequestProto {
        block: block.clone(),
        client_name: "client-hdfs".to_owned(),
    };
    let renewed = hdfs
        .call::<UpdateBlockForPipelineResponseProto>("updateBlockForPipeline", &request)
        .expect("a stamp");
    let new = ExtendedBlockProto {
        num_bytes: Some(7),
        ..renewed.block.b
    };
    let update = UpdatePipelineRequestProto {
        client_name: "client-hdfs".to_owned(),
        old_block: block.clone(),
        new_block: new.clone(),
        new_nodes: vec![DatanodeIdProto {
            datanode_uuid: "dn1".to_owned(),
            ..DatanodeIdProto::default()
        }],
        storage_i_ds: vec!["DS-1".to_owned()],
    };
    hdfs.call::<UpdatePipelineResponseProto>("updatePipeline", &update)
        .expect("updated");
    fixture.received(1, &new, 7);
    assert!(hdfs.complete("/f", Some(&new)).expect("no error"));
    assert!(invalidated(&fixture, 1).is_empty());
    let left = invalidated(&fixture, 2);
    assert_eq!(
        left.iter()
            .map(|block| block.generation_stamp)
            .collect::<Vec<_>>(),
        [block.generation_stamp]
    );
}

#[test]
fn a_replica_that_a_pipeline_left_behind_is_deleted() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[7]);
    let block = hdfs.locations("/f").expect("located").blocks.remove(0).b;
    let report = |generation_stamp| {
        let old = ReportedReplica {
            block: replica(&block, generation_stamp),
            state: ReplicaState::Rwr,
        };
        let whole = ReportedReplica {
            block: Block {
                length: 7,
                ..replica(&block, block.generation_stamp)
            },
            state: ReplicaState::Finalized,
        };
        fixture.report(1, &[whole, old]);
        invalidated(&fixture, 1)
    };
    assert!(
        report(block.generation_stamp).is_empty(),
        "of the present stamp"
    );
    let older = block.generation_stamp - 1;
    assert_eq!(report(older), [replica(&block, older)]);
}
