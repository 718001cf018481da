//! Inodes as the messages of an image.

use std::sync::Arc;

use bytes::Bytes;

use crate::namenode::acl::Acl;
use crate::namenode::state::inode::{Directory, File, Inode, InodeKind, Writer};
use crate::namenode::state::quota::Quota;
use crate::namenode::state::storage_policy::{WITH_QUOTA, index};
use crate::namenode::storage::image::STORAGE_POLICY;
use crate::namenode::storage::image::packed::{pack_acl_entry, pack_permission, pack_xattr};
use crate::namenode::storage::image::strings::Numbering;
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::BlockProto;
use crate::proto::hdfs::fsimage::i_node_section::{
    AclFeatureProto, FileUnderConstructionFeature, INode, INodeDirectory, INodeFile, INodeSymlink,
    QuotaByStorageTypeEntryProto, QuotaByStorageTypeFeatureProto, XAttrFeatureProto, i_node,
};
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;
use crate::protocol::Block;

/// The quota of a directory without a limit.
const NO_QUOTA: u64 = u64::MAX;

/// Turns inodes into messages, and numbers the names in them.
pub(super) struct InodeMessages {
    pub(super) names: Numbering,
    /// The name of the attribute that holds a directory's storage policy.
    storage_policy: Arc<str>,
}

impl InodeMessages {
    pub(super) fn new() -> Self {
        Self {
            names: Numbering::default(),
            storage_policy: STORAGE_POLICY.into(),
        }
    }

    pub(super) fn message(&mut self, inode: &Inode) -> INode {
        let kind = match &inode.kind {
            InodeKind::File(_) => i_node::Type::File,
            InodeKind::Directory(_) => i_node::Type::Directory,
            InodeKind::Symlink(_) => i_node::Type::Symlink,
        };
        let mut message = INode {
            r#type: kind.into(),
            id: inode.id,
            name: Some(Bytes::copy_from_slice(inode.name.as_bytes())),
            file: None,
            directory: None,
            symlink: None,
        };
        match &inode.kind {
            InodeKind::File(file) => message.file = Some(self.file(inode, file)),
            InodeKind::Directory(directory) => {
                message.directory = Some(self.directory(inode, directory));
            }
            InodeKind::Symlink(target) => message.symlink = Some(self.symlink(inode, target)),
        }
        message
    }

    fn permission(&mut self, inode: &Inode) -> Option<u64> {
        let Inode { owner, group, .. } = inode;
        Some(pack_permission(owner, group, inode.mode, &mut self.names))
    }

    fn file(&mut self, inode: &Inode, file: &File) -> INodeFile {
        INodeFile {
            replication: Some(file.replication.into()),
            modification_time: Some(inode.modification_time.cast_unsigned()),
            access_time: Some(inode.access_time.cast_unsigned()),
            preferred_block_size: Some(file.block_size),
            permission: self.permission(inode),
            blocks: file.blocks.iter().map(block).collect(),
            file_uc: file
                .writer
                .as_deref()
                .map(|writer| under_construction(writer, file)),
            acl: self.acl(inode.acl()),
            x_attrs: self.xattrs(inode.xattrs(), 0),
            storage_policy_id: Some(inode.storage_policy.into()),
            // `BlockTypeProto`: contiguous.
            block_type: Some(0),
            erasure_coding_policy_id: None,
        }
    }

    fn directory(&mut self, inode: &Inode, directory: &Directory) -> INodeDirectory {
        let quota = directory.quota();
        INodeDirectory {
            modification_time: Some(inode.modification_time.cast_unsigned()),
            ns_quota: Some(quota.namespace.unwrap_or(NO_QUOTA)),
            ds_quota: Some(quota.space.unwrap_or(NO_QUOTA)),
            permission: self.permission(inode),
            acl: self.acl(inode.acl()),
            x_attrs: self.xattrs(inode.xattrs(), inode.storage_policy),
            type_quotas: type_quotas(&quota),
            access_time: Some(inode.access_time.cast_unsigned()).filter(|time| *time != 0),
        }
    }

    fn symlink(&mut self, inode: &Inode, target: &str) -> INodeSymlink {
        INodeSymlink {
            permission: self.permission(inode),
            target: Some(Bytes::copy_from_slice(target.as_bytes())),
            modification_time: Some(inode.modification_time.cast_unsigned()),
            access_time: Some(inode.access_time.cast_unsigned()),
        }
    }

    fn acl(&mut self, acl: &Acl) -> Option<AclFeatureProto> {
        let entries = acl.entries();
        let names = &mut self.names;
        let packed = entries.iter().map(|entry| pack_acl_entry(entry, names));
        (!entries.is_empty()).then(|| AclFeatureProto {
            entries: packed.collect(),
        })
    }

    /// Returns the attributes of an inode, with that of a directory's storage policy.
    fn xattrs(&mut self, xattrs: &[XAttr], policy: u8) -> Option<XAttrFeatureProto> {
        let policy = (policy != 0).then(|| XAttr {
            namespace: Namespace::System,
            name: Arc::clone(&self.storage_policy),
            value: Some(Bytes::copy_from_slice(&[policy])),
        });
        let names = &mut self.names;
        let all = xattrs.iter().chain(&policy);
        let x_attrs: Vec<_> = all.map(|xattr| pack_xattr(xattr, names)).collect();
        (!x_attrs.is_empty()).then_some(XAttrFeatureProto { x_attrs })
    }
}

pub(super) fn block(block: &Block) -> BlockProto {
    BlockProto {
        block_id: block.id,
        gen_stamp: block.generation_stamp,
        num_bytes: Some(block.length),
    }
}

fn under_construction(writer: &Writer, file: &File) -> FileUnderConstructionFeature {
    let is_complete = !writer.last_block_open && !file.blocks.is_empty();
    FileUnderConstructionFeature {
        client_name: Some(writer.holder.to_string()),
        client_machine: Some(writer.machine.to_string()),
        last_block_complete: is_complete.then_some(true),
        truncate_to: writer.truncate_to,
        truncate_from: writer.truncate_from.map(BlockProto::from),
    }
}

fn type_quotas(quota: &Quota) -> Option<QuotaByStorageTypeFeatureProto> {
    let quotas = WITH_QUOTA.iter().filter_map(|kind| {
        let quota = quota.types[index(*kind)]?;
        Some(QuotaByStorageTypeEntryProto {
            storage_type: (*kind).into(),
            quota,
        })
    });
    let quotas: Vec<_> = quotas.collect();
    (!quotas.is_empty()).then_some(QuotaByStorageTypeFeatureProto { quotas })
}
