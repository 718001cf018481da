//! Errors as Hadoop clients see them: a Java class and a message.

use std::borrow::Cow;
use std::fmt;

use crate::proto::common::rpc_response_header_proto::RpcErrorCodeProto;

/// An exception returned by a Hadoop server. Clients match on the class, and some on the start of
/// the message.
#[derive(Clone, PartialEq, Eq)]
pub struct HdfsError {
    class: Cow<'static, str>,
    message: String,
}

macro_rules! exceptions {
    ($($constructor:ident => $class:literal;)*) => {
        impl HdfsError {
            $(#[doc = concat!("`", $class, "`")]
            pub fn $constructor(message: impl Into<String>) -> Self {
                Self::new($class, message)
            })*
        }
    };
}

exceptions! {
    io => "java.io.IOException";
    file_not_found => "java.io.FileNotFoundException";
    illegal_argument => "java.lang.IllegalArgumentException";
    unsupported_operation => "java.lang.UnsupportedOperationException";
    hadoop_illegal_argument => "org.apache.hadoop.HadoopIllegalArgumentException";
    access_control => "org.apache.hadoop.security.AccessControlException";
    authorization => "org.apache.hadoop.security.authorize.AuthorizationException";
    invalid_token => "org.apache.hadoop.security.token.SecretManager$InvalidToken";
    sasl => "javax.security.sasl.SaslException";
    standby => "org.apache.hadoop.ipc.StandbyException";
    retriable => "org.apache.hadoop.ipc.RetriableException";
    safe_mode => "org.apache.hadoop.hdfs.server.namenode.SafeModeException";
    file_already_exists => "org.apache.hadoop.fs.FileAlreadyExistsException";
    parent_not_directory => "org.apache.hadoop.fs.ParentNotDirectoryException";
    path_is_not_empty_directory => "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException";
    invalid_path => "org.apache.hadoop.fs.InvalidPathException";
    already_being_created => "org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException";
    recovery_in_progress => "org.apache.hadoop.hdfs.protocol.RecoveryInProgressException";
    lease_expired => "org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException";
    not_replicated_yet => "org.apache.hadoop.hdfs.server.namenode.NotReplicatedYetException";
    acl => "org.apache.hadoop.hdfs.protocol.AclException";
    no_such_method => "org.apache.hadoop.ipc.RpcNoSuchMethodException";
    no_such_protocol => "org.apache.hadoop.ipc.RpcNoSuchProtocolException";
    version_mismatch => "org.apache.hadoop.ipc.RPC$VersionMismatch";
    rpc_server => "org.apache.hadoop.ipc.RpcServerException";
    ipc => "org.apache.hadoop.ipc.IpcException";
}

impl HdfsError {
    /// Creates an exception of any class.
    pub fn new(class: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            message: message.into(),
        }
    }

    /// Returns the full name of the Java class.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Returns the error code that accompanies the class in the header of an RPC response.
    #[must_use]
    pub fn rpc_error_code(&self) -> RpcErrorCodeProto {
        match self.class() {
            "org.apache.hadoop.ipc.RpcNoSuchMethodException" => {
                RpcErrorCodeProto::ErrorNoSuchMethod
            }
            "org.apache.hadoop.ipc.RpcNoSuchProtocolException" => {
                RpcErrorCodeProto::ErrorNoSuchProtocol
            }
            "org.apache.hadoop.ipc.RPC$VersionMismatch" => {
                RpcErrorCodeProto::ErrorRpcVersionMismatch
            }
            "org.apache.hadoop.ipc.RpcServerException" => RpcErrorCodeProto::ErrorRpcServer,
            _ => RpcErrorCodeProto::ErrorApplication,
        }
    }

    /// Returns the message, without the class.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
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
