//! HttpFS: WebHDFS at one address, without redirections to DataNodes (Hadoop's `HttpFSServer`).
//!
//! Its operations are a NameNode's. Those that move data are carried out as a DataNode does it
//! after a redirection, but here. What differs is how data is uploaded, and the statuses of errors.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CONNECTION, CONTENT_TYPE,
    HOST, HeaderName, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use kerbox_krb5::Timestamp;
use rand::Rng;
use serde_json::json;

use super::datanode::DataNodeWeb;
use super::error::Dialect;
use super::gates::DataGates;
use super::namenode::{Admitted, NameNodeWeb, is_true, thrown};
use super::request::{Query, WebRequest};
use super::response::{self, WebResponse};
use crate::HdfsError;
use crate::secret_manager::DelegationTokenSecretManager;

/// The field by which Java's client sends a delegation token.
const TOKEN_FIELD: &str = "x-hadoop-delegation-token";
/// The type that uploads must have.
const OCTETS: &str = "application/octet-stream";
/// The methods of its operations.
const METHODS: &str = "OPTIONS,HEAD,GET,PUT,POST,DELETE";

/// The port of HttpFS, without its socket.
///
/// ```
/// use std::sync::Arc;
///
/// use minihdfs::secret_manager::DelegationTokenSecretManager;
/// use minihdfs::web::{HttpFsWeb, NameNodeWeb};
///
/// /// Returns HttpFS for what `namenode` serves; it is no other port's.
/// fn httpfs(namenode: NameNodeWeb, tokens: Arc<DelegationTokenSecretManager>) -> HttpFsWeb {
///     HttpFsWeb::new(namenode, tokens)
/// }
/// ```
#[derive(Debug)]
pub struct HttpFsWeb {
    pub(super) namenode: Arc<NameNodeWeb>,
    gates: Arc<DataGates>,
    tokens: Arc<DelegationTokenSecretManager>,
}

/// What moves data: the URL by which a DataNode would be asked.
pub(super) struct Errand {
    pub(super) port: Arc<DataNodeWeb>,
    head: Parts,
    /// What the authentication has to say.
    fields: Vec<(HeaderName, HeaderValue)>,
}

impl Errand {
    /// Returns the request as the DataNode gets it.
    pub(super) fn request<'a>(&'a self, original: &WebRequest<'_>) -> WebRequest<'a> {
        WebRequest {
            head: &self.head,
            peer: original.peer,
            is_https: original.is_https,
        }
    }

    /// Turns a DataNode's answer into one of HttpFS: the connection stays, and a new file is where
    /// the client has put it.
    pub(super) fn own<B>(&self, request: &WebRequest<'_>, mut answer: Response<B>) -> Response<B> {
        let is_created = answer.status() == StatusCode::CREATED;
        let headers = answer.headers_mut();
        for name in [
            CONNECTION,
            LOCATION,
            ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN,
        ] {
            headers.remove(name);
        }
        headers.entry(CONTENT_TYPE).or_insert(response::JSON);
        headers.extend(self.fields.iter().cloned());
        if is_created {
            let location = format!("{}{}", origin(request), request.head.uri.path());
            response::add(&mut answer, LOCATION, &location);
        }
        answer
    }
}

impl HttpFsWeb {
    /// Creates the port. `namenode` authenticates and carries out operations, and is no other
    /// port's. `tokens` are HttpFS's own; the NameNode has others.
    #[must_use]
    pub fn new(namenode: NameNodeWeb, tokens: Arc<DelegationTokenSecretManager>) -> Self {
        Self {
            gates: Arc::clone(namenode.gates()),
            namenode: Arc::new(namenode.for_httpfs(Arc::clone(&tokens))),
            tokens,
        }
    }

