//! The extended attributes that a caller may refer to (Hadoop's `XAttrPermissionFilter`).

use crate::HdfsError;
use crate::namenode::access::permission::PermissionChecker;
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;

impl XAttr {
    /// Returns true if the caller may refer to this attribute; `raw` is true if the path began with
    /// `/.reserved/raw`.
    pub(crate) fn is_visible(&self, checker: &PermissionChecker<'_>, raw: bool) -> bool {
        match self.namespace {
            Namespace::User => true,
            Namespace::Trusted => checker.is_superuser(),
            Namespace::Raw => raw,
            Namespace::Security => self.makes_unreadable_by_superuser(),
            Namespace::System => false,
        }
    }

    pub(crate) fn check_visible(
        &self,
        checker: &PermissionChecker<'_>,
        raw: bool,
    ) -> Result<(), HdfsError> {
        if !self.is_visible(checker, raw) {
            return Err(HdfsError::access_control(format!(
                "User doesn't have permission for xattr: {}",
                self.prefixed_name()
            )));
        }
        if self.makes_unreadable_by_superuser() && self.value.is_some() {
            return Err(HdfsError::access_control(format!(
                "Attempt to set a value for '{}'. Values are not allowed for this xattr.",
                self.prefixed_name()
            )));
        }
        Ok(())
    }
}
