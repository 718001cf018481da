//! Errors as Hadoop clients see them: a Java class and a message.

use std::fmt;
use std::sync::Arc;

use kerbox_events::Exception;

use crate::proto::common::rpc_response_header_proto::RpcErrorCodeProto;

/// An exception returned by a Hadoop server. Clients match on the class, and some on the start of
/// the message.
///
/// ```
/// use minihdfs::HdfsError;
///
/// let error = HdfsError::file_not_found("File does not exist: /f");
/// assert_eq!(error.class(), "java.io.FileNotFoundException");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HdfsError {
    class: Class,
    message: String,
}

/// Declares each class once: its name here, its constructor, its name in Java, and the error code
/// that accompanies it in the header of an RPC response.
macro_rules! classes {
    ($($variant:ident, $constructor:ident => $name:literal, $code:ident;)*) => {
        /// The Java class of an exception.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Class {
            $(#[doc = concat!("`", $name, "`")]
            $variant,)*
            /// A class that our servers do not throw on their own: received from another server,
            /// or chosen by a fault.
            Other(Arc<str>),
        }

        impl Class {
            /// Returns the full name in Java.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// Returns the error code that accompanies the class in the header of an RPC
            /// response. Hadoop has one for subclasses of `RpcServerException`.
            #[must_use]
            pub fn rpc_error_code(&self) -> RpcErrorCodeProto {
                match self {
                    $(Self::$variant => RpcErrorCodeProto::$code,)*
                    Self::Other(_) => RpcErrorCodeProto::ErrorApplication,
                }
            }

            /// The classes that have a variant of their own.
            #[cfg(test)]
            const KNOWN: &[Self] = &[$(Self::$variant),*];
        }

        /// Recognizes the full name in Java.
        impl From<&str> for Class {
            fn from(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    _ => Self::Other(name.into()),
                }
            }
        }

        impl HdfsError {
            $(#[doc = concat!("`", $name, "`")]
            pub fn $constructor(message: impl Into<String>) -> Self {
                Self::new(Class::$variant, message)
            })*
        }
    };
}

classes! {
    Io, io => "java.io.IOException", ErrorApplication;
    FileNotFound, file_not_found => "java.io.FileNotFoundException", ErrorApplication;
    Connect, connect => "java.net.ConnectException", ErrorApplication;
    SocketTimeout, socket_timeout => "java.net.SocketTimeoutException", ErrorApplication;
    IllegalArgument, illegal_argument => "java.lang.IllegalArgumentException", ErrorApplication;
    UnsupportedOperation, unsupported_operation => "java.lang.UnsupportedOperationException", ErrorApplication;
    Runtime, runtime => "java.lang.RuntimeException", ErrorApplication;
    Assertion, assertion => "java.lang.AssertionError", ErrorApplication;
    HadoopIllegalArgument, hadoop_illegal_argument => "org.apache.hadoop.HadoopIllegalArgumentException", ErrorApplication;
    AccessControl, access_control => "org.apache.hadoop.security.AccessControlException", ErrorApplication;
    Authorization, authorization => "org.apache.hadoop.security.authorize.AuthorizationException", ErrorApplication;
    NoMatchingRule, no_matching_rule => "org.apache.hadoop.security.authentication.util.KerberosName$NoMatchingRule", ErrorApplication;
    InvalidToken, invalid_token => "org.apache.hadoop.security.token.SecretManager$InvalidToken", ErrorApplication;
    InvalidEncryptionKey, invalid_encryption_key => "org.apache.hadoop.hdfs.protocol.datatransfer.InvalidEncryptionKeyException", ErrorApplication;
    Sasl, sasl => "javax.security.sasl.SaslException", ErrorApplication;
    Standby, standby => "org.apache.hadoop.ipc.StandbyException", ErrorApplication;
    Retriable, retriable => "org.apache.hadoop.ipc.RetriableException", ErrorApplication;
    SafeMode, safe_mode => "org.apache.hadoop.hdfs.server.namenode.SafeModeException", ErrorApplication;
    UnsupportedAction, unsupported_action => "org.apache.hadoop.hdfs.server.namenode.UnsupportedActionException", ErrorApplication;
    UnregisteredNode, unregistered_node => "org.apache.hadoop.hdfs.server.protocol.UnregisteredNodeException", ErrorApplication;
    DisallowedDatanode, disallowed_datanode => "org.apache.hadoop.hdfs.server.protocol.DisallowedDatanodeException", ErrorApplication;
    FileAlreadyExists, file_already_exists => "org.apache.hadoop.fs.FileAlreadyExistsException", ErrorApplication;
    ParentNotDirectory, parent_not_directory => "org.apache.hadoop.fs.ParentNotDirectoryException", ErrorApplication;
    PathIsNotDirectory, path_is_not_directory => "org.apache.hadoop.fs.PathIsNotDirectoryException", ErrorApplication;
    PathIsNotEmptyDirectory, path_is_not_empty_directory => "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException", ErrorApplication;
    InvalidRequest, invalid_request => "org.apache.hadoop.fs.InvalidRequestException", ErrorApplication;
    InvalidPath, invalid_path => "org.apache.hadoop.fs.InvalidPathException", ErrorApplication;
    Checksum, checksum => "org.apache.hadoop.fs.ChecksumException", ErrorApplication;
    ListingStartAfterNotFound, listing_start_after_not_found => "org.apache.hadoop.fs.DirectoryListingStartAfterNotFoundException", ErrorApplication;
    PathComponentTooLong, path_component_too_long => "org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException", ErrorApplication;
    MaxDirectoryItemsExceeded, max_directory_items_exceeded => "org.apache.hadoop.hdfs.protocol.FSLimitException$MaxDirectoryItemsExceededException", ErrorApplication;
    NsQuotaExceeded, ns_quota_exceeded => "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException", ErrorApplication;
    DsQuotaExceeded, ds_quota_exceeded => "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", ErrorApplication;
    QuotaByStorageTypeExceeded, quota_by_storage_type_exceeded => "org.apache.hadoop.hdfs.protocol.QuotaByStorageTypeExceededException", ErrorApplication;
    AlreadyBeingCreated, already_being_created => "org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException", ErrorApplication;
    RecoveryInProgress, recovery_in_progress => "org.apache.hadoop.hdfs.protocol.RecoveryInProgressException", ErrorApplication;
    LeaseExpired, lease_expired => "org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException", ErrorApplication;
    NotReplicatedYet, not_replicated_yet => "org.apache.hadoop.hdfs.server.namenode.NotReplicatedYetException", ErrorApplication;
    ReplicaNotFound, replica_not_found => "org.apache.hadoop.hdfs.server.datanode.ReplicaNotFoundException", ErrorApplication;
    ReplicaAlreadyExists, replica_already_exists => "org.apache.hadoop.hdfs.server.datanode.ReplicaAlreadyExistsException", ErrorApplication;
    Acl, acl => "org.apache.hadoop.hdfs.protocol.AclException", ErrorApplication;
    NoEcPolicySet, no_ec_policy_set => "org.apache.hadoop.hdfs.protocol.NoECPolicySetException", ErrorApplication;
    UnresolvedPath, unresolved_path => "org.apache.hadoop.hdfs.protocol.UnresolvedPathException", ErrorApplication;
    XattrNotFound, xattr_not_found => "org.apache.hadoop.hdfs.protocol.XAttrNotFoundException", ErrorApplication;
    Snapshot, snapshot => "org.apache.hadoop.hdfs.protocol.SnapshotException", ErrorApplication;
    SnapshotAccessControl, snapshot_access_control => "org.apache.hadoop.hdfs.protocol.SnapshotAccessControlException", ErrorApplication;
    NoSuchMethod, no_such_method => "org.apache.hadoop.ipc.RpcNoSuchMethodException", ErrorNoSuchMethod;
    NoSuchProtocol, no_such_protocol => "org.apache.hadoop.ipc.RpcNoSuchProtocolException", ErrorNoSuchProtocol;
    VersionMismatch, version_mismatch => "org.apache.hadoop.ipc.RPC$VersionMismatch", ErrorRpcVersionMismatch;
    RpcServer, rpc_server => "org.apache.hadoop.ipc.RpcServerException", ErrorRpcServer;
    Ipc, ipc => "org.apache.hadoop.ipc.IpcException", ErrorApplication;
}

