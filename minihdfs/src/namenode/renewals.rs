//! Renewals of leases: how long each writer has been silent. They need not survive: after a restart
//! every lease counts as just renewed, as in Hadoop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::namenode::state::inode::InodeId;
use crate::namenode::state::lease::LeaseManager;

/// The time after which another client may take over a file
/// (`HdfsConstants.LEASE_SOFTLIMIT_PERIOD`).
pub(crate) const SOFT_LIMIT: Duration = Duration::from_secs(60);

/// The last renewal of each lease.
#[derive(Debug)]
pub(crate) struct Renewals {
    /// Leases that are not in here were renewed when the NameNode started.
    renewed: BTreeMap<Arc<str>, Timestamp>,
    started: Timestamp,
    hard_limit: Duration,
}

impl Renewals {
    pub(crate) fn new(started: Timestamp, hard_limit: Duration) -> Self {
        Self {
            renewed: BTreeMap::new(),
            started,
            hard_limit,
        }
    }

    /// Renews the holder's lease. Ignores holders without files.
    pub(crate) fn renew(&mut self, now: Timestamp, holder: &str, leases: &LeaseManager) {
        if let Some(renewed) = self.renewed.get_mut(holder) {
            *renewed = now;
        } else if let Some(holder) = leases.holder(holder) {
            self.renewed.insert(Arc::clone(holder), now);
        }
    }

    /// Forgets holders whose lease has ended.
    pub(crate) fn forget_ended(&mut self, leases: &LeaseManager) {
        if self.renewed.len() > leases.len() {
            self.renewed
                .retain(|holder, _| leases.holder(holder).is_some());
        }
    }

    fn of(&self, holder: &str) -> Timestamp {
        self.renewed.get(holder).copied().unwrap_or(self.started)
    }

    /// Returns true if the holder has been silent so long that another client may take over its
    /// files.
    pub(crate) fn is_soft_expired(
        &self,
        now: Timestamp,
        holder: &str,
        leases: &LeaseManager,
    ) -> bool {
        leases.holder(holder).is_none() || now.since(self.of(holder)) > SOFT_LIMIT
    }

    /// Returns the holders that have been silent beyond the hard limit, with their files.
    pub(crate) fn hard_expired(
        &self,
        now: Timestamp,
        leases: &LeaseManager,
    ) -> Vec<(Arc<str>, Vec<InodeId>)> {
        leases
            .iter()
            .filter(|(holder, _)| now.since(self.of(holder)) > self.hard_limit)
            .map(|(holder, files)| (Arc::clone(holder), files.iter().copied().collect()))
            .collect()
    }

    /// Returns when the next lease passes the hard limit if it is not renewed.
    pub(crate) fn next_deadline(&self, leases: &LeaseManager) -> Option<Timestamp> {
        let just_after = self.hard_limit + Duration::from_micros(1);
        leases
            .iter()
            .map(|(holder, _)| self.of(holder) + just_after)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_000_000);

    #[test]
    fn a_lease_passes_its_limits_unless_it_is_renewed() {
        let holder: Arc<str> = "client".into();
        let leases = LeaseManager::of_one_file(&holder, 16_386);
        let mut renewals = Renewals::new(START, Duration::from_secs(20 * 60));
        renewals.renew(START, "client", &leases);
        let soft = |renewals: &Renewals, at| renewals.is_soft_expired(at, "client", &leases);
        assert!(!soft(&renewals, START + SOFT_LIMIT));
        assert!(soft(
            &renewals,
            START + SOFT_LIMIT + Duration::from_millis(1)
        ));
        renewals.renew(START + SOFT_LIMIT, "client", &leases);
        assert!(!soft(&renewals, START + SOFT_LIMIT * 2));
        let deadline = renewals.next_deadline(&leases).expect("a lease");
        assert_eq!(
            renewals.hard_expired(deadline, &leases),
            [(holder, vec![16_386])]
        );
        let before = deadline - Duration::from_micros(1);
        assert!(renewals.hard_expired(before, &leases).is_empty());
    }

    #[test]
    fn a_holder_without_files_has_no_lease() {
        let mut leases = LeaseManager::of_one_file(&"client".into(), 1);
        let mut renewals = Renewals::new(START, Duration::from_secs(20 * 60));
        renewals.renew(START, "client", &leases);
        renewals.renew(START, "stranger", &leases);
        assert_eq!(renewals.renewed.len(), 1);
        leases = LeaseManager::default();
        renewals.forget_ended(&leases);
        assert!(renewals.renewed.is_empty());
        assert_eq!(renewals.next_deadline(&leases), None);
        assert!(renewals.is_soft_expired(START, "client", &leases));
    }
}
