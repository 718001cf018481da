//! Password policies as the database keeps them.

use std::time::Duration;

use kerbox_kdc::PasswordPolicy;
use serde::{Deserialize, Serialize};

/// A password policy. Durations are in seconds; 0 is without end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) max_life: u64,
    pub(crate) min_length: usize,
    pub(crate) min_classes: usize,
    /// This many passwords, the present one among them, may not be used again.
    #[serde(default = "one")]
    pub(crate) history: usize,
    /// Kept and printed; the password service lets users change at any time.
    #[serde(default)]
    pub(crate) min_life: u64,
    /// Kept and printed, as the next two: the KDC locks no account.
    #[serde(default)]
    pub(crate) max_failures: u32,
    #[serde(default)]
    pub(crate) failure_interval: u64,
    #[serde(default)]
    pub(crate) lockout: u64,
    /// The only key types and salts that may be made; absent for all.
    #[serde(default)]
    pub(crate) allowed_keysalts: Option<String>,
}

fn one() -> usize {
    1
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_life: 0,
            min_length: 1,
            min_classes: 1,
            history: 1,
            min_life: 0,
            max_failures: 0,
            failure_interval: 0,
            lockout: 0,
            allowed_keysalts: None,
        }
    }
}

impl Policy {
    /// As the KDC takes it. Of passwords that are only keys, it knows the present one.
    pub(crate) fn rules(&self) -> PasswordPolicy {
        PasswordPolicy {
            min_length: self.min_length,
            min_classes: self.min_classes,
            history: self.history,
            max_life: (self.max_life > 0).then(|| Duration::from_secs(self.max_life)),
        }
    }
}
