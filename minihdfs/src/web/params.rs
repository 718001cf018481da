//! The parameters of operations: their types, and the texts for wrong values (Hadoop's
//! `org.apache.hadoop.hdfs.web.resources`).

use super::request::Query;
use crate::HdfsError;
use crate::proto::hdfs::acl_entry_proto::{AclEntryScopeProto, AclEntryTypeProto, FsActionProto};
use crate::proto::hdfs::{AclEntryProto, FsPermissionProto, XAttrProto, x_attr_proto};

/// The largest permission that a parameter may have.
const LARGEST_PERMISSION: u16 = 0o1777;

/// Returns the error for a value that a parameter cannot have.
fn invalid(name: &str, why: &str) -> HdfsError {
    HdfsError::illegal_argument(format!(
        "Invalid value for webhdfs parameter \"{name}\": {why}"
    ))
}

fn outside(name: &str, value: &str, domain: &str) -> HdfsError {
    invalid(
        name,
        &format!("Invalid value: \"{value}\" does not belong to the domain {domain}"),
    )
}

impl Query {
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, HdfsError> {
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        if text.eq_ignore_ascii_case("true") {
            Ok(Some(true))
        } else if text.eq_ignore_ascii_case("false") {
            Ok(Some(false))
        } else {
            Err(invalid(
                name,
                &format!("Failed to parse \"{text}\" to Boolean."),
            ))
        }
    }

    /// Returns a parameter that an operation cannot do without.
    pub(super) fn required(&self, op: &str, name: &str) -> Result<&str, HdfsError> {
        self.get(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                HdfsError::illegal_argument(format!(
                    "Required param {name} for op: {op} is null or empty"
                ))
            })
    }

    /// Checks that the name of the user, if there is one, matches the pattern of names.
    pub(super) fn check_user(&self, pattern: &str) -> Result<(), HdfsError> {
        const NAME: &str = "user.name";
        let Some(name) = self.get(NAME).filter(|name| !name.is_empty()) else {
            return Ok(());
        };
        // The pattern was checked with the configuration.
        let matches = fancy_regex::Regex::new(&format!("^(?:{pattern})$"))
            .ok()
            .and_then(|pattern| pattern.is_match(name).ok());
        match matches {
            Some(true) => Ok(()),
            _ => Err(outside(NAME, name, pattern)),
        }
    }

    /// Returns a whole number that is at least `least`.
    pub(super) fn long(&self, name: &str, least: i64) -> Result<Option<i64>, HdfsError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let value: i64 = text.parse().map_err(|_| {
            let why = format!("Failed to parse \"{text}\" as a radix-10 long integer.");
            invalid(name, &why)
        })?;
        if value < least {
            let why = format!("Invalid parameter range: {name} = {value} < {least}");
            return Err(invalid(name, &why));
        }
        Ok(Some(value))
    }

    /// Returns a number of at least 1 that fits into Java's `short`.
    pub(super) fn short(&self, name: &str) -> Result<Option<u16>, HdfsError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let value: i16 = text.parse().map_err(|_| {
            let why = format!("Failed to parse \"{text}\" as a radix-10 short integer.");
            invalid(name, &why)
        })?;
        match u16::try_from(value) {
            Ok(value) if value >= 1 => Ok(Some(value)),
            _ => {
                let why = format!("Invalid parameter range: {name} = {value} < 1");
                Err(invalid(name, &why))
            }
        }
    }

    /// Returns a permission in octal digits.
    pub(super) fn permission(&self, name: &str) -> Result<Option<FsPermissionProto>, HdfsError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let bits = i16::from_str_radix(text, 8).map_err(|_| {
            let why = format!("Failed to parse \"{text}\" as a radix-8 short integer.");
            invalid(name, &why)
        })?;
        match u16::try_from(bits) {
            Ok(bits) if bits <= LARGEST_PERMISSION => {
                Ok(Some(FsPermissionProto { perm: bits.into() }))
            }
            Ok(bits) => {
                let why = format!("Invalid parameter range: {name} = {bits:o} > 1777");
                Err(invalid(name, &why))
            }
            Err(_) => {
                let why = format!("Invalid parameter range: {name} = {text} < 0");
                Err(invalid(name, &why))
            }
        }
    }

    /// Returns a path that must be given and absolute.
    pub(super) fn destination(&self) -> Result<&str, HdfsError> {
        const NAME: &str = "destination";
        let text = self.get(NAME).unwrap_or_default();
        if text.is_empty() || text.starts_with('/') {
            return Ok(text);
        }
        let why = format!("Invalid parameter value: {NAME} = \"{text}\" is not an absolute path.");
        Err(invalid(NAME, &why))
    }

    /// Returns the flags of RENAME; `None` for the old rename, which has none.
    pub(super) fn rename_options(&self) -> Result<Option<RenameOptions>, HdfsError> {
        const NAME: &str = "renameoptions";
        let Some(text) = self.get(NAME).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let mut options = RenameOptions::default();
        for word in text.split(',') {
            match word.trim().to_ascii_uppercase().as_str() {
                "NONE" => {}
                "OVERWRITE" => options.overwrite = true,
                "TO_TRASH" => options.to_trash = true,
                other => {
                    let class = "org.apache.hadoop.fs.Options.Rename";
                    return Err(invalid(NAME, &format!("No enum constant {class}.{other}")));
                }
            }
        }
        Ok(Some(options))
    }

    /// Returns the action of CHECKACCESS.
    pub(super) fn action(&self) -> Result<FsActionProto, HdfsError> {
        const NAME: &str = "fsaction";
        let text = self.get(NAME).unwrap_or_default();
        permissions(text).ok_or_else(|| outside(NAME, text, "[r-][w-][x-]"))
    }

    /// Returns a list of ACL entries. Entries to remove have no permissions.
    pub(super) fn acl(&self, with_permissions: bool) -> Result<Vec<AclEntryProto>, HdfsError> {
        const NAME: &str = "aclspec";
        let text = self.get(NAME).unwrap_or_default();
        let entries = text.split(',').filter(|entry| !entry.is_empty());
        entries
            .map(|entry| {
                acl_entry(entry, with_permissions).ok_or_else(|| outside(NAME, text, ACL_DOMAIN))
            })
            .collect()
    }

    /// Returns the attribute that SETXATTR and REMOVEXATTR name.
    pub(super) fn xattr(&self) -> Result<XAttrProto, HdfsError> {
        xattr_named(self.get("xattr.name").unwrap_or_default())
    }
}

