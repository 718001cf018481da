//! What an exchange is answered from.

use std::net::IpAddr;

use kerbox_krb5::Timestamp;

use crate::PrincipalDatabase;
use crate::config::RealmConfig;

/// The database, the time and the asker of one exchange.
pub(crate) struct Context<'a> {
    pub(crate) database: &'a PrincipalDatabase,
    /// A KDC serves one realm at least.
    pub(crate) default_realm: &'a RealmConfig,
    pub(crate) now: Timestamp,
    /// From where the request came, if it came over a network.
    pub(crate) peer: Option<IpAddr>,
}

impl<'a> Context<'a> {
    /// The realm of this name; the first one for names of others, as their requests are refused by what they lack.
    pub(crate) fn realm(&self, name: &str) -> &'a RealmConfig {
        self.database.realm(name).unwrap_or(self.default_realm)
    }
}
