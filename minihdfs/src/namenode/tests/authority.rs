//! Authorization: every method of every protocol, called by an ordinary user.

use super::*;
use crate::namenode::ops::CLIENT_PROTOCOL;
use crate::namenode::side_protocols::SIDE_PROTOCOLS;
use Who::{Anybody, Changes, Reads, Superuser};

/// The check that Hadoop's method makes before it does anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    /// None: the call never fails with `AccessControlException`.
    Anybody,
    /// The caller must be a superuser; messages contain this name of the operation.
    Superuser(&'static str),
    /// The path must be traversable.
    Reads,
    /// The path must be traversable; below `/.reserved/raw` the caller must be a superuser.
    Changes,
}

/// A method, the field number of its path, the other fields of the request, and the check.
type Row = (&'static str, u8, &'static [u8], Who);

const CLIENT: [Row; 109] = [
    ("abandonBlock", 2, b"", Changes),
    ("addBlock", 1, b"", Changes),
    ("addCacheDirective", 0, b"", Anybody),
    ("addCachePool", 0, b"", Superuser("addCachePool")),
    (
        "addErasureCodingPolicies",
        0,
        b"",
        Superuser("addErasureCodingPolicies"),
    ),
    ("allowSnapshot", 0, b"", Superuser("allowSnapshot")),
    ("append", 1, b"", Changes),
    ("cancelDelegationToken", 0, b"", Anybody),
    ("checkAccess", 1, b"", Reads),
    ("complete", 1, b"", Changes),
    // A source, /x.
    ("concat", 1, b"\x12\x02/x", Changes),
    // CREATE, replication 1, blocks of 1024 bytes.
    ("create", 1, b"\x20\x01\x30\x01\x38\x80\x08", Changes),
    (
        "createEncryptionZone",
        0,
        b"",
        Superuser("createEncryptionZone"),
    ),
    ("createSnapshot", 1, b"", Changes),
    ("createSymlink", 0, b"", Anybody),
    ("delete", 1, b"", Changes),
    ("deleteSnapshot", 1, b"", Changes),
    (
        "disableErasureCodingPolicy",
        0,
        b"",
        Superuser("disableErasureCodingPolicy"),
    ),
    ("disallowSnapshot", 0, b"", Superuser("disallowSnapshot")),
    (
        "enableErasureCodingPolicy",
        0,
        b"",
        Superuser("enableErasureCodingPolicy"),
    ),
    ("finalizeUpgrade", 0, b"", Superuser("finalizeUpgrade")),
    ("fsync", 1, b"", Changes),
    ("getAclStatus", 1, b"", Reads),
    ("getAdditionalDatanode", 1, b"", Changes),
    ("getBatchedListing", 0, b"", Anybody),
    ("getBlockLocations", 1, b"", Reads),
    ("getContentSummary", 1, b"", Reads),
    (
        "getCurrentEditLogTxid",
        0,
        b"",
        Superuser("getCurrentEditLogTxid"),
    ),
    ("getDataEncryptionKey", 0, b"", Anybody),
    ("getDatanodeReport", 0, b"", Superuser("datanodeReport")),
    (
        "getDatanodeStorageReport",
        0,
        b"",
        Superuser("getDatanodeStorageReport"),
    ),
    ("getDelegationToken", 0, b"", Anybody),
    (
        "getECTopologyResultForPolicies",
        0,
        b"",
        Superuser("getECTopologyResultForPolicies"),
    ),
    ("getEZForPath", 1, b"", Reads),
    ("getEditsFromTxid", 0, b"", Superuser("getEditsFromTxid")),
    ("getEnclosingRoot", 1, b"", Reads),
    ("getErasureCodingCodecs", 0, b"", Anybody),
    ("getErasureCodingPolicies", 0, b"", Anybody),
    ("getErasureCodingPolicy", 1, b"", Reads),
    ("getFileInfo", 1, b"", Reads),
    ("getFileLinkInfo", 1, b"", Reads),
    ("getFsECBlockGroupStats", 0, b"", Anybody),
    ("getFsReplicatedBlockStats", 0, b"", Anybody),
    ("getFsStats", 0, b"", Anybody),
    ("getHAServiceState", 0, b"", Anybody),
    ("getLinkTarget", 1, b"", Reads),
    ("getListing", 1, b"", Reads),
    ("getLocatedFileInfo", 1, b"", Reads),
    ("getPreferredBlockSize", 1, b"", Reads),
    ("getQuotaUsage", 1, b"", Reads),
    ("getServerDefaults", 0, b"", Anybody),
    ("getSlowDatanodeReport", 0, b"", Anybody),
    ("getSnapshotDiffReport", 1, b"", Reads),
    ("getSnapshotDiffReportListing", 1, b"", Reads),
    ("getSnapshotListing", 1, b"", Reads),
    ("getSnapshottableDirListing", 0, b"", Anybody),
    ("getStoragePolicies", 0, b"", Anybody),
    ("getStoragePolicy", 1, b"", Reads),
    ("getXAttrs", 1, b"", Reads),
    ("isFileClosed", 1, b"", Reads),
    ("listCacheDirectives", 0, b"", Anybody),
    ("listCachePools", 0, b"", Anybody),
    (
        "listCorruptFileBlocks",
        0,
        b"",
        Superuser("listCorruptFileBlocks"),
    ),
    (
        "listEncryptionZones",
        0,
        b"",
        Superuser("listEncryptionZones"),
    ),
    ("listOpenFiles", 0, b"", Superuser("listOpenFiles")),
    (
        "listReencryptionStatus",
        0,
        b"",
        Superuser("listReencryptionStatus"),
    ),
    ("listXAttrs", 1, b"", Reads),
    ("metaSave", 0, b"", Superuser("metaSave")),
    ("mkdirs", 1, b"", Changes),
    ("modifyAclEntries", 1, b"", Changes),
    ("modifyCacheDirective", 0, b"", Anybody),
    ("modifyCachePool", 0, b"", Superuser("modifyCachePool")),
    ("msync", 0, b"", Anybody),
    ("recoverLease", 1, b"", Changes),
    (
        "reencryptEncryptionZone",
        0,
        b"",
        Superuser("reencryptEncryptionZone"),
    ),
    ("refreshNodes", 0, b"", Superuser("refreshNodes")),
    ("removeAcl", 1, b"", Changes),
    ("removeAclEntries", 1, b"", Changes),
    ("removeCacheDirective", 0, b"", Anybody),
    ("removeCachePool", 0, b"", Superuser("removeCachePool")),
    ("removeDefaultAcl", 1, b"", Changes),
    (
        "removeErasureCodingPolicy",
        0,
        b"",
        Superuser("removeErasureCodingPolicy"),
    ),
    // The attribute user.a.
    ("removeXAttr", 1, b"\x12\x05\x08\x00\x12\x01a", Changes),
    // To /x.
    ("rename", 1, b"\x12\x02/x", Changes),
    ("rename2", 1, b"\x12\x02/x", Changes),
    ("renameSnapshot", 1, b"", Changes),
    ("renewDelegationToken", 0, b"", Anybody),
    ("renewLease", 0, b"", Anybody),
    ("reportBadBlocks", 0, b"", Anybody),
    (
        "restoreFailedStorage",
        0,
        b"",
        Superuser("disableRestoreFailedStorage"),
    ),
    ("rollEdits", 0, b"", Superuser("rollEditLog")),
    ("rollingUpgrade", 0, b"", Superuser("queryRollingUpgrade")),
    ("satisfyStoragePolicy", 0, b"", Anybody),
    ("saveNamespace", 0, b"", Superuser("saveNamespace")),
    ("setAcl", 1, b"", Changes),
    (
        "setBalancerBandwidth",
        0,
        b"",
        Superuser("setBalancerBandwidth"),
    ),
    // The policy of replication, which is always there.
    ("setErasureCodingPolicy", 1, b"\x12\x0breplication", Changes),
    ("setOwner", 1, b"", Changes),
    ("setPermission", 1, b"", Changes),
    ("setQuota", 0, b"", Superuser("setSpaceQuota")),
    // 1
    ("setReplication", 1, b"\x10\x01", Changes),
    // SAFEMODE_ENTER. Any user may send SAFEMODE_GET.
    ("setSafeMode", 0, b"\x08\x02", Superuser("safemode_enter")),
    // HOT
    ("setStoragePolicy", 1, b"\x12\x03HOT", Changes),
    ("setTimes", 1, b"", Changes),
    // The attribute user.a, XATTR_CREATE.
    ("setXAttr", 1, b"\x12\x05\x08\x00\x12\x01a\x18\x01", Changes),
    ("truncate", 1, b"", Changes),
    ("unsetErasureCodingPolicy", 1, b"", Changes),
    ("unsetStoragePolicy", 1, b"", Changes),
    ("upgradeStatus", 0, b"", Anybody),
];

