//! What a realm allows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kerbox_krb5::{EncryptionType, Principal};

use crate::{Attributes, Pac, PacDomain, PasswordPolicy};

/// The settings of one realm; its principals may have narrower ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmConfig {
    /// The realm's name.
    pub name: String,
    /// The longest life of a ticket. Tickets tell whole seconds: a fraction is rounded up.
    pub max_life: Duration,
    /// How long a ticket can be renewed at the most.
    pub max_renewable_life: Duration,
    /// By how much clients' clocks may differ.
    pub clock_skew: Duration,
    /// The types of new principals' keys, the best first, and the only ones that are permitted for
    /// session keys, besides the AES ones that a service's own list names.
    pub enctypes: Vec<EncryptionType>,
    /// What every new principal starts with.
    pub attributes: Attributes,
    /// To which realms hosts (`name`) and domains (`.name`) of others belong: clients that ask
    /// here are referred there.
    pub host_realms: BTreeMap<String, String>,
    /// The services whose names of no type (NT-UNKNOWN, as the JDK asks) are taken for those of
    /// hosts, so that clients are referred; `*` stands for all. None by default; MIT's
    /// `host_based_services`.
    pub host_based_services: Vec<String>,
    /// The services for which nobody is referred; `*` stands for all. None by default; MIT's
    /// `no_host_referral`.
    pub no_host_referral: Vec<String>,
    /// Whether a ticket that came through realms which are not on its way is refused, and one whose
    /// way the client asks not to check; otherwise it is issued without the flag that says so.
    /// True by default; MIT's `reject_bad_transit`.
    pub reject_bad_transit: bool,
    /// Which PAC tickets carry; none by default.
    pub pac: Pac,
    /// As which domain of Windows full PACs know the realm.
    pub pac_domain: PacDomain,
    /// What new passwords must be like, when users change theirs; principals may have a policy of
    /// their own.
    pub password_policy: PasswordPolicy,
    /// Who may set others' passwords (RFC 3244), besides changing their own.
    pub password_administrators: BTreeSet<Principal>,
}

impl RealmConfig {
    /// 24 hours, renewable for 7 days, 5 minutes of skew, keys of aes256-cts-hmac-sha1-96 and
    /// aes128-cts-hmac-sha1-96, pre-authentication required.
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
            password_policy: PasswordPolicy::default(),
            password_administrators: BTreeSet::new(),
        }
    }

    /// The realm of a host, as `[domain_realm]` of krb5.conf finds it: by the whole name, then by
    /// each domain, the longest first, with its dot or without.
    pub(crate) fn realm_of_host(&self, host: &str) -> Option<&str> {
        /// Names of hosts have 255 bytes at the most (RFC 1035, 2.3.4).
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
