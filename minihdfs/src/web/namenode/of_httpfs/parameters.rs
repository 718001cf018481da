//! The parameters of HttpFS: their types, and the texts for wrong values
//! (`HttpFSParametersProvider` and the classes of `org.apache.hadoop.lib.wsrs`).
//!
//! Names are exact, a blank value is none, and each of several values is checked.

use crate::HdfsError;
use crate::proto::hdfs::FsPermissionProto;
use crate::web::request::Query;

/// `dfs.webhdfs.acl.provider.permission.pattern` as it is by default.
const ACL: &str = "^(default:)?(user|group|mask|other):[[A-Za-z_][A-Za-z0-9._-]]*:([rwx-]{3})?\
                   (,(default:)?(user|group|mask|other):[[A-Za-z_][A-Za-z0-9._-]]*:([rwx-]{3})?)*$";
/// The names of attributes.
const XATTR: &str = "^(user\\.|trusted\\.|system\\.|security\\.).+";

/// The type of a parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Integer,
    Long,
    Short,
    /// A short in octal digits.
    Octal,
    Text,
    Matching(&'static str),
    Encoding,
    Flags,
}

impl Kind {
    /// Returns the values that are possible, as the refusal of another one shows them.
    const fn domain(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Long => "a long",
            Self::Short | Self::Octal => "a short",
            Self::Text => "a string",
            Self::Matching(pattern) => pattern,
            Self::Encoding => "TEXT,HEX,BASE64",
            Self::Flags => "[CREATE, REPLACE]",
        }
    }

    fn has(self, value: &str) -> bool {
        let is_one = |names: &[&str], value: &str| {
            let mut names = names.iter();
            names.any(|name| name.eq_ignore_ascii_case(value))
        };
        match self {
            Self::Boolean => is_one(&["true", "false"], value),
            Self::Integer => value.parse::<i32>().is_ok(),
            Self::Long => value.parse::<i64>().is_ok(),
            Self::Short => value.parse::<i16>().is_ok(),
            Self::Octal => i16::from_str_radix(value, 8).is_ok(),
            Self::Text => true,
            // The patterns are ours.
            Self::Matching(pattern) => fancy_regex::Regex::new(pattern)
                .is_ok_and(|pattern| pattern.is_match(value).unwrap_or(false)),
            Self::Encoding => is_one(&["text", "hex", "base64"], value),
            Self::Flags => {
                let mut flags = value.split(',');
                flags.all(|flag| is_one(&["create", "replace"], flag.trim()))
            }
        }
    }
}

/// Returns the parameters of an operation, in the order in which they are read.
fn of(op: &str) -> &'static [(&'static str, Kind)] {
    use Kind::{Boolean, Encoding, Flags, Integer, Long, Matching, Octal, Short, Text};
    match op {
        "OPEN" => &[("offset", Long), ("length", Long), ("noredirect", Boolean)],
        "GETFILECHECKSUM" => &[("noredirect", Boolean)],
        "GETFILEBLOCKLOCATIONS" | "GET_BLOCK_LOCATIONS" => &[("offset", Long), ("length", Long)],
        "LISTSTATUS" => &[("filter", Text)],
        "LISTSTATUS_BATCH" => &[("startAfter", Text)],
        "GETXATTRS" => &[("xattr.name", Matching(XATTR)), ("encoding", Encoding)],
        "GETTRASHROOTS" => &[("allusers", Boolean)],
        "CHECKACCESS" => &[("fsaction", Text)],
        "GETSNAPSHOTDIFF" | "RENAMESNAPSHOT" => {
            &[("oldsnapshotname", Text), ("snapshotname", Text)]
        }
        "GETSNAPSHOTDIFFLISTING" => &[
            ("oldsnapshotname", Text),
            ("snapshotname", Text),
            ("snapshotdiffstartpath", Text),
            ("snapshotdiffindex", Integer),
        ],
        "CREATESNAPSHOT" | "DELETESNAPSHOT" => &[("snapshotname", Text)],
        "APPEND" => &[("data", Boolean), ("noredirect", Boolean)],
        "CONCAT" => &[("sources", Text)],
        "TRUNCATE" => &[("newlength", Long)],
        "CREATE" => &[
            ("permission", Octal),
            ("overwrite", Boolean),
            ("replication", Short),
            ("blocksize", Long),
            ("data", Boolean),
            ("unmaskedpermission", Octal),
            ("noredirect", Boolean),
        ],
        "MKDIRS" => &[("permission", Octal), ("unmaskedpermission", Octal)],
        "RENAME" => &[("destination", Text)],
        "SETOWNER" => &[("owner", Text), ("group", Text)],
        "SETPERMISSION" => &[("permission", Octal)],
        "SETREPLICATION" => &[("replication", Short)],
        "SETTIMES" => &[("modificationtime", Long), ("accesstime", Long)],
        "DELETE" => &[("recursive", Boolean)],
        "SETACL" | "MODIFYACLENTRIES" | "REMOVEACLENTRIES" => &[("aclspec", Matching(ACL))],
        "SETXATTR" => &[
            ("xattr.name", Matching(XATTR)),
            ("xattr.value", Text),
            ("flag", Flags),
        ],
        "REMOVEXATTR" => &[("xattr.name", Matching(XATTR))],
        "SETSTORAGEPOLICY" => &[("storagepolicy", Text)],
        "SETECPOLICY" => &[("ecpolicy", Text)],
        _ => &[],
    }
}

