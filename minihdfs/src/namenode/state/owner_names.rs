//! Names of owners and groups, of which millions of inodes share a few.

use std::collections::HashSet;
use std::sync::Arc;

/// The smallest number of names at which unused ones are looked for.
const SWEEP_AT: usize = 64;

/// A set of names, each of which is in memory once.
#[derive(Clone, Debug)]
pub(super) struct OwnerNames {
    known: HashSet<Arc<str>>,
    /// The number of names at which those without an inode are dropped.
    sweep_at: usize,
}

impl Default for OwnerNames {
    fn default() -> Self {
        Self {
            known: HashSet::new(),
            sweep_at: SWEEP_AT,
        }
    }
}

impl OwnerNames {
    /// Returns the shared copy of a name.
    pub(super) fn share(&mut self, name: Arc<str>) -> Arc<str> {
        if let Some(known) = self.known.get(&name) {
            return Arc::clone(known);
        }
        // Names come from clients, so those that no inode has any more must not pile up. Looking
        // for them when their number has doubled costs little for each name.
        if self.known.len() >= self.sweep_at {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.sweep_at = SWEEP_AT.max(self.known.len() * 2);
        }
        self.known.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_in_memory_once() {
        let mut names = OwnerNames::default();
        let first = names.share("alice".into());
        let second = names.share("alice".into());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(&*names.share("bob".into()), "bob");
    }

    #[test]
    fn unused_names_are_dropped() {
        let mut names = OwnerNames::default();
        let used: Vec<_> = (0..100)
            .map(|number| names.share(format!("used{number}").into()))
            .collect();
        for number in 0..10_000 {
            names.share(format!("unused{number}").into());
            assert!(names.known.len() <= 2 * used.len() + SWEEP_AT);
        }
        assert!(used.iter().all(|name| names.known.contains(name)));
    }
}
