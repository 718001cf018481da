//! Quotas by storage type, which count by a file's storage policy.

use super::*;

impl Session<'_> {
    fn type_quota(&self, path: &str, kind: StorageTypeProto, quota: u64) -> Result<(), HdfsError> {
        let request = SetQuotaRequestProto {
            path: path.to_owned(),
            namespace_quota: i64::MAX as u64,
            storagespace_quota: quota,
            storage_type: Some(kind.into()),
        };
        self.call::<SetQuotaResponseProto>("setQuota", &request)
            .map(drop)
    }

    fn policy(&self, src: &str, name: &str) {
        let request = SetStoragePolicyRequestProto {
            src: src.to_owned(),
            policy_name: name.to_owned(),
        };
        self.call::<SetStoragePolicyResponseProto>("setStoragePolicy", &request)
            .expect("set");
    }

    /// Returns quota and consumption of a type.
    fn of_type(&self, path: &str, kind: StorageTypeProto) -> (i64, u64) {
        let request = GetQuotaUsageRequestProto {
            path: path.to_owned(),
        };
        let usage = self.call::<GetQuotaUsageResponseProto>("getQuotaUsage", &request);
        let infos = usage.expect("a directory").usage.type_quota_infos;
        let infos = infos.expect("a quota by type").type_quota_info;
        let info = infos.iter().find(|info| info.r#type() == kind);
        let info = info.expect("each type");
        (info.quota.cast_signed(), info.consumed)
    }
}

#[test]
fn a_quota_for_a_type_limits_files_whose_policy_names_it() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/ssd", 0o755).expect("made");
    hdfs.type_quota("/d", StorageTypeProto::Ssd, 1500)
        .expect("set");
    hdfs.write("/d/unset", &[1024, 1024]);
    hdfs.policy("/d/ssd", "ALL_SSD");
    hdfs.write("/d/ssd/f", &[400]);
    assert_eq!(hdfs.of_type("/d", StorageTypeProto::Ssd), (1500, 400));
    assert_eq!(hdfs.of_type("/d", StorageTypeProto::Disk), (-1, 0));
    hdfs.create("/d/ssd/g").expect("created");
    let first = hdfs.write_block("/d/ssd/g", None, 1024);
    refused(
        hdfs.add_block("/d/ssd/g", Some(&first)),
        "QuotaByStorageTypeExceededException",
        "Quota by storage type : SSD on path : /d is exceeded. quota = 1.46 KB but space consumed = 2.39 KB",
    );
    hdfs.type_quota("/d", StorageTypeProto::Ssd, u64::MAX)
        .expect("removed");
    hdfs.add_block("/d/ssd/g", Some(&first)).expect("no limit");
}

#[test]
fn moves_and_replication_count_too() {
    let fixture = Fixture::new().with_datanodes(2);
    let hdfs = fixture.hdfs();
    for directory in ["/ssd", "/disk"] {
        hdfs.mkdirs(directory, 0o755).expect("made");
    }
    hdfs.policy("/ssd", "ALL_SSD");
    hdfs.policy("/disk", "HOT");
    hdfs.type_quota("/ssd", StorageTypeProto::Ssd, 1500)
        .expect("set");
    hdfs.write("/ssd/f", &[1000]);
    hdfs.write("/disk/g", &[1000]);
    let exceeded = "Quota by storage type : SSD on path : /ssd is exceeded. quota = 1.46 KB but space consumed = 1.95 KB";
    let request = Rename2RequestProto {
        src: "/disk/g".to_owned(),
        dst: "/ssd/g".to_owned(),
        ..Rename2RequestProto::default()
    };
    refused(
        hdfs.call::<Rename2ResponseProto>("rename2", &request),
        "QuotaByStorageTypeExceededException",
        exceeded,
    );
    let request = SetReplicationRequestProto {
        src: "/ssd/f".to_owned(),
        replication: 2,
    };
    refused(
        hdfs.call::<SetReplicationResponseProto>("setReplication", &request),
        "QuotaByStorageTypeExceededException",
        exceeded,
    );
}

