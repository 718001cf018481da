//! The login of a server in a process of its own, and its name to others.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kerbox_krb5::{Clock, Keytab, Principal};
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::driver::RemoteAccess;
use minihdfs::rpc::RpcSecurity;
use minihdfs::rpc::client::Identity;
use minihdfs::rpc::client::driver::{KeytabTickets, TicketSource};
use minihdfs::sasl::GssapiSettings;
use rand::rngs::StdRng;

use crate::Error;
use crate::servers::peers::{calls_of_servers, newest_keys};

/// A server's login.
#[derive(Clone, Debug)]
pub(super) struct KeytabLogin {
    pub(super) principal: Principal,
    pub(super) keytab: PathBuf,
    pub(super) kdc: SocketAddr,
}

impl KeytabLogin {
    /// Reads the keytab.
    pub(super) fn read(&self) -> Result<Keytab, Error> {
        let keytab = Keytab::read(&self.keytab)?;
        if newest_keys(&keytab, &self.principal).is_empty() {
            return Err(Error::NoKeys {
                principal: self.principal.clone(),
                keytab: self.keytab.clone(),
            });
        }
        Ok(keytab)
    }

    fn tickets(&self, keytab: &Keytab, rng: &mut StdRng) -> Arc<dyn TicketSource> {
        let keys = newest_keys(keytab, &self.principal);
        let principal = self.principal.clone();
        Arc::new(KeytabTickets::new(self.kdc, principal, keys, rng))
    }
}

/// Returns how a DataNode calls others, and how it is called; both without Kerberos if it has no
/// login. `namenode` and `datanode` are the principals of the servers that it calls.
pub(super) fn access(
    login: Option<&KeytabLogin>,
    config: &HdfsConfig,
    superuser: &str,
    (namenode, datanode): (Option<Principal>, Option<Principal>),
    clock: &Clock,
    rng: &mut StdRng,
) -> Result<(RemoteAccess, Option<RpcSecurity>), Error> {
    let mut access = RemoteAccess {
        identity: Identity::simple(superuser),
        tickets: None,
        settings: calls_of_servers(config),
        namenode,
        datanode,
        clock: clock.clone(),
    };
    let Some(login) = login else {
        return Ok((access, None));
    };
    let keytab = login.read()?;
    access.identity = Identity::kerberos(&login.principal);
    access.tickets = Some(login.tickets(&keytab, rng));
    let gssapi = GssapiSettings::new(login.principal.clone(), keytab, &config.rpc_protection);
    let security = RpcSecurity {
        gssapi,
        tokens: None,
    };
    Ok((access, Some(security)))
}

/// Returns a principal of a server on this machine, as a Hadoop key names it.
pub(super) fn principal(name: &str, realm: &str) -> Result<Option<Principal>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    let name = name.replace("_HOST", "localhost");
    Ok(Some(Principal::parse(&name, realm)?))
}
