//! The trust between two realms.

use std::path::PathBuf;

use kerbox_kdc::NewKeys;
use kerbox_krb5::{EncryptionKey, EncryptionType, Principal};

use crate::spec::Keys;

/// A trust between a fixture's realm and another. Both KDCs hold the same key for each direction.
///
/// ```
/// use kerbox::Trust;
///
/// // MIT's side: addprinc -pw shared krbtgt/CORP.TEST@EXAMPLE.COM, and the other way round.
/// let trust = Trust::with_password("CORP.TEST", "shared").kdc("10.0.0.1:88");
/// // Only its clients come here; ours do not go there.
/// let one_way = Trust::with_password("CORP.TEST", "shared").incoming();
/// let realm = kerbox::Realm::builder().trust(trust).start_blocking()?;
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Trust {
    /// The other realm.
    pub realm: String,
    /// The direction.
    pub direction: Direction,
    /// The password that the keys are derived from. Without one, and without keys, they are random.
    pub password: Option<String>,
    /// The keys for the other realm's clients that come here.
    pub keys_in: Keys,
    /// The keys for our clients that go there.
    pub keys_out: Keys,
    /// The keytab that the keys were read from, for display.
    pub import: Option<PathBuf>,
    /// The key types for a password or for random keys; `None`: the realm's.
    pub enctypes: Option<Vec<EncryptionType>>,
    /// The key version for a password or for random keys; `None`: 1.
    pub kvno: Option<u32>,
    /// The other realm's KDCs, for the clients' krb5.conf.
    pub kdcs: Vec<String>,
}

/// The direction of a [`Trust`].
///
/// ```
/// use kerbox::Trust;
/// use kerbox::spec::Direction;
///
/// let trust = Trust::with_random_keys("B.TEST").outgoing();
/// assert_eq!(trust.direction, Direction::Out);
/// assert!(trust.direction.is_out() && !trust.direction.is_in());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Direction {
    /// Both of the following.
    #[default]
    Both,
    /// The other realm's clients come here.
    In,
    /// Our clients go there.
    Out,
}

impl Direction {
    /// Returns whether the other realm's clients come here.
    #[must_use]
    pub fn is_in(self) -> bool {
        self != Self::Out
    }

    /// Returns whether our clients go there.
    #[must_use]
    pub fn is_out(self) -> bool {
        self != Self::In
    }
}

impl Trust {
    /// Derives the keys from a password on both KDCs: kadmin's `addprinc -pw PASSWORD krbtgt/A@B`.
    #[must_use]
    pub fn with_password(realm: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            password: Some(password.into()),
            ..Self::with_random_keys(realm)
        }
    }

    /// Uses these keys on both KDCs, each with its version.
    #[must_use]
    pub fn with_keys(
        realm: impl Into<String>,
        keys: impl IntoIterator<Item = (u32, EncryptionKey)>,
    ) -> Self {
        let keys: Keys = keys.into_iter().collect();
        Self {
            keys_in: keys.clone(),
            keys_out: keys,
            ..Self::with_random_keys(realm)
        }
    }

    /// Uses random keys, for a realm of the same KDC, which knows both sides' keys.
    #[must_use]
    pub fn with_random_keys(realm: impl Into<String>) -> Self {
        Self {
            realm: realm.into(),
            direction: Direction::Both,
            password: None,
            keys_in: Keys::new(),
            keys_out: Keys::new(),
            import: None,
            enctypes: None,
            kvno: None,
            kdcs: Vec::new(),
        }
    }

    /// Lets the other realm's clients come here, but not ours go there. Default: both.
    #[must_use]
    pub fn incoming(mut self) -> Self {
        self.direction = Direction::In;
        self
    }

    /// Lets our clients go there, but not the other realm's come here. Default: both.
    #[must_use]
    pub fn outgoing(mut self) -> Self {
        self.direction = Direction::Out;
        self
    }

    /// Sets the key types for a password or for random keys. Default: the realm's.
    #[must_use]
    pub fn enctypes(mut self, enctypes: impl IntoIterator<Item = EncryptionType>) -> Self {
        self.enctypes = Some(enctypes.into_iter().collect());
        self
    }

    /// Sets the key version for a password or for random keys. Default: 1.
    #[must_use]
    pub fn kvno(mut self, kvno: u32) -> Self {
        self.kvno = Some(kvno);
        self
    }

    /// Adds a KDC of the other realm, `address:port`, to the clients' krb5.conf.
    #[must_use]
    pub fn kdc(mut self, address: impl Into<String>) -> Self {
        self.kdcs.push(address.into());
        self
    }

    /// Returns the ticket-granting services that the trust consists of.
    pub(crate) fn principals(&self, ours: &str) -> Vec<kerbox_kdc::NewPrincipal> {
        let incoming = Principal::krbtgt(ours, &self.realm);
        let outgoing = Principal::krbtgt(&self.realm, ours);
        let mut principals = Vec::new();
        for (wanted, principal, given) in [
            (self.direction.is_in(), incoming, &self.keys_in),
            (self.direction.is_out(), outgoing, &self.keys_out),
        ] {
            if !wanted {
                continue;
            }
            let keys = match &self.password {
                Some(password) => NewKeys::Password(password.clone()),
                None if given.is_empty() => NewKeys::Random,
                None => NewKeys::Imported(given.clone()),
            };
            let mut new =
                kerbox_kdc::NewPrincipal::new(principal, keys).attribute("-requires_preauth");
            new.enctypes.clone_from(&self.enctypes);
            new.kvno = self.kvno.unwrap_or(1);
            principals.push(new);
        }
        principals
    }

    /// Returns the key types that are named for it.
    pub(crate) fn own_enctypes(&self) -> impl Iterator<Item = EncryptionType> {
        let named = self.enctypes.iter().flatten().copied();
        let given = self.keys_in.iter().chain(&self.keys_out);
        named.chain(given.map(|(_, key)| key.enctype()))
    }
}
