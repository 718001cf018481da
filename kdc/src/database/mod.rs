//! The principal database: a value that can be read, changed and cloned while the KDC serves from
//! it.

mod account;
mod attributes;
mod entry;
mod error;
mod file;
mod keys;
mod password_policy;
mod realm;
mod sid;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::{Keytab, KeytabEntry, Principal, Timestamp};
use rand::Rng;

pub use account::{Pac, PacAccount, PacDomain};
pub use attributes::Attributes;
pub use entry::{NewKeys, NewPrincipal, PrincipalEntry};
pub use error::DatabaseError;
pub use file::{DamagedFile, DatabaseFile};
pub use keys::PrincipalKey;
pub use password_policy::{PasswordPolicy, PasswordRefused};
pub use realm::{RealmConfig, SpakeConfig};
pub use sid::{Sid, SidError};

use crate::transited::CaPaths;

/// The realms that a KDC serves, and all their principals.
///
/// ```
/// use kerbox_kdc::{NewKeys, NewPrincipal, PrincipalDatabase, RealmConfig};
/// use kerbox_krb5::Principal;
/// use rand::SeedableRng;
/// use rand::rngs::StdRng;
///
/// # fn main() -> Result<(), kerbox_kdc::DatabaseError> {
/// let mut rng = StdRng::seed_from_u64(1);
/// let mut database = PrincipalDatabase::new();
/// database.add_realm(RealmConfig::new("EXAMPLE.COM"), &mut rng)?;
/// let service = Principal::new("EXAMPLE.COM", ["nn", "localhost"]);
/// let new = NewPrincipal::new(service.clone(), NewKeys::Random).attribute("+ok_as_delegate");
/// database.add(new, &mut rng)?;
/// assert_eq!(database.change_keys(&service, &NewKeys::Random, true, &mut rng)?, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct PrincipalDatabase {
    realms: Vec<RealmConfig>,
    principals: BTreeMap<Principal, Arc<PrincipalEntry>>,
    aliases: BTreeMap<Principal, Principal>,
    /// Clients that are referred to another realm.
    client_referrals: BTreeMap<Principal, Principal>,
    capaths: CaPaths,
    /// True if any service may act in users' names. Recomputed after every change.
    delegation: bool,
}