/// Methods that name a block of the caller's lease instead of a path.
const OF_A_LEASE: [&str; 2] = ["updateBlockForPipeline", "updatePipeline"];

const SIDE: [(&str, Who); 11] = [
    ("getGroupsForUser", Anybody),
    ("refreshSuperUserGroupsConfiguration", Anybody),
    ("refreshUserToGroupsMappings", Anybody),
    ("refreshServiceAcl", Anybody),
    ("refreshCallQueue", Anybody),
    ("refresh", Anybody),
    ("getServiceStatus", Anybody),
    ("monitorHealth", Superuser("monitorHealth")),
    (
        "getReconfigurationStatus",
        Superuser("getNamenodeReconfigurationStatus"),
    ),
    (
        "listReconfigurableProperties",
        Superuser("listNamenodeReconfigurableProperties"),
    ),
    (
        "startReconfiguration",
        Superuser("startNamenodeReconfiguration"),
    ),
];

/// Returns the result of a call by bob.
fn ask(fixture: &Fixture, protocol: &str, method: &str, request: &[u8]) -> Result<(), HdfsError> {
    let call = Call {
        now: fixture.now.get(),
        caller: &fixture.user("bob").caller,
        protocol,
        version: 1,
        method,
        request,
    };
    fixture.node.call(&call, &mut Vec::new())
}

