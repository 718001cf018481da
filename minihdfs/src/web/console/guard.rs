//! The requests for the console, and the refusals that come before anything is done.

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use kerbox_events::cut;
use serde_json::{Value, json};

use super::{ConsoleAccess, ConsoleVerbs};
use crate::config::WebConfig;
use crate::web::request::WebRequest;
use crate::web::response::{self, WebResponse};

/// The path of the page.
const PAGE: &str = "/console/";
/// The prefix of the paths of verbs.
const API: &str = "/console/api/";
/// The verb that shows the reader, and what there is to see.
const STATE: &str = "state";

/// Pages of Hadoop's console, and where ours has what they show.
const MOVED: [(&str, &str); 7] = [
    ("/", ""),
    ("/console", ""),
    ("/index.html", ""),
    ("/dfshealth.html", ""),
    ("/dfshealth.jsp", ""),
    ("/explorer.html", "#/files"),
    ("/explorer", "#/files"),
];

/// What a request is for.
#[derive(PartialEq, Eq, Debug)]
pub(in crate::web) enum Target<'a> {
    /// The page is elsewhere.
    Moved(String),
    /// A file by its name.
    File(&'a str),
    /// The reader's own rights, and the verbs' first file.
    State,
    /// A verb by its name.
    Verb(&'a str),
}

/// A verb's door: who may pass, with what.
pub(in crate::web) struct Door<'a> {
    pub(in crate::web) config: &'a WebConfig,
    pub(in crate::web) verbs: Option<&'a dyn ConsoleVerbs>,
    pub(in crate::web) is_administrator: bool,
    /// Who administrators are.
    pub(in crate::web) administrators: &'a str,
}

/// Returns what a request is for; `None` if it is not for the console.
pub(in crate::web) fn target<'a>(request: &WebRequest<'a>) -> Option<Target<'a>> {
    let path = request.head.uri.path();
    if let Some((_, part)) = MOVED.iter().find(|(from, _)| *from == path) {
        let query = request.head.uri.query();
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        return Some(Target::Moved(format!("{PAGE}{query}{part}")));
    }
    if let Some(verb) = path.strip_prefix(API) {
        return Some(match verb {
            STATE => Target::State,
            verb => Target::Verb(verb),
        });
    }
    path.strip_prefix(PAGE).map(Target::File)
}

/// Refuses a method that no file has.
pub(in crate::web) fn refuse_reader(method: &Method) -> Option<Box<WebResponse>> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    (!reads).then(|| {
        let why = "Files of the console are only read: use GET";
        refusal(StatusCode::METHOD_NOT_ALLOWED, why)
    })
}

impl Door<'_> {
    /// Returns whether a request for a verb wants a change.
    ///
    /// # Errors
    /// Fails with the response if there is no such verb, or if its user may not use it.
    pub(in crate::web) fn pass(
        &self,
        request: &WebRequest<'_>,
        verb: &str,
    ) -> Result<bool, Box<WebResponse>> {
        let is_change = match request.head.method {
            Method::GET => false,
            Method::POST => true,
            _ => {
                let why = "Verbs of the console are read by GET and changed by POST";
                return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, why));
            }
        };
        let access = self.verbs.and_then(|verbs| verbs.access(verb, is_change));
        let Some(access) = access else {
            let why = format!(
                "The console has no verb {:?} for {}",
                cut(verb),
                request.head.method
            );
            return Err(refusal(StatusCode::NOT_FOUND, &why));
        };
        if is_change {
            self.check_origin(request)?;
        }
        // A change is an administrator's, whatever the verb says of readers.
        let access = if is_change {
            ConsoleAccess::Administrators
        } else {
            access
        };
        if access.allows(self.is_administrator) {
            return Ok(is_change);
        }
        let why = format!("Only {} may do this", self.administrators);
        Err(refusal(StatusCode::FORBIDDEN, &why))
    }

    /// Refuses what a form or a script of another site can send: it cannot set this header.
    fn check_origin(&self, request: &WebRequest<'_>) -> Result<(), Box<WebResponse>> {
        let header = &self.config.csrf_header;
        if !request.head.headers.contains_key(header.as_str()) {
            let why = format!("Missing required header {header}: it shows that no other site asks");
            return Err(refusal(StatusCode::BAD_REQUEST, &why));
        }
        let content = request.header(CONTENT_TYPE).unwrap_or_default();
        let kind = content.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            return Ok(());
        }
        let why = "The content type of a change is application/json";
        Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
    }
}

/// Parses the body of a change.
///
/// # Errors
/// Fails with the response if it is no JSON.
pub(in crate::web) fn of_change(body: &[u8]) -> Result<Value, Box<WebResponse>> {
    serde_json::from_slice(body).map_err(|error| {
        let why = format!("The body is not JSON: {error}");
        refusal(StatusCode::BAD_REQUEST, &why)
    })
}

/// Returns `{"refused": …}` with a status.
fn refusal(status: StatusCode, why: &str) -> Box<WebResponse> {
    Box::new(response::of_failure(status, &json!({ "refused": why })))
}
