//! Access control: permissions, access control lists, extended attributes; paths through links.

pub(super) mod acl;
mod acl_change;
pub(super) mod permission;
pub(super) mod symlink;
pub(super) mod xattr;
mod xattr_filter;
