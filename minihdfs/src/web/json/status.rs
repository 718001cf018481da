//! Files and listings.

use serde_json::{Map, Value, json};

use super::policies::ec_policy;
use crate::proto::hdfs::hdfs_file_status_proto::{FileType, Flags};
use crate::proto::hdfs::{DirectoryListingProto, HdfsFileStatusProto};

/// Returns the fields of a file's status. `name` is its path within a listing.
pub(super) fn fields(status: &HdfsFileStatusProto) -> Value {
    let kind = match status.file_type() {
        FileType::IsDir => "DIRECTORY",
        FileType::IsFile => "FILE",
        FileType::IsSymlink => "SYMLINK",
    };
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| {
        fields.insert(key.to_owned(), value);
    };
    set("pathSuffix", text(&status.path));
    set("type", kind.into());
    if let Some(target) = status.symlink.as_ref().filter(|target| !target.is_empty()) {
        set("symlink", text(target));
    }
    set("length", status.length.into());
    set("owner", status.owner.as_str().into());
    set("group", status.group.as_str().into());
    set("permission", octal(status.permission.perm));
    for (flag, key) in [
        (Flags::HasAcl, "aclBit"),
        (Flags::HasCrypt, "encBit"),
        (Flags::HasEc, "ecBit"),
        (Flags::SnapshotEnabled, "snapshotEnabled"),
    ] {
        if status.flags() & flag as u32 != 0 {
            set(key, true.into());
        }
    }
    set("accessTime", status.access_time.cast_signed().into());
    let modified = status.modification_time.cast_signed();
    set("modificationTime", modified.into());
    set("blockSize", status.blocksize().into());
    set("replication", status.block_replication().into());
    set("fileId", status.file_id().into());
    set("childrenNum", status.children_num().into());
    set("storagePolicy", status.storage_policy().into());
    if let Some(policy) = &status.ec_policy {
        set("ecPolicy", policy.name().into());
        set("ecPolicyObj", ec_policy(policy));
    }
    Value::Object(fields)
}

/// Returns `{"FileStatus": …}`.
pub(in crate::web) fn file_status(status: &HdfsFileStatusProto) -> Value {
    json!({ "FileStatus": fields(status) })
}

/// Returns `{"FileStatuses": …}`.
pub(in crate::web) fn file_statuses<'a>(
    statuses: impl IntoIterator<Item = &'a HdfsFileStatusProto>,
) -> Value {
    let statuses: Vec<Value> = statuses.into_iter().map(fields).collect();
    json!({ "FileStatuses": { "FileStatus": statuses } })
}

/// Returns an entry of a listing.
pub(in crate::web) fn listed(status: &HdfsFileStatusProto) -> Value {
    fields(status)
}

/// Returns a status with its whole path, under the names that GETTRASHROOTS has.
pub(in crate::web) fn rooted(path: &str, status: &HdfsFileStatusProto) -> Value {
    json!({
        "access_time": status.access_time.cast_signed(),
        "block_replication": status.block_replication(),
        "blocksize": status.blocksize(),
        "group": status.group,
        "isdir": status.file_type() == FileType::IsDir,
        "length": status.length,
        "modification_time": status.modification_time.cast_signed(),
        "owner": status.owner,
        "path": path,
        "permission": octal(status.permission.perm),
    })
}

/// Returns `{"DirectoryListing": …}`.
pub(in crate::web) fn partial_listing(listing: &DirectoryListingProto) -> Value {
    json!({
        "DirectoryListing": {
            "partialListing": file_statuses(&listing.partial_listing),
            "remainingEntries": listing.remaining_entries,
        }
    })
}

/// The bits of a permission that HTTP shows.
const PERMISSION_BITS: u32 = 0o1777;

/// Returns the octal digits of a permission without the bits that only RPC has.
pub(super) fn octal(bits: u32) -> Value {
    format!("{:o}", bits & PERMISSION_BITS).into()
}

pub(super) fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::hdfs::FsPermissionProto;

    #[test]
    fn a_directory_is_written_as_hadoop_does() {
        let status = HdfsFileStatusProto {
            file_type: FileType::IsDir.into(),
            permission: FsPermissionProto { perm: 0o1755 },
            owner: "u".to_owned(),
            group: "supergroup".to_owned(),
            modification_time: 1_320_173_277_227,
            children_num: Some(1),
            file_id: Some(16_386),
            flags: Some(Flags::HasAcl as u32),
            ..HdfsFileStatusProto::default()
        };
        let expected = json!({
            "FileStatus": {
                "accessTime": 0, "aclBit": true, "blockSize": 0, "childrenNum": 1,
                "fileId": 16_386, "group": "supergroup", "length": 0,
                "modificationTime": 1_320_173_277_227_u64, "owner": "u", "pathSuffix": "",
                "permission": "1755", "replication": 0, "storagePolicy": 0, "type": "DIRECTORY",
            }
        });
        assert_eq!(file_status(&status), expected);
    }
}
