//! Values that only HttpFS passes on to its client of the NameNode, or only HttpFS refuses.

use super::parameters::{self, number};
use crate::config::HdfsConfig;
use crate::web::json::Encoding;
use crate::web::namenode::thrown::{null_pointer, remote};
use crate::web::request::Query;
use crate::{Caller, HdfsError};

/// The permission of new files and directories.
const PERMISSION: &str = "755";

/// Checks the parameters of an operation, and puts them into the form that WebHDFS takes.
pub(super) fn check(
    config: &HdfsConfig,
    op: &str,
    path: &str,
    caller: &Caller,
    query: &mut Query,
) -> Result<(), HdfsError> {
    for name in ["permission", "unmaskedpermission"] {
        let permission = parameters::permission(query, name);
        // -1 is none.
        let is_none = query.take(name).is_some_and(|text| text == "-1") && name != "permission";
        if let Some(permission) = permission.filter(|_| !is_none) {
            // The client of the NameNode applies a mask to what it creates, which has no such bit.
            let mask = if op == "SETPERMISSION" { 0o1777 } else { 0o777 };
            query.add(name, &format!("{:o}", permission.perm & mask));
        }
    }
    match op {
        "CREATE" => creation(config, path, caller, query),
        "MKDIRS" | "SETPERMISSION" => {
            default(query, "permission", PERMISSION);
            Ok(())
        }
        "SETREPLICATION" => {
            let replication = number(query, "replication").unwrap_or(-1);
            check_replication(config, replication, path)
        }
        "OPEN" | "GETFILEBLOCKLOCATIONS" | "GET_BLOCK_LOCATIONS" => {
            range(op, query);
            Ok(())
        }
        "TRUNCATE" => truncation(query),
        "SETTIMES" => {
            for name in ["modificationtime", "accesstime"] {
                let time = number(query, name).unwrap_or(-1).max(-1);
                replace(query, name, &time.to_string());
            }
            Ok(())
        }
        "SETOWNER" if query.get("owner").is_none() && query.get("group").is_none() => {
            Err(HdfsError::io("username == null && groupname == null"))
        }
        "CHECKACCESS" => access(query),
        "MODIFYACLENTRIES" | "SETACL" => entries(query, true),
        "REMOVEACLENTRIES" => entries(query, false),
        "SETXATTR" => attribute(query),
        "REMOVEXATTR" => attribute_name(query),
        "SETSTORAGEPOLICY" if query.get("storagepolicy").is_none() => Err(null_pointer("")),
        _ => snapshots(op, query),
    }
}

fn replace(query: &mut Query, name: &str, value: &str) {
    query.take(name);
    query.add(name, value);
}

fn default(query: &mut Query, name: &str, value: &str) {
    if query.get(name).is_none() {
        replace(query, name, value);
    }
}

fn creation(
    config: &HdfsConfig,
    path: &str,
    caller: &Caller,
    query: &mut Query,
) -> Result<(), HdfsError> {
    default(query, "permission", PERMISSION);
    default(query, "overwrite", "true");
    match number(query, "replication") {
        None | Some(-1) => drop(query.take("replication")),
        Some(replication) => {
            let place = format!("{path}, clientName={}", caller.address);
            check_replication(config, replication, &place)?;
        }
    }
    match number(query, "blocksize") {
        None | Some(-1) => drop(query.take("blocksize")),
        Some(size) => {
            let least = config.limits.min_block_size;
            if u64::try_from(size).is_ok_and(|size| size >= least) && size > 0 {
                return divided(config, size);
            }
            return Err(remote(format!(
                "Specified block size {size} is less than configured minimum value \
                 dfs.namenode.fs-limits.min-block-size={least}"
            )));
        }
    }
    Ok(())
}

/// Checks that blocks consist of whole chunks.
fn divided(config: &HdfsConfig, size: i64) -> Result<(), HdfsError> {
    let chunk = i64::from(config.bytes_per_checksum);
    if size.checked_rem(chunk) == Some(0) {
        return Ok(());
    }
    Err(HdfsError::hadoop_illegal_argument(format!(
        "Invalid values: dfs.bytes-per-checksum (={chunk}) must divide block size (={size})."
    )))
}

/// Refuses a number of replicas that WebHDFS would not send.
fn check_replication(config: &HdfsConfig, replication: i64, place: &str) -> Result<(), HdfsError> {
    if replication >= 1 {
        return Ok(());
    }
    Err(remote(format!(
        "Requested replication factor of {replication} is less than the required minimum of {} \
         for {place}",
        config.min_replication
    )))
}

