//! The interface of a server: [`RpcService`], and [`Protocol`], a table from method names to
//! functions.

use std::io;
use std::pin::Pin;

use kerbox_events::cut;
use kerbox_krb5::Timestamp;
use prost::Message;

use crate::decode::decode;
use crate::error::HdfsError;
use crate::user::Caller;

/// One received method call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The time at which it was read.
    pub now: Timestamp,
    /// The caller.
    pub caller: &'a Caller,
    /// The protocol's name: the Java interface that declares the method
    /// (`declaringClassProtocolName`).
    pub protocol: &'a str,
    /// The protocol version that the client uses.
    pub version: u64,
    /// The method's name, for instance `getFileInfo`.
    pub method: &'a str,
    /// The encoded request message.
    pub request: &'a [u8],
}

/// Resolves once changes are on disk, or fails if they cannot be written.
pub type Durable = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// The service behind an RPC server: the NameNode's protocols, or a DataNode's.
///
/// Calls are synchronous and short. A service synchronizes its own state.
pub trait RpcService: Send + Sync {
    /// Serves one call and appends the response message to `response`, which becomes the frame. The
    /// message is **preceded by its length**, as [`Call::answer`] writes it. After an error the
    /// contents of `response` are unspecified.
    ///
    /// Services with [`Protocol`] tables look up `call.protocol` and call [`Protocol::dispatch`],
    /// or return [`Call::unknown_protocol`] if there is no such protocol.
    fn call(&self, call: &Call<'_>, response: &mut Vec<u8>) -> Result<(), HdfsError>;

    /// Returns the last transaction id, if it is to be included in the header of each response
    /// (`dfs.namenode.state.context.enabled`).
    fn state_id(&self) -> Option<i64> {
        None
    }

    /// Returns what resolves once the changes of all calls so far are durable; `None` if they are.
    /// Until then no response is sent, so that no client sees what a crash undoes.
    fn durable(&self) -> Option<Durable> {
        None
    }
}

impl Call<'_> {
    /// Decodes the request, calls `function`, and appends the encoded response.
    ///
    /// A request that cannot be decoded fails with `java.io.IOException`, as in Hadoop.
    pub fn answer<Request, Response>(
        &self,
        response: &mut Vec<u8>,
        function: impl FnOnce(Request) -> Result<Response, HdfsError>,
    ) -> Result<(), HdfsError>
    where
        Request: Message + Default,
        Response: Message,
    {
        let request = decode::<Request>(self.request).map_err(|error| {
            HdfsError::io(format!(
                "Cannot decode the request of {}: {error}",
                self.method
            ))
        })?;
        let answer = function(request)?;
        // A Vec grows, so there is always room.
        answer.encode_length_delimited(response).map_err(|error| {
            HdfsError::io(format!(
                "Cannot encode the response of {}: {error}",
                self.method
            ))
        })
    }

    /// Returns the error for a protocol that the server does not have.
    #[must_use]
    pub fn unknown_protocol(&self) -> HdfsError {
        HdfsError::no_such_protocol(format!("Unknown protocol: {}", cut(self.protocol)))
    }

    /// Returns the error for a method that the protocol does not have.
    #[must_use]
    pub fn unknown_method(&self) -> HdfsError {
        HdfsError::no_such_method(format!(
            "Unknown method {} called on {} protocol.",
            cut(self.method),
            cut(self.protocol)
        ))
    }
}

/// A function of service `S` that serves one method.
pub type Method<S> = fn(&S, &Call<'_>, &mut Vec<u8>) -> Result<(), HdfsError>;

/// A protocol of service `S`: its name, version and methods. Created with [`protocol!`].
#[derive(Debug)]
pub struct Protocol<S: ?Sized + 'static> {
    name: &'static str,
    version: u64,
    methods: &'static [(&'static str, Method<S>)],
}

impl<S: ?Sized> Protocol<S> {
    /// Creates a protocol from methods sorted by name. An unsorted table is a compile-time error if
    /// this is evaluated at compile time.
    #[must_use]
    pub const fn new(
        name: &'static str,
        version: u64,
        methods: &'static [(&'static str, Method<S>)],
    ) -> Self {
        let mut index = 1;
        while index < methods.len() {
            assert!(
                precedes(methods[index - 1].0.as_bytes(), methods[index].0.as_bytes()),
                "the methods must be sorted by name, each standing once"
            );
            index += 1;
        }
        Self {
            name,
            version,
            methods,
        }
    }

    /// Returns the protocol's name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the protocol's version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Returns the names of the methods, sorted.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().map(|(name, _)| *name)
    }

    /// Serves `call`, a call of this protocol. Fails if the version differs or the method does not
    /// exist.
    pub fn dispatch(
        &self,
        service: &S,
        call: &Call<'_>,
        response: &mut Vec<u8>,
    ) -> Result<(), HdfsError> {
        if call.version != self.version {
            return Err(HdfsError::version_mismatch(format!(
                "Protocol {} version mismatch. (client = {}, server = {})",
                self.name, call.version, self.version
            )));
        }
        match self
            .methods
            .binary_search_by(|(name, _)| (*name).cmp(call.method))
        {
            Ok(index) => (self.methods[index].1)(service, call, response),
            Err(_) => Err(call.unknown_method()),
        }
    }
}

const fn precedes(first: &[u8], second: &[u8]) -> bool {
    let mut index = 0;
    while index < first.len() && index < second.len() {
        if first[index] != second[index] {
            return first[index] < second[index];
        }
        index += 1;
    }
    first.len() < second.len()
}

/// Creates a [`Protocol`] from a table that maps sorted method names to functions
/// `fn(&Service, &Call<'_>, Request) -> Result<Response, HdfsError>`. Their types determine
/// decoding and encoding:
///
/// ```
/// use minihdfs::HdfsError;
/// use minihdfs::proto::common::{GetGroupsForUserRequestProto, GetGroupsForUserResponseProto};
/// use minihdfs::rpc::{Call, Protocol, RpcService, protocol};
///
/// struct NameNode;
///
/// static GET_USER_MAPPINGS: Protocol<NameNode> = protocol! {
///     "org.apache.hadoop.tools.GetUserMappingsProtocol", 1,
///     "getGroupsForUser" => NameNode::get_groups_for_user,
/// };
///
/// impl NameNode {
///     fn get_groups_for_user(
///         &self,
///         _call: &Call<'_>,
///         request: GetGroupsForUserRequestProto,
///     ) -> Result<GetGroupsForUserResponseProto, HdfsError> {
///         Ok(GetGroupsForUserResponseProto { groups: vec![request.user] })
///     }
/// }
///
/// impl RpcService for NameNode {
///     fn call(&self, call: &Call<'_>, response: &mut Vec<u8>) -> Result<(), HdfsError> {
///         match call.protocol {
///             name if name == GET_USER_MAPPINGS.name() => {
///                 GET_USER_MAPPINGS.dispatch(self, call, response)
///             }
///             _ => Err(call.unknown_protocol()),
///         }
///     }
/// }
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __protocol {
    ($name:expr, $version:expr, $($method:literal => $function:expr),* $(,)?) => {
        $crate::rpc::Protocol::new($name, $version, &[
            $(($method, |service, call, response| {
                call.answer(response, |request| $function(service, call, request))
            })),*
        ])
    };
}

#[doc(inline)]
pub use __protocol as protocol;
