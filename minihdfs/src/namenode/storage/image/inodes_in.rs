//! Inodes from the messages of an image.

use crate::namenode::acl::Acl;
use crate::namenode::edit::PermissionStatus;
use crate::namenode::state::inode::{Directory, File, Inode, InodeKind, Writer};
use crate::namenode::state::quota::Quota;
use crate::namenode::state::storage_policy::{WITH_QUOTA, index};
use crate::namenode::storage::image::STORAGE_POLICY;
use crate::namenode::storage::image::packed::{unpack_acl_entry, unpack_permission, unpack_xattr};
use crate::namenode::storage::image::strings::StringTable;
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::BlockProto;
use crate::proto::hdfs::fsimage::i_node_section::{
    AclFeatureProto, FileUnderConstructionFeature, INode, INodeDirectory, INodeFile, INodeSymlink,
    XAttrFeatureProto,
};
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;
use crate::protocol::Block;

/// Returns an inode without its place, and the limits that it sets if it is a directory. Fails if
/// it has something that is not served.
pub(super) fn restore(
    message: &INode,
    strings: &StringTable,
) -> Result<(Inode, Option<Quota>), String> {
    let id = message.id;
    let inode = match (&message.file, &message.directory, &message.symlink) {
        (Some(file), None, None) => file_inode(message, file, strings).map(|it| (it, None)),
        (None, Some(directory), None) => {
            let quota = quota(directory);
            directory_inode(message, directory, strings).map(|it| (it, Some(quota)))
        }
        (None, None, Some(link)) => symlink_inode(message, link, strings).map(|it| (it, None)),
        _ => Err("is neither a file, a directory nor a symbolic link".to_owned()),
    };
    inode.map_err(|reason| format!("inode {id}, {:?}, {reason}", name(message)))
}

fn name(message: &INode) -> String {
    String::from_utf8_lossy(message.name()).into_owned()
}

/// Returns an inode with what all of them have.
fn unplaced(
    message: &INode,
    permissions: PermissionStatus,
    (modification_time, access_time): (u64, u64),
    kind: InodeKind,
) -> Result<Inode, String> {
    let name = str::from_utf8(message.name());
    let name = name.map_err(|_| "has a name that is not UTF-8")?;
    let times = (modification_time.cast_signed(), access_time.cast_signed());
    Ok(Inode::unplaced(
        (message.id, name),
        permissions,
        times,
        kind,
    ))
}

fn directory_inode(
    message: &INode,
    directory: &INodeDirectory,
    strings: &StringTable,
) -> Result<Inode, String> {
    let permissions = unpack_permission(directory.permission(), strings)?;
    let times = (directory.modification_time(), directory.access_time());
    let kind = InodeKind::Directory(Directory::default());
    let mut inode = unplaced(message, permissions, times, kind)?;
    let (xattrs, policy) = xattrs(directory.x_attrs.as_ref(), strings)?;
    inode.storage_policy = policy;
    Ok(inode.with_features(acl(directory.acl.as_ref(), strings)?, xattrs))
}

fn symlink_inode(
    message: &INode,
    link: &INodeSymlink,
    strings: &StringTable,
) -> Result<Inode, String> {
    let permissions = unpack_permission(link.permission(), strings)?;
    let times = (link.modification_time(), link.access_time());
    let target = str::from_utf8(link.target());
    let target = target.map_err(|_| "has a target that is not UTF-8")?;
    unplaced(
        message,
        permissions,
        times,
        InodeKind::Symlink(target.into()),
    )
}

fn file_inode(message: &INode, file: &INodeFile, strings: &StringTable) -> Result<Inode, String> {
    // `BlockTypeProto`: 0 is contiguous.
    if file.block_type() != 0 || file.erasure_coding_policy_id() != 0 {
        return Err("is erasure coded, which is not served".to_owned());
    }
    let replication = u16::try_from(file.replication());
    let replication = replication.map_err(|_| {
        let replication = file.replication();
        format!("has {replication} replicas")
    })?;
    let mut blocks = Vec::with_capacity(file.blocks.len());
    blocks.extend(file.blocks.iter().map(block));
    let writer = file.file_uc.as_ref();
    let writer = writer.map(|writer| Box::new(writer_of(writer, !blocks.is_empty())));
    let kind = InodeKind::File(File {
        blocks,
        replication,
        block_size: file.preferred_block_size(),
        writer,
    });
    let permissions = unpack_permission(file.permission(), strings)?;
    let times = (file.modification_time(), file.access_time());
    let mut inode = unplaced(message, permissions, times, kind)?;
    inode.storage_policy = policy_id(file.storage_policy_id())?;
    let (xattrs, _none) = xattrs(file.x_attrs.as_ref(), strings)?;
    Ok(inode.with_features(acl(file.acl.as_ref(), strings)?, xattrs))
}

pub(super) fn block(message: &BlockProto) -> Block {
    Block {
        id: message.block_id,
        generation_stamp: message.gen_stamp,
        length: message.num_bytes(),
    }
}

/// Returns the writer of an open file. Hadoop counts the last block as open.
fn writer_of(feature: &FileUnderConstructionFeature, has_blocks: bool) -> Writer {
    Writer {
        holder: feature.client_name().into(),
        machine: feature.client_machine().into(),
        last_block_open: has_blocks && !feature.last_block_complete(),
        truncate_to: feature.truncate_to,
        truncate_from: feature.truncate_from.as_ref().map(Block::from),
    }
}

fn acl(feature: Option<&AclFeatureProto>, strings: &StringTable) -> Result<Acl, String> {
    let entries = feature.map(|feature| feature.entries.as_slice());
    let entries = entries.unwrap_or_default().iter();
    let entries = entries.map(|packed| unpack_acl_entry(*packed, strings));
    Ok(Acl::from_entries(entries.collect::<Result<_, _>>()?))
}

/// Returns the attributes, and the storage policy that one of them may hold.
fn xattrs(
    feature: Option<&XAttrFeatureProto>,
    strings: &StringTable,
) -> Result<(Vec<XAttr>, u8), String> {
    let packed = feature.map(|feature| feature.x_attrs.as_slice());
    let (mut xattrs, mut policy) = (Vec::new(), 0);
    for packed in packed.unwrap_or_default() {
        let xattr = unpack_xattr(packed, strings)?;
        if xattr.namespace == Namespace::System && &*xattr.name == STORAGE_POLICY {
            policy = match xattr.value.as_deref() {
                Some([policy]) => *policy,
                _ => return Err(format!("has an unknown storage policy: {xattr:?}")),
            };
        } else if xattr.is_of_unserved_feature() {
            let name = xattr.prefixed_name();
            return Err(format!("has {name}, which is not served"));
        } else {
            xattrs.push(xattr);
        }
    }
    Ok((xattrs, policy))
}

fn policy_id(number: u32) -> Result<u8, String> {
    u8::try_from(number).map_err(|_| format!("has the unknown storage policy {number}"))
}

fn quota(directory: &INodeDirectory) -> Quota {
    // -1, which the message has as the highest number, is no limit.
    let limit = |number: u64| Some(number).filter(|number| i64::try_from(*number).is_ok());
    let mut quota = Quota {
        namespace: limit(directory.ns_quota()),
        space: limit(directory.ds_quota()),
        ..Quota::default()
    };
    let types = directory.type_quotas.as_ref();
    for entry in types.map(|it| it.quotas.as_slice()).unwrap_or_default() {
        let kind = entry.storage_type();
        if WITH_QUOTA.contains(&kind) {
            quota.types[index(kind)] = limit(entry.quota);
        }
    }
    quota
}
