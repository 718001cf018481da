//! Password policies in the database.

use std::time::Duration;

use kerbox_kdc::PasswordPolicy;
use serde::{Deserialize, Serialize};

/// A password policy. Durations are in seconds; 0 means no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) max_life: u64,
    pub(crate) min_length: usize,
    pub(crate) min_classes: usize,
    /// Number of passwords, including the current one, that may not be reused.
    #[serde(default = "one")]
    pub(crate) history: usize,
    /// Kept and printed only: the password service lets users change their passwords at any time.
    #[serde(default)]
    pub(crate) min_life: u64,
    /// Kept and printed only, as are the next two: the KDC locks no account.
    #[serde(default)]
    pub(crate) max_failures: u32,
    #[serde(default)]
    pub(crate) failure_interval: u64,
    #[serde(default)]
    pub(crate) lockout: u64,
    /// The only permitted key types and salts; `None` permits all.
    #[serde(default)]
    pub(crate) allowed_keysalts: Option<String>,
    /// Parts of a loaded dump that are kept only to be dumped again.
    #[serde(default)]
    pub(crate) loaded: LoadedPolicy,
}

/// The parts of a policy in a dump that MIT's programs do not use either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadedPolicy {
    pub(crate) attributes: u32,
    pub(crate) max_life: u32,
    pub(crate) max_renewable_life: u32,
    /// Tagged data: the type, and the contents in hexadecimal.
    pub(crate) tagged: Vec<(i16, String)>,
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
            loaded: LoadedPolicy::default(),
        }
    }
}

impl Policy {
    /// Converts the policy for the KDC. Where previous passwords exist only as keys, the KDC knows
    /// just the current one.
    pub(crate) fn rules(&self) -> PasswordPolicy {
        PasswordPolicy {
            min_length: self.min_length,
            min_classes: self.min_classes,
            history: self.history,
            max_life: (self.max_life > 0).then(|| Duration::from_secs(self.max_life)),
        }
    }
}
