//! Leases: the files that each client writes, and how long the client may be silent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::namenode::state::inode::InodeId;

/// The time after which another client may take over a file
/// (`HdfsConstants.LEASE_SOFTLIMIT_PERIOD`).
pub(crate) const SOFT_LIMIT: Duration = Duration::from_secs(60);

/// One client's lease, which covers all files that it writes.
#[derive(Debug)]
struct Lease {
    renewed: Timestamp,
    files: BTreeSet<InodeId>,
}

/// All leases, by holder.
#[derive(Debug)]
pub(crate) struct LeaseManager {
    leases: BTreeMap<Arc<str>, Lease>,
    hard_limit: Duration,
}

impl LeaseManager {
    pub(crate) fn new(hard_limit: Duration) -> Self {
        Self {
            leases: BTreeMap::new(),
            hard_limit,
        }
    }

    /// Adds a file to the holder's lease and renews it.
    pub(crate) fn add(&mut self, now: Timestamp, holder: &Arc<str>, file: InodeId) {
        let lease = self
            .leases
            .entry(Arc::clone(holder))
            .or_insert_with(|| Lease {
                renewed: now,
                files: BTreeSet::new(),
            });
        lease.renewed = now;
        lease.files.insert(file);
    }

    /// Removes a file from the holder's lease. A lease without files is dropped.
    pub(crate) fn remove(&mut self, holder: &str, file: InodeId) {
        if let Some(lease) = self.leases.get_mut(holder) {
            lease.files.remove(&file);
            if lease.files.is_empty() {
                self.leases.remove(holder);
            }
        }
    }

    /// Renews the holder's lease. Ignores holders without files.
    pub(crate) fn renew(&mut self, now: Timestamp, holder: &str) {
        if let Some(lease) = self.leases.get_mut(holder) {
            lease.renewed = now;
        }
    }

    /// Returns the number of files the holder writes; `None` if it has no lease.
    pub(crate) fn open_files(&self, holder: &str) -> Option<usize> {
        self.leases.get(holder).map(|lease| lease.files.len())
    }

    /// Returns true if the holder has been silent so long that another client may take over its
    /// files.
    pub(crate) fn is_soft_expired(&self, now: Timestamp, holder: &str) -> bool {
        self.leases
            .get(holder)
            .is_none_or(|lease| now.since(lease.renewed) > SOFT_LIMIT)
    }

    /// Returns the holders that have been silent beyond the hard limit, with their files.
    pub(crate) fn hard_expired(&self, now: Timestamp) -> Vec<(Arc<str>, Vec<InodeId>)> {
        let expired = |lease: &Lease| now.since(lease.renewed) > self.hard_limit;
        let expired = self.leases.iter().filter(|(_, lease)| expired(lease));
        expired
            .map(|(holder, lease)| (Arc::clone(holder), lease.files.iter().copied().collect()))
            .collect()
    }

    /// Returns when the next lease passes the hard limit if it is not renewed.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let just_after = self.hard_limit + Duration::from_micros(1);
        self.leases
            .values()
            .map(|lease| lease.renewed + just_after)
            .min()
    }

    /// Returns the files being written whose id is above `after`, with their holders, ordered by
    /// id.
    pub(crate) fn files_after(&self, after: InodeId) -> BTreeMap<InodeId, Arc<str>> {
        let all = self.leases.iter().flat_map(|(holder, lease)| {
            lease
                .files
                .iter()
                .map(move |file| (*file, Arc::clone(holder)))
        });
        all.filter(|(file, _)| *file > after).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_000_000);

    #[test]
    fn a_lease_passes_its_limits_unless_it_is_renewed() {
        let mut leases = LeaseManager::new(Duration::from_mins(20));
        let holder: Arc<str> = "client".into();
        leases.add(START, &holder, 16_386);
        assert!(!leases.is_soft_expired(START + SOFT_LIMIT, "client"));
        assert!(leases.is_soft_expired(START + SOFT_LIMIT + Duration::from_millis(1), "client"));
        leases.renew(START + SOFT_LIMIT, "client");
        assert!(!leases.is_soft_expired(START + SOFT_LIMIT * 2, "client"));
        let deadline = leases.next_deadline().expect("a lease");
        assert_eq!(leases.hard_expired(deadline), [(holder, vec![16_386])]);
        assert!(
            leases
                .hard_expired(deadline - Duration::from_micros(1))
                .is_empty()
        );
    }

    #[test]
    fn a_holder_without_files_has_no_lease() {
        let mut leases = LeaseManager::new(Duration::from_mins(20));
        leases.add(START, &"client".into(), 1);
        leases.remove("client", 1);
        assert_eq!(
            (leases.open_files("client"), leases.next_deadline()),
            (None, None)
        );
    }
}