/// Creates a private directory of the superuser with a file, and one in which bob may do
/// everything.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/private", 0o700).expect("made");
    hdfs.write("/private/f", &[]);
    hdfs.mkdirs("/bob", 0o777).expect("made");
    hdfs.chown("/bob", Some("bob"), None).expect("bob's");
    fixture.user("bob").write("/bob/f", &[]);
    fixture
}

fn with_path(path: &str, field: u8, others: &[u8]) -> Vec<u8> {
    if field == 0 {
        return others.to_vec();
    }
    let head = [field << 3 | 2, path.len() as u8];
    [&head[..], path.as_bytes(), others].concat()
}

#[track_caller]
fn needs_superuser(answer: Result<(), HdfsError>, operation: &str) {
    refused(
        answer,
        "AccessControlException",
        &format!(
            "Access denied for user bob. Superuser privilege is required for operation {operation}"
        ),
    );
}

fn is_denied(answer: &Result<(), HdfsError>) -> bool {
    // A file where a directory is needed has the same class.
    let denied = |error: &HdfsError| {
        error.class().ends_with(".AccessControlException")
            && !error.message().ends_with(" (is not a directory)")
    };
    answer.as_ref().is_err_and(denied)
}

#[test]
fn every_method_of_client_protocol_asks_of_an_ordinary_user_what_hadoop_asks() {
    let mut rows: Vec<&str> = CLIENT.iter().map(|row| row.0).chain(OF_A_LEASE).collect();
    rows.sort_unstable();
    assert!(
        rows.into_iter().eq(CLIENT_PROTOCOL.methods()),
        "each has a row"
    );
    let name = CLIENT_PROTOCOL.name();
    for (method, field, others, who) in CLIENT {
        let fixture = fixture();
        let answer = ask(
            &fixture,
            name,
            method,
            &with_path("/private/f", field, others),
        );
        match who {
            Anybody => assert!(!is_denied(&answer), "{method}: {answer:?}"),
            Superuser(operation) => needs_superuser(answer, operation),
            Reads | Changes => refused(
                answer,
                "AccessControlException",
                "Permission denied: user=bob, access=EXECUTE, inode=\"/private\":hdfs:supergroup:drwx------",
            ),
        }
    }
}

#[test]
fn only_superusers_change_what_is_below_the_raw_path() {
    let name = CLIENT_PROTOCOL.name();
    let raw = "/.reserved/raw/bob/f";
    for (method, field, others, who) in CLIENT.into_iter().filter(|row| row.1 != 0) {
        let fixture = fixture();
        let answer = ask(&fixture, name, method, &with_path(raw, field, others));
        if method == "concat" {
            let refusal = answer.expect_err("never below it").message().to_owned();
            assert!(
                refusal.starts_with("Concat operation doesn't support"),
                "{refusal}"
            );
        } else if who == Changes {
            let operation = match method {
                // Hadoop has no name for these here.
                "abandonBlock" | "complete" | "create" | "fsync" | "recoverLease" => "null",
                "addBlock" => "getAdditionalBlock",
                "rename2" => "rename",
                method => method,
            };
            needs_superuser(answer, operation);
        } else {
            assert!(!is_denied(&answer), "{method}: {answer:?}");
        }
    }
    let bob = fixture();
    let to_raw = with_path("/bob/f", 1, &with_path("/.reserved/raw/bob/g", 2, b""));
    needs_superuser(ask(&bob, name, "rename2", &to_raw), "rename");
}

#[test]
fn every_method_of_the_side_protocols_asks_what_hadoop_asks() {
    let fixture = fixture();
    let mut rows = SIDE.iter();
    for protocol in &SIDE_PROTOCOLS {
        for method in protocol.methods() {
            let (row, who) = rows.next().expect("each method has a row");
            assert_eq!(*row, method);
            let answer = ask(&fixture, protocol.name(), method, b"");
            match who {
                Superuser(operation) => needs_superuser(answer, operation),
                _ => assert!(!is_denied(&answer), "{method}: {answer:?}"),
            }
        }
    }
    assert!(rows.next().is_none(), "each row has a method");
}

#[test]
fn a_writer_without_a_file_id_needs_the_way_to_its_file() {
    let fixture = fixture();
    fixture.hdfs().create("/private/open").expect("open");
    let bob = fixture.user("bob");
    let request = |file_id| AddBlockRequestProto {
        src: "/private/open".to_owned(),
        client_name: "client-hdfs".to_owned(),
        file_id,
        ..AddBlockRequestProto::default()
    };
    for none in [None, Some(0)] {
        refused(
            bob.call::<AddBlockResponseProto>("addBlock", &request(none)),
            "AccessControlException",
            "Permission denied: user=bob, access=EXECUTE, inode=\"/private\":hdfs:supergroup:drwx------",
        );
    }
}
