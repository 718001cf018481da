//! The edit log's records and files.

use bytes::Bytes;
use kerbox_krb5::Timestamp;
use kerbox_krb5::testing::unhex;

use super::edit_log::LONGEST_WRITE;
use super::op_code::OpCode;
use super::*;
use crate::namenode::{AclEntry, Edit, FileFields, PermissionStatus, RpcIds, XAttr};
use crate::proto::hdfs::acl_entry_proto::{AclEntryScopeProto as Scope, AclEntryTypeProto as Type};
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto;
use crate::protocol::Block;
use crate::secret_manager::{MasterKeyBytes, TokenEdit};
use crate::token::DelegationTokenIdentifier;

const RPC: RpcIds = RpcIds {
    client_id: [7; 16],
    call_id: 3,
};

fn block(id: u64) -> Block {
    Block {
        id,
        generation_stamp: 1000 + id % 1000,
        length: 128,
    }
}

fn file(blocks: Vec<Block>) -> FileFields {
    FileFields {
        inode_id: 16_386,
        path: "/a/größe \u{1f600}".to_owned(),
        replication: 3,
        mtime: 1_700_000_000_000,
        atime: 1_700_000_000_001,
        block_size: 134_217_728,
        blocks,
        permissions: PermissionStatus {
            owner: "alice".into(),
            group: "staff".into(),
            mode: 0o1644,
        },
    }
}

fn acl() -> Vec<AclEntry> {
    let entry = |scope, kind, name: &str, permissions| AclEntry {
        scope,
        kind,
        name: Some(name.into()).filter(|_| !name.is_empty()),
        permissions,
    };
    vec![
        entry(Scope::Access, Type::User, "", 6),
        entry(Scope::Access, Type::User, "bob", 7),
        entry(Scope::Access, Type::Group, "", 4),
        entry(Scope::Access, Type::Mask, "", 7),
        entry(Scope::Access, Type::Other, "", 0),
        entry(Scope::Default, Type::Group, "students", 5),
    ]
}

fn token() -> DelegationTokenIdentifier {
    DelegationTokenIdentifier {
        owner: "alice@EXAMPLE.COM".to_owned(),
        renewer: "yarn".to_owned(),
        real_user: String::new(),
        issue_date: Timestamp::from_millis(1_700_000_000_000),
        max_date: Timestamp::from_millis(1_700_600_000_000),
        sequence_number: 5,
        master_key_id: 2,
    }
}

/// One edit of each operation on files and on the tree, and more where a field is optional.
fn edits_of_trees() -> Vec<Edit> {
    let path = || "/a/f".to_owned();
    let open = |acl, overwrite, rpc| Edit::Add {
        file: file(Vec::new()),
        acl,
        client_name: "DFSClient_NONMAPREDUCE_1_1".into(),
        client_machine: "127.0.0.1".into(),
        overwrite,
        rpc,
    };
    let truncate = |truncate_block| Edit::Truncate {
        src: path(),
        client_name: "client".into(),
        client_machine: "127.0.0.1".into(),
        new_length: 4,
        timestamp: 9,
        truncate_block,
        rpc: RpcIds::NONE,
    };
    let rename = |overwrite| Edit::Rename {
        src: path(),
        dst: "/b".to_owned(),
        timestamp: 9,
        overwrite,
        rpc: RPC,
    };
    let add_block = |penultimate| Edit::AddBlock {
        path: path(),
        penultimate,
        last: block(1_073_741_826),
        rpc: RpcIds::NONE,
    };
    vec![
        Edit::StartLogSegment,
        open(Vec::new(), false, RPC),
        open(acl(), true, RpcIds::NONE),
        Edit::AllocateBlockId(1_073_741_825),
        Edit::SetGenstampV2(1001),
        add_block(None),
        add_block(Some(block(1_073_741_825))),
        Edit::UpdateBlocks {
            path: path(),
            blocks: vec![block(1_073_741_830), block(1_073_741_827)],
            rpc: RPC,
        },
        Edit::Close(file(vec![block(1_073_741_825), block(1_073_741_826)])),
        Edit::Append {
            path: path(),
            client_name: "client".into(),
            client_machine: "127.0.0.1".into(),
            new_block: true,
            rpc: RPC,
        },
        truncate(None),
        truncate(Some(block(1_073_741_825))),
        Edit::ReassignLease {
            lease_holder: "client".to_owned(),
            path: path(),
            new_holder: "HDFS_NameNode".to_owned(),
        },
        Edit::ConcatDelete {
            trg: path(),
            srcs: vec!["/a/g".to_owned(), "/a/h".to_owned()],
            timestamp: 9,
            rpc: RPC,
        },
        Edit::Mkdir {
            inode_id: 16_387,
            path: "/d".to_owned(),
            timestamp: 9,
            permissions: file(Vec::new()).permissions,
            acl: acl(),
        },
        Edit::RenameOld {
            src: path(),
            dst: "/b".to_owned(),
            timestamp: 9,
            rpc: RPC,
        },
        rename(false),
        rename(true),
        Edit::Delete {
            path: path(),
            timestamp: 9,
            rpc: RPC,
        },
    ]
}

