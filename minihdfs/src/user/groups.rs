//! The groups of users (Hadoop's `Groups`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kerbox_krb5::Timestamp;

use super::MAX_NAME;
use crate::config::{GroupMapping, GroupSettings, HdfsConfig};

/// The operating system's users and their groups.
pub trait UnixGroups: Send + Sync {
    /// Returns the names of a user's groups, the primary one first; none if there is no such user.
    fn groups_of(&self, user: &str) -> Vec<String>;
}

/// The groups of users, by a static mapping and by the operating system.
#[derive(Default)]
pub(crate) struct Groups {
    fixed: BTreeMap<Arc<str>, Arc<[String]>>,
    settings: GroupSettings,
    unix: Option<Arc<dyn UnixGroups>>,
    cache: Mutex<HashMap<Arc<str>, Cached>>,
}

/// The operating system's answer about a user.
struct Cached {
    groups: Arc<[String]>,
    asked: Timestamp,
}

/// The most users whose groups are cached. Anybody may ask for those of any name.
const MOST: usize = 10_000;

impl Groups {
    /// Creates the groups of a configuration.
    pub(crate) fn new(config: &HdfsConfig, unix: Option<Arc<dyn UnixGroups>>) -> Self {
        let settings = config.groups.clone();
        let fixed = settings.overrides.iter();
        Self {
            fixed: fixed
                .map(|(user, groups)| (user.as_str().into(), groups.as_slice().into()))
                .collect(),
            settings,
            unix,
            cache: Mutex::default(),
        }
    }

    /// Returns a user's groups, the primary one first.
    pub(crate) fn of(&self, now: Timestamp, user: &str) -> Arc<[String]> {
        if let Some(groups) = self.fixed.get(user) {
            return Arc::clone(groups);
        }
        let unix = match (self.settings.mapping, &self.unix) {
            (GroupMapping::OperatingSystem, Some(unix)) if user.len() <= MAX_NAME => unix,
            _ => return Arc::default(),
        };
        if let Some(groups) = self.cached(now, user) {
            return groups;
        }
        // Without the lock: asking may take a while.
        let groups: Arc<[String]> = unix.groups_of(user).into();
        let mut cache = self.cache();
        if cache.len() >= MOST {
            cache.clear();
        }
        let cached = Cached {
            groups: Arc::clone(&groups),
            asked: now,
        };
        cache.insert(user.into(), cached);
        groups
    }

    fn cached(&self, now: Timestamp, user: &str) -> Option<Arc<[String]>> {
        let cache = self.cache();
        let cached = cache.get(user)?;
        let holds = match cached.groups.is_empty() {
            true => self.settings.negative_cache,
            false => self.settings.cache,
        };
        // A clock that was set back makes an answer no younger.
        let age = now.distance(cached.asked);
        (age < holds).then(|| Arc::clone(&cached.groups))
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<Arc<str>, Cached>> {
        // Entries are whole, so a panic elsewhere leaves it valid.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    /// Has one user, and counts the questions.
    #[derive(Default)]
    struct Os(AtomicUsize);

    impl UnixGroups for Os {
        fn groups_of(&self, user: &str) -> Vec<String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match user {
                "carol" => vec!["carol".to_owned(), "wheel".to_owned()],
                _ => Vec::new(),
            }
        }
    }

    fn groups(mapping: &str) -> (Groups, Arc<Os>) {
        let mapping = format!("org.apache.hadoop.security.{mapping}");
        let pairs = [
            ("hadoop.security.group.mapping", &*mapping),
            ("hadoop.user.group.static.mapping.overrides", "alice=staff"),
        ];
        let (config, warnings) = HdfsConfig::from_pairs(pairs).expect("a configuration");
        assert!(warnings.is_empty(), "{warnings:?}");
        let os = Arc::new(Os::default());
        (Groups::new(&config, Some(Arc::clone(&os) as _)), os)
    }

    #[test]
    fn the_system_is_asked_once_in_five_minutes() {
        let (groups, os) = groups("JniBasedUnixGroupsMapping");
        let asked = |seconds: u64, user: &str, count: usize| {
            let groups = groups.of(NOW + Duration::from_secs(seconds), user);
            assert_eq!(os.0.load(Ordering::Relaxed), count, "{user} at {seconds}");
            groups
        };
        assert_eq!(*asked(0, "alice", 0), ["staff"]);
        assert_eq!(*asked(0, "carol", 1), ["carol", "wheel"]);
        asked(299, "carol", 1);
        asked(300, "carol", 2);
        assert!(asked(300, "nemo", 3).is_empty());
        asked(329, "nemo", 3);
        asked(330, "nemo", 4);
        asked(330, &"x".repeat(MAX_NAME + 1), 4);
    }

    #[test]
    fn by_default_only_static_mappings_count() {
        let (groups, os) = groups("NullGroupsMapping");
        assert!(groups.of(NOW, "carol").is_empty());
        assert_eq!(*groups.of(NOW, "alice"), ["staff"]);
        assert_eq!(os.0.load(Ordering::Relaxed), 0);
    }
}