    /// Authenticates a request and finds its operation; otherwise returns the response.
    pub(super) fn admit(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Admitted, Box<WebResponse>> {
        self.tokens.catch_up(now);
        if request.hdfs_path().is_none() {
            return Err(Box::new(response::page(StatusCode::NOT_FOUND, "Not Found")));
        }
        let method = &request.head.method;
        if *method == Method::OPTIONS {
            return Err(self.options(now, request, rng));
        }
        let admitted = self.namenode.admit(now, request, rng)?;
        let query = request.query();
        let noredirect = is_true(&query, "noredirect");
        let op = query.all("op").next().unwrap_or_default();
        let op = op.to_ascii_uppercase();
        let is_upload = matches!(
            (method, &*op),
            (&Method::PUT, "CREATE") | (&Method::POST, "APPEND")
        );
        let moves_data = is_upload || matches!(&*op, "OPEN" | "GETFILECHECKSUM");
        let is_data = is_upload && is_true(&query, "data");
        if (is_upload && !is_data) || (moves_data && noredirect) {
            let location = itself(request, is_upload, &op);
            let answer = response::redirection(&location, noredirect);
            return Err(Box::new(admitted.answered(answer)));
        }
        let kind = request.header(CONTENT_TYPE).unwrap_or_default();
        if is_data && !kind.eq_ignore_ascii_case(OCTETS) {
            let reason = format!("Data upload requests must have content-type set to '{OCTETS}'");
            return Err(Box::new(response::page(StatusCode::BAD_REQUEST, &reason)));
        }
        Ok(admitted)
    }

    /// Answers the question that Java's client asks to authenticate.
    fn options(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Box<WebResponse> {
        let mut answer = response::untyped();
        response::add(&mut answer, ALLOW, METHODS);
        match self.namenode.authenticate(now, request, answer, rng) {
            Ok(answer) => Box::new(answer),
            Err(refused) => refused,
        }
    }

    /// Returns what is left to do if the NameNode's answer is a redirection to a DataNode.
    pub(super) fn errand<B>(
        &self,
        request: &WebRequest<'_>,
        answer: &Response<B>,
    ) -> Result<Option<Errand>, Box<WebResponse>> {
        if answer.status() != StatusCode::TEMPORARY_REDIRECT {
            return Ok(None);
        }
        let location = answer.headers().get(LOCATION);
        let uri = location.and_then(|text| Uri::try_from(text.as_bytes()).ok());
        let head = uri.and_then(|uri| {
            let method = request.head.method.clone();
            let onward = Request::builder().method(method).uri(uri).body(());
            Some(onward.ok()?.into_parts().0)
        });
        let port = self.gates.any();
        let port = port.map_err(|error| Box::new(Dialect::HttpFs.failure(&error)))?;
        let fields = [SET_COOKIE, WWW_AUTHENTICATE].into_iter().flat_map(|name| {
            let values = answer.headers().get_all(&name).iter().cloned();
            values.map(move |value| (name.clone(), value))
        });
        let fields = fields.collect();
        Ok(head.map(|head| Errand { port, head, fields }))
    }
}

/// Returns the response for an exception in the middle of data, by the method that began it.
pub(super) fn refused(method: &str, error: &HdfsError) -> WebResponse {
    Dialect::HttpFs.failure(&thrown(method, error))
}

/// Gives an answer without a value the type that it has here.
pub(super) fn typed<B>(method: &Method, answer: &mut Response<B>) {
    let headers = answer.headers_mut();
    if *method == Method::GET {
        headers.entry(CONTENT_TYPE).or_insert(response::OCTETS);
    }
    let is_json = headers.get(CONTENT_TYPE).is_none_or(|kind| kind == OCTETS);
    if *method != Method::GET && is_json {
        headers.insert(CONTENT_TYPE, response::JSON);
    }
}

/// Returns true if an answer is a page for a client that gets none: the servlet container makes
/// pages for GET and POST alone.
pub(super) fn has_no_page<B>(method: &Method, answer: &Response<B>) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    is_page && !matches!(*method, Method::GET | Method::POST)
}

/// Returns the value of an answer to an upload: where the file is.
pub(super) fn place<B>(answer: &Response<B>) -> Option<Bytes> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    let is_created = answer.status() == StatusCode::CREATED;
    is_created.then(|| json!({ "Location": location }).to_string().into())
}

/// Puts a token from its field into the parameters. HEAD asks as GET does; the answer's body is not
/// sent.
pub(super) fn rewrite(head: &mut Parts) {
    if head.method == Method::HEAD {
        head.method = Method::GET;
    }
    let field = head.headers.remove(TOKEN_FIELD);
    let Some(token) = field.as_ref().and_then(|token| token.to_str().ok()) else {
        return;
    };
    let mut query = Query::parse(head.uri.query().unwrap_or_default());
    query.take("delegation");
    query.add("delegation", token);
    let text = format!("{}?{}", head.uri.path(), query.to_text());
    // Both parts are encoded.
    if let Ok(uri) = Uri::try_from(text) {
        head.uri = uri;
    }
}

/// Returns the URL at which the client goes on: that of the request, and with `data=true` if it
/// uploads.
fn itself(request: &WebRequest<'_>, is_upload: bool, op: &str) -> String {
    let mut query = request.query();
    query.take("noredirect");
    query.take("op");
    query.add("op", op);
    if is_upload {
        query.take("data");
        query.add("data", "true");
    }
    let path = request.head.uri.path();
    format!("{}{path}?{}", origin(request), query.to_text())
}

/// Returns scheme, host and port as the client has them.
fn origin(request: &WebRequest<'_>) -> String {
    let host = request.header(HOST).unwrap_or("localhost");
    format!("{}://{host}", request.scheme().name())
}
