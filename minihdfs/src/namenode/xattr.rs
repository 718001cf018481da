//! Extended attributes: names and values.

use std::sync::Arc;

use bytes::Bytes;

use crate::HdfsError;
use crate::proto::hdfs::XAttrProto;
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;

/// The only attribute of the security namespace that users may set. It hides the file's contents
/// from the superuser.
const UNREADABLE_BY_SUPERUSER: &str = "hdfs.unreadable.by.superuser";

/// The policy of erasure coding that means replication. It is always enabled, and overrides a
/// directory's policy for a subdirectory.
pub(crate) const REPLICATION: &str = "replication";

/// One attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct XAttr {
    /// The namespace, which decides who may see it.
    pub namespace: Namespace,
    /// The name without the namespace prefix.
    pub name: Arc<str>,
    /// `None` if the request contained no value, not even an empty one.
    pub value: Option<Bytes>,
}

impl XAttr {
    pub(crate) fn from_proto(proto: XAttrProto) -> Result<Self, HdfsError> {
        if proto.name.is_empty() {
            return Err(HdfsError::hadoop_illegal_argument(
                "XAttr name cannot be empty.",
            ));
        }
        Ok(Self {
            namespace: proto.namespace(),
            name: proto.name.into(),
            value: proto.value,
        })
    }

    pub(crate) fn to_proto(&self) -> XAttrProto {
        XAttrProto {
            namespace: self.namespace.into(),
            name: self.name.to_string(),
            value: self.value.clone().filter(|value| !value.is_empty()),
        }
    }

    /// Same as [`to_proto`](Self::to_proto), and distinguishes an empty value from none.
    pub(crate) fn to_stored(&self) -> XAttrProto {
        XAttrProto {
            value: self.value.clone(),
            ..self.to_proto()
        }
    }

    /// Returns the attribute of a directory whose policy of erasure coding is replication: the
    /// policy's name, preceded by its length.
    pub(crate) fn replication_policy() -> Self {
        let mut value = (REPLICATION.len() as u32).to_be_bytes().to_vec();
        value.extend_from_slice(REPLICATION.as_bytes());
        Self {
            namespace: Namespace::System,
            name: "hdfs.erasurecoding.policy".into(),
            value: Some(value.into()),
        }
    }

    /// Returns true if it belongs to a feature that is not served: encryption zones, erasure
    /// coding.
    pub(crate) fn is_of_unserved_feature(&self) -> bool {
        match self.namespace {
            Namespace::System => {
                let policy = Self::replication_policy();
                !self.is_same_as(&policy) || self.value.is_some() && *self != policy
            }
            Namespace::Raw => self.name.starts_with("hdfs.crypto."),
            _ => false,
        }
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.name == other.name
    }

    pub(crate) fn makes_unreadable_by_superuser(&self) -> bool {
        self.namespace == Namespace::Security && &*self.name == UNREADABLE_BY_SUPERUSER
    }

    /// Returns the name with its prefix, for instance `user.name`.
    pub(crate) fn prefixed_name(&self) -> String {
        let prefix = match self.namespace {
            Namespace::User => "user",
            Namespace::Trusted => "trusted",
            Namespace::Security => "security",
            Namespace::System => "system",
            Namespace::Raw => "raw",
        };
        format!("{prefix}.{}", self.name)
    }

    /// Returns true if the attribute counts towards `dfs.namenode.fs-limits.max-xattrs-per-inode`.
    pub(crate) fn is_counted(&self) -> bool {
        matches!(self.namespace, Namespace::User | Namespace::Trusted)
    }
}
