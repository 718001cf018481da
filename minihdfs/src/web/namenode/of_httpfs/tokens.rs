//! HttpFS's own delegation tokens (Hadoop's `DelegationTokenAuthenticationHandler`): its filter
//! issues, renews and cancels them, whatever the path, and the NameNode does not know them.

use http::{Method, StatusCode};
use kerbox_events::{Outcome, cut};
use kerbox_krb5::Timestamp;
use serde_json::json;

use crate::secret_manager::TokenEdit;
use crate::token::Token;
use crate::user::{AuthMethod, User};
use crate::web::auth::token_kind;
use crate::web::json as written;
use crate::web::namenode::operation::{Entry, Operation, Parts, entries, event};
use crate::web::request::{Query, WebRequest};
use crate::web::response::{self, WebResponse};
use crate::{Caller, HdfsError};

type Answer = Result<WebResponse, HdfsError>;

const ENTRIES: &[Entry] = entries! {
    "GETDELEGATIONTOKEN", "getDelegationToken" => get;
    "RENEWDELEGATIONTOKEN", "renewDelegationToken" => renew;
    "CANCELDELEGATIONTOKEN", "cancelDelegationToken" => cancel;
};

/// Finds the operation about a token that a request names, with its HTTP method. OPTIONS asks for
/// none.
pub(in crate::web::namenode) fn find(request: &WebRequest<'_>) -> Option<(&'static Entry, Method)> {
    let query = request.query();
    let op = query.all("op").next()?;
    let mut entries = ENTRIES.iter();
    let entry = entries.find(|entry| entry.name.eq_ignore_ascii_case(op))?;
    let method = if entry.name == "GETDELEGATIONTOKEN" {
        Method::GET
    } else {
        Method::PUT
    };
    (request.head.method != Method::OPTIONS).then_some((entry, method))
}

/// Refuses another method than that of the operation.
pub(super) fn check_method(
    entry: &Entry,
    found: &Method,
    wanted: &Method,
) -> Result<(), Box<WebResponse>> {
    if found == wanted {
        return Ok(());
    }
    let found = cut(found.as_str());
    let reason = format!(
        "Wrong HTTP method [{found}] for operation [{}], it should be [{wanted}]",
        entry.name
    );
    Err(bad_request(&reason))
}

fn bad_request(reason: &str) -> Box<WebResponse> {
    Box::new(response::page(StatusCode::BAD_REQUEST, reason))
}

/// Returns the user who cancels a token: the one whom a cookie names, or else the token's owner.
pub(super) fn canceller(
    parts: &Parts,
    now: Timestamp,
    request: &WebRequest<'_>,
    query: &Query,
    known: Option<String>,
) -> Result<Caller, Box<WebResponse>> {
    let name = match (known, query.all("token").next()) {
        (Some(known), _) => known,
        (None, Some(text)) => {
            let token = Token::from_url_string(text);
            let identifier = token.and_then(|token| parts.users.tokens.verify(now, &token));
            identifier.map_err(|_| no_such_token())?.owner
        }
        (None, None) => return Err(without_token("CANCELDELEGATIONTOKEN")),
    };
    let user = User::simple(&name);
    let address = request.peer.to_canonical();
    Ok(Caller::new(user, AuthMethod::Kerberos, address))
}

fn no_such_token() -> Box<WebResponse> {
    let reason = "Invalid delegation token, cannot cancel";
    Box::new(response::page(StatusCode::NOT_FOUND, reason))
}

fn without_token(op: &str) -> Box<WebResponse> {
    bad_request(&format!("Operation [{op}] requires the parameter [token]"))
}

impl Operation<'_> {
    /// Applies an edit to the tokens of HttpFS.
    fn keep(&self, edit: &TokenEdit) {
        self.parts.users.tokens.apply(edit);
    }

    /// Records the end of an operation about a token.
    fn record<T>(&self, method: &str, result: Result<T, HdfsError>) -> Result<T, HdfsError> {
        let outcome = match &result {
            Ok(_) => Outcome::Ok,
            Err(error) => Outcome::Exception {
                class: error.class().into(),
                message: error.message().into(),
            },
        };
        let recorded = event(self.caller, method, "", outcome);
        self.parts.users.hook.record(self.now, recorded);
        result
    }

    /// Returns the token that an operation is about.
    fn token(&self) -> Result<Token, HdfsError> {
        let text = self.query.all("token").next().unwrap_or_default();
        Token::from_url_string(text)
    }
}

fn get(op: &Operation<'_>) -> Answer {
    let owner = &*op.caller.user.short;
    let real = op.caller.real_user.as_ref().map(|user| &*user.short);
    let renewer = op.query.all("renewer").next().unwrap_or(owner);
    let issued = op.parts.users.tokens.issue(op.now, owner, renewer, real);
    let (edit, token) = op.record("getDelegationToken", issued)?;
    op.keep(&edit);
    let token = Token {
        kind: token_kind(op.scheme).to_owned(),
        service: op
            .query
            .all("service")
            .next()
            .unwrap_or_default()
            .to_owned(),
        ..token
    };
    Ok(response::of_json(&written::token(Some(&token))))
}

fn renew(op: &Operation<'_>) -> Answer {
    if op.query.all("token").next().is_none() {
        return Ok(*without_token("RENEWDELEGATIONTOKEN"));
    }
    let tokens = &op.parts.users.tokens;
    let renewer = &op.caller.user.short;
    let renewed = op
        .token()
        .and_then(|token| tokens.renew(op.now, &token, renewer));
    match op.record("renewDelegationToken", renewed) {
        Ok((edit, expiry)) => {
            op.keep(&edit);
            Ok(response::of_json(&json!({ "long": expiry.as_millis() })))
        }
        Err(error) => {
            let reason = error.to_string();
            Ok(response::page(StatusCode::FORBIDDEN, &reason))
        }
    }
}

fn cancel(op: &Operation<'_>) -> Answer {
    if op.query.all("token").next().is_none() {
        return Ok(*without_token("CANCELDELEGATIONTOKEN"));
    }
    let tokens = &op.parts.users.tokens;
    // The tokens' owners have short names.
    let canceller = User::simple(&op.caller.user.short);
    let cancelled = op
        .token()
        .and_then(|token| tokens.cancel(&token, &canceller));
    match op.record("cancelDelegationToken", cancelled) {
        Ok(edit) => {
            op.keep(&edit);
            Ok(response::untyped())
        }
        Err(_) => Ok(*no_such_token()),
    }
}
