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
use crate::web::request::{Query, Scheme, WebRequest};
use crate::writable::END_OF_FILE;
use crate::{Caller, HdfsError};

/// The class with which HttpFS refuses a token.
const AUTHENTICATION: &str =
    "org.apache.hadoop.security.authentication.client.AuthenticationException";

/// Returns the kind of the tokens that WebHDFS and HttpFS issue.
pub(in crate::web) fn token_kind(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => Token::WEBHDFS,
        Scheme::Https => Token::SWEBHDFS,
    }
}

/// Returns a refusal of a token with the token as its own kind is shown.
fn in_words_of(kind: &str, text: &str) -> String {
    if text.starts_with(END_OF_FILE) {
        return END_OF_FILE.to_owned();
    }
    let shown = text.split_once("(token for ").and_then(|(start, rest)| {
        let (_, end) = rest.split_once(": HDFS_DELEGATION_TOKEN ")?;
        Some(format!("{start}({kind} {end}"))
    });
    shown.unwrap_or_else(|| text.to_owned())
}

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
    /// HttpFS is asked: tokens, and names that cookies state, count also without security.
    pub(in crate::web) is_httpfs: bool,
}

impl Users {
    /// Lets the filter decide.
    pub(in crate::web) fn filter(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Decision {
        let scene = self.scene(now);
        if self.is_httpfs {
            return self.auth.decide_for_httpfs(&scene, request, true, rng);
        }
        self.auth.decide(&scene, request, rng)
    }

    /// Lets the filter of HttpFS decide about a request that no token authenticates.
    pub(in crate::web) fn filter_without_tokens(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Decision {
        let scene = self.scene(now);
        self.auth.decide_for_httpfs(&scene, request, false, rng)
    }

    fn scene(&self, now: Timestamp) -> Scene<'_> {
        Scene {
            now,
            server: self.server,
            hook: &*self.hook,
            auth_to_local: &self.auth_to_local,
        }
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
        if self.is_httpfs {
            return self.caller_of_httpfs(now, request, query, authenticated);
        }
        let caller = self
            .find(now, request, query, authenticated)
            .map_err(|error| no_user(&error))?;
        // A token's owner acts for no one else, whatever is beside the token.
        if caller.method == AuthMethod::Token {
            return Ok(caller);
        }
        self.proxied(now, caller, query)
    }

    /// Returns the caller of HttpFS: the user of the filter, or the owner of one of its own tokens.
    fn caller_of_httpfs(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        query: &Query,
        authenticated: Option<&str>,
    ) -> Result<Caller, HdfsError> {
        let address = request.peer.to_canonical();
        let method = if self.auth.is_secure() {
            AuthMethod::Kerberos
        } else {
            AuthMethod::Simple
        };
        if let Some(name) = authenticated {
            let user = self.auth_to_local.user(name)?;
            return self.proxied(now, Caller::new(user, method, address), query);
        }
        let text = query.all("delegation").next().unwrap_or_default();
        let caller = match Token::from_url_string(text) {
            Ok(token) => self.of_token(now, &token).map_err(|error| {
                let kind = token_kind(request.scheme());
                in_words_of(kind, &error.to_string())
            }),
            // Java finds the end of the text where a field should be.
            Err(_) => Err(END_OF_FILE.to_owned()),
        };
        let caller = caller.map_err(|why| HdfsError::new(AUTHENTICATION, why))?;
        // It calls the NameNode with its own credentials.
        Ok(Caller {
            method,
            address,
            ..caller
        })
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
            let name = stated.unwrap_or(&self.static_user);
            let user = self.auth_to_local.user(name)?;
            return Ok(Caller::new(user, AuthMethod::Simple, peer));
        }
        // Names beside a token are ignored.
        let token = query.get_in_any_case("delegation");
        if let Some(text) = token.filter(|text| !text.is_empty()) {
            let caller = self.of_token(now, &Token::from_url_string(text)?)?;
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

    /// Lets the caller act for the user that `doas` names, if it is another one; HttpFS asks even
    /// if it is not. Hadoop's filter refuses that with the exception itself.
    fn proxied(&self, now: Timestamp, caller: Caller, query: &Query) -> Result<Caller, HdfsError> {
        let named = query.get_in_any_case("doas");
        let is_own = |name: &str| *name == *caller.user.short && !self.is_httpfs;
        let Some(name) = named.filter(|name| !name.is_empty() && !is_own(name)) else {
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
    fn of_token(&self, now: Timestamp, token: &Token) -> Result<Caller, HdfsError> {
        let identifier = self.tokens.verify(now, token)?;
        let owner: User = self.auth_to_local.user(&identifier.owner)?;
        let address = std::net::Ipv4Addr::UNSPECIFIED.into();
        let caller = Caller::new(owner, AuthMethod::Token, address);
        match identifier.proxied_by() {
            Some(real) => Ok(caller.on_behalf_by(self.auth_to_local.user(real)?)),
            None => Ok(caller),
        }
    }
}
