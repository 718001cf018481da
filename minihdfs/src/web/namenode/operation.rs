//! An operation under way, and its calls of ClientProtocol.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Response;
use kerbox_events::{Event, Outcome, Server, cut};
use kerbox_krb5::Timestamp;
use prost::Message;

use super::thrown::thrown;
use crate::namenode::NameNode;
use crate::proto::hdfs::{GetFileInfoRequestProto, GetFileInfoResponseProto, HdfsFileStatusProto};
use crate::rpc::{Call, RpcService};
use crate::web::auth::Users;
use crate::web::console::Console;
use crate::web::content::WebAnswer;
use crate::web::error::Dialect;
use crate::web::gates::DataGates;
use crate::web::request::{Query, Scheme};
use crate::web::servlets::Uploads;
use crate::{Caller, HdfsError};

/// The protocol whose methods are called.
const CLIENT_PROTOCOL: (&str, u64) = ("org.apache.hadoop.hdfs.protocol.ClientProtocol", 1);

/// The folder of users' homes (`dfs.user.home.dir.prefix`).
pub(super) const HOMES: &str = "/user";

/// An operation in the table of its HTTP method.
pub(super) struct Entry {
    /// The name, as the parameter `op` has it.
    pub(super) name: &'static str,
    /// The first method of ClientProtocol that it calls.
    pub(super) method: &'static str,
    pub(super) run: fn(&Operation<'_>) -> Result<WebAnswer, HdfsError>,
}

/// A function that carries out an operation.
pub(super) type Run<B> = fn(&Operation<'_>) -> Result<Response<B>, HdfsError>;

/// Makes a table of operations: `NAME, "method" => function`.
macro_rules! entries {
    ($($name:literal, $method:literal => $run:expr;)*) => {
        &[$($crate::web::namenode::operation::Entry {
            name: $name,
            method: $method,
            run: |op| {
                let run: $crate::web::namenode::operation::Run<_> = $run;
                Ok(run(op)?.map($crate::web::content::WebContent::from))
            },
        }),*]
    };
}
pub(super) use entries;

/// The parts of the port that operations need.
pub(super) struct Parts {
    pub(super) namenode: Arc<NameNode>,
    pub(super) users: Users,
    /// The address for `namenoderpcaddress`.
    pub(super) rpc_address: String,
    /// The configuration that `/conf` shows.
    pub(super) configuration: Vec<(String, String)>,
    /// The principals of those who make checkpoints.
    pub(super) checkpointers: BTreeSet<Arc<str>>,
    /// The images that they bring.
    pub(super) uploads: Uploads,
    pub(super) dialect: Dialect,
    pub(super) gates: Arc<DataGates>,
    /// The console's verbs.
    pub(super) console: Arc<Console>,
}

/// One operation: its caller, path and parameters.
pub(super) struct Operation<'a> {
    pub(super) parts: &'a Parts,
    pub(super) now: Timestamp,
    pub(super) caller: &'a Caller,
    pub(super) path: &'a str,
    pub(super) query: &'a Query,
    /// The scheme by which it arrived.
    pub(super) scheme: Scheme,
}

/// Returns the event of a call.
pub(super) fn event(caller: &Caller, method: &str, path: &str, outcome: Outcome) -> Event {
    Event::RpcCall {
        server: Server::NameNode(1),
        user: Arc::clone(&caller.user.short),
        method: method.into(),
        path: Some(cut(path).into()),
        outcome,
    }
}

impl Operation<'_> {
    /// Calls a method of ClientProtocol as the caller, and records it.
    pub(super) fn call<A: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<A, HdfsError> {
        let (protocol, version) = CLIENT_PROTOCOL;
        let call = Call {
            now: self.now,
            caller: self.caller,
            protocol,
            version,
            method,
            request: &request.encode_to_vec(),
        };
        let mut response = Vec::new();
        let called = self.parts.namenode.call(&call, &mut response);
        let outcome = match &called {
            Ok(()) => Outcome::Ok,
            Err(error) => Outcome::Exception {
                class: error.class().into(),
                message: error.message().into(),
            },
        };
        let recorded = event(self.caller, method, self.path, outcome);
        self.parts.users.hook.record(self.now, recorded);
        called.map_err(|error| {
            if self.is_of_httpfs() {
                thrown(method, &error)
            } else {
                error
            }
        })?;
        A::decode_length_delimited(&*response).map_err(|error| {
            HdfsError::io(format!("Cannot decode the response of {method}: {error}"))
        })
    }

    /// Calls a method that answers nothing.
    pub(super) fn command(&self, method: &str, request: &impl Message) -> Result<(), HdfsError> {
        self.call(method, request)
    }

    /// Returns the status of the path, if it exists.
    pub(super) fn status(&self) -> Result<Option<HdfsFileStatusProto>, HdfsError> {
        let request = GetFileInfoRequestProto { src: self.src() };
        let answer: GetFileInfoResponseProto = self.call("getFileInfo", &request)?;
        Ok(answer.fs)
    }

    /// Returns the caller's home.
    pub(super) fn home(&self) -> String {
        format!("{HOMES}/{}", self.caller.user.short)
    }

    /// Returns true if HttpFS was asked.
    pub(super) fn is_of_httpfs(&self) -> bool {
        self.parts.dialect == Dialect::HttpFs
    }

    /// Returns a parameter that WebHDFS cannot do without. HttpFS takes an empty one.
    pub(super) fn required(&self, op: &str, name: &str) -> Result<&str, HdfsError> {
        if self.is_of_httpfs() {
            return Ok(self.query.get(name).unwrap_or_default());
        }
        self.query.required(op, name)
    }

    /// Returns the path as a field of a request.
    pub(super) fn src(&self) -> String {
        self.path.to_owned()
    }
}
