//! WebHDFS on the NameNode (Hadoop's `NamenodeWebHdfsMethods`).
//!
//! An operation calls the methods of ClientProtocol, as an RPC client would: there is one way into
//! the namespace, with the same checks and events.
//!
//! - `operation`: an operation under way, and its calls
//! - `get`, `put`, `post_delete`: the operations by HTTP method
//! - `listing`: directories, page by page; trash roots
//! - `redirect`: operations that a DataNode carries out

mod get;
mod listing;
mod operation;
mod post_delete;
mod put;
mod redirect;
mod snapshots;

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use http::header::{ACCEPT, HeaderName};
use http::{Method, Response, StatusCode};
use kerbox_events::{Event, Exception, Hook, Outcome, Server, cut};
use kerbox_krb5::Timestamp;
use rand::Rng;

use super::auth::{Decision, Passed, Users, WebAuth};
use super::content::{WebAnswer, WebContent};
use super::error::failure;
use super::params::no_such_op;
use super::request::{Query, Scheme, WebRequest};
use super::response::{self, WebResponse};
use super::servlets::{Access, Page, Servlet, Upload};
use crate::namenode::NameNode;
use crate::rpc::{Durable, RpcService};
use crate::user::AuthToLocal;
use crate::{Caller, HdfsError};
use operation::{Entry, Operation, Parts, event};

/// The NameNode's HTTP port, without its socket.
pub struct NameNodeWeb(Parts);

/// The settings of a NameNode's HTTP port.
pub struct NameNodeWebSettings {
    /// The authentication of requests.
    pub auth: WebAuth,
    /// The rules for short names.
    pub auth_to_local: AuthToLocal,
    /// `host:port` of the NameNode's RPC port, for DataNodes.
    pub rpc_address: String,
    /// The receiver of events.
    pub hook: Arc<dyn Hook>,
    /// The configuration that `/conf` shows.
    pub configuration: Vec<(String, String)>,
}

/// A request that may be served.
pub struct Admitted {
    work: Work,
    caller: Caller,
    query: Query,
    fields: Vec<(HeaderName, String)>,
}

/// The work that a request asks for.
enum Work {
    Operation {
        entry: &'static Entry,
        path: String,
        scheme: Scheme,
    },
    Page {
        servlet: &'static Servlet,
        /// The types that the client accepts.
        accept: String,
    },
    /// An image, whose bytes follow.
    Upload(Upload),
}

impl NameNodeWeb {
    /// Creates the port of a NameNode.
    #[must_use]
    pub fn new(namenode: Arc<NameNode>, settings: NameNodeWebSettings) -> Self {
        let checkpointers = checkpointers(&settings);
        let users = Users {
            server: Server::NameNode(1),
            auth: settings.auth,
            auth_to_local: settings.auth_to_local,
            authorization: namenode.authorization().clone(),
            tokens: Arc::clone(namenode.delegation_tokens()),
            hook: settings.hook,
            static_user: namenode.config().web.static_user.clone(),
        };
        Self(Parts {
            namenode,
            users,
            rpc_address: settings.rpc_address,
            configuration: settings.configuration,
            checkpointers,
        })
    }

    /// Returns what responses must wait for, if anything; see [`RpcService::durable`].
    pub(super) fn durable(&self) -> Option<Durable> {
        self.0.namenode.durable()
    }

    /// Returns the receiver of its events.
    #[must_use]
    pub fn hook(&self) -> &Arc<dyn Hook> {
        &self.0.users.hook
    }

