//! Extended attributes.

use bytes::Bytes;

use super::attributes::found;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, PermissionChecker};
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::{Inode, STICKY};
use crate::namenode::state::resolve::is_raw;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;
use crate::proto::hdfs::{
    GetXAttrsRequestProto, GetXAttrsResponseProto, ListXAttrsRequestProto, ListXAttrsResponseProto,
    RemoveXAttrRequestProto, RemoveXAttrResponseProto, SetXAttrRequestProto, SetXAttrResponseProto,
    XAttrProto, XAttrSetFlagProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Sets one attribute. The flags say if it may be created and if it may be replaced.
    pub(crate) fn set_x_attr(
        &self,
        call: &Call<'_>,
        request: SetXAttrRequestProto,
    ) -> Result<SetXAttrResponseProto, HdfsError> {
        self.check_xattrs_enabled()?;
        let xattr = required(request.x_attr)?;
        self.check_xattr_size(&xattr)?;
        let flags = SetFlags::from_bits(request.flag.unwrap_or(0))?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("set XAttr on {}", request.src))?;
        xattr.check_visible(&checker, is_raw(&request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        check_change(&checker, &ns, &path, &xattr)?;
        let inode = ns.namespace().inode(found(&path)?);
        if xattr.makes_unreadable_by_superuser() {
            check_unreadable(inode, &xattr)?;
        }
        let known = inode.xattrs().iter().find(|known| known.is_same_as(&xattr));
        flags.check(known, &xattr)?;
        if known.is_none() {
            self.check_xattr_room(inode, &xattr)?;
        }
        if known != Some(&xattr) {
            ns.log(&Edit::SetXAttr {
                src: path.path().to_owned(),
                xattr,
                rpc: call.caller.into(),
            })?;
        }
        Ok(SetXAttrResponseProto {})
    }

    fn check_xattr_size(&self, xattr: &XAttr) -> Result<(), HdfsError> {
        let limit = self.config.limits.max_xattr_size;
        let size = xattr.name.len() + xattr.value.as_ref().map_or(0, Bytes::len);
        if size > limit {
            return Err(HdfsError::hadoop_illegal_argument(format!(
                "The XAttr is too big. The maximum combined size of the name and value is {limit}, but the total size is {size}",
            )));
        }
        Ok(())
    }

    /// Fails if the inode has no room for a new attribute.
    fn check_xattr_room(&self, inode: &Inode, xattr: &XAttr) -> Result<(), HdfsError> {
        let limit = self.config.limits.max_xattrs_per_inode;
        let counted = inode.xattrs().iter().filter(|known| known.is_counted());
        if xattr.is_counted() && counted.count() >= limit {
            return Err(HdfsError::io(format!(
                "Cannot add additional XAttr to inode, would exceed limit of {limit}"
            )));
        }
        Ok(())
    }

    /// Returns the values of the named attributes, or of all that the caller may see.
    pub(crate) fn get_x_attrs(
        &self,
        call: &Call<'_>,
        request: GetXAttrsRequestProto,
    ) -> Result<GetXAttrsResponseProto, HdfsError> {
        self.check_xattrs_enabled()?;
        let checker = self.checker(call);
        let ns = self.read();
        let wanted: Vec<XAttr> = request
            .x_attrs
            .into_iter()
            .map(XAttr::from_proto)
            .collect::<Result<_, _>>()?;
        for xattr in &wanted {
            xattr.check_visible(&checker, is_raw(&request.src))?;
        }
        let path = ns.namespace().resolve(&request.src)?;
        checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
        let known = path.view(ns.namespace()).inode(found(&path)?).xattrs();
        let visible = known
            .iter()
            .filter(|xattr| xattr.is_visible(&checker, path.is_raw()));
        if wanted.is_empty() {
            let x_attrs = visible.map(XAttr::to_proto).collect();
            return Ok(GetXAttrsResponseProto { x_attrs });
        }
        let x_attrs: Vec<XAttrProto> = wanted
            .iter()
            .filter_map(|wanted| known.iter().find(|xattr| xattr.is_same_as(wanted)))
            .map(XAttr::to_proto)
            .collect();
        if x_attrs.len() < wanted.len() {
            return Err(HdfsError::new(
                "org.apache.hadoop.hdfs.protocol.XAttrNotFoundException",
                "At least one of the attributes provided was not found.",
            ));
        }
        Ok(GetXAttrsResponseProto { x_attrs })
    }

    /// Returns all attributes that the caller may see, including values, which clients discard.
    pub(crate) fn list_x_attrs(
        &self,
        call: &Call<'_>,
        request: ListXAttrsRequestProto,
    ) -> Result<ListXAttrsResponseProto, HdfsError> {
        self.check_xattrs_enabled()?;
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.src)?;
        checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
        let known = path.view(ns.namespace()).inode(found(&path)?).xattrs();
        let visible = known
            .iter()
            .filter(|xattr| xattr.is_visible(&checker, path.is_raw()));
        Ok(ListXAttrsResponseProto {
            x_attrs: visible.map(XAttr::to_proto).collect(),
        })
    }

    /// Removes one attribute. Fails if it does not exist.
    pub(crate) fn remove_x_attr(
        &self,
        call: &Call<'_>,
        request: RemoveXAttrRequestProto,
    ) -> Result<RemoveXAttrResponseProto, HdfsError> {
        self.check_xattrs_enabled()?;
        let xattr = required(request.x_attr)?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("remove XAttr entry on {}", request.src))?;
        xattr.check_visible(&checker, is_raw(&request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        check_change(&checker, &ns, &path, &xattr)?;
        if xattr.makes_unreadable_by_superuser() {
            return Err(HdfsError::access_control(format!(
                "The xattr '{}' can not be deleted.",
                xattr.prefixed_name()
            )));
        }
        let known = ns.namespace().inode(found(&path)?).xattrs();
        let known = known.iter().find(|known| known.is_same_as(&xattr));
        let Some(known) = known.cloned() else {
            return Err(HdfsError::io(
                "No matching attributes found for remove operation",
            ));
        };
        ns.log(&Edit::RemoveXAttr {
            src: path.path().to_owned(),
            xattr: known,
            rpc: call.caller.into(),
        })?;
        Ok(RemoveXAttrResponseProto {})
    }

    fn check_xattrs_enabled(&self) -> Result<(), HdfsError> {
        if self.config.xattrs_enabled {
            return Ok(());
        }
        Err(HdfsError::io(
            "The XAttr operation has been rejected.  Support for XAttrs has been disabled by setting dfs.namenode.xattrs.enabled to false.",
        ))
    }
}

/// The flags of a request to set an attribute: at least one of two.
#[derive(Clone, Copy)]
struct SetFlags {
    may_create: bool,
    may_replace: bool,
}

impl SetFlags {
    fn from_bits(bits: u32) -> Result<Self, HdfsError> {
        let has = |flag: XAttrSetFlagProto| bits & flag as u32 != 0;
        let flags = Self {
            may_create: has(XAttrSetFlagProto::XattrCreate),
            may_replace: has(XAttrSetFlagProto::XattrReplace),
        };
        if flags.may_create || flags.may_replace {
            return Ok(flags);
        }
        Err(HdfsError::hadoop_illegal_argument(
            "A flag must be specified.",
        ))
    }

    /// Fails if the flags do not allow to set an attribute that exists, or does not.
    fn check(self, known: Option<&XAttr>, xattr: &XAttr) -> Result<(), HdfsError> {
        match known {
            Some(_) if !self.may_replace => Err(HdfsError::io(format!(
                "XAttr: {} already exists. The REPLACE flag must be specified.",
                xattr.name
            ))),
            None if !self.may_create => Err(HdfsError::io(format!(
                "XAttr: {} does not exist. The CREATE flag must be specified.",
                xattr.name
            ))),
            _ => Ok(()),
        }
    }
}

fn required(xattr: Option<XAttrProto>) -> Result<XAttr, HdfsError> {
    XAttr::from_proto(
        xattr.ok_or_else(|| HdfsError::hadoop_illegal_argument("XAttr cannot be null."))?,
    )
}

/// Checks WRITE on the path. User attributes of a directory with the sticky bit are reserved to its
/// owner (`FSDirXAttrOp.checkXAttrChangeAccess`).
fn check_change(
    checker: &PermissionChecker<'_>,
    ns: &Namesystem,
    path: &ResolvedPath<'_>,
    xattr: &XAttr,
) -> Result<(), HdfsError> {
    let sticky = |inode: &Inode| inode.is_directory() && inode.mode & STICKY != 0;
    let owners_only = xattr.namespace == Namespace::User
        && path
            .last()
            .is_some_and(|id| sticky(path.view(ns.namespace()).inode(id)));
    let need = if owners_only {
        Need::OWNER
    } else {
        Need::path(FsAction::WRITE)
    };
    checker.check_change(ns.namespace(), path, need)
}

fn check_unreadable(inode: &Inode, xattr: &XAttr) -> Result<(), HdfsError> {
    if inode.is_directory() {
        return Err(HdfsError::io(format!(
            "Can only set '{}' on a file.",
            xattr.prefixed_name()
        )));
    }
    Ok(())
}
