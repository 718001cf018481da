//! Leases: the files that each client writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::namenode::state::inode::InodeId;

/// All leases: the files that each holder writes. A holder without files has no lease.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct LeaseManager {
    leases: BTreeMap<Arc<str>, BTreeSet<InodeId>>,
}

impl LeaseManager {
    /// Adds a file to the holder's lease.
    pub(super) fn add(&mut self, holder: &Arc<str>, file: InodeId) {
        let files = self.leases.entry(Arc::clone(holder)).or_default();
        files.insert(file);
    }

    /// Removes a file from the holder's lease. A lease without files is dropped.
    pub(super) fn remove(&mut self, holder: &str, file: InodeId) {
        if let Some(files) = self.leases.get_mut(holder) {
            files.remove(&file);
            if files.is_empty() {
                self.leases.remove(holder);
            }
        }
    }

    /// Returns the number of files the holder writes; `None` if it has no lease.
    pub(crate) fn open_files(&self, holder: &str) -> Option<usize> {
        self.leases.get(holder).map(BTreeSet::len)
    }

    /// Returns the holder's name as the lease has it; `None` if it has no lease.
    pub(crate) fn holder(&self, holder: &str) -> Option<&Arc<str>> {
        self.leases.get_key_value(holder).map(|(holder, _)| holder)
    }

    /// Returns a client's name, which its lease shares if it has one.
    pub(crate) fn named(&self, client: &str) -> Arc<str> {
        let holder = self.holder(client).cloned();
        holder.unwrap_or_else(|| client.into())
    }

    /// Returns the number of holders.
    pub(crate) fn len(&self) -> usize {
        self.leases.len()
    }

    /// Returns the holders with their files.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeSet<InodeId>)> {
        self.leases.iter()
    }

    /// Returns the files being written whose id is above `after`, with their holders, ordered by
    /// id.
    pub(crate) fn files_after(&self, after: InodeId) -> BTreeMap<InodeId, Arc<str>> {
        let all = self
            .leases
            .iter()
            .flat_map(|(holder, files)| files.iter().map(move |file| (*file, Arc::clone(holder))));
        all.filter(|(file, _)| *file > after).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl LeaseManager {
        /// Creates leases of one holder and file.
        pub(crate) fn of_one_file(holder: &Arc<str>, file: InodeId) -> Self {
            let mut leases = Self::default();
            leases.add(holder, file);
            leases
        }
    }

    #[test]
    fn a_lease_ends_with_its_last_file() {
        let mut leases = LeaseManager::of_one_file(&"client".into(), 1);
        leases.add(&"client".into(), 2);
        leases.remove("client", 1);
        assert_eq!(leases.open_files("client"), Some(1));
        leases.remove("client", 2);
        assert_eq!((leases.open_files("client"), leases.len()), (None, 0));
    }
}
