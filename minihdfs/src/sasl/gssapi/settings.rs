//! What a server accepts Kerberos tickets with.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kerbox_krb5::ap_exchange::{DEFAULT_SKEW, ReplayCache};
use kerbox_krb5::{Keytab, Principal};

use crate::sasl::QualityOfProtection;

/// A service's keytab, which can be replaced while the service runs. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ServiceKeytab(Arc<RwLock<Arc<Keytab>>>);

impl ServiceKeytab {
    /// The keytab as it is now.
    #[must_use]
    pub fn get(&self) -> Arc<Keytab> {
        // Replacing an Arc cannot panic half-way.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in its place: connections that are established stay, later ones are checked
    /// with it.
    pub fn replace(&self, keytab: Keytab) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keytab);
    }
}

impl From<Keytab> for ServiceKeytab {
    fn from(keytab: Keytab) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keytab))))
    }
}

/// What a server accepts GSSAPI with. Clones share keytab and replay cache.
#[derive(Clone, Debug)]
pub struct GssapiSettings {
    /// The service's principal: tickets for another are refused. None accepts all principals of
    /// the keytab.
    pub principal: Option<Principal>,
    /// The qualities of protection that are offered.
    pub qop: Vec<QualityOfProtection>,
    /// The service's keys.
    pub keytab: ServiceKeytab,
    /// How far clocks may differ.
    pub skew: Duration,
    /// The authenticators that have been seen.
    pub replay_cache: Arc<ReplayCache>,
}

impl GssapiSettings {
    /// For one principal, with the usual skew and a replay cache of its own.
    #[must_use]
    pub fn new(
        principal: Principal,
        keytab: impl Into<ServiceKeytab>,
        qop: &[QualityOfProtection],
    ) -> Self {
        Self {
            principal: Some(principal),
            qop: qop.to_vec(),
            keytab: keytab.into(),
            skew: DEFAULT_SKEW,
            replay_cache: Arc::default(),
        }
    }
}