#[test]
fn a_quota_by_type_is_no_namespace_quota() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    let request = SetQuotaRequestProto {
        path: "/d".to_owned(),
        namespace_quota: 5,
        storagespace_quota: 10,
        storage_type: Some(StorageTypeProto::Ssd.into()),
    };
    refused(
        hdfs.call::<SetQuotaResponseProto>("setQuota", &request),
        "UnsupportedActionException",
        "Failed to set quota by storage type because eitherdfs.quota.by.storage.type.enabled is set to true or nsQuota value is illegal 5",
    );
}

#[test]
fn memory_is_a_policy_for_new_files_only() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[]);
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.policy("/d", "LAZY_PERSIST");
    let request = SetStoragePolicyRequestProto {
        src: "/f".to_owned(),
        policy_name: "lazy_persist".to_owned(),
    };
    refused(
        hdfs.call::<SetStoragePolicyResponseProto>("setStoragePolicy", &request),
        "HadoopIllegalArgumentException",
        "Policy BlockStoragePolicy{LAZY_PERSIST:15, storageTypes=[RAM_DISK, DISK], creationFallbacks=[DISK], replicationFallbacks=[DISK]} cannot be set after file creation.",
    );
}

#[test]
fn an_append_needs_room_for_the_rest_of_the_last_block() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.policy("/d", "ALL_SSD");
    hdfs.write("/d/f", &[100]);
    let request = AppendRequestProto {
        src: "/d/f".to_owned(),
        client_name: "client".to_owned(),
        flag: None,
    };
    let append = || hdfs.call::<AppendResponseProto>("append", &request);
    let limit = |space| {
        let request = SetQuotaRequestProto {
            path: "/d".to_owned(),
            namespace_quota: i64::MAX as u64,
            storagespace_quota: space,
            storage_type: None,
        };
        hdfs.call::<SetQuotaResponseProto>("setQuota", &request)
            .expect("set")
    };
    limit(1000);
    refused(
        append(),
        "DSQuotaExceededException",
        "The DiskSpace quota of /d is exceeded: quota = 1000 B = 1000 B but diskspace consumed = 1024 B = 1 KB",
    );
    limit(1024);
    hdfs.type_quota("/d", StorageTypeProto::Ssd, 1000)
        .expect("set");
    refused(
        append(),
        "QuotaByStorageTypeExceededException",
        "Quota by storage type : SSD on path : /d is exceeded. quota = 1000 B but space consumed = 1 KB",
    );
    hdfs.type_quota("/d", StorageTypeProto::Ssd, 1024)
        .expect("set");
    append().expect("there is room");
}

#[test]
fn what_only_snapshots_keep_counts_by_type_too() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.policy("/d", "ALL_SSD");
    hdfs.type_quota("/d", StorageTypeProto::Ssd, 2500)
        .expect("set");
    hdfs.allow_snapshot("/d").expect("allowed");
    hdfs.write("/d/f", &[1024]);
    hdfs.write("/d/g", &[400]);
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.delete("/d/f", false).expect("removed");
    assert_eq!(hdfs.of_type("/d", StorageTypeProto::Ssd), (2500, 1424));
    let request = GetContentSummaryRequestProto {
        path: "/d".to_owned(),
    };
    let summary = hdfs.call::<GetContentSummaryResponseProto>("getContentSummary", &request);
    let summary = summary.expect("counted").summary;
    let infos = summary.type_quota_infos.expect("a quota").type_quota_info;
    assert_eq!(infos[0].consumed, 1424);
    hdfs.create("/d/h").expect("created");
    let first = hdfs.write_block("/d/h", None, 1024);
    refused(
        hdfs.add_block("/d/h", Some(&first)),
        "QuotaByStorageTypeExceededException",
        "Quota by storage type : SSD on path : /d is exceeded. quota = 2.44 KB but space consumed = 3.39 KB",
    );
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    hdfs.add_block("/d/h", Some(&first)).expect("there is room");
}
