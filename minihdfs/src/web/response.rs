//! Responses.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderName, LOCATION,
};
use http::{HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde_json::{Value, json};

/// A response with a body that is complete.
pub type WebResponse = Response<Bytes>;

/// The type of the NameNode's JSON.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The type of responses without a value.
pub(super) const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The characters of a path that are encoded in a URL.
pub(super) const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'=')
    .remove(b',')
    .remove(b':')
    .remove(b'@');

/// Returns a response with a JSON value.
pub(super) fn of_json(value: &Value) -> WebResponse {
    with_status(StatusCode::OK, JSON, value.to_string())
}

/// Returns `{"boolean": …}`.
pub(super) fn of_boolean(value: bool) -> WebResponse {
    of_json(&json!({ "boolean": value }))
}

/// Returns `{"Path": …}`.
pub(super) fn of_path(path: &str) -> WebResponse {
    of_json(&json!({ "Path": path }))
}

/// Returns success without a value.
pub(super) fn empty() -> WebResponse {
    with_status(StatusCode::OK, OCTETS, "")
}

/// Returns success without a value and without a content type, which a few operations have.
pub(super) fn untyped() -> WebResponse {
    Response::new(Bytes::new())
}

/// Returns JSON with another status.
pub(super) fn of_failure(status: StatusCode, value: &Value) -> WebResponse {
    with_status(status, JSON, value.to_string())
}

/// Returns plain text.
pub(super) fn text(text: &str) -> WebResponse {
    typed("text/plain; charset=utf-8", text.to_owned())
}

/// Returns a body of this type.
pub(super) fn typed(content_type: &'static str, body: String) -> WebResponse {
    with_status(StatusCode::OK, HeaderValue::from_static(content_type), body)
}

/// Returns JSON for people and for scripts of any site, as `/jmx` has it.
pub(super) fn pretty_json(status: StatusCode, value: &Value) -> WebResponse {
    const KIND: HeaderValue = HeaderValue::from_static("application/json; charset=utf8");
    // A value made of texts and numbers can be written.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut response = with_status(status, KIND, text);
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET"),
    );
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Returns a text as XML and HTML show it.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns a page as the servlet container makes it when a filter refuses a request.
pub(super) fn page(status: StatusCode, reason: &str) -> WebResponse {
    const HTML: HeaderValue = HeaderValue::from_static("text/html;charset=iso-8859-1");
    let shown = escaped(reason);
    let number = status.as_u16();
    let body = format!(
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
         <title>Error {number} {shown}</title>\n</head>\n\
         <body><h2>HTTP ERROR {number} {shown}</h2>\n\
         </body>\n</html>\n"
    );
    with_status(status, HTML, body)
}

/// Returns the redirection of an operation to the DataNode that carries it out. With
/// `noredirect=true` the client only wants to know the address.
pub(super) fn redirection(location: &str, noredirect: bool) -> WebResponse {
    if noredirect {
        return of_json(&json!({ "Location": location }));
    }
    let mut response = with_status(StatusCode::TEMPORARY_REDIRECT, OCTETS, "");
    // The location is percent-encoded, so it is a valid value.
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Adds a header field. A value with control characters, which no browser would get to see either,
/// is left out.
pub(super) fn add<B>(response: &mut Response<B>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

/// Adds header fields.
pub(super) fn with<B>(mut response: Response<B>, fields: Vec<(HeaderName, String)>) -> Response<B> {
    for (name, value) in fields {
        add(&mut response, name, &value);
    }
    response
}

fn with_status(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<Bytes>,
) -> WebResponse {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
