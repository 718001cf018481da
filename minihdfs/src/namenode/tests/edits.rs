//! The edits that calls make, and the calls that make none.

use super::*;

fn txid(fixture: &Fixture) -> i64 {
    let request = GetCurrentEditLogTxidRequestProto {};
    let hdfs = fixture.hdfs();
    hdfs.call::<GetCurrentEditLogTxidResponseProto>("getCurrentEditLogTxid", &request)
        .expect("the superuser")
        .txid
}

/// Asserts that a call makes no edit.
#[track_caller]
fn unchanged(fixture: &Fixture, call: impl FnOnce(&Session<'_>)) {
    let before = txid(fixture);
    call(&fixture.hdfs());
    let made = fixture.edits()[usize::try_from(before).expect("not negative")..].to_vec();
    assert_eq!((txid(fixture), made), (before, Vec::new()));
}

#[test]
fn transaction_ids_count_the_edits() {
    let fixture = Fixture::new();
    assert_eq!(txid(&fixture), 2, "a log segment and a master key");
    fixture.hdfs().mkdirs("/a/b/c", 0o755).expect("made");
    assert_eq!(txid(&fixture), 5, "a directory each");
    assert_eq!(fixture.edits().len(), 5);
}

#[test]
fn calls_that_change_nothing_in_the_tree_make_no_edit() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/e", 0o755).expect("made");
    hdfs.write("/f", &[10]);
    unchanged(&fixture, |hdfs| {
        assert_eq!(hdfs.mkdirs("/d", 0o700), Ok(true));
        assert_eq!(hdfs.delete("/none", true), Ok(false));
        assert_eq!(hdfs.delete("/", true), Ok(false));
        hdfs.delete("/d", false).expect_err("not empty");
        hdfs.create("/f").expect_err("it exists");
        hdfs.create("/d").expect_err("it exists");
        hdfs.chmod("/d", 0o755).expect("the same");
        hdfs.chown("/d", Some("hdfs"), Some("supergroup"))
            .expect("the same");
        hdfs.chown("/none", Some("hdfs"), None).expect_err("none");
    });
    for (dst, result) in [("/f", true), ("/none/f", false), ("/f/g", false)] {
        unchanged(&fixture, |hdfs| {
            let request = RenameRequestProto {
                src: "/f".to_owned(),
                dst: dst.to_owned(),
            };
            let response = hdfs.call::<RenameResponseProto>("rename", &request);
            assert_eq!(
                response.is_ok_and(|response| response.result),
                result,
                "{dst}"
            );
        });
    }
}

#[test]
fn attributes_that_stay_the_same_make_no_edit() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[10]);
    let src = || "/f".to_owned();
    let xattr = SetXAttrRequestProto {
        src: src(),
        x_attr: Some(XAttrProto {
            namespace: 0,
            name: "n".to_owned(),
            value: Some(vec![1].into()),
        }),
        flag: Some(3),
    };
    let policy = SetStoragePolicyRequestProto {
        src: src(),
        policy_name: "COLD".to_owned(),
    };
    let acl = ModifyAclEntriesRequestProto {
        src: src(),
        acl_spec: vec![AclEntryProto {
            permissions: 5,
            name: Some("bob".to_owned()),
            ..AclEntryProto::default()
        }],
    };
    let once = |hdfs: &Session<'_>| {
        hdfs.call::<SetXAttrResponseProto>("setXAttr", &xattr)
            .expect("set");
        hdfs.call::<SetStoragePolicyResponseProto>("setStoragePolicy", &policy)
            .expect("set");
        hdfs.call::<ModifyAclEntriesResponseProto>("modifyAclEntries", &acl)
            .expect("set");
        for (replication, path) in [(2, "/f"), (2, "/")] {
            let request = SetReplicationRequestProto {
                src: path.to_owned(),
                replication,
            };
            hdfs.call::<SetReplicationResponseProto>("setReplication", &request)
                .expect("set");
        }
        let request = SetTimesRequestProto {
            src: src(),
            mtime: 77,
            atime: u64::MAX,
        };
        hdfs.call::<SetTimesResponseProto>("setTimes", &request)
            .expect("set");
        let request = SetQuotaRequestProto {
            path: "/".to_owned(),
            namespace_quota: i64::MAX as u64,
            storagespace_quota: 1 << 20,
            storage_type: None,
        };
        hdfs.call::<SetQuotaResponseProto>("setQuota", &request)
            .expect("set");
    };
    let before = txid(&fixture);
    once(&hdfs);
    assert_eq!(txid(&fixture), before + 6, "one each");
    unchanged(&fixture, once);
}

