//! Who calls, and how they proved it.
//!
//! - [`Caller`], [`User`], [`AuthMethod`]
//! - [`AuthToLocal`]: short names of principals
//! - [`ProxyUsers`]: who may act for whom

mod auth_to_local;
mod java_regex;
mod proxy_users;

pub use auth_to_local::AuthToLocal;
pub(crate) use auth_to_local::NO_MATCHING_RULE;
pub use proxy_users::ProxyUsers;

use std::net::IpAddr;
use std::sync::Arc;

/// The longest name of a user, a group, a client or a renewer that is kept, in bytes. Hadoop
/// bounds only the whole request, and keeps what a client sends.
pub(crate) const MAX_NAME: usize = 1024;

/// How a connection was authenticated (Hadoop's `AuthenticationMethod`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthMethod {
    /// Not at all: the client's word.
    Simple,
    /// A Kerberos service ticket.
    Kerberos,
    /// A delegation or block token.
    Token,
}

/// A user as Hadoop's servers see one (`UserGroupInformation`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The full name: `alice@EXAMPLE.COM`, or the bare name without security.
    pub full: Arc<str>,
    /// The short name, by `auth_to_local`: the one that owns files.
    pub short: Arc<str>,
}

impl User {
    /// A user whose full name is the short one: without security, or a server itself.
    #[must_use]
    pub fn simple(name: &str) -> Self {
        let name: Arc<str> = name.into();
        Self {
            full: Arc::clone(&name),
            short: name,
        }
    }
}

/// The caller of one RPC: the connection's identity, and what the call's header adds to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Whose permissions apply.
    pub user: User,
    /// The one who authenticated, if they act for `user` (a proxy user).
    pub real_user: Option<User>,
    /// How the connection was authenticated.
    pub method: AuthMethod,
    /// The DIGEST-MD5 user name that stands for the token with which they authenticated (`method`
    /// is [`AuthMethod::Token`]): a DataNode checks what a block token allows.
    pub token: Option<Arc<str>>,
    /// From where.
    pub address: IpAddr,
    /// The client's id, from the call's header: with `call_id` the key of the retry cache. Zeros
    /// if it was not of 16 bytes.
    pub client_id: [u8; 16],
    /// The call's number.
    pub call_id: i32,
    /// How many times the call was sent before; -1 for a call that is never retried.
    pub retry_count: i32,
    /// The last transaction id that the client has seen, from a client that reads from observers.
    pub state_id: Option<i64>,
}

impl Caller {
    /// A caller of `user`, by this method and from there, outside of any call: call id and retry
    /// count are -1.
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

    /// The same caller, who is `real_user` acting for the user.
    #[must_use]
    pub fn on_behalf_by(mut self, real_user: User) -> Self {
        self.real_user = Some(real_user);
        self
    }
}
