//! The user as whom a client calls.

use kerbox_krb5::Principal;

use crate::proto::common::UserInformationProto;
use crate::token::Token;
use crate::user::AuthMethod;

/// The user as whom a client calls, and its credentials (Hadoop's `UserGroupInformation`).
///
/// Tickets are not part of it: a connection asks for one when it knows the server's principal.
///
/// ```
/// use minihdfs::rpc::client::Identity;
///
/// let gateway = "oozie@EXAMPLE.COM".parse()?;
/// let for_alice = Identity::kerberos(&gateway).impersonating("alice");
/// assert!(for_alice.has_kerberos());
/// assert!(!Identity::simple("alice").has_kerberos());
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The user whose permissions apply.
    effective: String,
    /// The user who acts for it, if it is another.
    real: Option<String>,
    kerberos: bool,
    token: Option<Token>,
}

impl Identity {
    /// Creates a user without credentials, whom servers without security believe.
    #[must_use]
    pub fn simple(name: impl Into<String>) -> Self {
        Self {
            effective: name.into(),
            real: None,
            kerberos: false,
            token: None,
        }
    }

    /// Creates a user with Kerberos tickets.
    #[must_use]
    pub fn kerberos(principal: &Principal) -> Self {
        Self {
            kerberos: true,
            ..Self::simple(principal.to_string())
        }
    }

    /// Creates a user with nothing but a token. The server learns the user's name from it.
    #[must_use]
    pub fn token(token: Token) -> Self {
        Self::simple("").with_token(token)
    }

    /// Adds a token. It is used in preference to a ticket if the server lists it first, as Hadoop's
    /// servers do.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Acts for another user with these credentials, as a proxy user does.
    #[must_use]
    pub fn impersonating(self, user: impl Into<String>) -> Self {
        Self {
            real: Some(self.effective),
            effective: user.into(),
            ..self
        }
    }

    /// Returns true if it has Kerberos tickets.
    #[must_use]
    pub fn has_kerberos(&self) -> bool {
        self.kerberos
    }

    /// Returns its token.
    pub(super) fn its_token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// Returns true if the connection is to be authenticated.
    pub(super) fn is_authenticated(&self) -> bool {
        self.kerberos || self.token.is_some()
    }

    /// Returns the names for the connection context. After SASL the server knows the real user, and
    /// after a token also the effective one.
    pub(super) fn user_information(&self, method: AuthMethod) -> Option<UserInformationProto> {
        let (effective_user, real_user) = match method {
            AuthMethod::Simple => (Some(self.effective.clone()), self.real.clone()),
            AuthMethod::Kerberos => (Some(self.effective.clone()), None),
            AuthMethod::Token => return None,
        };
        Some(UserInformationProto {
            effective_user,
            real_user,
        })
    }
}
