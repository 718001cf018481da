//! WebHDFS on the NameNode (Hadoop's `NamenodeWebHdfsMethods`).
//!
//! An operation calls the methods of ClientProtocol, as an RPC client would: there is one way into
//! the namespace, with the same checks and events.
//!
//! - `operation`: an operation under way, and its calls
//! - `get`, `put`, `post_delete`: the operations by HTTP method
//! - `redirect`: operations that a DataNode carries out

mod get;
mod operation;
mod post_delete;
mod put;
mod redirect;

use std::fmt;
use std::sync::Arc;

use http::header::HeaderName;
use http::{Method, StatusCode};
use kerbox_events::{Event, Exception, Hook, Outcome, Server, cut};
use kerbox_krb5::Timestamp;
use rand::Rng;

use super::auth::{Decision, Users, WebAuth};
use super::error::failure;
use super::params::no_such_op;
use super::request::{Query, WebRequest};
use super::response::{self, WebResponse};
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
}

/// A request that may be served.
pub struct Admitted {
    entry: &'static Entry,
    caller: Caller,
    path: String,
    query: Query,
    fields: Vec<(HeaderName, String)>,
}

impl NameNodeWeb {
    /// Creates the port of a NameNode.
    #[must_use]
    pub fn new(namenode: Arc<NameNode>, settings: NameNodeWebSettings) -> Self {
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

    /// Authenticates a request and finds its operation; otherwise returns the response.
    ///
    /// # Errors
    /// Fails with the response for a request that is refused, or is for none of the operations.
    pub fn admit(
        &self,
        now: Timestamp,
        request: &WebRequest<'_>,
        rng: &mut impl Rng,
    ) -> Result<Admitted, Box<WebResponse>> {
        let passed = match self.0.users.filter(now, request, rng) {
            Decision::Pass(passed) => passed,
            Decision::Refuse(page) => return Err(page),
        };
        let Some(path) = request.hdfs_path() else {
            return Err(Box::new(response::page(StatusCode::NOT_FOUND, "Not Found")));
        };
        let query = request.query();
        let found = path.and_then(|path| {
            query.check_user(&self.0.namenode.config().web.user_pattern)?;
            let entry = entry(&request.head.method, &query)?;
            let user = passed.user.as_deref();
            let caller = self.0.users.caller(now, request, &query, user)?;
            Ok((path, entry, caller))
        });
        match found {
            Ok((path, entry, caller)) => Ok(Admitted {
                entry,
                caller,
                path,
                query,
                fields: passed.fields,
            }),
            Err(error) => Err(Box::new(with(failure(&error), passed.fields))),
        }
    }

    /// Carries out an operation.
    #[must_use]
    pub fn serve(&self, now: Timestamp, admitted: Admitted) -> WebResponse {
        let Admitted {
            entry,
            caller,
            path,
            query,
            fields,
        } = admitted;
        let operation = Operation {
            parts: &self.0,
            now,
            caller: &caller,
            path: &path,
            query: &query,
        };
        let served = (entry.run)(&operation);
        with(served.unwrap_or_else(|error| failure(&error)), fields)
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
    /// Returns the event of the operation's first call.
    #[must_use]
    pub fn event(&self, outcome: Outcome) -> Event {
        event(&self.caller, self.entry.method, &self.path, outcome)
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

fn with(mut response: WebResponse, fields: Vec<(HeaderName, String)>) -> WebResponse {
    for (name, value) in fields {
        response::add(&mut response, name, &value);
    }
    response
}

#[cfg(test)]
mod tests;