    /// Authenticates a request and finds its operation or its page; otherwise returns the response.
    ///
    /// # Errors
    /// Fails with the response for a request that is refused, or is for none of them.
    pub fn admit(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Admitted, Box<WebResponse>> {
        match Servlet::find(request.head.uri.path()) {
            Some(servlet) => self.admit_page(now, request, rng, servlet),
            None => self.admit_operation(now, request, rng),
        }
    }

    fn pass(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Passed, Box<WebResponse>> {
        match self.0.users.filter(now, request, rng) {
            Decision::Pass(passed) => Ok(passed),
            Decision::Refuse(page) => Err(page),
        }
    }

    fn admit_operation(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Admitted, Box<WebResponse>> {
        let passed = self.pass(now, request, rng)?;
        let Some(path) = request.hdfs_path() else {
            return Err(Box::new(response::page(StatusCode::NOT_FOUND, "Not Found")));
        };
        let query = request.query().in_lower_case();
        let found = path.and_then(|path| {
            query.check_user(&self.0.namenode.config().web.user_pattern)?;
            let entry = entry(&request.head.method, &query)?;
            let user = passed.user.as_deref();
            let caller = self.0.users.caller(now, request, &query, user)?;
            let scheme = request.scheme();
            let work = Work::Operation {
                entry,
                path,
                scheme,
            };
            Ok((work, caller))
        });
        match found {
            Ok((work, caller)) => Ok(Admitted {
                work,
                caller,
                query,
                fields: passed.fields,
            }),
            Err(error) => Err(Box::new(with(failure(&error), passed.fields))),
        }
    }

    fn admit_page(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
        servlet: &'static Servlet,
    ) -> Result<Admitted, Box<WebResponse>> {
        let config = self.0.namenode.config();
        let users = &self.0.users;
        let query = request.query().with_user_of_ugi();
        let (caller, fields) = if servlet.access.needs_authentication(config) {
            let passed = self.pass(now, request, rng)?;
            let user = passed.user.as_deref();
            let caller = users.caller(now, request, &query, user).map_err(|error| {
                Box::new(response::page(StatusCode::FORBIDDEN, &error.to_string()))
            })?;
            (caller, passed.fields)
        } else {
            (users.unknown(request), Vec::new())
        };
        // After the authentication, for which Java's client sends OPTIONS.
        servlet
            .check_method(&request.head.method)
            .map_err(|page| Box::new(with(*page, fields.clone())))?;
        let user = &caller.user.short;
        let is_administrator = self.0.namenode.is_administrator(now, user)
            || (servlet.access == Access::Checkpointers && self.0.checkpointers.contains(user));
        servlet.access.check(config, user, is_administrator)?;
        let work = if request.head.method == Method::PUT {
            Work::Upload(Upload::of(request, &query))
        } else {
            let accept = request.header(ACCEPT).unwrap_or_default().to_owned();
            Work::Page { servlet, accept }
        };
        Ok(Admitted {
            work,
            caller,
            query,
            fields,
        })
    }

    /// Carries out an operation, or returns a page.
    #[must_use]
    pub fn serve(&self, now: Timestamp, admitted: Admitted) -> WebAnswer {
        let Admitted {
            work,
            caller,
            query,
            fields,
        } = admitted;
        let answer = match work {
            Work::Operation {
                entry,
                path,
                scheme,
            } => {
                let operation = Operation {
                    parts: &self.0,
                    now,
                    caller: &caller,
                    path: &path,
                    query: &query,
                    scheme,
                };
                let served = (entry.run)(&operation);
                served.unwrap_or_else(|error| failure(&error).map(WebContent::from))
            }
            Work::Page { servlet, accept } => servlet.answer(&Page {
                now,
                namenode: &self.0.namenode,
                caller: &caller,
                query: &query,
                accept: &accept,
                rpc_address: &self.0.rpc_address,
                configuration: &self.0.configuration,
            }),
            // The server has stored it by `store`.
            Work::Upload(_) => response::empty().map(WebContent::from),
        };
        with(answer, fields)
    }

    /// Stores the image that a request uploads.
    ///
    /// # Errors
    /// Fails with the response if it cannot be stored.
    pub(super) fn store(
        &self,
        upload: &Upload,
        contents: &mut dyn Read,
    ) -> Result<(), Box<WebResponse>> {
        upload.store(&self.0.namenode, contents)
    }

    /// Refuses an operation with the exception of a fault.
    #[must_use]
    pub fn refuse(&self, now: Timestamp, admitted: Admitted, exception: Exception) -> WebResponse {
        let outcome = exception.outcome();
        self.hook().record(now, admitted.event(outcome));
        with(failure(&exception.into()), admitted.fields)
    }
}

impl Admitted {
    /// Returns the event of the operation's first call, or of the page.
    #[must_use]
    pub fn event(&self, outcome: Outcome) -> Event {
        match &self.work {
            Work::Operation { entry, path, .. } => event(&self.caller, entry.method, path, outcome),
            Work::Page { servlet, .. } => {
                let path = self.query.get("path").unwrap_or_default();
                event(&self.caller, servlet.path, path, outcome)
            }
            Work::Upload(_) => event(&self.caller, "/imagetransfer", "", outcome),
        }
    }

    /// Returns the image that the request uploads, if it does.
    pub(super) fn upload(&self) -> Option<&Upload> {
        match &self.work {
            Work::Upload(upload) => Some(upload),
            _ => None,
        }
    }

    /// Returns the short name of the caller.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.caller.user.short
    }
}

impl fmt::Debug for NameNodeWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP port of the NameNode at {}", self.0.rpc_address)
    }
}

/// Returns the short names of those who make checkpoints.
fn checkpointers(settings: &NameNodeWebSettings) -> BTreeSet<Arc<str>> {
    const KEYS: [&str; 2] = [
        "dfs.namenode.kerberos.principal",
        "dfs.secondary.namenode.kerberos.principal",
    ];
    let named = settings.configuration.iter();
    let named = named.filter(|(key, _)| KEYS.contains(&&**key));
    let users = named.filter_map(|(_, principal)| {
        let principal = principal.replace("_HOST", "localhost");
        settings.auth_to_local.user(&principal).ok()
    });
    users.map(|user| user.short).collect()
}

/// Finds the operation that a request names.
fn entry(method: &Method, query: &Query) -> Result<&'static Entry, HdfsError> {
    let (entries, null) = match *method {
        Method::GET => (get::ENTRIES, "op=NULL is not supported"),
        Method::PUT => (put::ENTRIES, "op=NULL  is not supported"),
        Method::POST => (post_delete::POST_ENTRIES, "op=NULL is not supported"),
        Method::DELETE => (post_delete::DELETE_ENTRIES, "op=NULL is not supported"),
        _ => {
            return Err(HdfsError::unsupported_operation(format!(
                "{} is not supported",
                cut(method.as_str())
            )));
        }
    };
    let name = query.get("op").filter(|name| !name.is_empty());
    let Some(name) = name.filter(|name| !name.eq_ignore_ascii_case("NULL")) else {
        return Err(HdfsError::unsupported_operation(null));
    };
    let mut entries = entries.iter();
    entries
        .find(|entry| entry.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| no_such_op(method.as_str(), &cut(name)))
}

fn with<B>(mut response: Response<B>, fields: Vec<(HeaderName, String)>) -> Response<B> {
    for (name, value) in fields {
        response::add(&mut response, name, &value);
    }
    response
}

#[cfg(test)]
mod tests;
