//! The packed fields of inodes: permissions, access control entries, names of attributes.

use std::sync::Arc;

use crate::namenode::acl::AclEntry;
use crate::namenode::edit::PermissionStatus;
use crate::namenode::storage::image::strings::{Names, Numbering, StringTable};
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::acl_entry_proto::{AclEntryScopeProto as Scope, AclEntryTypeProto as Type};
use crate::proto::hdfs::fsimage::i_node_section::XAttrCompactProto;
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;

/// Numbers of names have 24 bits everywhere.
const NAME: u32 = 0xff_ffff;

/// `PermissionStatusFormat`: 24 bits for the user, 24 for the group, 16 for the mode.
pub(super) fn pack_permission(
    owner: &Arc<str>,
    group: &Arc<str>,
    mode: u16,
    names: &mut Numbering,
) -> u64 {
    let user = u64::from(names.number(owner) & NAME);
    let group = u64::from(names.number(group) & NAME);
    user << 40 | group << 16 | u64::from(mode)
}

pub(super) fn unpack_permission(
    packed: u64,
    names: &StringTable,
) -> Result<PermissionStatus, String> {
    let number = |shift: u32| (packed >> shift) as u32 & NAME;
    Ok(PermissionStatus {
        owner: Arc::clone(names.get(Names::User, number(40))?),
        group: Arc::clone(names.get(Names::Group, number(16))?),
        mode: packed as u16,
    })
}

/// `AclEntryStatusFormat`: 3 bits for the permissions, 2 for the type, 1 for the scope, 24 for the
/// name.
pub(super) fn pack_acl_entry(entry: &AclEntry, names: &mut Numbering) -> u32 {
    let name = entry.name.as_ref().map_or(0, |name| names.number(name));
    let (scope, kind) = (entry.scope as u32, entry.kind as u32);
    (name & NAME) << 6 | scope << 5 | kind << 3 | u32::from(entry.permissions & 7)
}

pub(super) fn unpack_acl_entry(packed: u32, names: &StringTable) -> Result<AclEntry, String> {
    let kind = [Type::User, Type::Group, Type::Mask, Type::Other][(packed >> 3 & 3) as usize];
    let kind_of_name = match kind {
        Type::Group => Names::Group,
        _ => Names::User,
    };
    let name = names.get(kind_of_name, packed >> 6 & NAME)?;
    Ok(AclEntry {
        scope: [Scope::Access, Scope::Default][(packed >> 5 & 1) as usize],
        kind,
        name: Some(name).filter(|name| !name.is_empty()).cloned(),
        permissions: (packed & 7) as u8,
    })
}

/// `XAttrFormat`: 5 bits unused, 1 for the namespace's high bit, 24 for the name, 2 for the
/// namespace's low bits.
pub(super) fn pack_xattr(xattr: &XAttr, names: &mut Numbering) -> XAttrCompactProto {
    let namespace = xattr.namespace as u32;
    let name = names.number(&xattr.name) & NAME;
    XAttrCompactProto {
        name: (namespace & 3) << 30 | name << 6 | (namespace >> 2 & 1) << 5,
        value: xattr.value.clone(),
    }
}

pub(super) fn unpack_xattr(
    packed: &XAttrCompactProto,
    names: &StringTable,
) -> Result<XAttr, String> {
    let number = packed.name >> 30 | (packed.name >> 5 & 1) << 2;
    let namespace = i32::try_from(number).ok().map(Namespace::try_from);
    let Some(Ok(namespace)) = namespace else {
        return Err(format!("an extended attribute has the namespace {number}"));
    };
    Ok(XAttr {
        namespace,
        name: Arc::clone(names.get(Names::XAttr, packed.name >> 6 & NAME)?),
        value: packed.value.clone(),
    })
}
