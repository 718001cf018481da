//! DataNodes with several storages.

use super::*;
use crate::proto::hdfs::{SetStoragePolicyRequestProto, SetStoragePolicyResponseProto};
use crate::token::StorageType;

fn named(id: &str, kind: StorageType) -> DatanodeStorage {
    DatanodeStorage {
        id: id.into(),
        kind,
    }
}

impl Fixture {
    /// Sends a heartbeat of a DataNode with these storages.
    fn heartbeat_of(&self, number: usize, storages: &[DatanodeStorage], failed_volumes: u32) {
        let storages = storages.iter().map(|storage| StorageReport {
            capacity: 1 << 40,
            remaining: 1 << 40,
            ..StorageReport::unknown(storage.clone())
        });
        let report = HeartbeatReport {
            storages: storages.collect(),
            xceivers: 0,
            failed_volumes,
        };
        self.node
            .send_heartbeat(self.now.get(), &datanode(number), &report)
            .expect("an answer");
    }

    /// Reports all replicas of a storage.
    fn report_of(&self, number: usize, storage: &DatanodeStorage, replicas: &[ReportedReplica]) {
        self.node
            .block_report(self.now.get(), &datanode(number), storage, replicas)
            .expect("it is taken");
    }

    fn holders(&self, src: &str) -> Vec<(String, i32)> {
        let located = self.hdfs().locations(src).expect("there");
        let block = &located.blocks[0];
        let ids = block.storage_i_ds.iter().cloned();
        ids.zip(block.storage_types.iter().copied()).collect()
    }
}

/// Each storage reports for itself, in calls of their own and in any order.
#[test]
fn each_storage_reports_what_it_has() {
    let fixture = Fixture::new().with_datanodes(1);
    let (disk, ssd) = (
        named("DS-1", StorageType::Disk),
        named("DS-s", StorageType::Ssd),
    );
    fixture.heartbeat_of(1, &[disk.clone(), ssd.clone()], 0);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[100]);
    let located = hdfs.locations("/f").expect("there");
    let reported = [replica(&located.blocks[0].b, ReplicaState::Finalized)];
    let on = |storage: &DatanodeStorage| vec![(storage.id.to_string(), storage.kind.into())];
    assert_eq!(fixture.holders("/f"), on(&disk));
    fixture.report_of(1, &ssd, &[]);
    assert_eq!(fixture.holders("/f"), on(&disk), "the other storage has it");
    fixture.report_of(1, &ssd, &reported);
    assert_eq!(fixture.holders("/f"), on(&ssd), "it was moved");
    fixture.report_of(1, &disk, &[]);
    assert_eq!(fixture.holders("/f"), on(&ssd));
    fixture.report_of(1, &ssd, &[]);
    assert_eq!(fixture.holders("/f"), []);
}

/// A storage that has failed has no replicas any more; one that is left out of a heartbeat has.
#[test]
fn a_failed_storage_loses_its_replicas_alone() {
    let fixture = Fixture::new().with_datanodes(1);
    let (disk, ssd) = (
        named("DS-1", StorageType::Disk),
        named("DS-s", StorageType::Ssd),
    );
    let both = [disk.clone(), ssd.clone()];
    fixture.heartbeat_of(1, &both, 0);
    let hdfs = fixture.hdfs();
    for (src, storage) in [("/f", &disk), ("/g", &ssd)] {
        hdfs.write(src, &[100]);
        let located = hdfs.locations(src).expect("there");
        let located = replica(&located.blocks[0].b, ReplicaState::Finalized);
        fixture.report_of(1, storage, &[located]);
    }
    // The first report said that the disk has nothing but the first file.
    assert_eq!(fixture.holders("/f")[0].0, "DS-1");
    assert_eq!(fixture.holders("/g")[0].0, "DS-s");
    let rest = std::slice::from_ref(&disk);
    fixture.heartbeat_of(1, rest, 0);
    assert_eq!(fixture.holders("/g")[0].0, "DS-s", "it may come back");
    fixture.heartbeat_of(1, rest, 1);
    assert_eq!(fixture.holders("/g"), []);
    assert_eq!(fixture.holders("/f")[0].0, "DS-1");
}

/// New blocks go where the policy of their file says, and nowhere if it allows no storage.
#[test]
fn policies_choose_storages() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    let policy = |src: &str, name: &str| {
        let request = SetStoragePolicyRequestProto {
            src: src.to_owned(),
            policy_name: name.to_owned(),
        };
        let set = hdfs.call::<SetStoragePolicyResponseProto>("setStoragePolicy", &request);
        set.expect("a policy");
    };
    for name in ["ALL_SSD", "COLD"] {
        let src = format!("/{name}");
        hdfs.mkdirs(&src, 0o755).expect("made");
        policy(&src, name);
    }
    let kinds = |src: &str| {
        hdfs.create(src).expect("created");
        hdfs.add_block(src, None)
            .map(|located| located.storage_types)
    };
    let (disk, ssd) = (StorageType::Disk.into(), StorageType::Ssd.into());
    assert_eq!(kinds("/ALL_SSD/f"), Ok(vec![disk]), "the fallback");
    let refused = kinds("/COLD/f").expect_err("there is no archive");
    assert!(
        refused
            .message()
            .contains("could only be written to 0 of the 1 minReplication nodes"),
        "{refused}"
    );
    let both = [
        named("DS-1", StorageType::Disk),
        named("DS-s", StorageType::Ssd),
    ];
    fixture.heartbeat_of(1, &both, 0);
    assert_eq!(kinds("/ALL_SSD/g"), Ok(vec![ssd]));
    assert_eq!(kinds("/h"), Ok(vec![disk]));
}
