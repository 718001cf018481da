//! The filter in front of all operations (Hadoop's `AuthenticationFilter` with its Kerberos and
//! pseudo handlers).

use std::time::Duration;

use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderName, SET_COOKIE, WWW_AUTHENTICATE};
use kerbox_events::{Event, Hook, Outcome, Server};
use kerbox_krb5::Timestamp;
use kerbox_krb5::ap_exchange::ApAcceptor;
use kerbox_krb5::gss::{GssAcceptor, SpnegoAcceptor, SpnegoStep};
use rand::Rng;

use super::cookie::{self, AuthToken, Signer};
use super::csrf::CsrfFilter;
use crate::base64;
use crate::config::WebConfig;
use crate::sasl::GssapiSettings;
use crate::user::AuthToLocal;
use crate::web::request::WebRequest;
use crate::web::response::{self, WebResponse};

/// The only scheme.
const NEGOTIATE: &str = "Negotiate";

/// The scheme of names that are believed, as HttpFS asks for one.
const PSEUDO: &str = "PseudoAuth";

/// The authentication of requests: by SPNEGO, or by the name that a request states.
pub struct WebAuth {
    spnego: Option<GssapiSettings>,
    signer: Signer,
    validity: Duration,
    csrf: Option<CsrfFilter>,
}

/// The filter's decision.
pub(in crate::web) enum Decision {
    /// The request is served.
    Pass(Passed),
    /// This is the answer.
    Refuse(Box<WebResponse>),
}

/// A request that the filter lets pass.
#[derive(Default)]
pub(in crate::web) struct Passed {
    /// The short name of the authenticated user; without security, the name that the request or its
    /// cookie states. A request with a token has none: the token is checked later.
    pub(in crate::web) user: Option<String>,
    /// Fields for the response.
    pub(in crate::web) fields: Vec<(HeaderName, String)>,
}

/// The surroundings of one decision.
pub(super) struct Scene<'a> {
    pub(super) now: Timestamp,
    pub(super) server: Server,
    pub(super) hook: &'a dyn Hook,
    pub(super) auth_to_local: &'a AuthToLocal,
}

impl WebAuth {
    /// Creates the filter of a server that believes the names that requests state.
    #[must_use]
    pub fn simple(config: &WebConfig, rng: &mut impl Rng) -> Self {
        Self::new(None, config, rng)
    }

    /// Creates the filter of a server that accepts tickets for the principal in `settings`.
    #[must_use]
    pub fn kerberos(settings: GssapiSettings, config: &WebConfig, rng: &mut impl Rng) -> Self {
        Self::new(Some(settings), config, rng)
    }

    fn new(spnego: Option<GssapiSettings>, config: &WebConfig, rng: &mut impl Rng) -> Self {
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        Self {
            spnego,
            signer: Signer::new(&secret),
            validity: config.cookie_validity,
            csrf: CsrfFilter::new(config),
        }
    }

    /// Returns true if requests must authenticate.
    pub(in crate::web) fn is_secure(&self) -> bool {
        self.spnego.is_some()
    }

    /// Decides about a request. One with a delegation token passes, because the operation checks
    /// the token.
    pub(super) fn decide(
        &self,
        scene: &Scene<'_>,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Decision {
        if let Some(page) = self.csrf.as_ref().and_then(|csrf| csrf.refuse(request)) {
            return Decision::Refuse(Box::new(page));
        }
        let query = request.query();
        let stated = query
            .get_in_any_case("user.name")
            .filter(|name| !name.is_empty());
        let Some(settings) = &self.spnego else {
            return Decision::Pass(self.believe(scene.now, request, stated));
        };
        let has_token = query
            .get_in_any_case("delegation")
            .is_some_and(|token| !token.is_empty());
        if has_token {
            return Decision::Pass(Passed::default());
        }
        match self.by_cookie(scene.now, request) {
            Ok(Some(user)) => passed(user),
            Ok(None) => self.by_ticket(scene, request, settings, None, rng),
            Err(stale) => self.by_ticket(scene, request, settings, Some(&stale), rng),
        }
    }