#[test]
fn writers_that_change_nothing_make_no_edit() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let block = hdfs.add_block("/f", None).expect("a block").b;
    let flush = FsyncRequestProto {
        src: "/f".to_owned(),
        client: "client-hdfs".to_owned(),
        last_block_length: Some(7),
        file_id: None,
    };
    hdfs.call::<FsyncResponseProto>("fsync", &flush)
        .expect("flushed");
    unchanged(&fixture, |hdfs| {
        let request = RenewLeaseRequestProto {
            client_name: "client-hdfs".to_owned(),
            namespaces: Vec::new(),
        };
        hdfs.call::<RenewLeaseResponseProto>("renewLease", &request)
            .expect("renewed");
        hdfs.call::<FsyncResponseProto>("fsync", &flush)
            .expect("flushed");
        hdfs.complete("/g", None).expect_err("no such file");
        hdfs.locations("/f")
            .expect("read within the precision of access times");
    });
    fixture.received(1, &block, 7);
    let last = ExtendedBlockProto {
        num_bytes: Some(7),
        ..block
    };
    assert_eq!(hdfs.complete("/f", Some(&last)), Ok(true));
    unchanged(&fixture, |hdfs| {
        assert_eq!(hdfs.complete("/f", Some(&last)), Ok(true), "a repetition");
        let request = TruncateRequestProto {
            src: "/f".to_owned(),
            new_length: 7,
            client_name: "client-hdfs".to_owned(),
        };
        let response = hdfs.call::<TruncateResponseProto>("truncate", &request);
        assert!(response.expect("nothing to cut").result);
        let request = RecoverLeaseRequestProto {
            src: "/f".to_owned(),
            client_name: "client-hdfs".to_owned(),
        };
        let response = hdfs.call::<RecoverLeaseResponseProto>("recoverLease", &request);
        assert!(response.expect("closed").result);
    });
}

#[test]
fn rolling_the_log_ends_a_segment_and_starts_one() {
    let fixture = Fixture::new();
    let before = txid(&fixture);
    let request = RollEditsRequestProto {};
    let response = fixture
        .hdfs()
        .call::<RollEditsResponseProto>("rollEdits", &request);
    let first = response.expect("the superuser").new_segment_tx_id;
    assert_eq!(first.cast_signed(), before + 2);
    assert_eq!(
        fixture.edits()[2..],
        [Edit::EndLogSegment, Edit::StartLogSegment]
    );
}

#[test]
fn an_edit_names_the_clients_call() {
    let fixture = Fixture::new().with_datanodes(1);
    let mut hdfs = fixture.hdfs();
    hdfs.caller.client_id = [7; 16];
    hdfs.caller.call_id = 9;
    hdfs.create("/f").expect("created");
    hdfs.caller.call_id = 10;
    let request = RenameRequestProto {
        src: "/f".to_owned(),
        dst: "/g".to_owned(),
    };
    hdfs.call::<RenameResponseProto>("rename", &request)
        .expect("moved");
    let edits = fixture.edits();
    let calls: Vec<_> = edits.iter().filter_map(Edit::rpc_ids).collect();
    assert_eq!(
        calls
            .iter()
            .map(|rpc| (rpc.client_id, rpc.call_id))
            .collect::<Vec<_>>(),
        [([7; 16], 9), ([7; 16], 10)]
    );
    assert_eq!(
        edits.last(),
        Some(&Edit::RenameOld {
            src: "/f".to_owned(),
            dst: "/g".to_owned(),
            timestamp: START.as_millis(),
            rpc: calls[1],
        })
    );
}

#[test]
fn a_replacement_is_one_edit() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[10]);
    let before = fixture.edits().len();
    let request = hdfs.create_request("/f", 1 | CreateFlagProto::Overwrite as u32);
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("replaced");
    let edits = fixture.edits();
    assert!(
        matches!(&edits[before..], [Edit::Add { overwrite: true, file, .. }] if file.path == "/f"),
        "{edits:?}"
    );
}

#[test]
fn an_edit_that_does_not_fit_is_refused_and_changes_nothing() {
    let fixture = Fixture::new();
    let mut ns = fixture.node.lock();
    let before = ns.state().transaction_id();
    let edit = Edit::Delete {
        path: "/none".to_owned(),
        timestamp: 0,
        rpc: RpcIds::NONE,
    };
    let error = ns.log(&edit).expect_err("no such path");
    assert_eq!(
        error.message(),
        "Delete does not fit the namespace at transaction 2: /none does not exist"
    );
    assert_eq!(ns.state().transaction_id(), before);
}

#[test]
fn a_sink_that_overflows_keeps_nothing() {
    let mut sink = MemoryEdits::new(1);
    let kept = sink.clone();
    sink.log(1, &Edit::StartLogSegment);
    assert_eq!(kept.edits(), Some(vec![Edit::StartLogSegment]));
    sink.log(2, &Edit::EndLogSegment);
    sink.log(3, &Edit::StartLogSegment);
    assert_eq!(kept.edits(), None);
}
