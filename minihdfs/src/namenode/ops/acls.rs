//! Access control lists.

use super::attributes::{found, owned};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::Need;
use crate::namenode::acl::{Acl, AclEntry};
use crate::namenode::edit::Edit;
use crate::namenode::state::inode::{PERMISSION_BITS, STICKY};
use crate::namenode::state::limits::check_name;
use crate::proto::hdfs::{
    AclEntryProto, AclStatusProto, FsPermissionProto, GetAclStatusRequestProto,
    GetAclStatusResponseProto, ModifyAclEntriesRequestProto, ModifyAclEntriesResponseProto,
    RemoveAclEntriesRequestProto, RemoveAclEntriesResponseProto, RemoveAclRequestProto,
    RemoveAclResponseProto, RemoveDefaultAclRequestProto, RemoveDefaultAclResponseProto,
    SetAclRequestProto, SetAclResponseProto,
};
use crate::rpc::Call;

const SET: &str = "set ACL on";

impl NameNode {
    /// Returns the list without the entries held in the permission bits.
    pub(crate) fn get_acl_status(
        &self,
        call: &Call<'_>,
        request: GetAclStatusRequestProto,
    ) -> Result<GetAclStatusResponseProto, HdfsError> {
        self.check_acls_enabled()?;
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.src)?;
        checker.check(ns.namespace(), &path, Need::TRAVERSE)?;
        if path.directory_of_snapshots().is_some() {
            // `.snapshot` is no inode.
            return Ok(GetAclStatusResponseProto {
                result: AclStatusProto::default(),
            });
        }
        let inode = path.view(ns.namespace()).inode(found(&path)?);
        Ok(GetAclStatusResponseProto {
            result: AclStatusProto {
                owner: inode.owner.to_string(),
                group: inode.group.to_string(),
                sticky: inode.mode & STICKY != 0,
                entries: inode
                    .acl()
                    .entries()
                    .iter()
                    .map(AclEntry::to_proto)
                    .collect(),
                permission: Some(FsPermissionProto {
                    perm: (inode.mode & PERMISSION_BITS).into(),
                }),
            },
        })
    }

    /// Adds entries, replacing those with the same scope, type and name.
    pub(crate) fn modify_acl_entries(
        &self,
        call: &Call<'_>,
        request: ModifyAclEntriesRequestProto,
    ) -> Result<ModifyAclEntriesResponseProto, HdfsError> {
        let spec = entries(request.acl_spec)?;
        self.change_acl(call, "modify ACL entries on", &request.src, |acl, mode| {
            acl.modified(mode, spec)
        })?;
        Ok(ModifyAclEntriesResponseProto {})
    }

    /// Removes entries by scope, type and name.
    pub(crate) fn remove_acl_entries(
        &self,
        call: &Call<'_>,
        request: RemoveAclEntriesRequestProto,
    ) -> Result<RemoveAclEntriesResponseProto, HdfsError> {
        let spec = entries(request.acl_spec)?;
        self.change_acl(call, "remove ACL entries on", &request.src, |acl, mode| {
            acl.without(mode, spec)
        })?;
        Ok(RemoveAclEntriesResponseProto {})
    }

    /// Removes the entries that children would inherit.
    pub(crate) fn remove_default_acl(
        &self,
        call: &Call<'_>,
        request: RemoveDefaultAclRequestProto,
    ) -> Result<RemoveDefaultAclResponseProto, HdfsError> {
        self.change_acl(
            call,
            "remove default ACL entries on",
            &request.src,
            Acl::without_default,
        )?;
        Ok(RemoveDefaultAclResponseProto {})
    }

    /// Removes all entries except the permission bits.
    pub(crate) fn remove_acl(
        &self,
        call: &Call<'_>,
        request: RemoveAclRequestProto,
    ) -> Result<RemoveAclResponseProto, HdfsError> {
        self.change_acl(call, "remove ACL on", &request.src, |acl, mode| {
            Ok(acl.removed(mode))
        })?;
        Ok(RemoveAclResponseProto {})
    }

    /// Replaces each scope that has entries in the request. An empty request removes the list.
    pub(crate) fn set_acl(
        &self,
        call: &Call<'_>,
        request: SetAclRequestProto,
    ) -> Result<SetAclResponseProto, HdfsError> {
        let spec = entries(request.acl_spec)?;
        self.change_acl(call, SET, &request.src, |acl, mode| {
            if spec.is_empty() {
                Ok(acl.removed(mode))
            } else {
                acl.replaced(mode, spec)
            }
        })?;
        Ok(SetAclResponseProto {})
    }

    fn change_acl(
        &self,
        call: &Call<'_>,
        operation: &str,
        src: &str,
        change: impl FnOnce(&Acl, u16) -> Result<(Acl, u16), HdfsError>,
    ) -> Result<(), HdfsError> {
        self.check_acls_enabled()?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("{operation} {src}"))?;
        let path = ns.namespace().resolve(src)?;
        checker.check_change(ns.namespace(), &path, Need::OWNER)?;
        let inode = ns.namespace().inode(owned(&path)?);
        // Hadoop's setAcl names the path as it was asked, the others what it stands for.
        let shown = if operation == SET { src } else { path.path() };
        let with_path =
            |error: &HdfsError| HdfsError::acl(format!("{} Path: {shown}", error.message()));
        let (acl, mode) = change(inode.acl(), inode.mode).map_err(|error| with_path(&error))?;
        if !acl.defaults().is_empty() && !inode.is_directory() {
            // Hadoop names the path twice as well.
            let error = HdfsError::acl(format!(
                "Invalid ACL: only directories may have a default ACL. Path: {}",
                path.path()
            ));
            return Err(with_path(&error));
        }
        if (&acl, mode) != (inode.acl(), inode.mode) {
            // An empty list stands for a removal, which turns the mask into the group's bits.
            let entries = if (&acl, mode) == (&Acl::EMPTY, inode.acl().removed(inode.mode).1) {
                Vec::new()
            } else {
                acl.logical(mode)
            };
            ns.log(&Edit::SetAcl {
                src: path.path().to_owned(),
                entries,
            })?;
        }
        Ok(())
    }

    fn check_acls_enabled(&self) -> Result<(), HdfsError> {
        if self.config.acls_enabled {
            return Ok(());
        }
        Err(HdfsError::acl(
            "The ACL operation has been rejected.  Support for ACLs has been disabled by setting dfs.namenode.acls.enabled to false.",
        ))
    }
}

fn entries(spec: Vec<AclEntryProto>) -> Result<Vec<AclEntry>, HdfsError> {
    for entry in &spec {
        check_name("name in the ACL", entry.name())?;
    }
    Ok(spec.into_iter().map(AclEntry::from_proto).collect())
}
