//! The settings for accepting Kerberos tickets.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kerbox_krb5::ap_exchange::{DEFAULT_SKEW, ReplayCache};
use kerbox_krb5::{Keytab, Principal};

use crate::sasl::QualityOfProtection;

/// A service's keytab, which can be replaced while the service runs. Clones share it.
///
/// ```
/// use kerbox_krb5::Keytab;
/// use minihdfs::sasl::ServiceKeytab;
///
/// let keytab = ServiceKeytab::from(Keytab::default());
/// let of_the_server = keytab.clone();
/// keytab.replace(Keytab::default()); // new keys, while the server runs
/// assert_eq!(of_the_server.get(), keytab.get());
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServiceKeytab(Arc<RwLock<Arc<Keytab>>>);

impl ServiceKeytab {
    /// Returns the current keytab.
    #[must_use]
    pub fn get(&self) -> Arc<Keytab> {
        // Replacing an Arc cannot panic half-way.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the keytab. Established connections are unaffected; later ones are checked against
    /// the new keytab.
    pub fn replace(&self, keytab: Keytab) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keytab);
    }
}

impl From<Keytab> for ServiceKeytab {
    fn from(keytab: Keytab) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keytab))))
    }
}

/// The settings for accepting GSSAPI. Clones share the keytab and the replay cache.
///
/// ```
/// use kerbox_krb5::{Keytab, Principal};
/// use minihdfs::sasl::{GssapiSettings, QualityOfProtection};
///
/// let namenode: Principal = "nn/localhost@EXAMPLE.COM".parse()?;
/// let qop = [QualityOfProtection::Privacy, QualityOfProtection::Integrity];
/// let settings = GssapiSettings::new(namenode, Keytab::default(), &qop);
/// assert_eq!(settings.skew.as_secs(), 300);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GssapiSettings {
    /// The service's principal. Tickets for other principals are rejected. `None` accepts every
    /// principal in the keytab.
    pub principal: Option<Principal>,
    /// The offered qualities of protection.
    pub qop: Vec<QualityOfProtection>,
    /// The service's keys.
    pub keytab: ServiceKeytab,
    /// The allowed clock skew.
    pub skew: Duration,
    /// The authenticators seen so far.
    pub replay_cache: Arc<ReplayCache>,
}

impl GssapiSettings {
    /// Creates the settings for one principal, with the default skew and a new replay cache.
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
