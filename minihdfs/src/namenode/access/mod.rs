//! Access control: permissions, changes of access control lists, who sees an extended attribute;
//! paths through links.

mod acl_change;
pub(super) mod permission;
pub(super) mod symlink;
mod xattr_filter;
