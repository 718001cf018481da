//! Access control: permissions, access control lists, extended attributes.

pub(super) mod acl;
pub(super) mod permission;
pub(super) mod xattr;
