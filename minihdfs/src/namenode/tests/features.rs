//! The answers about features that are not there: those of a NameNode on which they are not in use.

use super::*;
use crate::namenode::{HostEntry, HostLists};

#[test]
fn erasure_coding_answers_as_with_every_policy_disabled() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.write("/f", &[]);
    let set = |src: &str, policy: Option<&str>| {
        let request = SetErasureCodingPolicyRequestProto {
            src: src.to_owned(),
            ec_policy_name: policy.map(str::to_owned),
        };
        hdfs.call::<SetErasureCodingPolicyResponseProto>("setErasureCodingPolicy", &request)
    };
    for (asked, named) in [
        (None, "RS-6-3-1024k"),
        (Some("XOR-2-1-1024k"), "XOR-2-1-1024k"),
    ] {
        refused(
            set("/nonexistent", asked),
            "HadoopIllegalArgumentException",
            &format!(
                "Policy '{named}' does not match any enabled erasure coding policies: []. \
                 An erasure coding policy can be enabled by enableErasureCodingPolicy API."
            ),
        );
    }
    refused(
        set("/nonexistent", Some("replication")),
        "FileNotFoundException",
        "Path not found: /nonexistent",
    );
    refused(
        set("/f", Some("REPLICATION")),
        "IOException",
        "Attempt to set an erasure coding policy for a file /f",
    );
    let unset = |src: &str| {
        let request = UnsetErasureCodingPolicyRequestProto {
            src: src.to_owned(),
        };
        hdfs.call::<UnsetErasureCodingPolicyResponseProto>("unsetErasureCodingPolicy", &request)
    };
    let none = "No erasure coding policy explicitly set on /d";
    refused(unset("/d"), "NoECPolicySetException", none);
    set("/d", Some("replication")).expect("always enabled");
    unset("/d").expect("it is set");
    refused(unset("/d"), "NoECPolicySetException", none);
    refused(
        unset("/f"),
        "IOException",
        "Cannot unset an erasure coding policy on a file /f",
    );
    let get = GetErasureCodingPolicyRequestProto {
        src: "/nonexistent".to_owned(),
    };
    refused(
        hdfs.call::<GetErasureCodingPolicyResponseProto>("getErasureCodingPolicy", &get),
        "FileNotFoundException",
        "Path not found: /nonexistent",
    );
}

#[test]
fn no_erasure_coding_policy_has_a_name() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let named = EnableErasureCodingPolicyRequestProto {
        ec_policy_name: "RS-6-3-1024k".to_owned(),
    };
    for method in [
        "enableErasureCodingPolicy",
        "disableErasureCodingPolicy",
        "removeErasureCodingPolicy",
    ] {
        refused(
            hdfs.call::<EnableErasureCodingPolicyResponseProto>(method, &named),
            "HadoopIllegalArgumentException",
            "The policy name RS-6-3-1024k does not exist",
        );
    }
    let add = AddErasureCodingPoliciesRequestProto {
        ec_policies: vec![ErasureCodingPolicyProto::default()],
    };
    let added = hdfs
        .call::<AddErasureCodingPoliciesResponseProto>("addErasureCodingPolicies", &add)
        .expect("an answer for each");
    assert!(!added.responses[0].succeed);
    assert_eq!(
        added.responses[0].error_msg(),
        "Addition of user defined erasure coding policy is disabled."
    );
    let topology = |policies: &[&str]| {
        let request = GetEcTopologyResultForPoliciesRequestProto {
            policies: policies.iter().map(|name| (*name).to_owned()).collect(),
        };
        let method = "getECTopologyResultForPolicies";
        hdfs.call::<GetEcTopologyResultForPoliciesResponseProto>(method, &request)
    };
    assert!(
        topology(&[])
            .expect("none is enabled")
            .response
            .is_supported
    );
    refused(
        topology(&["x"]),
        "HadoopIllegalArgumentException",
        "The given erasure coding policy x does not exist.",
    );
}

#[test]
fn encryption_zones_answer_as_without_a_key_provider() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let reencrypt = ReencryptEncryptionZoneRequestProto {
        action: ReencryptActionProto::StartReencrypt.into(),
        zone: "/z".to_owned(),
    };
    refused(
        hdfs.call::<ReencryptEncryptionZoneResponseProto>("reencryptEncryptionZone", &reencrypt),
        "IOException",
        "No key provider configured, re-encryption operation is rejected",
    );
    let list = ListReencryptionStatusRequestProto { id: 0 };
    let listed = hdfs
        .call::<ListReencryptionStatusResponseProto>("listReencryptionStatus", &list)
        .expect("empty");
    assert!(listed.statuses.is_empty() && !listed.has_more);
    let root = GetEnclosingRootRequestProto {
        filename: Some("/a/b".to_owned()),
    };
    let root = hdfs
        .call::<GetEnclosingRootResponseProto>("getEnclosingRoot", &root)
        .expect("paths need not exist");
    assert_eq!(root.enclosing_root_path(), "/");
}

