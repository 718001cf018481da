//! A realm's relations to others: trust, paths between realms, hosts that belong to another realm,
//! and further realms of the same KDC.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use kerbox_kdc::{NewKeys, PrincipalDatabase, RealmConfig};
use kerbox_krb5::krb5_conf::{Krb5Conf, RealmServers};
use kerbox_krb5::{EncryptionKey, EncryptionType, Principal};
use rand::Rng;

use crate::Error;
use crate::client::krb5_conf::servers;

/// A trust between a fixture's realm and another. Both KDCs hold the same key for each direction.
///
/// ```
/// use kerbox::Trust;
///
/// // MIT's side: addprinc -pw shared krbtgt/CORP.TEST@EXAMPLE.COM, and the other way round.
/// let trust = Trust::with_password("CORP.TEST", "shared").kdc("10.0.0.1:88");
/// // Only its clients come here; ours do not go there.
/// let one_way = Trust::with_password("CORP.TEST", "shared").incoming();
/// ```
#[derive(Clone, Debug)]
pub struct Trust {
    realm: String,
    keys: Keys,
    incoming: bool,
    outgoing: bool,
    enctypes: Option<Vec<EncryptionType>>,
    kvno: u32,
    kdcs: Vec<String>,
}

#[derive(Clone, Debug)]
enum Keys {
    Random,
    Password(String),
    Given(Vec<(u32, EncryptionKey)>),
}

impl Trust {
    fn new(realm: impl Into<String>, keys: Keys) -> Self {
        Self {
            realm: realm.into(),
            keys,
            incoming: true,
            outgoing: true,
            enctypes: None,
            kvno: 1,
            kdcs: Vec::new(),
        }
    }

    /// Derives the keys from a password on both KDCs: kadmin's `addprinc -pw PASSWORD krbtgt/A@B`.
    #[must_use]
    pub fn with_password(realm: impl Into<String>, password: impl Into<String>) -> Self {
        Self::new(realm, Keys::Password(password.into()))
    }

    /// Uses these keys on both KDCs, each with its version.
    #[must_use]
    pub fn with_keys(
        realm: impl Into<String>,
        keys: impl IntoIterator<Item = (u32, EncryptionKey)>,
    ) -> Self {
        Self::new(realm, Keys::Given(keys.into_iter().collect()))
    }

    /// Uses random keys, for a realm of the same KDC, which knows both sides' keys.
    #[must_use]
    pub fn with_random_keys(realm: impl Into<String>) -> Self {
        Self::new(realm, Keys::Random)
    }

    /// Lets the other realm's clients come here, but not ours go there. Default: both.
    #[must_use]
    pub fn incoming(mut self) -> Self {
        (self.incoming, self.outgoing) = (true, false);
        self
    }

    /// Lets our clients go there, but not the other realm's come here. Default: both.
    #[must_use]
    pub fn outgoing(mut self) -> Self {
        (self.incoming, self.outgoing) = (false, true);
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
        self.kvno = kvno;
        self
    }

    /// Adds a KDC of the other realm, `address:port`, to the clients' krb5.conf.
    #[must_use]
    pub fn kdc(mut self, address: impl Into<String>) -> Self {
        self.kdcs.push(address.into());
        self
    }

    /// Adds the ticket-granting services that the trust consists of.
    fn add_to(
        &self,
        ours: &str,
        database: &mut PrincipalDatabase,
        rng: &mut impl Rng,
    ) -> Result<(), Error> {
        let incoming = (self.incoming, Principal::krbtgt(ours, &self.realm));
        let outgoing = (self.outgoing, Principal::krbtgt(&self.realm, ours));
        for (wanted, principal) in [incoming, outgoing] {
            if !wanted {
                continue;
            }
            let keys = match &self.keys {
                Keys::Random => NewKeys::Random,
                Keys::Password(password) => NewKeys::Password(password.clone()),
                Keys::Given(keys) => NewKeys::Imported(keys.clone()),
            };
            let mut new =
                kerbox_kdc::NewPrincipal::new(principal, keys).attribute("-requires_preauth");
            new.enctypes.clone_from(&self.enctypes);
            new.kvno = self.kvno;
            database.add(new, rng)?;
        }
        Ok(())
    }
}

/// All relations to other realms that a realm starts with.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtherRealms {
    pub(crate) trusts: Vec<Trust>,
    /// Further realms of the same KDC.
    pub(crate) further: Vec<RealmConfig>,
    /// Maps a client's realm and a service's realm to those in between; an empty list is the direct
    /// path.
    pub(crate) capaths: BTreeMap<(String, String), Vec<String>>,
    /// Maps hosts (`name`) and domains (`.name`) to realms.
    pub(crate) domain_realm: BTreeMap<String, String>,
}

impl OtherRealms {
    /// Returns the key types that are named for other realms.
    pub(crate) fn enctypes(&self) -> impl Iterator<Item = EncryptionType> {
        let further = self.further.iter().flat_map(|config| &config.enctypes);
        let trusts = self.trusts.iter().flat_map(|trust| {
            let named = trust.enctypes.iter().flatten().copied();
            let given = match &trust.keys {
                Keys::Given(keys) => keys.as_slice(),
                Keys::Random | Keys::Password(_) => &[],
            };
            named.chain(given.iter().map(|(_, key)| key.enctype()))
        });
        further.copied().chain(trusts)
    }

    /// Adds the further realms. This comes first because principals may belong to them.
    pub(crate) fn add_realms(
        &self,
        database: &mut PrincipalDatabase,
        rng: &mut impl Rng,
    ) -> Result<(), Error> {
        for config in &self.further {
            database.add_realm(config.clone(), rng)?;
        }
        Ok(())
    }

    /// Adds trusts, paths and host mappings, for the realm `ours`.
    pub(crate) fn add_ways(
        &self,
        ours: &str,
        database: &mut PrincipalDatabase,
        rng: &mut impl Rng,
    ) -> Result<(), Error> {
        for trust in &self.trusts {
            trust.add_to(ours, database, rng)?;
        }
        for ((client, server), through) in &self.capaths {
            let capaths = database.capaths_mut();
            capaths.set(client, server, through.clone());
        }
        let names: Vec<String> = database.realms().iter().map(|r| r.name.clone()).collect();
        for name in names {
            let hosts = self.domain_realm.iter();
            let hosts = hosts.map(|(host, realm)| (host.to_ascii_lowercase(), realm.clone()));
            database.realm_mut(&name)?.host_realms.extend(hosts);
        }
        Ok(())
    }

    /// Adds the other realms to the clients' krb5.conf.
    pub(crate) fn show_in(&self, conf: &mut Krb5Conf, kdcs: &[SocketAddr]) {
        for config in &self.further {
            conf.realms.insert(config.name.clone(), servers(kdcs));
        }
        for trust in self.trusts.iter().filter(|trust| !trust.kdcs.is_empty()) {
            let servers = RealmServers {
                kdcs: trust.kdcs.clone(),
                ..RealmServers::default()
            };
            conf.realms.insert(trust.realm.clone(), servers);
        }
        conf.capaths.extend(self.capaths.clone());
        conf.domain_realm.extend(self.domain_realm.clone());
    }
}
