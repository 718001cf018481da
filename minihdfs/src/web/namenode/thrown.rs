//! The exceptions of HttpFS, which calls the NameNode by Hadoop's client (`DFSClient`).
//!
//! Of each method, the client unwraps some classes. Any other exception of the NameNode stays what
//! it was on the wire: a `RemoteException`.

use crate::HdfsError;

/// The class of an exception that the client does not unwrap.
const REMOTE: &str = "org.apache.hadoop.ipc.RemoteException";

/// Exceptions of all methods that are unwrapped by list.
const ALWAYS: [&str; 2] = [
    "org.apache.hadoop.security.AccessControlException",
    "org.apache.hadoop.hdfs.protocol.UnresolvedPathException",
];
const FILE_NOT_FOUND: &str = "java.io.FileNotFoundException";
const SAFE_MODE: &str = "org.apache.hadoop.hdfs.server.namenode.SafeModeException";
const IN_SNAPSHOT: &str = "org.apache.hadoop.hdfs.protocol.SnapshotAccessControlException";
const NAMES: &str = "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException";
const SPACE: [&str; 2] = [
    "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException",
    "org.apache.hadoop.hdfs.protocol.QuotaByStorageTypeExceededException",
];
const NO_DIRECTORY: &str = "org.apache.hadoop.fs.ParentNotDirectoryException";
const NOT_EMPTY: &str = "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException";
const EXISTS: &str = "org.apache.hadoop.fs.FileAlreadyExistsException";

/// The methods of which the client unwraps every exception of input and output.
const ALL: [&str; 10] = [
    "allowSnapshot",
    "disallowSnapshot",
    "createSnapshot",
    "deleteSnapshot",
    "renameSnapshot",
    "getSnapshotDiffReport",
    "getSnapshotDiffReportListing",
    "getSnapshottableDirListing",
    "getSnapshotListing",
    "getFsStats",
];
/// The methods of which it unwraps none.
const NONE: [&str; 5] = [
    "getStoragePolicies",
    "getServerDefaults",
    "getDelegationToken",
    "getErasureCodingPolicies",
    "getErasureCodingCodecs",
];

/// Returns true if the client unwraps a class that a method throws.
fn is_unwrapped(method: &str, class: &str) -> bool {
    if ALL.contains(&method) {
        return !class.starts_with("java.lang.") && !class.contains("IllegalArgument");
    }
    !NONE.contains(&method) && is_listed(method, class)
}

/// Returns true if a class is one of those that the client unwraps for a method.
fn is_listed(method: &str, class: &str) -> bool {
    let is = |classes: &[&str]| ALWAYS.contains(&class) || classes.contains(&class);
    let is_space = SPACE.contains(&class);
    match method {
        "getFileLinkInfo" | "truncate" => is(&[]),
        "concat" => is(&[IN_SNAPSHOT]),
        "getAclStatus" => is(&[
            FILE_NOT_FOUND,
            "org.apache.hadoop.hdfs.protocol.AclException",
        ]),
        "getStoragePolicy" | "setErasureCodingPolicy" | "satisfyStoragePolicy" => {
            is(&[FILE_NOT_FOUND, SAFE_MODE])
        }
        "unsetErasureCodingPolicy" => is(&[
            FILE_NOT_FOUND,
            SAFE_MODE,
            "org.apache.hadoop.hdfs.protocol.NoECPolicySetException",
        ]),
        "rename" => is(&[NAMES, IN_SNAPSHOT, NO_DIRECTORY]) || is_space,
        "create" => {
            is(&[
                FILE_NOT_FOUND,
                SAFE_MODE,
                IN_SNAPSHOT,
                NAMES,
                NO_DIRECTORY,
                EXISTS,
            ]) || is_space
        }
        "mkdirs" => {
            let path = "org.apache.hadoop.fs.InvalidPathException";
            let common = [FILE_NOT_FOUND, SAFE_MODE, IN_SNAPSHOT, NAMES, NO_DIRECTORY];
            is(&common) || is(&[EXISTS, path]) || is_space
        }
        "append" => {
            let unsupported = "java.lang.UnsupportedOperationException";
            is(&[FILE_NOT_FOUND, SAFE_MODE, IN_SNAPSHOT, unsupported]) || is_space
        }
        "setReplication" => is(&[FILE_NOT_FOUND, SAFE_MODE, IN_SNAPSHOT]) || is_space,
        "setPermission" | "setOwner" => is(&[FILE_NOT_FOUND, SAFE_MODE, IN_SNAPSHOT]),
        "setTimes" => is(&[FILE_NOT_FOUND, IN_SNAPSHOT]),
        "delete" => is(&[FILE_NOT_FOUND, SAFE_MODE, IN_SNAPSHOT, NOT_EMPTY]),
        "setStoragePolicy" | "unsetStoragePolicy" | "setXAttr" | "removeXAttr" => {
            is(&[FILE_NOT_FOUND, SAFE_MODE, IN_SNAPSHOT, NAMES])
        }
        "modifyAclEntries" | "removeAclEntries" | "removeDefaultAcl" | "removeAcl" | "setAcl" => {
            let acl = "org.apache.hadoop.hdfs.protocol.AclException";
            is(&[FILE_NOT_FOUND, SAFE_MODE, IN_SNAPSHOT, NAMES, acl])
        }
        _ => is(&[FILE_NOT_FOUND]),
    }
}

