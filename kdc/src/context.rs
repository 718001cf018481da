//! The inputs for answering an exchange.

use std::net::IpAddr;

use kerbox_krb5::{EncryptionKey, Principal, Timestamp};

use crate::database::RealmConfig;
use crate::opened::OpenedTickets;
use crate::{PrincipalDatabase, PrincipalKey};

/// The database, the time and the peer of one exchange.
pub(crate) struct Context<'a> {
    pub(crate) database: &'a PrincipalDatabase,
    /// The first realm; a KDC serves at least one.
    pub(crate) default_realm: &'a RealmConfig,
    /// The tickets that were opened before.
    pub(crate) opened: &'a OpenedTickets,
    pub(crate) now: Timestamp,
    /// The request's source address, if it came over a network.
    pub(crate) peer: Option<IpAddr>,
}

impl<'a> Context<'a> {
    /// Returns the realm with this name, or the first realm if it is not ours. Requests for foreign
    /// names are refused later for what they lack.
    pub(crate) fn realm(&self, name: &str) -> &'a RealmConfig {
        self.database.realm(name).unwrap_or(self.default_realm)
    }

    /// Returns the key of the realm's ticket-granting service.
    pub(crate) fn kdc_key(&self, realm: &str) -> Option<&'a EncryptionKey> {
        let entry = self.database.get(&Principal::krbtgt(realm, realm))?;
        entry.service_key().map(PrincipalKey::key)
    }

    /// Returns all stored versions of that key, newest first, so that older signatures still
    /// verify.
    pub(crate) fn kdc_keys(
        &self,
        realm: &str,
    ) -> impl Iterator<Item = &'a EncryptionKey> + use<'a> {
        let entry = self.database.get(&Principal::krbtgt(realm, realm));
        let keys = entry.map(|entry| entry.keys()).unwrap_or_default();
        keys.chunk_by(|a, b| a.kvno == b.kvno)
            .filter_map(<[_]>::first)
            .map(PrincipalKey::key)
    }
}
