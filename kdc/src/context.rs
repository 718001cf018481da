//! What an exchange is answered from.

use std::net::IpAddr;

use kerbox_krb5::messages::KdcRequest;
use kerbox_krb5::{EncryptionKey, Principal, Timestamp};

use crate::config::RealmConfig;
use crate::fast::Fast;
use crate::issued::IssuedTicket;
use crate::{PrincipalDatabase, PrincipalKey};

/// The database, the time and the asker of one exchange.
pub(crate) struct Context<'a> {
    pub(crate) database: &'a PrincipalDatabase,
    /// A KDC serves one realm at least.
    pub(crate) default_realm: &'a RealmConfig,
    pub(crate) now: Timestamp,
    /// From where the request came, if it came over a network.
    pub(crate) peer: Option<IpAddr>,
}

/// What is learned of an exchange on its way, for the error that may end it.
#[derive(Default)]
pub(crate) struct Learned {
    /// Whose ticket a TGS request came with; the client inside of an AS request's armor.
    pub(crate) client: Option<Principal>,
    /// The server that was asked for inside of an armor.
    pub(crate) server: Option<Principal>,
    /// The armor.
    pub(crate) fast: Option<Fast>,
    /// The ticket that came of it.
    pub(crate) issued: Option<IssuedTicket>,
}

impl Learned {
    /// Takes the names of the request inside of an AS request's armor.
    pub(crate) fn armored(&mut self, fast: Fast, inner: &KdcRequest) -> &Fast {
        self.client.clone_from(&inner.body.client);
        self.server.clone_from(&inner.body.server);
        self.fast.insert(fast)
    }
}

impl<'a> Context<'a> {
    /// The realm of this name; the first one for names of others, as their requests are refused by
    /// what they lack.
    pub(crate) fn realm(&self, name: &str) -> &'a RealmConfig {
        self.database.realm(name).unwrap_or(self.default_realm)
    }

    /// The key of the realm's ticket-granting service.
    pub(crate) fn kdc_key(&self, realm: &str) -> Option<&'a EncryptionKey> {
        let entry = self.database.get(&Principal::krbtgt(realm, realm))?;
        entry.service_key().map(PrincipalKey::key)
    }

    /// That key of every version that is kept, the newest first: what was signed some time ago is
    /// still known.
    pub(crate) fn kdc_keys(&self, realm: &str) -> impl Iterator<Item = &'a EncryptionKey> {
        let entry = self.database.get(&Principal::krbtgt(realm, realm));
        let keys = entry.map(|entry| entry.keys()).unwrap_or_default();
        keys.chunk_by(|a, b| a.kvno == b.kvno)
            .filter_map(<[_]>::first)
            .map(PrincipalKey::key)
    }
}