/// The options of RENAME.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct RenameOptions {
    pub(super) overwrite: bool,
    pub(super) to_trash: bool,
}

/// `dfs.webhdfs.acl.provider.permission.pattern` as it is by default.
const ACL_DOMAIN: &str = "^(default:)?(user|group|mask|other):[[A-Za-z_][A-Za-z0-9._-]]*:([rwx-]{3})?(,(default:)?(user|group|mask|other):[[A-Za-z_][A-Za-z0-9._-]]*:([rwx-]{3})?)*$";

/// Parses `rw-`.
fn permissions(text: &str) -> Option<FsActionProto> {
    let [read, write, execute] = text.as_bytes() else {
        return None;
    };
    let bit = |found: u8, letter: u8, bit: i32| match found {
        b'-' => Some(0),
        _ if found == letter => Some(bit),
        _ => None,
    };
    let bits = bit(*read, b'r', 4)? | bit(*write, b'w', 2)? | bit(*execute, b'x', 1)?;
    FsActionProto::try_from(bits).ok()
}

/// Parses `[default:]user:bob:rw-`.
fn acl_entry(text: &str, with_permissions: bool) -> Option<AclEntryProto> {
    let (scope, rest) = match text.strip_prefix("default:") {
        Some(rest) => (AclEntryScopeProto::Default, rest),
        None => (AclEntryScopeProto::Access, text),
    };
    let mut words = rest.split(':');
    let kind = match words.next()? {
        "user" => AclEntryTypeProto::User,
        "group" => AclEntryTypeProto::Group,
        "mask" => AclEntryTypeProto::Mask,
        "other" => AclEntryTypeProto::Other,
        _ => return None,
    };
    let name = words.next()?;
    let granted = words.next().unwrap_or_default();
    let granted = match (with_permissions, granted) {
        (false, "") => FsActionProto::None,
        (_, granted) => permissions(granted)?,
    };
    words.next().is_none().then(|| AclEntryProto {
        r#type: kind.into(),
        scope: scope.into(),
        permissions: granted.into(),
        name: (!name.is_empty()).then(|| name.to_owned()),
    })
}

