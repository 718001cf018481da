//! Protection of browsers' users from forms on other sites (Hadoop's `RestCsrfPreventionFilter`).

use fancy_regex::Regex;
use http::StatusCode;
use http::header::{HeaderName, USER_AGENT};

use crate::config::WebConfig;
use crate::web::request::WebRequest;
use crate::web::response::{self, WebResponse};

/// The header that browsers must send, if any.
pub(in crate::web) struct CsrfFilter {
    header: HeaderName,
    ignored: Vec<String>,
    browsers: Vec<Regex>,
}

impl CsrfFilter {
    /// Creates the filter; `None` if it is off.
    pub(in crate::web) fn new(config: &WebConfig) -> Option<Self> {
        config.csrf_enabled.then(|| Self {
            header: HeaderName::from_bytes(config.csrf_header.as_bytes())
                .unwrap_or(HeaderName::from_static("x-xsrf-header")),
            ignored: config.csrf_methods_to_ignore.clone(),
            browsers: config
                .csrf_browsers
                .iter()
                .filter_map(|text| Regex::new(&format!("^(?:{text})$")).ok())
                .collect(),
        })
    }

    /// Returns the response to a request that may have been sent by a form of another site; `None`
    /// for any other request.
    pub(in crate::web) fn refuse(&self, request: &WebRequest<'_>) -> Option<WebResponse> {
        let reason = "Missing Required Header for CSRF Vulnerability Protection";
        self.suspects(request)
            .then(|| response::page(StatusCode::BAD_REQUEST, reason))
    }

    fn suspects(&self, request: &WebRequest<'_>) -> bool {
        let method = request.head.method.as_str();
        if self.ignored.iter().any(|ignored| ignored == method) {
            return false;
        }
        let agent = request.header(USER_AGENT).unwrap_or_default();
        let is_browser = self
            .browsers
            .iter()
            .any(|browser| browser.is_match(agent).unwrap_or(true));
        is_browser && !request.head.headers.contains_key(&self.header)
    }
}