    /// Decides about a request of HttpFS. One with a delegation token passes if tokens are
    /// accepted, because the operation checks it; without security, too.
    pub(super) fn decide_for_httpfs(
        &self,
        scene: &Scene<'_>,
        request: &WebRequest<'_>,
        accepts_tokens: bool,
        rng: &mut impl Rng,
    ) -> Decision {
        let query = request.query();
        let stale = match self.by_cookie(scene.now, request) {
            Ok(Some(user)) => return passed(user),
            Ok(None) => None,
            Err(stale) => Some(stale),
        };
        if accepts_tokens && query.all("delegation").next().is_some() {
            return Decision::Pass(Passed::default());
        }
        if let Some(settings) = &self.spnego {
            return self.by_ticket(scene, request, settings, stale.as_deref(), rng);
        }
        match query.all("user.name").next() {
            Some(name) if name.is_empty() || name.contains('&') => failed(
                "java.lang.IllegalArgumentException: userName is NULL, empty or contains a '&'",
            ),
            Some(_) if query.get_in_any_case("doas") == Some("") => {
                failed("java.lang.IllegalArgumentException: Null user")
            }
            Some(name) => Decision::Pass(self.believe(scene.now, request, Some(name))),
            None if accepts_tokens => challenge(request, PSEUDO, "Authentication required"),
            None => {
                // An operation about a token is refused by the handler, which makes no page.
                let mut refused = response::text("");
                *refused.status_mut() = StatusCode::FORBIDDEN;
                response::add(&mut refused, WWW_AUTHENTICATE, PSEUDO);
                Decision::Refuse(Box::new(refused))
            }
        }
    }

    /// Returns the user of a request's cookie, if it has one. Fails with the reason why it does not
    /// count.
    fn by_cookie(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
    ) -> Result<Option<String>, String> {
        let kind = if self.is_secure() {
            "kerberos"
        } else {
            "simple"
        };
        let value = request.cookie(cookie::NAME);
        let token = value.filter(|value| !value.is_empty());
        let token = token.map(|value| self.signer.verify(now, value, kind));
        Ok(token.transpose()?.map(|token| token.user))
    }

    /// Returns the user whom a request's cookie names.
    pub(in crate::web) fn known(&self, now: Timestamp, request: &WebRequest<'_>) -> Option<String> {
        self.by_cookie(now, request).ok().flatten()
    }

    /// Lets a client negotiate, or asks for it. `stale` says why its cookie does not count.
    fn by_ticket(
        &self,
        scene: &Scene<'_>,
        request: &WebRequest<'_>,
        settings: &GssapiSettings,
        stale: Option<&str>,
        rng: &mut impl Rng,
    ) -> Decision {
        let authorization = request.header(AUTHORIZATION);
        let Some(token) = authorization.and_then(|text| text.strip_prefix(NEGOTIATE)) else {
            let reason = stale.unwrap_or("Authentication required");
            return challenge(request, NEGOTIATE, reason);
        };
        self.negotiate(scene, request, settings, token.trim(), rng)
    }

    /// Believes the name that a request states, and gives it a cookie.
    fn believe(&self, now: Timestamp, request: &WebRequest<'_>, stated: Option<&str>) -> Passed {
        let known = self.known(now, request);
        // A name that no cookie can hold is refused later.
        let stated = stated.filter(|_| known.is_none());
        let mut passed = Passed {
            user: known.or_else(|| stated.map(str::to_owned)),
            fields: Vec::new(),
        };
        let cookie = stated.and_then(|name| self.cookie(now, request, (name, name), "simple").ok());
        passed.fields.extend(cookie);
        passed
    }

    fn cookie(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        (user, principal): (&str, &str),
        kind: &'static str,
    ) -> Result<(HeaderName, String), String> {
        let token = AuthToken::new(user, principal, kind, now + self.validity)?;
        let value = self.signer.sign(&token);
        Ok((SET_COOKIE, cookie::field(&value, request.is_https)))
    }