fn edits_of_attributes() -> Vec<Edit> {
    let src = || "/a/f".to_owned();
    let xattr = |value: Option<&'static [u8]>| XAttr {
        namespace: XAttrNamespaceProto::User,
        name: "color".into(),
        value: value.map(Bytes::from_static),
    };
    let set_xattr = |value| Edit::SetXAttr {
        src: src(),
        xattr: xattr(value),
        rpc: RPC,
    };
    vec![
        Edit::SetReplication {
            path: src(),
            replication: 2,
        },
        Edit::SetPermissions {
            src: src(),
            mode: 0o700,
        },
        Edit::SetOwner {
            src: src(),
            username: Some("bob".to_owned()),
            groupname: None,
        },
        Edit::Times {
            path: src(),
            mtime: -1,
            atime: 5,
        },
        Edit::SetQuota {
            src: src(),
            ns_quota: i64::MAX,
            ds_quota: -1,
        },
        Edit::SetAcl {
            src: src(),
            entries: acl(),
        },
        Edit::SetAcl {
            src: src(),
            entries: Vec::new(),
        },
        set_xattr(None),
        set_xattr(Some(b"")),
        set_xattr(Some(b"red")),
        Edit::RemoveXAttr {
            src: src(),
            xattr: xattr(None),
            rpc: RpcIds::NONE,
        },
        Edit::SetStoragePolicy {
            path: src(),
            policy_id: 2,
        },
        Edit::Token(TokenEdit::GetDelegationToken {
            token: token(),
            expiry_time: Timestamp::from_millis(1_700_080_000_000),
        }),
        Edit::Token(TokenEdit::RenewDelegationToken {
            token: token(),
            expiry_time: Timestamp::from_millis(1_700_090_000_000),
        }),
        Edit::Token(TokenEdit::CancelDelegationToken { token: token() }),
        Edit::Token(TokenEdit::UpdateMasterKey {
            key_id: 3,
            expiry_date: Timestamp::from_millis(1_700_700_000_000),
            key: MasterKeyBytes([9; 20]),
        }),
        Edit::EndLogSegment,
    ]
}

fn edits() -> Vec<Edit> {
    [edits_of_trees(), edits_of_attributes()].concat()
}

/// Returns a file with these edits from transaction 1 on, and the offset of each record's end.
fn log(edits: &[Edit]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    write_header(&mut bytes);
    let mut ends = Vec::new();
    for (id, edit) in (1..).zip(edits) {
        write_record(id, edit, &mut bytes);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn read(bytes: &[u8], in_progress: bool) -> Result<Vec<Edit>, StorageError> {
    let segment = read_segment("edits", bytes, 1, in_progress)?;
    Ok(segment.records.into_iter().map(|it| it.edit).collect())
}

#[test]
fn every_edit_is_read_back() {
    let (bytes, _) = log(&edits());
    assert_eq!(read(&bytes, false), Ok(edits()));
    let padded = [&bytes[..], &[0xff; 1000]].concat();
    assert_eq!(read(&padded, false), Ok(edits()));
    let segment = read_segment("edits", &padded, 1, true).expect("complete");
    assert_eq!(segment.length, bytes.len() as u64);
}

/// `testdata/edits.xml` is what Hadoop 3.4.3's `oev` shows of `testdata/edits`; the test of that
/// name in `tests/storage` runs it. If the bytes have changed, this test writes them anew and fails
/// once.
#[test]
fn the_log_is_the_one_that_hadoops_viewer_shows() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/edits");
    let (bytes, _) = log(&edits());
    if std::fs::read(path).ok().as_ref() != Some(&bytes) {
        std::fs::write(path, &bytes).expect("testdata can be written");
        panic!("{path} was written anew: see what Hadoop's oev makes of it");
    }
}

#[test]
fn a_record_has_hadoops_bytes() {
    let mut bytes = Vec::new();
    write_record(1, &Edit::StartLogSegment, &mut bytes);
    // The first record after `hdfs namenode -format`.
    assert_eq!(bytes, unhex("180000000c00000000000000017043f0b7")[..]);
}

#[test]
fn a_torn_end_is_cut_off_in_a_file_in_progress() {
    let (bytes, ends) = log(&edits());
    for cut in 0..bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        for padding in [0, 1, 40] {
            let torn = [&bytes[..cut], &vec![0xff; padding][..]].concat();
            let left = read(&torn, true).unwrap_or_else(|error| panic!("{cut}: {error}"));
            assert_eq!(left, edits()[..whole], "cut at {cut}, padded by {padding}");
        }
        if cut > 0 && !ends.contains(&cut) && cut != 8 {
            read(&bytes[..cut], false).expect_err("the file was complete");
        }
    }
}

#[test]
fn damage_before_a_record_is_an_error_with_its_place() {
    let (bytes, ends) = log(&edits());
    let last = ends[ends.len() - 2];
    for place in 8..last {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        let error = read(&damaged, true).expect_err("a record follows");
        let start = ends.iter().rev().find(|end| **end <= place);
        let start = *start.unwrap_or(&8) as u64;
        assert_eq!((&*error.file, error.offset), ("edits", start), "{error}");
    }
}

