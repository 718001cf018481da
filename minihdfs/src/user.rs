//! Who calls, and how they proved it.

use std::net::IpAddr;
use std::sync::Arc;

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

/// The caller of one RPC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Whose permissions apply.
    pub user: User,
    /// The one who authenticated, if they act for `user` (a proxy user).
    pub real_user: Option<User>,
    /// How the connection was authenticated.
    pub method: AuthMethod,
    /// From where.
    pub address: IpAddr,
    /// The client's id, from the call's header: with `call_id` the key of the retry cache.
    pub client_id: [u8; 16],
    /// The call's number.
    pub call_id: i32,
}