/// Reads a range. A number below zero is none, but a length for `OPEN` is none only if it is -1.
fn range(op: &str, query: &mut Query) {
    let offset = number(query, "offset").unwrap_or(0).max(0);
    replace(query, "offset", &offset.to_string());
    let length = number(query, "length");
    let wanted = match length {
        Some(length) if op == "OPEN" => (length != -1).then_some(length.max(0)),
        length => length.filter(|length| *length > 0),
    };
    query.take("length");
    if let Some(length) = wanted {
        query.add("length", &length.to_string());
    }
}

fn truncation(query: &mut Query) -> Result<(), HdfsError> {
    let length = number(query, "newlength").unwrap_or(0);
    if length < 0 {
        return Err(HdfsError::hadoop_illegal_argument(format!(
            "Cannot truncate to a negative file size: {length}."
        )));
    }
    replace(query, "newlength", &length.to_string());
    Ok(())
}

fn access(query: &mut Query) -> Result<(), HdfsError> {
    const NAME: &str = "fsaction";
    default(query, NAME, "---");
    query.action().map(drop).map_err(|_| {
        let text = query.get(NAME).unwrap_or_default();
        HdfsError::illegal_argument(parameters::wrong(NAME, text, "[r-][w-][x-]"))
    })
}

/// Checks the entries of an ACL (`AclEntry.parseAclSpec`). Entries to remove have no permissions.
fn entries(query: &Query, with_permissions: bool) -> Result<(), HdfsError> {
    let text = query.get("aclspec").unwrap_or_default();
    for entry in text.split(',').filter(|entry| !entry.is_empty()) {
        let permissions = entry.rsplit(':').next().unwrap_or_default();
        let why = if permissions.is_empty() == with_permissions {
            "Invalid <aclSpec>"
        } else if !permissions.is_empty() && !is_action(permissions) {
            "Invalid permission in <aclSpec>"
        } else {
            continue;
        };
        return Err(HdfsError::hadoop_illegal_argument(format!(
            "{why} : {entry}"
        )));
    }
    Ok(())
}

fn is_action(text: &str) -> bool {
    let mut query = Query::default();
    query.add("fsaction", text);
    query.action().is_ok()
}

fn attribute(query: &mut Query) -> Result<(), HdfsError> {
    const VALUE: &str = "xattr.value";
    let text = query.get(VALUE).unwrap_or_default();
    if Encoding::decode(text).is_none()
        && let Some(digits) = text.get(2..)
    {
        let letter = digits
            .char_indices()
            .find(|(_, it)| !it.is_ascii_hexdigit());
        let why = match letter {
            _ if digits.len() % 2 != 0 => "Odd number of characters.".to_owned(),
            Some((at, letter)) => format!("Illegal hexadecimal character {letter} at index {at}"),
            // What is not of base64 is skipped there.
            None => return Ok(()),
        };
        let class = "org.apache.commons.codec.DecoderException";
        return Err(HdfsError::io(format!("{class}: {why}")));
    }
    attribute_name(query)?;
    if query.get("flag").is_none() {
        return Err(null_pointer(
            "Cannot invoke \"java.util.EnumSet.contains(Object)\" because \"flag\" is null",
        ));
    }
    Ok(())
}

fn attribute_name(query: &Query) -> Result<(), HdfsError> {
    if query.get("xattr.name").is_none() {
        return Err(null_pointer("XAttr name cannot be null."));
    }
    Ok(())
}

