//! The source of users' groups.

use std::collections::BTreeMap;
use std::time::Duration;

use super::value::{ConfigError, Entry};

/// The source of the groups of users without a static mapping (`hadoop.security.group.mapping`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum GroupMapping {
    /// They have none. The default here, where Hadoop asks the operating system, because the users
    /// of a test are rarely those of its machine. Also `NullGroupsMapping`.
    None,
    /// The operating system's: `ShellBasedUnixGroupsMapping`, `JniBasedUnixGroupsMapping`,
    /// `JniBasedUnixGroupsMappingWithFallback`.
    OperatingSystem,
}

/// The settings of groups (`hadoop.security.group.mapping`, `hadoop.security.groups.*`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupSettings {
    /// `hadoop.user.group.static.mapping.overrides`: users and their groups.
    pub overrides: BTreeMap<String, Vec<String>>,
    /// `hadoop.security.group.mapping`
    pub mapping: GroupMapping,
    /// `hadoop.security.groups.cache.secs`: how long the answer about a user holds.
    pub cache: Duration,
    /// `hadoop.security.groups.negative-cache.secs`: how long it holds if it names no groups.
    pub negative_cache: Duration,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            overrides: BTreeMap::new(),
            mapping: GroupMapping::None,
            cache: Duration::from_secs(300),
            negative_cache: Duration::from_secs(30),
        }
    }
}

impl GroupSettings {
    /// Sets the field behind a key. Returns false if the key is another's.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        const SECOND: Duration = Duration::from_secs(1);
        match entry.key {
            "hadoop.user.group.static.mapping.overrides" => {
                self.overrides = static_mapping(entry)?;
            }
            "hadoop.security.group.mapping" => self.mapping = mapping(entry)?,
            "hadoop.security.groups.cache.secs" => self.cache = entry.duration(SECOND)?,
            "hadoop.security.groups.negative-cache.secs" => {
                self.negative_cache = entry.duration(SECOND)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn mapping(entry: &Entry<'_>) -> Result<GroupMapping, ConfigError> {
    match entry.value.strip_prefix("org.apache.hadoop.security.") {
        Some(
            "ShellBasedUnixGroupsMapping"
            | "JniBasedUnixGroupsMapping"
            | "JniBasedUnixGroupsMappingWithFallback",
        ) => Ok(GroupMapping::OperatingSystem),
        Some("NullGroupsMapping") => Ok(GroupMapping::None),
        _ => Err(entry.error(
            "write org.apache.hadoop.security.JniBasedUnixGroupsMapping or \
             ShellBasedUnixGroupsMapping for the groups of the operating system, \
             NullGroupsMapping for none, or leave it out: LDAP, netgroups and classes of one's own \
             are not served",
        )),
    }
}

/// Parses `user1=group1,group2;user2=;user3=group2`.
fn static_mapping(entry: &Entry<'_>) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
    let mut groups = BTreeMap::new();
    for user in entry
        .value
        .split(';')
        .map(str::trim)
        .filter(|user| !user.is_empty())
    {
        let (name, list) = match user.split_once('=') {
            Some((name, list)) if !list.contains('=') => (name.trim(), list),
            None => (user, ""),
            Some(_) => return Err(entry.error("write user1=group1,group2;user2=group1")),
        };
        if name.is_empty() {
            return Err(entry.error("write a user's name before each ="));
        }
        let list = Entry {
            key: entry.key,
            value: list,
        }
        .list();
        groups.insert(name.to_owned(), list);
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HdfsConfig;

    #[test]
    fn mappings_are_obeyed_or_refused_by_name() {
        let key = "hadoop.security.group.mapping";
        let read = |class: &str| {
            let value = format!("org.apache.hadoop.security.{class}");
            let config = HdfsConfig::from_pairs([(key, &*value)]);
            config.map(|(config, _)| config.groups.mapping)
        };
        for class in ["Shell", "Jni"] {
            let read = read(&format!("{class}BasedUnixGroupsMapping"));
            assert_eq!(read, Ok(GroupMapping::OperatingSystem));
        }
        assert_eq!(read("NullGroupsMapping"), Ok(GroupMapping::None));
        for class in ["LdapGroupsMapping", "ShellBasedUnixGroupsNetgroupMapping"] {
            let error = read(class).expect_err("it needs a server").to_string();
            assert!(
                error.contains(class) && error.contains("are not served"),
                "{error}"
            );
        }
    }
}