    /// Takes a token of SPNEGO or of Kerberos. As in Hadoop, a negotiation that needs more than one
    /// round is not continued by the next request.
    fn negotiate(
        &self,
        scene: &Scene<'_>,
        request: &WebRequest<'_>,
        settings: &GssapiSettings,
        token: &str,
        rng: &mut impl Rng,
    ) -> Decision {
        let Some(token) = base64::decode(token).filter(|token| !token.is_empty()) else {
            return refuse(request, "Invalid SPNEGO sequence, the token is not base64");
        };
        let keytab = settings.keytab.get();
        let mut ap = ApAcceptor::new(&keytab, settings.principal.as_ref());
        ap.skew = settings.skew;
        ap.replay_cache = Some(&settings.replay_cache);
        let acceptor = GssAcceptor::new(ap);
        let record = |client: &str, outcome| {
            let event = Event::ApExchange {
                server: scene.server,
                client: client.into(),
                outcome,
            };
            scene.hook.record(scene.now, event);
        };
        let step = SpnegoAcceptor::default().step(&acceptor, scene.now, &token, rng);
        let (context, answer) = match step {
            Ok(SpnegoStep::Established(context, answer)) => (context, answer),
            Ok(SpnegoStep::Continue(answer)) => {
                let field = format!("{NEGOTIATE} {}", base64::encode(&answer));
                return challenge(request, &field, "Authentication required");
            }
            Err(refused) => {
                let client = refused.refused.client.as_ref().map(ToString::to_string);
                let code = refused.refused.error.code();
                record(
                    client.as_deref().unwrap_or_default(),
                    Outcome::KrbError(code),
                );
                let reason = format!(
                    "GSSException: Failure unspecified at GSS-API level (Mechanism level: {})",
                    refused.refused.detail
                );
                return refuse(request, &reason);
            }
        };
        let principal = context.peer.to_string();
        record(&principal, Outcome::Ok);
        match self.admit(scene, request, &principal, answer.as_deref()) {
            Ok(passed) => Decision::Pass(passed),
            Err(why) => refuse(request, &why),
        }
    }

    /// Gives an authenticated user a cookie, and the client the last answer of the negotiation.
    fn admit(
        &self,
        scene: &Scene<'_>,
        request: &WebRequest<'_>,
        principal: &str,
        answer: Option<&[u8]>,
    ) -> Result<Passed, String> {
        let short = scene.auth_to_local.short_name(principal);
        let short = short.map_err(|error| error.to_string())?.into_owned();
        let names = (&*short, principal);
        let mut fields = vec![self.cookie(scene.now, request, names, "kerberos")?];
        if let Some(answer) = answer {
            let field = format!("{NEGOTIATE} {}", base64::encode(answer));
            fields.push((WWW_AUTHENTICATE, field));
        }
        Ok(Passed {
            user: Some(short),
            fields,
        })
    }
}

/// Lets a user pass whom a cookie names.
fn passed(user: String) -> Decision {
    Decision::Pass(Passed {
        user: Some(user),
        fields: Vec::new(),
    })
}

/// Answers a request in which Java's filter fails.
fn failed(reason: &str) -> Decision {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Decision::Refuse(Box::new(response::page(status, reason)))
}

/// Asks for authentication.
fn challenge(request: &WebRequest<'_>, field: &str, reason: &str) -> Decision {
    let mut page = response::page(StatusCode::UNAUTHORIZED, reason);
    response::add(&mut page, WWW_AUTHENTICATE, field);
    response::add(&mut page, SET_COOKIE, &cookie::field("", request.is_https));
    Decision::Refuse(Box::new(page))
}

/// Refuses a client that tried to authenticate.
fn refuse(request: &WebRequest<'_>, reason: &str) -> Decision {
    let mut page = response::page(StatusCode::FORBIDDEN, reason);
    response::add(&mut page, SET_COOKIE, &cookie::field("", request.is_https));
    Decision::Refuse(Box::new(page))
}