/// Checks the names of snapshots, which WebHDFS asks for in other words.
fn snapshots(op: &str, query: &Query) -> Result<(), HdfsError> {
    let is_missing = |name: &str| query.get(name).is_none();
    match op {
        "GETSNAPSHOTDIFF" => {
            let both = [("oldsnapshotname", "from"), ("snapshotname", "to")];
            match both.into_iter().find(|(name, _)| is_missing(name)) {
                Some((_, which)) => {
                    let why = format!("null {which}Snapshot");
                    Err(HdfsError::illegal_argument(why))
                }
                None => Ok(()),
            }
        }
        "GETSNAPSHOTDIFFLISTING" if is_missing("snapshotdiffindex") => Err(null_pointer(
            "Cannot invoke \"java.lang.Integer.intValue()\" because \"snapshotDiffIndex\" is null",
        )),
        "RENAMESNAPSHOT" | "GETSNAPSHOTDIFFLISTING"
            if is_missing("oldsnapshotname") || is_missing("snapshotname") =>
        {
            Err(null_pointer(""))
        }
        "DELETESNAPSHOT" if is_missing("snapshotname") => Err(null_pointer("")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::user::{AuthMethod, User};

    fn checked(op: &str, query: &str) -> Result<String, (String, String)> {
        let address = Ipv4Addr::LOCALHOST.into();
        let caller = Caller::new(User::simple("alice"), AuthMethod::Simple, address);
        let mut query = parameters::read(op, &Query::parse(query)).expect("parameters");
        let checked = check(&HdfsConfig::default(), op, "/f", &caller, &mut query);
        checked.map_err(|error| (error.class().to_owned(), error.message().to_owned()))?;
        Ok(query.to_text())
    }

    #[test]
    fn values_that_only_httpfs_passes_on_are_refused_as_by_the_namenode() {
        const REMOTE: &str = "org.apache.hadoop.ipc.RemoteException";
        const HADOOP: &str = "org.apache.hadoop.HadoopIllegalArgumentException";
        const NULL: &str = "java.lang.NullPointerException";
        const ILLEGAL: &str = "java.lang.IllegalArgumentException";
        const IO: &str = "java.io.IOException";
        for (op, query, class, text) in [
            (
                "CREATE",
                "replication=0",
                REMOTE,
                "Requested replication factor of 0 is less than the required minimum of 1 for /f, \
                 clientName=127.0.0.1",
            ),
            (
                "SETREPLICATION",
                "",
                REMOTE,
                "Requested replication factor of -1 is less than the required minimum of 1 for /f",
            ),
            (
                "CREATE",
                "blocksize=-2",
                REMOTE,
                "Specified block size -2 is less than configured minimum value \
                 dfs.namenode.fs-limits.min-block-size=512",
            ),
            (
                "CREATE",
                "blocksize=1000",
                HADOOP,
                "Invalid values: dfs.bytes-per-checksum (=512) must divide block size (=1000).",
            ),
            (
                "TRUNCATE",
                "newlength=-1",
                HADOOP,
                "Cannot truncate to a negative file size: -1.",
            ),
            ("SETOWNER", "", IO, "username == null && groupname == null"),
            (
                "CHECKACCESS",
                "fsaction=rwxr",
                ILLEGAL,
                "Parameter [fsaction], invalid value [rwxr], value must be [[r-][w-][x-]]",
            ),
            (
                "SETACL",
                "aclspec=user:bob:",
                HADOOP,
                "Invalid <aclSpec> : user:bob:",
            ),
            (
                "REMOVEACLENTRIES",
                "aclspec=user:bob:rwx",
                HADOOP,
                "Invalid <aclSpec> : user:bob:rwx",
            ),
            (
                "SETACL",
                "aclspec=user:bob:xwr",
                HADOOP,
                "Invalid permission in <aclSpec> : user:bob:xwr",
            ),
            (
                "SETXATTR",
                "xattr.value=0xZZ",
                IO,
                "org.apache.commons.codec.DecoderException: Illegal hexadecimal character Z at \
                 index 0",
            ),
            (
                "SETXATTR",
                "xattr.value=0x6",
                IO,
                "org.apache.commons.codec.DecoderException: Odd number of characters.",
            ),
            ("REMOVEXATTR", "", NULL, "XAttr name cannot be null."),
            ("SETSTORAGEPOLICY", "", NULL, ""),
            ("DELETESNAPSHOT", "", NULL, ""),
            ("RENAMESNAPSHOT", "snapshotname=t", NULL, ""),
            (
                "GETSNAPSHOTDIFF",
                "oldsnapshotname=s",
                ILLEGAL,
                "null toSnapshot",
            ),
        ] {
            let refused = checked(op, query).expect_err(query);
            assert_eq!((&*refused.0, &*refused.1), (class, text), "{op} {query}");
        }
    }

    #[test]
    fn other_values_become_those_of_webhdfs() {
        for (op, query, expected) in [
            (
                "CREATE",
                "replication=-1&blocksize=-1",
                "permission=755&overwrite=true",
            ),
            ("MKDIRS", "permission=1777", "permission=777"),
            ("MKDIRS", "unmaskedpermission=-1", "permission=755"),
            ("SETPERMISSION", "permission=-1", "permission=1777"),
            ("OPEN", "offset=-1&length=-2", "offset=0&length=0"),
            ("OPEN", "length=-1", "offset=0"),
            ("GETFILEBLOCKLOCATIONS", "length=0", "offset=0"),
            ("TRUNCATE", "", "newlength=0"),
            (
                "SETTIMES",
                "accesstime=-5",
                "modificationtime=-1&accesstime=-1",
            ),
            ("CHECKACCESS", "", "fsaction=---"),
            ("SETACL", "", ""),
        ] {
            assert_eq!(checked(op, query).as_deref(), Ok(expected), "{op} {query}");
        }
    }
}
