//! The console's requests on a NameNode: authenticated like any other, then answered from the
//! embedded files or by the verbs.

use std::collections::BTreeSet;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, IF_NONE_MATCH, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use kerbox_krb5::Timestamp;
use rand::Rng;
use serde_json::{Value, json};

use super::operation::Parts;
use crate::Caller;
use crate::rpc::Call;
use crate::web::auth::{Decision, Passed};
use crate::web::console::{
    ConsoleAnswer, ConsoleCall, Door, Look, Target, found, of_change, refuse_reader,
};
use crate::web::content::{WebAnswer, WebContent};
use crate::web::request::{Scheme, WebRequest};
use crate::web::response::{self, WebResponse, with};

/// The most DataNodes whose ports the content security policy names one by one.
const NAMED: usize = 32;
/// What a browser without a ticket sees instead of the page.
const SIGN_IN: &str = include_str!("../../../console/signin.html");

/// A verb that may be called.
pub(super) struct VerbCall {
    pub(super) verb: String,
    from: Option<u64>,
    /// True if the body has a change.
    pub(super) is_change: bool,
}

/// A request of the console that the filter has let pass.
pub(super) struct Visitor {
    pub(super) caller: Caller,
    pub(super) fields: Vec<(HeaderName, String)>,
    pub(super) call: VerbCall,
}

/// Authenticates a request for the console, and answers it unless it is for a verb.
pub(super) fn admit(
    parts: &Parts,
    now: Timestamp,
    request: &WebRequest<'_>,
    rng: &mut impl Rng,
    target: Target<'_>,
) -> Result<Visitor, Box<WebResponse>> {
    if let Target::Moved(to) = &target {
        return Err(Box::new(moved(to)));
    }
    let passed = match parts.users.filter(now, request, rng) {
        Decision::Pass(passed) => passed,
        Decision::Refuse(page) => return Err(Box::new(signed_out(*page, request, &target))),
    };
    let user = passed.user.as_deref();
    let caller = parts.users.caller(now, request, &request.query(), user);
    let caller = caller
        .map_err(|error| Box::new(response::page(StatusCode::FORBIDDEN, &error.to_string())))?;
    let Passed { fields, .. } = passed;
    let answered = match target {
        Target::Verb(verb) => match call(parts, now, request, &caller, verb) {
            Ok(call) => {
                return Ok(Visitor {
                    caller,
                    fields,
                    call,
                });
            }
            Err(refused) => *refused,
        },
        Target::State => state(parts, now, &caller),
        Target::File(name) => file(parts, now, request, &caller, name),
        Target::Moved(to) => moved(&to),
    };
    Err(Box::new(with(answered, fields)))
}

fn call(
    parts: &Parts,
    now: Timestamp,
    request: &WebRequest<'_>,
    caller: &Caller,
    verb: &str,
) -> Result<VerbCall, Box<WebResponse>> {
    let door = Door {
        config: &parts.namenode.config().web,
        verbs: parts.console.verbs().map(|verbs| &**verbs),
        is_administrator: parts.namenode.is_administrator(now, &caller.user.short),
    };
    let is_change = door.pass(request, verb)?;
    // A browser that reconnects names the last event that it has seen.
    let last = request.header(HeaderName::from_static("last-event-id"));
    let after = last.and_then(|last| last.parse::<u64>().ok()?.checked_add(1));
    let query = request.query();
    let from = query.get("from").and_then(|from| from.parse().ok());
    Ok(VerbCall {
        verb: verb.to_owned(),
        from: after.or(from),
        is_change,
    })
}

