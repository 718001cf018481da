//! Callers and how they were authenticated.
//!
//! - [`Caller`], [`User`], [`AuthMethod`]
//! - [`AuthToLocal`]: maps principals to short names
//! - [`ProxyUsers`]: the rules of impersonation
//! - [`ServiceAcls`]: the protocols that callers may use
//! - [`Authorization`]: these two and users' groups, read again while a server runs

mod auth_to_local;
mod authorization;
mod groups;
mod java_regex;
mod proxy_users;
mod service_acls;

pub use auth_to_local::AuthToLocal;
pub use authorization::{Authorization, ConfigurationFiles};
pub use groups::UnixGroups;
pub use proxy_users::ProxyUsers;
pub use service_acls::ServiceAcls;

use std::net::IpAddr;
use std::sync::Arc;

/// The maximum length in bytes of a user, group, client or renewer name that is kept. Hadoop limits
/// only the whole request and keeps whatever a client sends.
pub(crate) const MAX_NAME: usize = 1024;

/// The authentication method of a connection (Hadoop's `AuthenticationMethod`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AuthMethod {
    /// None: the client's claimed name is accepted.
    Simple,
    /// A Kerberos service ticket.
    Kerberos,
    /// A delegation or block token.
    Token,
}

/// A user as Hadoop's servers see one (`UserGroupInformation`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The full name: `alice@EXAMPLE.COM`, or the plain name without security.
    pub full: Arc<str>,
    /// The short name according to `auth_to_local`, which owns files.
    pub short: Arc<str>,
}

impl User {
    /// Creates a user whose full and short names are the same: one without security, or a server
    /// itself.
    #[must_use]
    pub fn simple(name: &str) -> Self {
        let name: Arc<str> = name.into();
        Self {
            full: Arc::clone(&name),
            short: name,
        }
    }
}

/// The caller of one RPC: the connection's identity and the fields of the call's header.
///
/// ```
/// use minihdfs::Caller;
/// use minihdfs::user::{AuthMethod, User};
///
/// let [alice, oozie] = ["alice", "oozie"].map(User::simple);
/// let address = [127, 0, 0, 1].into();
/// let caller = Caller::new(alice, AuthMethod::Kerberos, address).on_behalf_by(oozie);
/// assert_eq!(&*caller.user.short, "alice"); // her permissions apply
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The user whose permissions apply.
    pub user: User,
    /// The authenticated user, if it impersonates `user` (a proxy user).
    pub real_user: Option<User>,
    /// The authentication method of the connection.
    pub method: AuthMethod,
    /// The DIGEST-MD5 user name of the token, if `method` is [`AuthMethod::Token`]. A DataNode uses
    /// it to check what a block token allows.
    pub token: Option<Arc<str>>,
    /// The client's address.
    pub address: IpAddr,
    /// The client id from the call's header, which with `call_id` is the key of the retry cache.
    /// All zeros if the header's id was not 16 bytes long.
    pub client_id: [u8; 16],
    /// The call id.
    pub call_id: i32,
    /// The number of earlier attempts; -1 for a call that is never retried.
    pub retry_count: i32,
    /// The last transaction id that the client has seen. Only clients that read from observers send
    /// it.
    pub state_id: Option<i64>,
}

impl Caller {
    /// Creates a caller outside of any call: call id and retry count are -1.
    #[must_use]
    pub const fn new(user: User, method: AuthMethod, address: IpAddr) -> Self {
        Self {
            user,
            real_user: None,
            method,
            token: None,
            address,
            client_id: [0; 16],
            call_id: -1,
            retry_count: -1,
            state_id: None,
        }
    }

    /// Returns this caller with `real_user` impersonating the user.
    #[must_use]
    pub fn on_behalf_by(mut self, real_user: User) -> Self {
        self.real_user = Some(real_user);
        self
    }
}
