//! Requests of HttpFS: their operation and their user.

use http::Method;
use kerbox_events::cut;
use kerbox_krb5::Timestamp;
use rand::Rng;

use super::{tokens, translate};
use crate::HdfsError;
use crate::web::auth::Decision;
use crate::web::namenode::operation::Entry;
use crate::web::namenode::tables::{TABLES, entry};
use crate::web::namenode::{Admitted, NameNodeWeb};
use crate::web::request::{Query, WebRequest};
use crate::web::response::WebResponse;

impl NameNodeWeb {
    /// Finds an operation of HttpFS for a request that the filter has let pass.
    pub(in crate::web::namenode) fn of_httpfs(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        user: Option<&str>,
        path: &str,
    ) -> Result<Admitted, HdfsError> {
        let query = request.query();
        let caller = self.0.users.caller(now, request, &query, user)?;
        let method = &request.head.method;
        if *method == Method::GET && super::is_instrumentation(&query) {
            return Err(super::no_instrumentation(path));
        }
        let entry = entry_of_httpfs(method, path, &query)?;
        let (path, query) = translate(&self.0, &caller, entry.name, path, &query)?;
        let scheme = request.scheme();
        Ok(Admitted::operation(entry, path, scheme, caller, query))
    }

    /// Authenticates a request about a token of HttpFS.
    pub(in crate::web::namenode) fn admit_of_token(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
        (entry, method): (&'static Entry, Method),
    ) -> Result<Admitted, Box<WebResponse>> {
        let query = request.query();
        tokens::check_method(entry, &request.head.method, &method)?;
        let caller = if entry.name == "CANCELDELEGATIONTOKEN" {
            // Who shows a token may cancel it.
            let known = self.0.users.auth.known(now, request);
            tokens::canceller(&self.0, now, request, &query, known)?
        } else {
            match self.0.users.filter_without_tokens(now, request, rng) {
                Decision::Pass(passed) => {
                    let user = passed.user.as_deref();
                    let caller = self.0.users.caller(now, request, &query, user);
                    caller.map_err(|error| Box::new(self.0.dialect.failure(&error)))?
                }
                Decision::Refuse(page) => return Err(page),
            }
        };
        let path = "/".to_owned();
        let scheme = request.scheme();
        Ok(Admitted::operation(entry, path, scheme, caller, query))
    }
}

/// Finds the operation of HttpFS that a request names.
fn entry_of_httpfs(
    method: &Method,
    path: &str,
    query: &Query,
) -> Result<&'static Entry, HdfsError> {
    let is_known = TABLES.iter().any(|(of, _)| of == method);
    // No class serves a deletion of the root.
    if !is_known || (*method == Method::DELETE && path == "/") {
        return Err(super::no_such_method());
    }
    let op = query.all("op").next();
    let found = op.filter(|op| super::knows(&op.to_ascii_uppercase()));
    let found = found.and_then(|_| entry(method, query).ok());
    found.ok_or_else(|| {
        let names = TABLES.iter().flat_map(|(_, entries)| *entries);
        let names = names
            .map(|entry| entry.name)
            .chain([super::INSTRUMENTATION]);
        super::no_such_op(method.as_str(), op.map(cut).as_deref(), names)
    })
}