/// Returns an attribute without a value, by its name with the namespace in front.
pub(super) fn xattr_named(text: &str) -> Result<XAttrProto, HdfsError> {
    use x_attr_proto::XAttrNamespaceProto as Namespace;
    let known = text.split_once('.').and_then(|(namespace, name)| {
        let namespace = match namespace {
            "user" => Namespace::User,
            "trusted" => Namespace::Trusted,
            "system" => Namespace::System,
            "security" => Namespace::Security,
            "raw" => Namespace::Raw,
            _ => return None,
        };
        (!name.is_empty()).then_some((namespace, name))
    });
    let Some((namespace, name)) = known else {
        let domain = "^(user\\.|trusted\\.|system\\.|security\\.).+";
        return Err(outside("xattr.name", text, domain));
    };
    Ok(XAttrProto {
        namespace: namespace.into(),
        name: name.to_owned(),
        value: None,
    })
}

/// Returns the error for an operation that the HTTP method does not have.
pub(super) fn no_such_op(method: &str, op: &str) -> HdfsError {
    invalid("op", &format!("{op} is not a valid {method} operation."))
}

/// Returns the error for an encoding of attributes that does not exist.
pub(super) fn no_such_encoding(text: &str) -> HdfsError {
    let class = "org.apache.hadoop.fs.XAttrCodec";
    let constant = text.to_ascii_uppercase();
    invalid("encoding", &format!("No enum constant {class}.{constant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &HdfsError) -> String {
        assert_eq!(error.class(), "java.lang.IllegalArgumentException");
        error.message().to_owned()
    }

    #[test]
    fn wrong_values_are_refused_with_hadoops_texts() {
        let query = Query::parse(
            "offset=-1&length=x&recursive=yes&permission=2000&unmaskedpermission=9&replication=0\
             &fsaction=rwz&destination=a&xattr.name=a.b&aclspec=user:bob",
        );
        for (error, expected) in [
            (
                query.long("offset", 0).err(),
                "Invalid value for webhdfs parameter \"offset\": Invalid parameter range: offset = -1 < 0",
            ),
            (
                query.long("length", 0).err(),
                "Invalid value for webhdfs parameter \"length\": Failed to parse \"x\" as a radix-10 long integer.",
            ),
            (
                query.boolean("recursive").err(),
                "Invalid value for webhdfs parameter \"recursive\": Failed to parse \"yes\" to Boolean.",
            ),
            (
                query.permission("permission").err(),
                "Invalid value for webhdfs parameter \"permission\": Invalid parameter range: permission = 2000 > 1777",
            ),
            (
                query.permission("unmaskedpermission").err(),
                "Invalid value for webhdfs parameter \"unmaskedpermission\": Failed to parse \"9\" as a radix-8 short integer.",
            ),
            (
                query.short("replication").err(),
                "Invalid value for webhdfs parameter \"replication\": Invalid parameter range: replication = 0 < 1",
            ),
            (
                query.action().err(),
                "Invalid value for webhdfs parameter \"fsaction\": Invalid value: \"rwz\" does not belong to the domain [r-][w-][x-]",
            ),
            (
                query.destination().err(),
                "Invalid value for webhdfs parameter \"destination\": Invalid parameter value: destination = \"a\" is not an absolute path.",
            ),
        ] {
            assert_eq!(text(&error.expect("a refusal")), expected);
        }
        assert!(query.xattr().is_err());
        assert!(query.acl(true).is_err());
        assert_eq!(
            text(&no_such_op("GET", "foo")),
            "Invalid value for webhdfs parameter \"op\": foo is not a valid GET operation."
        );
    }

    #[test]
    fn entries_and_attributes_are_read() {
        let query = Query::parse("aclspec=user:bob:rw-,default:group::r-x&xattr.name=user.a.b");
        let entries = query.acl(true).expect("two entries");
        let shown: Vec<_> = entries
            .into_iter()
            .map(|entry| crate::namenode::AclEntry::from_proto(entry).to_string())
            .collect();
        assert_eq!(shown, ["user:bob:rw-", "default:group::r-x"]);
        assert_eq!(query.xattr().expect("a name").name, "a.b");
        let removed = Query::parse("aclspec=user:bob:,mask:");
        assert_eq!(removed.acl(false).expect("two entries").len(), 2);
    }
}