impl PrincipalDatabase {
    /// Creates a database without realms and principals.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a realm, or replaces its settings, with the principals that every realm has: its
    /// ticket-granting service and its password service.
    pub fn add_realm(
        &mut self,
        realm: RealmConfig,
        rng: &mut impl Rng,
    ) -> Result<(), DatabaseError> {
        let name = realm.name.clone();
        match self.realms.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = realm,
            None => self.realms.push(realm),
        }
        let mut krbtgt = NewPrincipal::new(Principal::krbtgt(&name, &name), NewKeys::Random);
        krbtgt.attributes = vec!["-requires_preauth".to_owned(), "+lockdown_keys".to_owned()];
        let mut changepw = NewPrincipal::new(
            Principal::new(name, ["kadmin", "changepw"]),
            NewKeys::Random,
        );
        changepw.attributes = [
            "-requires_preauth",
            "-allow_tgs_req",
            "+password_changing_service",
            "+lockdown_keys",
        ]
        .map(str::to_owned)
        .to_vec();
        changepw.entry.max_life = Some(Duration::from_secs(300));
        for principal in [krbtgt, changepw] {
            if !self.principals.contains_key(&principal.entry.principal) {
                self.add(principal, rng)?;
            }
        }
        Ok(())
    }

    /// Returns the realms in the order in which they were added.
    #[must_use]
    pub fn realms(&self) -> &[RealmConfig] {
        &self.realms
    }

    /// Returns the realm with this name.
    #[must_use]
    pub fn realm(&self, name: &str) -> Option<&RealmConfig> {
        self.realms.iter().find(|realm| realm.name == name)
    }

    /// Returns the realm with this name for changes.
    pub fn realm_mut(&mut self, name: &str) -> Result<&mut RealmConfig, DatabaseError> {
        let unknown = self.unknown_realm(name);
        self.realms
            .iter_mut()
            .find(|realm| realm.name == name)
            .ok_or(unknown)
    }

    fn unknown_realm(&self, name: &str) -> DatabaseError {
        DatabaseError::UnknownRealm {
            realm: name.to_owned(),
            served: self
                .realms
                .iter()
                .map(|realm| realm.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    /// Adds a principal. Its realm must be served by this KDC, except for a trust principal
    /// (`krbtgt/OUR.REALM` of a foreign realm).
    pub fn add(
        &mut self,
        new: NewPrincipal,
        rng: &mut impl Rng,
    ) -> Result<Arc<PrincipalEntry>, DatabaseError> {
        let mut entry = new.entry;
        let realm = self.realm_of(&entry.principal)?;
        if self.principals.contains_key(&entry.principal)
            || self.aliases.contains_key(&entry.principal)
        {
            return Err(DatabaseError::Exists(entry.principal));
        }
        entry.attributes |= realm.attributes;
        for setting in &new.attributes {
            entry.attributes.apply(setting)?;
        }
        let enctypes = new.enctypes.as_ref().unwrap_or(&realm.enctypes);
        let salt = new.salt.unwrap_or_else(|| entry.principal.default_salt());
        entry.add_keys(&new.keys, enctypes, new.kvno, &salt, rng)?;
        let entry = Arc::new(entry);
        self.principals
            .insert(entry.principal.clone(), entry.clone());
        self.delegation |= delegates(&entry);
        Ok(entry)
    }

    /// Returns the realm whose settings apply to a principal: its own, or, for a trust principal of
    /// a foreign realm, the realm of ours to which it leads.
    pub fn realm_of(&self, principal: &Principal) -> Result<&RealmConfig, DatabaseError> {
        let own = principal.realm();
        let leads_to = principal
            .is_krbtgt()
            .then(|| principal.components()[1].as_str());
        self.realm(own)
            .or_else(|| self.realm(leads_to?))
            .ok_or_else(|| self.unknown_realm(own))
    }

    /// Returns the principal with this name; aliases are not resolved.
    #[must_use]
    pub fn get(&self, principal: &Principal) -> Option<&Arc<PrincipalEntry>> {
        self.principals.get(principal)
    }

    /// Returns the principal with this name or alias.
    #[must_use]
    pub fn resolve(&self, principal: &Principal) -> Option<&Arc<PrincipalEntry>> {
        self.principals
            .get(principal)
            .or_else(|| self.principals.get(self.aliases.get(principal)?))
    }

    /// Returns all principals, sorted by name.
    pub fn principals(&self) -> impl Iterator<Item = &Arc<PrincipalEntry>> {
        self.principals.values()
    }

    /// Changes a principal.
    pub fn change<T>(
        &mut self,
        principal: &Principal,
        change: impl FnOnce(&mut PrincipalEntry) -> T,
    ) -> Result<T, DatabaseError> {
        let entry = self
            .principals
            .get_mut(principal)
            .ok_or_else(|| DatabaseError::Unknown(principal.clone()))?;
        let changed = change(Arc::make_mut(entry));
        // The change may have been to the services that it delegates to.
        self.delegation = self.principals.values().any(|entry| delegates(entry));
        Ok(changed)
    }

    /// Returns whether any service may act in users' names (S4U2Proxy). If so, tickets are signed,
    /// so that they can serve as evidence.
    pub(crate) fn has_delegation(&self) -> bool {
        self.delegation
    }

    /// Gives a principal new keys of its realm's types. Older versions stay if `keep_old`. Returns
    /// the new version.
    pub fn change_keys(
        &mut self,
        principal: &Principal,
        keys: &NewKeys,
        keep_old: bool,
        rng: &mut impl Rng,
    ) -> Result<u32, DatabaseError> {
        let enctypes = self.realm_of(principal)?.enctypes.clone();
        self.change(principal, |entry| {
            entry.change_keys(keys, &enctypes, keep_old, rng)
        })?
    }

    /// Renames a principal. Its keys and the salt of its password stay.
    pub fn rename(&mut self, from: &Principal, to: Principal) -> Result<(), DatabaseError> {
        if self.principals.contains_key(&to) || self.aliases.contains_key(&to) {
            return Err(DatabaseError::Exists(to));
        }
        let mut entry = self
            .principals
            .remove(from)
            .ok_or_else(|| DatabaseError::Unknown(from.clone()))?;
        Arc::make_mut(&mut entry).principal = to.clone();
        self.principals.insert(to, entry);
        Ok(())
    }

    /// Removes a principal and its aliases.
    pub fn remove(&mut self, principal: &Principal) -> Result<Arc<PrincipalEntry>, DatabaseError> {
        let entry = self
            .principals
            .remove(principal)
            .ok_or_else(|| DatabaseError::Unknown(principal.clone()))?;
        self.aliases.retain(|_, target| target != principal);
        Ok(entry)
    }

    /// Puts a principal back as it was before a change.
    pub(crate) fn put_back(&mut self, entry: Arc<PrincipalEntry>) {
        self.principals.insert(entry.principal.clone(), entry);
        self.delegation = self.principals.values().any(|entry| delegates(entry));
    }

    /// Adds another name for a principal.
    pub fn add_alias(&mut self, alias: Principal, target: &Principal) -> Result<(), DatabaseError> {
        if self.principals.contains_key(&alias) {
            return Err(DatabaseError::Exists(alias));
        }
        if !self.principals.contains_key(target) {
            return Err(DatabaseError::Unknown(target.clone()));
        }
        self.aliases.insert(alias, target.clone());
        Ok(())
    }

    /// Refers clients that log in as `principal` to `elsewhere`, a principal of another realm.
    pub fn add_client_referral(&mut self, principal: Principal, elsewhere: Principal) {
        self.client_referrals.insert(principal, elsewhere);
    }

    pub(crate) fn client_referral(&self, principal: &Principal) -> Option<&Principal> {
        self.client_referrals.get(principal)
    }

    /// Returns the paths between realms that do not follow the hierarchy of their names.
    #[must_use]
    pub fn capaths(&self) -> &CaPaths {
        &self.capaths
    }

    /// Returns these paths for changes.
    pub fn capaths_mut(&mut self) -> &mut CaPaths {
        &mut self.capaths
    }

    /// Lets clients of `from` reach `to`. Both realms' KDCs must have the same keys. At least one
    /// of the realms must be ours.
    pub fn add_trust(
        &mut self,
        from: &str,
        to: &str,
        keys: NewKeys,
        rng: &mut impl Rng,
    ) -> Result<Arc<PrincipalEntry>, DatabaseError> {
        let new =
            NewPrincipal::new(Principal::krbtgt(to, from), keys).attribute("-requires_preauth");
        self.add(new, rng)
    }

    /// Returns a keytab of these principals, with the keys of all their versions. A password's key
    /// is derived, but left out if there is a random one of the same type.
    pub fn keytab<'a>(
        &self,
        principals: impl IntoIterator<Item = &'a Principal>,
        now: Timestamp,
    ) -> Result<Keytab, DatabaseError> {
        let mut keytab = Keytab::default();
        for principal in principals {
            let entry = self
                .get(principal)
                .ok_or_else(|| DatabaseError::Unknown(principal.clone()))?;
            for key in entry.keys() {
                // Tickets for it are encrypted with the random key; the other one opens none.
                let random = |other: &PrincipalKey| {
                    other.kvno == key.kvno
                        && other.enctype() == key.enctype()
                        && !other.is_of_password()
                };
                if !key.is_of_password() || !entry.keys().iter().any(random) {
                    keytab.push(KeytabEntry::new(
                        principal.clone(),
                        key.kvno,
                        key.key().clone(),
                        now,
                    ));
                }
            }
        }
        Ok(keytab)
    }
}

fn delegates(entry: &PrincipalEntry) -> bool {
    !entry.delegates_to.is_empty() || !entry.delegates_from.is_empty()
}

#[cfg(test)]
mod tests {
    use kerbox_krb5::EncryptionType;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn database() -> (PrincipalDatabase, StdRng) {
        let mut rng = StdRng::seed_from_u64(1);
        let mut database = PrincipalDatabase::new();
        database
            .add_realm(RealmConfig::new("R"), &mut rng)
            .expect("a first realm");
        (database, rng)
    }

    #[test]
    fn a_renamed_principal_keeps_the_salt_of_its_password() {
        let (mut database, mut rng) = database();
        let (alice, alicia) = (
            Principal::new("R", ["alice"]),
            Principal::new("R", ["alicia"]),
        );
        let new = NewPrincipal::new(alice.clone(), NewKeys::Password("pw".to_owned()));
        database.add(new, &mut rng).expect("alice is new");
        database
            .rename(&alice, alicia.clone())
            .expect("alicia is new");
        assert!(database.get(&alice).is_none());
        assert_eq!(
            database.get(&alicia).expect("renamed").keys()[0].salt(),
            "Ralice"
        );
    }

    #[test]
    fn keys_rotate_with_or_without_the_old_ones_and_are_purged() {
        let (mut database, mut rng) = database();
        let krbtgt = Principal::krbtgt("R", "R");
        let types = EncryptionType::DEFAULT_KEYS.len();
        assert_eq!(
            database.change_keys(&krbtgt, &NewKeys::Random, true, &mut rng),
            Ok(2)
        );
        assert_eq!(
            database.change_keys(&krbtgt, &NewKeys::Random, true, &mut rng),
            Ok(3)
        );
        let entry = database.get(&krbtgt).expect("every realm has one").clone();
        assert_eq!((entry.kvno(), entry.keys().len()), (3, 3 * types));
        assert_eq!(entry.service_key().map(|key| key.kvno), Some(3));
        database
            .change(&krbtgt, |entry| entry.purge_keys(Some(2)))
            .expect("it is there");
        assert_eq!(
            database.get(&krbtgt).expect("still there").keys().len(),
            2 * types
        );
        assert_eq!(
            database.change_keys(&krbtgt, &NewKeys::Random, false, &mut rng),
            Ok(4)
        );
        assert_eq!(
            database.get(&krbtgt).expect("still there").keys().len(),
            types
        );
    }

    #[test]
    fn a_trust_gets_new_keys_from_either_side_and_nobody_is_left_without_any() {
        let (mut database, mut rng) = database();
        let password = || NewKeys::Password("shared with the other KDC".to_owned());
        for trust in [
            Principal::krbtgt("R", "ELSEWHERE"),
            Principal::krbtgt("ELSEWHERE", "R"),
        ] {
            let new = NewPrincipal::new(trust.clone(), NewKeys::Random);
            database.add(new, &mut rng).expect("a new trust");
            let kvno = database.change_keys(&trust, &password(), false, &mut rng);
            assert_eq!(kvno, Ok(2));
            let entry = database.get(&trust).expect("it is there");
            let types: Vec<_> = entry.keys().iter().map(PrincipalKey::enctype).collect();
            assert_eq!(types, EncryptionType::DEFAULT_KEYS);
            assert!(entry.keys().iter().all(PrincipalKey::is_of_password));
            let nothing = database.change(&trust, |entry| {
                entry.change_keys(&password(), &[], false, &mut rng)
            });
            assert_eq!(nothing, Ok(Err(DatabaseError::NoKeyTypes(trust.clone()))));
            assert_eq!(database.get(&trust).expect("still there").kvno(), 2);
        }
    }

    #[test]
    fn a_key_of_the_last_version_has_no_next_one() {
        let (mut database, mut rng) = database();
        let last = Principal::new("R", ["last"]);
        let mut new = NewPrincipal::new(last.clone(), NewKeys::Random);
        new.kvno = u32::MAX;
        database.add(new, &mut rng).expect("last is new");
        assert_eq!(
            database.change_keys(&last, &NewKeys::Random, true, &mut rng),
            Err(DatabaseError::LastVersion(last))
        );
    }

    #[test]
    fn a_clone_is_a_snapshot() {
        let (mut database, mut rng) = database();
        let before = database.clone();
        let bob = Principal::new("R", ["bob"]);
        database
            .add(NewPrincipal::new(bob.clone(), NewKeys::Random), &mut rng)
            .expect("bob is new");
        assert!(before.get(&bob).is_none() && database.get(&bob).is_some());
    }

    #[test]
    fn a_principal_of_a_foreign_realm_is_refused() {
        let (mut database, mut rng) = database();
        let stranger = NewPrincipal::new(Principal::new("ELSEWHERE", ["alice"]), NewKeys::Random);
        let error = database
            .add(stranger, &mut rng)
            .expect_err("not our realm")
            .to_string();
        assert!(
            error.contains("ELSEWHERE") && error.contains("served are: R"),
            "{error}"
        );
        let trust = NewPrincipal::new(Principal::krbtgt("R", "ELSEWHERE"), NewKeys::Random);
        assert!(database.add(trust, &mut rng).is_ok());
    }
}