/// Returns the parameters of an operation that are given, under their names in lower case, as
/// WebHDFS has them. Only attributes may be several.
pub(super) fn read(op: &str, query: &Query) -> Result<Query, HdfsError> {
    let mut given = Query::default();
    for (name, kind) in of(op) {
        for (index, value) in query.all(name).enumerate() {
            let is_text = matches!(kind, Kind::Text | Kind::Matching(_));
            let value = if is_text { value.trim() } else { value };
            if value.trim().is_empty() {
                continue;
            }
            if !kind.has(value) {
                return Err(refused(name, value, kind.domain()));
            }
            if index == 0 || *name == "xattr.name" {
                given.add(&name.to_ascii_lowercase(), value);
            }
        }
    }
    Ok(given)
}

fn refused(name: &str, value: &str, domain: &str) -> HdfsError {
    // The exception is wrapped in another one.
    HdfsError::illegal_argument(format!(
        "java.lang.IllegalArgumentException: {}",
        wrong(name, value, domain)
    ))
}

/// Returns the text about a wrong value.
pub(super) fn wrong(name: &str, value: &str, domain: &str) -> String {
    format!("Parameter [{name}], invalid value [{value}], value must be [{domain}]")
}

/// Returns true if a parameter is `true`.
pub(in crate::web) fn is_true(query: &Query, name: &str) -> bool {
    let first = query.all(name).next();
    first.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Returns a number that `read` has checked.
pub(super) fn number(query: &Query, name: &str) -> Option<i64> {
    query.get(name)?.parse().ok()
}

/// Returns a permission that `read` has checked, as far as the NameNode is sent it.
pub(super) fn permission(query: &Query, name: &str) -> Option<FsPermissionProto> {
    const BITS: i16 = 0o1777;
    let bits = i16::from_str_radix(query.get(name)?, 8).ok()?;
    let perm = u32::try_from(bits & BITS).ok()?;
    Some(FsPermissionProto { perm })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_values_are_refused_with_the_texts_of_httpfs() {
        for (op, query, name, value, domain) in [
            ("MKDIRS", "permission=9", "permission", "9", "a short"),
            (
                "MKDIRS",
                "permission=777777",
                "permission",
                "777777",
                "a short",
            ),
            (
                "MKDIRS",
                "permission=700&permission=x",
                "permission",
                "x",
                "a short",
            ),
            ("MKDIRS", "permission=null", "permission", "null", "a short"),
            (
                "CREATE",
                "replication=40000",
                "replication",
                "40000",
                "a short",
            ),
            ("CREATE", "data=maybe", "data", "maybe", "a boolean"),
            ("CREATE", "blocksize=x&data=x", "blocksize", "x", "a long"),
            ("OPEN", "offset=+1", "offset", " 1", "a long"),
            (
                "OPEN",
                "offset=9223372036854775808",
                "offset",
                "9223372036854775808",
                "a long",
            ),
            ("OPEN", "noredirect=x", "noredirect", "x", "a boolean"),
            (
                "GETXATTRS",
                "encoding=x",
                "encoding",
                "x",
                "TEXT,HEX,BASE64",
            ),
            ("SETXATTR", "flag=NONE", "flag", "NONE", "[CREATE, REPLACE]"),
            ("SETXATTR", "xattr.name=raw.b", "xattr.name", "raw.b", XATTR),
            (
                "SETACL",
                "aclspec=user:bob:rwz",
                "aclspec",
                "user:bob:rwz",
                ACL,
            ),
            (
                "SETACL",
                "aclspec=user:bob:rwx,",
                "aclspec",
                "user:bob:rwx,",
                ACL,
            ),
            ("SETACL", "aclspec=mask:", "aclspec", "mask:", ACL),
            (
                "GETSNAPSHOTDIFFLISTING",
                "snapshotdiffindex=x",
                "snapshotdiffindex",
                "x",
                "an integer",
            ),
        ] {
            let error = read(op, &Query::parse(query)).expect_err(query);
            let text = format!(
                "java.lang.IllegalArgumentException: Parameter [{name}], invalid value [{value}], \
                 value must be [{domain}]"
            );
            let found = (error.class(), error.message());
            assert_eq!(found, ("java.lang.IllegalArgumentException", &*text));
        }
    }

    #[test]
    fn names_are_exact_blanks_are_nothing_and_the_first_value_counts() {
        let query = "offset=1&offset=2&Length=1&length=+&buffersize=x&noredirect=TRUE";
        let query = read("OPEN", &Query::parse(query)).expect("parameters");
        assert_eq!(query.to_text(), "offset=1&noredirect=TRUE");
        assert!(is_true(&query, "noredirect"));
        let query = Query::parse("startAfter=+a+&startafter=b");
        let query = read("LISTSTATUS_BATCH", &query).expect("parameters");
        assert_eq!(query.to_text(), "startafter=a");
        let query = Query::parse("xattr.name=user.a&xattr.name=user.b&encoding=Hex");
        let query = read("GETXATTRS", &query).expect("parameters");
        assert_eq!(query.all("xattr.name").count(), 2);
        for (text, bits) in [("755", 0o755), ("7777", 0o1777), ("-1", 0o1777)] {
            let query = Query::parse(&format!("permission={text}"));
            let query = read("MKDIRS", &query).expect("parameters");
            let found = permission(&query, "permission").map(|found| found.perm);
            assert_eq!(found, Some(bits), "{text}");
        }
    }
}
