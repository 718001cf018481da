//! The user as whom an operation is carried out (Hadoop's `JspHelper.getUGI`).

use std::sync::Arc;

use kerbox_events::{Hook, Server};
use kerbox_krb5::Timestamp;
use rand::Rng;

use super::filter::{Decision, Scene, WebAuth};
use crate::secret_manager::DelegationTokenSecretManager;
use crate::token::Token;
use crate::user::{AuthMethod, AuthToLocal, Authorization, User};
use crate::web::error::no_user;
use crate::web::request::{Query, WebRequest};
use crate::{Caller, HdfsError};

/// The rules by which requests get their user.
pub(in crate::web) struct Users {
    pub(in crate::web) server: Server,
    pub(in crate::web) auth: WebAuth,
    pub(in crate::web) auth_to_local: AuthToLocal,
    pub(in crate::web) authorization: Authorization,
    pub(in crate::web) tokens: Arc<DelegationTokenSecretManager>,
    pub(in crate::web) hook: Arc<dyn Hook>,
    /// The user of a request that names none, without security.
    pub(in crate::web) static_user: String,
    /// Without security, a name that a cookie states counts, as in HttpFS. A NameNode wants it in
    /// every request.
    pub(in crate::web) believes_cookies: bool,
}

impl Users {
    /// Lets the filter decide.
    pub(in crate::web) fn filter(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Decision {
        let scene = Scene {
            now,
            server: self.server,
            hook: &*self.hook,
            auth_to_local: &self.auth_to_local,
        };
        self.auth.decide(&scene, request, rng)
    }

    /// Returns the caller of a page that needs no authentication.
    pub(in crate::web) fn unknown(&self, request: &WebRequest<'_>) -> Caller {
        let user = User::simple(&self.static_user);
        Caller::new(user, AuthMethod::Simple, request.peer.to_canonical())
    }

    /// Returns the caller of a request that the filter has let pass with `authenticated`.
    pub(in crate::web) fn caller(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        query: &Query,
        authenticated: Option<&str>,
    ) -> Result<Caller, HdfsError> {
        let caller = self
            .find(now, request, query, authenticated)
            .map_err(|error| no_user(&error))?;
        // A token's owner acts for no one else, whatever is beside the token.
        if caller.method == AuthMethod::Token {
            return Ok(caller);
        }
        self.proxied(now, caller, query)
    }

    fn find(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        query: &Query,
        authenticated: Option<&str>,
    ) -> Result<Caller, HdfsError> {
        let stated = query
            .get_in_any_case("user.name")
            .filter(|name| !name.is_empty());
        let peer = request.peer.to_canonical();
        if !self.auth.is_secure() {
            let by_cookie = authenticated.filter(|_| self.believes_cookies);
            let name = by_cookie.or(stated).unwrap_or(&self.static_user);
            let user = self.auth_to_local.user(name)?;
            return Ok(Caller::new(user, AuthMethod::Simple, peer));
        }
        // Names beside a token are ignored.
        let token = query.get_in_any_case("delegation");
        if let Some(text) = token.filter(|text| !text.is_empty()) {
            let caller = self.of_token(now, text)?;
            return Ok(Caller {
                address: peer,
                ..caller
            });
        }
        let Some(name) = authenticated else {
            return Err(HdfsError::io(
                "Security enabled but user not authenticated by filter",
            ));
        };
        let user = self.auth_to_local.user(name)?;
        if let Some(stated) = stated {
            let short = self.auth_to_local.short_name(stated)?;
            if *short != *user.short {
                return Err(HdfsError::io(format!(
                    "Usernames not matched: name={short} != expected={}",
                    user.short
                )));
            }
        }
        Ok(Caller::new(user, AuthMethod::Kerberos, peer))
    }

    /// Lets the caller act for the user that `doas` names, if it is another one. Hadoop's filter
    /// refuses that with the exception itself.
    fn proxied(&self, now: Timestamp, caller: Caller, query: &Query) -> Result<Caller, HdfsError> {
        let named = query.get_in_any_case("doas");
        let Some(name) = named.filter(|name| !name.is_empty() && **name != *caller.user.short)
        else {
            return Ok(caller);
        };
        let effective = self
            .auth_to_local
            .user(name)
            .map_err(|error| no_user(&error))?;
        self.authorization
            .authorize_proxy(now, &caller.user, &effective, caller.address)?;
        let real = caller.user.clone();
        Ok(Caller {
            user: effective,
            ..caller
        }
        .on_behalf_by(real))
    }

    /// Returns the owner of a delegation token.
    fn of_token(&self, now: Timestamp, text: &str) -> Result<Caller, HdfsError> {
        let token = Token::from_url_string(text)?;
        let identifier = self.tokens.verify(now, &token)?;
        let owner: User = self.auth_to_local.user(&identifier.owner)?;
        let address = std::net::Ipv4Addr::UNSPECIFIED.into();
        let caller = Caller::new(owner, AuthMethod::Token, address);
        match identifier.proxied_by() {
            Some(real) => Ok(caller.on_behalf_by(self.auth_to_local.user(real)?)),
            None => Ok(caller),
        }
    }
}
