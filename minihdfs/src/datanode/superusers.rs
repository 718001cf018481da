//! The administrators of a DataNode.

use std::collections::BTreeSet;

use crate::config::HdfsConfig;

/// The users who may administer a DataNode.
pub(super) struct Superusers {
    /// True if every user may, with `dfs.permissions.enabled` = false.
    all: bool,
    names: BTreeSet<String>,
}

impl Superusers {
    pub(super) fn new(superuser: String, config: &HdfsConfig) -> Self {
        let in_group = config
            .groups
            .overrides
            .iter()
            .filter(|(_, groups)| groups.contains(&config.superuser_group))
            .map(|(name, _)| name.clone());
        Self {
            all: !config.permissions_enabled,
            names: in_group.chain([superuser]).collect(),
        }
    }

    pub(super) fn include(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}
