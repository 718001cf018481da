//! Operations on attributes: permissions, times, quotas, lists.

use crate::HdfsError;
use crate::namenode::acl::AclEntry;
use crate::namenode::edit::{Edit, RpcIds};
use crate::namenode::storage::fields::{
    Reader, read_int, read_long, read_message, read_rpc_ids, read_short, read_string, write_int,
    write_long, write_message, write_rpc_ids, write_short, write_string,
};
use crate::namenode::storage::op_code::OpCode;
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::{AclEditLogProto, StorageTypeProto, XAttrEditLogProto};

/// `HdfsConstants.QUOTA_DONT_SET` and `QUOTA_RESET`, for the operations that set one quota.
const DONT_SET: i64 = i64::MAX;
const RESET: i64 = -1;

/// Hadoop's `StorageType`, in the order of its constants.
const STORAGE_TYPES: [StorageTypeProto; 6] = [
    StorageTypeProto::RamDisk,
    StorageTypeProto::Ssd,
    StorageTypeProto::Disk,
    StorageTypeProto::Archive,
    StorageTypeProto::Provided,
    StorageTypeProto::Nvdimm,
];

fn read_storage_type(reader: &mut Reader<'_>) -> Result<StorageTypeProto, HdfsError> {
    let ordinal = read_int(reader, "the storage type")?;
    let kind = usize::try_from(ordinal).ok();
    let kind = kind.and_then(|ordinal| STORAGE_TYPES.get(ordinal));
    let kind = kind.copied();
    kind.ok_or_else(|| HdfsError::io(format!("there is no storage type {ordinal}")))
}

pub(super) fn write(edit: &Edit, out: &mut Vec<u8>) {
    match edit {
        Edit::SetReplication { path, replication } => {
            write_string(path, out);
            write_short(*replication, out);
        }
        Edit::SetPermissions { src, mode } => {
            write_string(src, out);
            write_short(*mode, out);
        }
        Edit::SetOwner {
            src,
            username,
            groupname,
        } => {
            write_string(src, out);
            write_string(username.as_deref().unwrap_or_default(), out);
            write_string(groupname.as_deref().unwrap_or_default(), out);
        }
        Edit::Times { path, mtime, atime } => {
            write_string(path, out);
            write_long(*mtime, out);
            write_long(*atime, out);
        }
        Edit::SetQuota {
            src,
            ns_quota,
            ds_quota,
        } => {
            write_string(src, out);
            write_long(*ns_quota, out);
            write_long(*ds_quota, out);
        }
        Edit::SetQuotaByStorageType { .. } => write_type_quota(edit, out),
        Edit::SetAcl { src, entries } => {
            let message = AclEditLogProto {
                src: src.clone(),
                entries: entries.iter().map(AclEntry::to_proto).collect(),
            };
            write_message(&message, out);
        }
        Edit::SetXAttr { src, xattr, rpc } | Edit::RemoveXAttr { src, xattr, rpc } => {
            let message = XAttrEditLogProto {
                src: Some(src.clone()),
                x_attrs: vec![xattr.to_stored()],
            };
            write_message(&message, out);
            write_rpc_ids(*rpc, out);
        }
        Edit::SetStoragePolicy { path, policy_id } => {
            write_string(path, out);
            out.push(*policy_id);
        }
        _ => {}
    }
}

fn write_type_quota(edit: &Edit, out: &mut Vec<u8>) {
    if let Edit::SetQuotaByStorageType {
        src,
        storage_type,
        ds_quota,
    } = edit
    {
        write_string(src, out);
        let ordinal = STORAGE_TYPES.iter().position(|kind| kind == storage_type);
        write_int(ordinal.map_or(-1, |ordinal| ordinal as i32), out);
        write_long(*ds_quota, out);
    }
}

pub(super) fn read(code: OpCode, reader: &mut Reader<'_>) -> Result<Option<Edit>, HdfsError> {
    let not_empty = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Some(match code {
        OpCode::SET_REPLICATION => Edit::SetReplication {
            path: read_string(reader, "the path")?,
            replication: read_short(reader, "the replication")?,
        },
        OpCode::SET_PERMISSIONS => Edit::SetPermissions {
            src: read_string(reader, "the path")?,
            mode: read_short(reader, "the mode")?,
        },
        OpCode::SET_OWNER => Edit::SetOwner {
            src: read_string(reader, "the path")?,
            username: not_empty(read_string(reader, "the owner")?),
            groupname: not_empty(read_string(reader, "the group")?),
        },
        OpCode::TIMES => Edit::Times {
            path: read_string(reader, "the path")?,
            mtime: read_long(reader, "the modification time")?,
            atime: read_long(reader, "the access time")?,
        },
        OpCode::SET_QUOTA | OpCode::SET_NS_QUOTA | OpCode::CLEAR_NS_QUOTA => {
            read_quota(code, reader)?
        }
        OpCode::SET_QUOTA_BY_STORAGETYPE => Edit::SetQuotaByStorageType {
            src: read_string(reader, "the path")?,
            storage_type: read_storage_type(reader)?,
            ds_quota: read_long(reader, "the quota")?,
        },
        OpCode::SET_ACL => {
            let message: AclEditLogProto = read_message(reader, "the access control list")?;
            Edit::SetAcl {
                src: message.src,
                entries: message
                    .entries
                    .into_iter()
                    .map(AclEntry::from_proto)
                    .collect(),
            }
        }
        OpCode::SET_XATTR => {
            let (src, xattr, rpc) = read_xattr(code, reader)?;
            Edit::SetXAttr { src, xattr, rpc }
        }
        OpCode::REMOVE_XATTR => {
            let (src, xattr, rpc) = read_xattr(code, reader)?;
            Edit::RemoveXAttr { src, xattr, rpc }
        }
        OpCode::SET_STORAGE_POLICY => Edit::SetStoragePolicy {
            path: read_string(reader, "the path")?,
            policy_id: reader.byte("the policy")?,
        },
        _ => return Ok(None),
    }))
}

fn read_quota(code: OpCode, reader: &mut Reader<'_>) -> Result<Edit, HdfsError> {
    let src = read_string(reader, "the path")?;
    let ns_quota = match code {
        OpCode::CLEAR_NS_QUOTA => RESET,
        _ => read_long(reader, "the quota of names")?,
    };
    let ds_quota = match code {
        OpCode::SET_QUOTA => read_long(reader, "the quota of space")?,
        _ => DONT_SET,
    };
    Ok(Edit::SetQuota {
        src,
        ns_quota,
        ds_quota,
    })
}

/// Reads one attribute.
fn read_xattr(code: OpCode, reader: &mut Reader<'_>) -> Result<(String, XAttr, RpcIds), HdfsError> {
    let message: XAttrEditLogProto = read_message(reader, "the extended attributes")?;
    let rpc = read_rpc_ids(reader)?;
    let src = message.src.unwrap_or_default();
    let [proto] = <[_; 1]>::try_from(message.x_attrs).map_err(|attributes| {
        let count = attributes.len();
        HdfsError::unsupported_operation(format!("{code} of {src} with {count} attributes"))
    })?;
    let xattr = XAttr::from_proto(proto)?;
    if xattr.is_of_unserved_feature() {
        return Err(HdfsError::unsupported_operation(format!(
            "{code} of {src} with {} is not served",
            xattr.prefixed_name()
        )));
    }
    Ok((src, xattr, rpc))
}
