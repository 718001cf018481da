//! The kind of PAC in a realm's tickets, and the Windows identities that a full one gives, with
//! defaults.

use kerbox_krb5::Principal;

use super::sid::{Sid, rid_of};

/// "Domain Users", the default primary group.
const DOMAIN_USERS: u32 = 513;
/// The maximum length of a NetBIOS name.
const NETBIOS: usize = 15;

/// The kind of PAC in a realm's tickets.
///
/// ```
/// use kerbox_kdc::{Pac, RealmConfig};
///
/// let mut realm = RealmConfig::new("EXAMPLE.COM");
/// assert_eq!(realm.pac, Pac::None);
/// realm.pac = Pac::Full; // as Active Directory
/// assert_eq!(realm.pac.name(), "full");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pac {
    /// No PAC.
    #[default]
    None,
    /// The client's name and the signatures, as from MIT.
    Minimal,
    /// Also Active Directory's buffers: SIDs and groups of [`PacDomain`] and [`PacAccount`], the
    /// user principal name, and the requestor.
    Full,
}

impl Pac {
    /// Returns its name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Full => "full",
        }
    }
}

/// A realm as a Windows domain.
///
/// ```
/// use kerbox_kdc::PacDomain;
///
/// let domain = PacDomain {
///     sid: Some("S-1-5-21-1-2-3".parse()?),
///     netbios_name: None,
/// };
/// assert_eq!(domain.sid_of("EXAMPLE.COM").to_string(), "S-1-5-21-1-2-3");
/// assert_eq!(domain.netbios_name_of("EXAMPLE.COM"), "EXAMPLE");
/// # Ok::<(), kerbox_kdc::SidError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PacDomain {
    /// The domain's SID; derived from the realm's name if absent.
    pub sid: Option<Sid>,
    /// Its NetBIOS name; the first label of the realm's name if absent.
    pub netbios_name: Option<String>,
}

impl PacDomain {
    /// Returns the SID of this realm.
    #[must_use]
    pub fn sid_of(&self, realm: &str) -> Sid {
        self.sid.clone().unwrap_or_else(|| Sid::of_realm(realm))
    }

    /// Returns the NetBIOS name of this realm.
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
///
/// ```
/// use kerbox_kdc::PacAccount;
///
/// let admin = PacAccount {
///     rid: Some(1104),
///     groups: vec![512], // "Domain Admins"
///     full_name: Some("Alice Liddell".to_owned()),
///     ..PacAccount::default()
/// };
/// assert_eq!(admin.primary_group(), 513); // "Domain Users"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PacAccount {
    /// Its relative identifier; if absent, one from 1000 up that is derived from its name.
    pub rid: Option<u32>,
    /// The relative identifier of its primary group; that of "Domain Users" if absent.
    pub primary_group: Option<u32>,
    /// The relative identifiers of its groups. The primary group is always added.
    pub groups: Vec<u32>,
    /// Its full name; empty if absent.
    pub full_name: Option<String>,
}

impl PacAccount {
    /// Returns the relative identifier of `principal`, the owner of this account.
    #[must_use]
    pub fn rid_of(&self, principal: &Principal) -> u32 {
        self.rid.unwrap_or_else(|| rid_of(principal))
    }

    /// Returns the relative identifier of its primary group.
    #[must_use]
    pub fn primary_group(&self) -> u32 {
        self.primary_group.unwrap_or(DOMAIN_USERS)
    }

    /// Returns its groups without repetitions, the primary one first.
    pub(crate) fn all_groups(&self) -> Vec<u32> {
        let mut groups = vec![self.primary_group()];
        for &group in &self.groups {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }
}