/// Answers a call of a verb. `body` is a change's.
pub(super) async fn answer(
    parts: &Parts,
    call: VerbCall,
    fields: Vec<(HeaderName, String)>,
    body: &[u8],
) -> WebAnswer {
    let change = match call.is_change.then(|| of_change(body)).transpose() {
        Ok(change) => change,
        Err(refused) => return with((*refused).map(WebContent::from), fields),
    };
    let Some(verbs) = parts.console.verbs() else {
        return response::page(StatusCode::NOT_FOUND, "Not Found").map(WebContent::from);
    };
    let answer = verbs.answer(ConsoleCall {
        verb: call.verb,
        from: call.from,
        change,
    });
    let refused = |status, why: &str| {
        response::of_failure(status, &json!({ "refused": why })).map(WebContent::from)
    };
    let mut answer = match answer.await {
        ConsoleAnswer::Done(value) => response::of_json(&value).map(WebContent::from),
        ConsoleAnswer::Refused(why) => refused(StatusCode::BAD_REQUEST, &why),
        ConsoleAnswer::Busy(why) => refused(StatusCode::SERVICE_UNAVAILABLE, &why),
        ConsoleAnswer::Live(live) => {
            let mut events = Response::new(WebContent::Live(live));
            let kind = HeaderValue::from_static("text/event-stream");
            events.headers_mut().insert(CONTENT_TYPE, kind);
            events
        }
    };
    response::add(&mut answer, CACHE_CONTROL, "no-store");
    with(answer, fields)
}

fn moved(to: &str) -> WebResponse {
    let mut response = response::untyped();
    *response.status_mut() = StatusCode::FOUND;
    response::add(&mut response, LOCATION, to);
    response
}

/// Shows a browser that has no ticket how to get one.
fn signed_out(page: WebResponse, request: &WebRequest<'_>, target: &Target<'_>) -> WebResponse {
    let accept = request.header(ACCEPT).unwrap_or_default();
    let is_page = matches!(target, Target::File("" | "index.html")) && accept.contains("html");
    if !is_page || page.status() != StatusCode::UNAUTHORIZED {
        return page;
    }
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let mut page = page.map(|_| SIGN_IN.into());
    page.headers_mut().insert(CONTENT_TYPE, kind);
    page
}

fn file(
    parts: &Parts,
    now: Timestamp,
    request: &WebRequest<'_>,
    caller: &Caller,
    name: &str,
) -> WebResponse {
    if let Some(refused) = refuse_reader(&request.head.method) {
        return *refused;
    }
    let datanodes = if name.is_empty() || name == "index.html" {
        origins(parts, now, caller, request.scheme())
    } else {
        String::new()
    };
    let look = Look {
        known: request.header(IF_NONE_MATCH),
        datanodes: &datanodes,
    };
    let verbs = parts.console.verbs().map(|verbs| &**verbs);
    found(name, verbs, &look).unwrap_or_else(|| response::page(StatusCode::NOT_FOUND, "Not Found"))
}

/// Returns who the reader is, and what there is to see.
fn state(parts: &Parts, now: Timestamp, caller: &Caller) -> WebResponse {
    let config = parts.namenode.config();
    let verbs = parts.console.verbs();
    let module = verbs.and_then(|verbs| Some(verbs.files().first()?.name));
    let value: Value = json!({
        "user": &*caller.user.short,
        "administrator": parts.namenode.is_administrator(now, &caller.user.short),
        "secure": config.is_secure(),
        "csrf_header": config.web.csrf_header,
        "version": env!("CARGO_PKG_VERSION"),
        "namenode": parts.rpc_address,
        "module": module,
    });
    let mut response = response::of_json(&value);
    response::add(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// Returns the origins of the DataNodes' HTTP ports, for the content security policy.
fn origins(parts: &Parts, now: Timestamp, caller: &Caller, scheme: Scheme) -> String {
    let overview = parts.namenode.overview(&Call {
        now,
        caller,
        protocol: "",
        version: 1,
        method: "overview",
        request: &[],
    });
    let by_port = overview.datanodes.len() <= NAMED;
    let nodes = overview.datanodes.iter().map(|node| &node.registration);
    let origins: BTreeSet<String> = nodes
        // A DataNode chooses its name, and must not write into the policy.
        .filter(|node| node.host_name.bytes().all(is_of_a_host))
        .map(|node| {
            let port = match scheme {
                Scheme::Http => node.info_port,
                Scheme::Https => node.info_secure_port,
            };
            let port = if by_port {
                port.to_string()
            } else {
                "*".to_owned()
            };
            format!("{}://{}:{port}", scheme.name(), node.host_name)
        })
        .take(NAMED)
        .collect();
    origins.into_iter().collect::<Vec<_>>().join(" ")
}

fn is_of_a_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte)
}