#[test]
fn no_directory_is_snapshottable() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.write("/f", &[]);
    let call = |method: &str, root: &str| {
        let request = DeleteSnapshotRequestProto {
            snapshot_root: root.to_owned(),
            snapshot_name: "s".to_owned(),
        };
        hdfs.call::<DeleteSnapshotResponseProto>(method, &request)
    };
    for (method, class) in [
        ("createSnapshot", "AccessControlException"),
        ("getSnapshotListing", "ParentNotDirectoryException"),
    ] {
        refused(call(method, "/f/x"), class, "/f (is not a directory)");
    }
    for method in [
        "createSnapshot",
        "deleteSnapshot",
        "renameSnapshot",
        "getSnapshotListing",
    ] {
        refused(
            call(method, "/d"),
            "SnapshotException",
            "Directory is not a snapshottable directory: /d",
        );
        let missing = match method {
            "getSnapshotListing" => "Directory does not exist: /x",
            _ => "Directory/File does not exist /x",
        };
        refused(call(method, "/x"), "FileNotFoundException", missing);
        refused(
            call(method, "/f"),
            "PathIsNotDirectoryException",
            "`/f': Is not a directory",
        );
    }
    call("disallowSnapshot", "/d").expect("it is not");
    refused(
        call("getSnapshotDiffReport", "/d"),
        "SnapshotException",
        "The path /d is neither snapshottable nor under a snapshot root!",
    );
}

#[test]
fn no_rolling_upgrade_is_in_progress() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let ask = |action: RollingUpgradeActionProto| {
        let request = RollingUpgradeRequestProto {
            action: action.into(),
        };
        hdfs.call::<RollingUpgradeResponseProto>("rollingUpgrade", &request)
    };
    for action in [
        RollingUpgradeActionProto::Query,
        RollingUpgradeActionProto::Finalize,
    ] {
        let none = ask(action).expect("none");
        assert_eq!(none.rolling_upgrade_info, None);
    }
    refused(
        ask(RollingUpgradeActionProto::Start),
        "IOException",
        "Safe mode should be turned ON in order to create namespace image.",
    );
    fixture.node.lock().safe_mode.enter();
    let none = ask(RollingUpgradeActionProto::Finalize).expect("none, in safe mode too");
    assert_eq!(none.rolling_upgrade_info, None);
}

#[test]
fn the_restoration_of_failed_storage_is_a_switch() {
    let fixture = Fixture::new();
    let restore = |arg: &str| {
        let request = RestoreFailedStorageRequestProto {
            arg: arg.to_owned(),
        };
        fixture
            .hdfs()
            .call::<RestoreFailedStorageResponseProto>("restoreFailedStorage", &request)
            .expect("the superuser")
            .result
    };
    let answers = ["check", "true", "check", "false", "check"].map(restore);
    assert_eq!(answers, [false, true, true, false, false]);
}

/// Keeps the files that are written.
struct Logs(Arc<Mutex<Vec<(String, String)>>>);

impl LogDirectory for Logs {
    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let mut files = self.0.lock().expect("not poisoned");
        files.push((name.to_owned(), text.to_owned()));
        Ok(())
    }
}

#[test]
fn a_summary_is_written_into_the_log_directory_and_nowhere_else() {
    let fixture = Fixture::new().with_datanodes(2);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[10]);
    let excluded = HostLists {
        excluded: vec![HostEntry {
            ip: LOOPBACK,
            port: Some(datanode(2).transfer_port),
        }],
        ..HostLists::default()
    };
    fixture.node.set_hosts(fixture.now.get(), excluded);
    let save = |name: &str| {
        let request = MetaSaveRequestProto {
            filename: name.to_owned(),
        };
        hdfs.call::<MetaSaveResponseProto>("metaSave", &request)
    };
    refused(
        save("m"),
        "IOException",
        "Cannot write m: this NameNode has no log directory",
    );
    let files = Arc::new(Mutex::new(Vec::new()));
    let logs = Logs(Arc::clone(&files));
    fixture.node.set_log_directory(Box::new(logs));
    for name in ["", "..", "../m", "/tmp/m", ".kerbox"] {
        save(name).expect_err("no plain name");
    }
    save("m").expect("written");
    let files = files.lock().expect("not poisoned");
    assert_eq!(files.len(), 1);
    assert!(
        files[0].1.starts_with(
            "2 files and directories, 1 blocks = 3 total filesystem objects\n\
             Live Datanodes: 2\nDead Datanodes: 0\n"
        ),
        "{files:?}"
    );
    for line in ["9001 IN_SERVICE", "9002 DECOMMISSION_INPROGRESS"] {
        assert!(files[0].1.contains(line), "{files:?}");
    }
}