impl From<Arc<str>> for Class {
    fn from(name: Arc<str>) -> Self {
        match Self::from(&*name) {
            Self::Other(_) => Self::Other(name),
            known => known,
        }
    }
}

impl From<String> for Class {
    fn from(name: String) -> Self {
        name.as_str().into()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl HdfsError {
    /// Creates an exception of any class, also by its full name in Java.
    pub fn new(class: impl Into<Class>, message: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            message: message.into(),
        }
    }

    /// Returns the full name of the Java class.
    #[must_use]
    pub fn class(&self) -> &str {
        self.class.name()
    }

    /// Returns the class.
    #[must_use]
    pub fn kind(&self) -> &Class {
        &self.class
    }

    /// Returns the error code that accompanies the class in the header of an RPC response.
    #[must_use]
    pub fn rpc_error_code(&self) -> RpcErrorCodeProto {
        self.class.rpc_error_code()
    }

    /// Returns the message, without the class.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<Exception> for HdfsError {
    fn from(exception: Exception) -> Self {
        Self::new(exception.class, exception.message.to_string())
    }
}

impl fmt::Display for HdfsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}

impl fmt::Debug for HdfsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for HdfsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_recognized_by_its_name_in_java() {
        for class in Class::KNOWN {
            assert_eq!(Class::from(class.name()), *class);
            assert_eq!(Class::from(Arc::<str>::from(class.name())), *class);
        }
        let foreign = HdfsError::new("com.example.NoLuckException", "no");
        assert_eq!(
            *foreign.kind(),
            Class::Other("com.example.NoLuckException".into())
        );
        assert_eq!(foreign.to_string(), "com.example.NoLuckException: no");
        assert_eq!(
            foreign.rpc_error_code(),
            RpcErrorCodeProto::ErrorApplication
        );
    }

    #[test]
    fn the_subclasses_of_rpc_server_exception_have_codes_of_their_own() {
        let coded: Vec<_> = Class::KNOWN
            .iter()
            .filter(|class| class.rpc_error_code() != RpcErrorCodeProto::ErrorApplication)
            .map(Class::name)
            .collect();
        assert_eq!(
            coded,
            [
                "org.apache.hadoop.ipc.RpcNoSuchMethodException",
                "org.apache.hadoop.ipc.RpcNoSuchProtocolException",
                "org.apache.hadoop.ipc.RPC$VersionMismatch",
                "org.apache.hadoop.ipc.RpcServerException"
            ]
        );
    }
}