/// Returns an exception that a method of the NameNode has thrown as HttpFS shows it: the class as
/// the client leaves it, and the first line of the message.
pub(in crate::web) fn thrown(method: &str, error: &HdfsError) -> HdfsError {
    let line = error.message().lines().next().unwrap_or_default();
    if is_unwrapped(method, error.class()) {
        let class = error.class().to_owned();
        // This one takes the whole text for a path, which it puts in quotes.
        let quote = if class == NOT_EMPTY { "`" } else { "" };
        return HdfsError::new(&*class, format!("{quote}{line}"));
    }
    HdfsError::new(REMOTE, line)
}

/// Returns Java's exception for a value that is not there; without a text if it has none.
pub(in crate::web) fn null_pointer(text: &str) -> HdfsError {
    HdfsError::new("java.lang.NullPointerException", text)
}

/// Returns an exception of the NameNode, which HttpFS gets for a value that WebHDFS does not send.
pub(in crate::web) fn remote(message: String) -> HdfsError {
    HdfsError::new(REMOTE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_classes_that_the_client_knows_are_unwrapped() {
        for (method, error, class) in [
            ("getListing", HdfsError::file_not_found("f"), FILE_NOT_FOUND),
            ("concat", HdfsError::file_not_found("f"), REMOTE),
            ("truncate", HdfsError::file_not_found("f"), REMOTE),
            ("mkdirs", HdfsError::io("i"), REMOTE),
            ("mkdirs", HdfsError::file_already_exists("e"), EXISTS),
            ("rename", HdfsError::parent_not_directory("p"), NO_DIRECTORY),
            ("rename", HdfsError::safe_mode("s"), REMOTE),
            ("delete", HdfsError::safe_mode("s"), SAFE_MODE),
            ("concat", HdfsError::access_control("a"), ALWAYS[0]),
            ("createSnapshot", HdfsError::io("i"), "java.io.IOException"),
            ("createSnapshot", HdfsError::illegal_argument("i"), REMOTE),
            ("getServerDefaults", HdfsError::access_control("a"), REMOTE),
        ] {
            assert_eq!(thrown(method, &error).class(), class, "{method}");
        }
        let error = thrown("getListing", &HdfsError::access_control("one\ntwo"));
        assert_eq!(error.message(), "one");
        let error = HdfsError::path_is_not_empty_directory("`/d is non empty': x\n\tat y");
        let error = thrown("delete", &error);
        assert_eq!(error.message(), "``/d is non empty': x");
    }
}