#[test]
fn the_last_write_is_cut_off_at_a_sector_that_was_not_written() {
    let all = [edits(), edits(), edits()].concat();
    let (bytes, ends) = log(&all);
    let padded = [&bytes[..], &[0xff; 2000]].concat();
    for acknowledged in [ends[0], ends[40], ends[41]] {
        let first = acknowledged / 512;
        for unwritten in first..=bytes.len() / 512 {
            let (start, end) = (unwritten * 512, (unwritten + 1) * 512);
            let mut torn = padded.clone();
            torn[start.max(acknowledged)..end].fill(0xff);
            let left = read(&torn, true).unwrap_or_else(|error| panic!("{unwritten}: {error}"));
            let whole = ends.iter().filter(|end| **end <= start.max(acknowledged));
            assert_eq!(left, all[..whole.count()], "{unwritten}");
        }
    }
}

#[test]
fn a_sector_without_its_bytes_is_damage_if_a_later_write_is_there() {
    let times = LONGEST_WRITE / log(&edits()).0.len() + 2;
    let all: Vec<_> = std::iter::repeat_with(edits)
        .take(times)
        .flatten()
        .collect();
    let (mut bytes, ends) = log(&all);
    assert!(bytes.len() > LONGEST_WRITE + 2048);
    bytes[1024..1536].fill(0xff);
    let error = read(&bytes, true).expect_err("acknowledged");
    let start = ends.iter().rev().find(|end| **end <= 1024);
    assert_eq!(error.offset, *start.expect("a record") as u64);
}

#[test]
fn a_missing_transaction_is_an_error() {
    let (bytes, ends) = log(&edits());
    let gap = [&bytes[..ends[0]], &bytes[ends[1]..]].concat();
    let error = read(&gap, true).expect_err("transaction 2 is missing");
    assert_eq!(
        error.to_string(),
        "edits, offset 25: transaction 3 follows instead of 2"
    );
}

#[test]
fn other_layout_versions_are_refused() {
    let (mut bytes, _) = log(&edits());
    bytes[3] = 0xbc;
    let error = read(&bytes, true).expect_err("a later one");
    assert!(
        error
            .to_string()
            .starts_with("edits, offset 0: the layout version is -68"),
        "{error}"
    );
}

#[test]
fn operations_that_are_not_served_are_refused_by_name() {
    for code in [41, 42, 49, 50, 53, 99] {
        let (mut bytes, _) = log(&[Edit::StartLogSegment]);
        let start = bytes.len();
        write_record(2, &Edit::EndLogSegment, &mut bytes);
        bytes[start] = code;
        let end = bytes.len() - 4;
        let checksum = crc_fast::crc32_iso_hdlc(&bytes[start..end]);
        bytes[end..].copy_from_slice(&checksum.to_be_bytes());
        let error = read(&bytes, true).expect_err("not served");
        let name = OpCode(code).to_string();
        assert_eq!(
            error.to_string(),
            format!("edits, offset 25: {name} of transaction 2: {name} is not served by Kerbox")
        );
    }
}

#[test]
fn bytes_after_the_last_field_are_refused() {
    let mut bytes = Vec::new();
    write_header(&mut bytes);
    let start = bytes.len();
    write_record(1, &Edit::SetGenstampV2(1001), &mut bytes);
    bytes[start] = OpCode::START_LOG_SEGMENT.0;
    let end = bytes.len() - 4;
    let checksum = crc_fast::crc32_iso_hdlc(&bytes[start..end]);
    bytes[end..].copy_from_slice(&checksum.to_be_bytes());
    let error = read(&bytes, true).expect_err("eight bytes too many");
    assert!(error.reason.contains("8 bytes follow"), "{error}");
}

#[test]
fn strings_are_written_in_cesu_8() {
    let mut bytes = Vec::new();
    fields::write_string("\u{1f600}", &mut bytes);
    assert_eq!(bytes, unhex("0006eda0bdedb880")[..]);
    for form in ["0006eda0bdedb880", "0004f09f9880"] {
        let form = unhex(form);
        let mut reader = crate::writable::WritableReader::new(&form);
        let read = fields::read_string(&mut reader, "it").expect("either form");
        assert_eq!(read, "\u{1f600}");
    }
    bytes.clear();
    fields::write_string(&"\u{1f600}".repeat(20_000), &mut bytes);
    let mut reader = crate::writable::WritableReader::new(&bytes);
    let cut = fields::read_string(&mut reader, "it").expect("cut between characters");
    assert_eq!(cut.chars().count(), 10_922);
}

#[test]
fn a_short_master_key_gives_the_same_passwords() {
    let short = MasterKeyBytes::from_stored(&[1, 2, 3, 4, 5, 6, 7, 8]).expect("Hadoop's length");
    assert_eq!(short.0[8..], [0; 12]);
    MasterKeyBytes::from_stored(&[0; 21]).expect_err("too long");
}
