//! The settings of a realm.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kerbox_krb5::{EncryptionType, Principal};

use crate::{Attributes, Pac, PacDomain, PasswordPolicy};

/// The settings of SPAKE pre-authentication.
///
/// ```
/// use kerbox_kdc::{RealmConfig, SpakeConfig};
///
/// let mut realm = RealmConfig::new("EXAMPLE.COM");
/// realm.spake = Some(SpakeConfig { challenge_first: true });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpakeConfig {
    /// If true, the first refusal contains a challenge already, which saves a round trip. MIT's
    /// `spake_preauth_kdc_challenge`.
    pub challenge_first: bool,
}

/// The settings of one realm. Its principals may have stricter ones.
///
/// ```
/// use std::time::Duration;
/// use kerbox_kdc::{PasswordPolicy, RealmConfig};
///
/// let mut realm = RealmConfig::new("EXAMPLE.COM");
/// realm.max_renewable_life = Duration::from_secs(30 * 24 * 3600);
/// realm.host_realms.insert(".corp.test".to_owned(), "CORP.TEST".to_owned());
/// realm.password_policy = PasswordPolicy { min_length: 8, ..PasswordPolicy::default() };
/// assert_eq!(realm.clock_skew, Duration::from_secs(300));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmConfig {
    /// The realm's name.
    pub name: String,
    /// The longest lifetime of a ticket. Tickets have whole seconds, so fractions are rounded up.
    pub max_life: Duration,
    /// The longest time for which a ticket can be renewed.
    pub max_renewable_life: Duration,
    /// The maximum difference of clients' clocks.
    pub clock_skew: Duration,
    /// The types of new principals' keys, best first. Session keys may use only these, and the AES
    /// types in a service's own list.
    pub enctypes: Vec<EncryptionType>,
    /// The default attributes of new principals.
    pub attributes: Attributes,
    /// The realms to which foreign hosts (`name`) and domains (`.name`) belong. Clients that ask
    /// this KDC for such a host are referred there.
    pub host_realms: BTreeMap<String, String>,
    /// The services whose untyped names (NT-UNKNOWN, as sent by the JDK) are treated as host-based,
    /// so that clients are referred; `*` stands for all. Empty by default; MIT's
    /// `host_based_services`.
    pub host_based_services: Vec<String>,
    /// The services for which clients are never referred; `*` stands for all. Empty by default;
    /// MIT's `no_host_referral`.
    pub no_host_referral: Vec<String>,
    /// If true, refuses a ticket that came through realms off its path, or whose client asks not to
    /// check the path. If false, issues such a ticket without the transited-policy-checked flag.
    /// True by default; MIT's `reject_bad_transit`.
    pub reject_bad_transit: bool,
    /// The kind of PAC in tickets; none by default.
    pub pac: Pac,
    /// The Windows domain that full PACs give for this realm.
    pub pac_domain: PacDomain,
    /// SPAKE pre-authentication (RFC 9588); not offered by default, nor to clients that have both
    /// a keytab and a password. MIT's `spake_preauth_groups`.
    pub spake: Option<SpakeConfig>,
    /// The policy for new passwords that users choose. Principals may have their own.
    pub password_policy: PasswordPolicy,
    /// The principals that may set the passwords of others (RFC 3244).
    pub password_administrators: BTreeSet<Principal>,
}

impl RealmConfig {
    /// Creates a realm with tickets for 24 hours, renewable for 7 days, 5 minutes of skew, keys of
    /// aes256-cts-hmac-sha1-96 and aes128-cts-hmac-sha1-96, and pre-authentication required.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            max_life: Duration::from_secs(24 * 3600),
            max_renewable_life: Duration::from_secs(7 * 24 * 3600),
            clock_skew: Duration::from_secs(300),
            enctypes: EncryptionType::DEFAULT_KEYS.to_vec(),
            attributes: Attributes::REQUIRES_PRE_AUTH,
            host_realms: BTreeMap::new(),
            host_based_services: Vec::new(),
            no_host_referral: Vec::new(),
            reject_bad_transit: true,
            pac: Pac::default(),
            pac_domain: PacDomain::default(),
            spake: None,
            password_policy: PasswordPolicy::default(),
            password_administrators: BTreeSet::new(),
        }
    }

    /// Returns the realm of a host. The lookup order is that of `[domain_realm]` in krb5.conf:
    /// first the whole name, then each domain, longest first, with or without its dot.
    pub(crate) fn realm_of_host(&self, host: &str) -> Option<&str> {
        /// Host names have at most 255 bytes (RFC 1035, 2.3.4).
        const LONGEST: usize = 255;
        if host.len() > LONGEST {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let domains = host
            .char_indices()
            .filter(|(_, character)| *character == '.')
            .flat_map(|(place, _)| [&host[place..], &host[place + 1..]]);
        std::iter::once(host.as_str())
            .chain(domains)
            .find_map(|name| self.host_realms.get(name))
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_by_their_name_and_by_their_domains() {
        let mut realm = RealmConfig::new("R");
        for (name, of) in [("h.x.d", "H"), (".x.d", "X"), ("d", "D")] {
            realm.host_realms.insert(name.to_owned(), of.to_owned());
        }
        for (host, expected) in [
            ("H.X.D", Some("H")),
            ("i.x.d", Some("X")),
            ("x.d", Some("D")),
            ("i.y.d", Some("D")),
            ("d", Some("D")),
            ("ad", None),
        ] {
            assert_eq!(realm.realm_of_host(host), expected, "{host}");
        }
    }
}
