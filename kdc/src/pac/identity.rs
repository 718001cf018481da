//! As whom Windows would know a principal: what a full PAC tells, and what it is if nobody says it.

use kerbox_krb5::Principal;

use super::sid::{Sid, rid_of};

/// "Domain Users", the primary group of everybody who is told no other.
const DOMAIN_USERS: u32 = 513;
/// How long a NetBIOS name may be.
const NETBIOS: usize = 15;

/// A realm as a domain of Windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PacDomain {
    /// The domain's SID; one that is derived from the realm's name if absent.
    pub sid: Option<Sid>,
    /// Its NetBIOS name; the first label of the realm's name if absent.
    pub netbios_name: Option<String>,
}

impl PacDomain {
    /// The SID of this realm.
    #[must_use]
    pub fn sid_of(&self, realm: &str) -> Sid {
        self.sid.clone().unwrap_or_else(|| Sid::of_realm(realm))
    }

    /// The NetBIOS name of this realm.
    #[must_use]
    pub fn netbios_name_of(&self, realm: &str) -> String {
        let label = || {
            realm
                .split('.')
                .next()
                .unwrap_or_default()
                .to_uppercase()
                .chars()
                .take(NETBIOS)
                .collect()
        };
        self.netbios_name.clone().unwrap_or_else(label)
    }
}

/// A principal as an account of that domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PacAccount {
    /// Its relative identifier; one from 1000 on that is derived from its name if absent.
    pub rid: Option<u32>,
    /// The relative identifier of its primary group; that of "Domain Users" if absent.
    pub primary_group: Option<u32>,
    /// Those of its groups; the primary one is always among them.
    pub groups: Vec<u32>,
    /// Its name in full; empty if absent.
    pub full_name: Option<String>,
}

impl PacAccount {
    /// The relative identifier of `principal`, whose account this is.
    #[must_use]
    pub fn rid_of(&self, principal: &Principal) -> u32 {
        self.rid.unwrap_or_else(|| rid_of(principal))
    }

    /// The relative identifier of its primary group.
    #[must_use]
    pub fn primary_group(&self) -> u32 {
        self.primary_group.unwrap_or(DOMAIN_USERS)
    }

    /// Its groups, each once, the primary one first.
    pub(super) fn all_groups(&self) -> Vec<u32> {
        let mut groups = vec![self.primary_group()];
        for &group in &self.groups {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }
}
