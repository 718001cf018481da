//! The tree of an image as edits.

use std::collections::HashMap;

use crate::namenode::access::acl::{Acl, AclEntry};
use crate::namenode::access::xattr::XAttr;
use crate::namenode::edit::{Edit, FileFields, PermissionStatus, RpcIds};
use crate::namenode::state::inode::ROOT;
use crate::namenode::storage::image::STORAGE_POLICY;
use crate::namenode::storage::image::inodes::{unpack_acl_entry, unpack_permission, unpack_xattr};
use crate::namenode::storage::image::strings::StringTable;
use crate::proto::hdfs::fsimage::i_node_directory_section::DirEntry;
use crate::proto::hdfs::fsimage::i_node_section::{
    AclFeatureProto, INode, INodeDirectory, INodeFile, XAttrFeatureProto,
};
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;
use crate::protocol::Block;

/// A tree that is being turned into edits.
pub(super) struct Tree<'a> {
    strings: &'a StringTable,
    inodes: HashMap<u64, INode>,
    children: HashMap<u64, DirEntry>,
    pub(super) edits: Vec<Edit>,
    /// The modification times, set last: adding a child changes its directory's.
    times: Vec<Edit>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(
        strings: &'a StringTable,
        inodes: Vec<INode>,
        children: Vec<DirEntry>,
    ) -> Self {
        Self {
            strings,
            inodes: inodes.into_iter().map(|inode| (inode.id, inode)).collect(),
            children: children
                .into_iter()
                .map(|entry| (entry.parent(), entry))
                .collect(),
            edits: Vec::new(),
            times: Vec::new(),
        }
    }

    /// Makes the edits of all inodes, each after its directory. Fails if something is not served,
    /// or an inode has no place in the tree.
    pub(super) fn add_all(&mut self) -> Result<(), String> {
        let mut pending = vec![(ROOT, "/".to_owned())];
        while let Some((id, path)) = pending.pop() {
            let inode = self.inodes.remove(&id);
            let inode = inode.ok_or_else(|| format!("{path} is inode {id}, which is missing"))?;
            match (&inode.file, &inode.directory) {
                (Some(file), None) => self.add_file(id, &path, file)?,
                (None, Some(directory)) => self.add_directory(id, &path, directory)?,
                _ => {
                    return Err(format!(
                        "{path} is a symbolic link, which is read from edits alone"
                    ));
                }
            }
            let Some(entry) = self.children.remove(&id) else {
                continue;
            };
            if !entry.ref_children.is_empty() {
                return Err(format!("{path} has snapshots, which are not served"));
            }
            for child in entry.children {
                let name = self.inodes.get(&child).map(INode::name);
                let name = name.and_then(|name| str::from_utf8(name).ok());
                let name = name.ok_or_else(|| format!("a child {child} of {path} has no name"))?;
                pending.push((child, format!("{}/{name}", path.trim_end_matches('/'))));
            }
        }
        if let Some(id) = self.inodes.keys().next() {
            return Err(format!("inode {id} is in no directory"));
        }
        self.edits.append(&mut self.times);
        Ok(())
    }

    fn add_directory(
        &mut self,
        id: u64,
        path: &str,
        directory: &INodeDirectory,
    ) -> Result<(), String> {
        if directory.type_quotas.is_some() {
            return Err(format!(
                "{path} has quotas of storage types, which are read from edits alone"
            ));
        }
        let permissions = unpack_permission(directory.permission(), self.strings)?;
        let mtime = directory.modification_time().cast_signed();
        let acl = self.acl(&permissions, directory.acl.as_ref())?;
        if id == ROOT {
            self.set_root(&permissions, acl);
        } else {
            self.edits.push(Edit::Mkdir {
                inode_id: id,
                path: path.to_owned(),
                timestamp: mtime,
                permissions,
                acl,
            });
        }
        self.times.push(Edit::Times {
            path: path.to_owned(),
            mtime,
            atime: -1,
        });
        let (ns_quota, ds_quota) = (directory.ns_quota(), directory.ds_quota());
        let (ns_quota, ds_quota) = (ns_quota.cast_signed(), ds_quota.cast_signed());
        if (ns_quota, ds_quota) != (-1, -1) {
            self.edits.push(Edit::SetQuota {
                src: path.to_owned(),
                ns_quota,
                ds_quota,
            });
        }
        self.add_attributes(path, directory.x_attrs.as_ref())
    }

    fn set_root(&mut self, permissions: &PermissionStatus, acl: Vec<AclEntry>) {
        let src = || "/".to_owned();
        self.edits.push(Edit::SetOwner {
            src: src(),
            username: Some(permissions.owner.to_string()),
            groupname: Some(permissions.group.to_string()),
        });
        self.edits.push(Edit::SetPermissions {
            src: src(),
            mode: permissions.mode,
        });
        if !acl.is_empty() {
            self.edits.push(Edit::SetAcl {
                src: src(),
                entries: acl,
            });
        }
    }

    fn add_file(&mut self, id: u64, path: &str, file: &INodeFile) -> Result<(), String> {
        // `BlockTypeProto`: 0 is contiguous.
        if file.block_type() != 0 || file.erasure_coding_policy_id() != 0 {
            return Err(format!("{path} is erasure coded, which is not served"));
        }
        let permissions = unpack_permission(file.permission(), self.strings)?;
        let acl = self.acl(&permissions, file.acl.as_ref())?;
        let blocks: Vec<Block> = file
            .blocks
            .iter()
            .map(|block| Block {
                id: block.block_id,
                generation_stamp: block.gen_stamp,
                length: block.num_bytes(),
            })
            .collect();
        let fields = FileFields {
            inode_id: id,
            path: path.to_owned(),
            replication: u16::try_from(file.replication()).unwrap_or(u16::MAX),
            mtime: file.modification_time().cast_signed(),
            atime: file.access_time().cast_signed(),
            block_size: file.preferred_block_size(),
            blocks: Vec::new(),
            permissions,
        };
        let writer = file.file_uc.clone();
        let is_open = writer.is_some();
        let writer = writer.unwrap_or_default();
        self.edits.push(Edit::Add {
            file: fields.clone(),
            acl,
            client_name: writer.client_name().to_owned(),
            client_machine: writer.client_machine().to_owned(),
            overwrite: false,
            rpc: RpcIds::NONE,
        });
        let mut penultimate = None;
        for last in &blocks {
            self.edits.push(Edit::AddBlock {
                path: path.to_owned(),
                penultimate,
                last: *last,
                rpc: RpcIds::NONE,
            });
            penultimate = Some(*last);
        }
        if !is_open {
            self.edits
                .push(Edit::Close(FileFields { blocks, ..fields }));
        }
        if file.storage_policy_id() != 0 {
            self.set_policy(path, file.storage_policy_id())?;
        }
        self.add_attributes(path, file.x_attrs.as_ref())
    }

    /// Returns the complete list of an inode; empty if the mode is all there is.
    fn acl(
        &self,
        permissions: &PermissionStatus,
        feature: Option<&AclFeatureProto>,
    ) -> Result<Vec<AclEntry>, String> {
        let Some(feature) = feature else {
            return Ok(Vec::new());
        };
        let entries = feature.entries.iter();
        let entries = entries.map(|packed| unpack_acl_entry(*packed, self.strings));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        Ok(Acl::from_entries(entries).logical(permissions.mode))
    }

    fn add_attributes(
        &mut self,
        path: &str,
        feature: Option<&XAttrFeatureProto>,
    ) -> Result<(), String> {
        for packed in feature.map(|it| it.x_attrs.as_slice()).unwrap_or_default() {
            let xattr = unpack_xattr(packed, self.strings)?;
            if xattr.namespace == Namespace::System && &*xattr.name == STORAGE_POLICY {
                let policy = policy_of(&xattr).ok_or_else(|| {
                    format!("{path} has a storage policy that cannot be read: {xattr:?}")
                })?;
                self.set_policy(path, policy)?;
            } else if xattr.is_of_unserved_feature() {
                let name = xattr.prefixed_name();
                return Err(format!("{path} has {name}, which is not served"));
            } else {
                self.edits.push(Edit::SetXAttr {
                    src: path.to_owned(),
                    xattr,
                    rpc: RpcIds::NONE,
                });
            }
        }
        Ok(())
    }

    fn set_policy(&mut self, path: &str, policy: u32) -> Result<(), String> {
        let policy_id = u8::try_from(policy);
        let policy_id = policy_id.map_err(|_| format!("{path} has the storage policy {policy}"))?;
        self.edits.push(Edit::SetStoragePolicy {
            path: path.to_owned(),
            policy_id,
        });
        Ok(())
    }
}

fn policy_of(xattr: &XAttr) -> Option<u32> {
    match xattr.value.as_deref() {
        Some([policy]) => Some(u32::from(*policy)),
        _ => None,
    }
}
