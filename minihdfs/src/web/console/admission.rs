//! The console's requests: authenticated as its server's others are, then answered from the
//! embedded files or by the verbs.

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, IF_NONE_MATCH, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use kerbox_krb5::Timestamp;
use rand::Rng;
use serde_json::{Value, json};

use super::files::{Look, found};
use super::guard::{Door, Target, of_change, refuse_reader};
use super::{ConsoleAnswer, ConsoleCall, ConsoleFile, ConsoleVerbs};
use crate::Caller;
use crate::config::WebConfig;
use crate::web::auth::{Decision, Passed, Users};
use crate::web::content::{WebAnswer, WebContent};
use crate::web::request::{Scheme, WebRequest};
use crate::web::response::{self, WebResponse, with};

/// What a browser without a ticket sees instead of the page.
const SIGN_IN: &str = include_str!("../../../console/signin.html");

/// The server that has a console.
pub(in crate::web) trait Owner {
    /// Returns the rules by which requests get their user.
    fn users(&self) -> &Users;

    /// Returns the keys that the console obeys.
    fn config(&self) -> &WebConfig;

    /// Returns its verbs, if there are any.
    fn verbs(&self) -> Option<&dyn ConsoleVerbs>;

    /// Returns its own files. The first one is a module, which the page loads.
    fn files(&self) -> &'static [ConsoleFile];

    /// Returns whether a user is one of those whom [`administrators`](Self::administrators) names.
    fn is_administrator(&self, now: Timestamp, user: &str) -> bool;

    /// Says who may do what is not for everyone.
    fn administrators(&self) -> &'static str;

    /// Returns what the page shows of it: a name of its state, and the value.
    fn place(&self) -> (&'static str, &str);

    /// Returns the origins of the servers to which the page uploads files, separated by blanks.
    fn origins(&self, now: Timestamp, caller: &Caller, scheme: Scheme) -> String;
}

/// A verb that may be called.
pub(in crate::web) struct VerbCall {
    pub(in crate::web) verb: String,
    from: Option<u64>,
    /// True if the body has a change.
    pub(in crate::web) is_change: bool,
}

/// A request of the console that the filter has let pass.
pub(in crate::web) struct Visitor {
    pub(in crate::web) caller: Caller,
    pub(in crate::web) fields: Vec<(HeaderName, String)>,
    pub(in crate::web) call: VerbCall,
}

/// Authenticates a request for the console, and answers it unless it is for a verb.
pub(in crate::web) fn admit(
    owner: &impl Owner,
    now: Timestamp,
    request: &WebRequest<'_>,
    rng: &mut impl Rng,
    target: Target<'_>,
) -> Result<Visitor, Box<WebResponse>> {
    if let Target::Moved(to) = &target {
        return Err(Box::new(moved(to)));
    }
    let passed = match owner.users().filter(now, request, rng) {
        Decision::Pass(passed) => passed,
        Decision::Refuse(page) => return Err(Box::new(signed_out(*page, request, &target))),
    };
    let user = passed.user.as_deref();
    let caller = owner.users().caller(now, request, &request.query(), user);
    let caller = caller
        .map_err(|error| Box::new(response::page(StatusCode::FORBIDDEN, &error.to_string())))?;
    let Passed { fields, .. } = passed;
    let answered = match target {
        Target::Verb(verb) => match call(owner, now, request, &caller, verb) {
            Ok(call) => {
                return Ok(Visitor {
                    caller,
                    fields,
                    call,
                });
            }
            Err(refused) => *refused,
        },
        Target::State => state(owner, now, &caller),
        Target::File(name) => file(owner, now, request, &caller, name),
        Target::Moved(to) => moved(&to),
    };
    Err(Box::new(with(answered, fields)))
}

fn call(
    owner: &impl Owner,
    now: Timestamp,
    request: &WebRequest<'_>,
    caller: &Caller,
    verb: &str,
) -> Result<VerbCall, Box<WebResponse>> {
    let door = Door {
        config: owner.config(),
        verbs: owner.verbs(),
        is_administrator: owner.is_administrator(now, &caller.user.short),
        administrators: owner.administrators(),
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
pub(in crate::web) async fn answer(
    verbs: Option<&dyn ConsoleVerbs>,
    call: VerbCall,
    fields: Vec<(HeaderName, String)>,
    body: &[u8],
) -> WebAnswer {
    let change = match call.is_change.then(|| of_change(body)).transpose() {
        Ok(change) => change,
        Err(refused) => return with((*refused).map(WebContent::from), fields),
    };
    let Some(verbs) = verbs else {
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
    owner: &impl Owner,
    now: Timestamp,
    request: &WebRequest<'_>,
    caller: &Caller,
    name: &str,
) -> WebResponse {
    if let Some(refused) = refuse_reader(&request.head.method) {
        return *refused;
    }
    let origins = if name.is_empty() || name == "index.html" {
        owner.origins(now, caller, request.scheme())
    } else {
        String::new()
    };
    let look = Look {
        known: request.header(IF_NONE_MATCH),
        origins: &origins,
    };
    let of_verbs = owner.verbs().map(ConsoleVerbs::files).unwrap_or_default();
    found(name, [owner.files(), of_verbs], &look)
        .unwrap_or_else(|| response::page(StatusCode::NOT_FOUND, "Not Found"))
}

/// Returns who the reader is, and what there is to see.
fn state(owner: &impl Owner, now: Timestamp, caller: &Caller) -> WebResponse {
    let of_verbs = owner.verbs().map(ConsoleVerbs::files).unwrap_or_default();
    let modules = [owner.files(), of_verbs].map(|files| Some(files.first()?.name));
    let modules: Vec<&str> = modules.into_iter().flatten().collect();
    let mut value: Value = json!({
        "user": &*caller.user.short,
        "administrator": owner.is_administrator(now, &caller.user.short),
        "administrators": owner.administrators(),
        "secure": owner.users().auth.is_secure(),
        "csrf_header": owner.config().csrf_header,
        "version": env!("CARGO_PKG_VERSION"),
        "modules": modules,
    });
    let (name, place) = owner.place();
    value[name] = place.into();
    let mut response = response::of_json(&value);
    response::add(&mut response, CACHE_CONTROL, "no-store");
    response
}
