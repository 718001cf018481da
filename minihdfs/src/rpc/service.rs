//! What a server implements: [`RpcService`], and [`Protocol`], a table from method names to
//! functions.

use kerbox_events::cut;
use kerbox_krb5::Timestamp;
use prost::Message;

use crate::decode::decode;
use crate::error::HdfsError;
use crate::user::Caller;

/// One call of a method, as it came over the wire.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// When it was read.
    pub now: Timestamp,
    /// Who calls.
    pub caller: &'a Caller,
    /// The protocol's name: the Java interface that declares the method
    /// (`declaringClassProtocolName`).
    pub protocol: &'a str,
    /// The protocol's version that the client speaks.
    pub version: u64,
    /// The method's name, for instance `getFileInfo`.
    pub method: &'a str,
    /// The encoded request message.
    pub request: &'a [u8],
}

/// What an RPC server serves: the NameNode's protocols, or a DataNode's.
///
/// Calls are synchronous and short; a service guards its own state.
pub trait RpcService: Send + Sync {
    /// Serves one call, and appends the response message, **with its length before it** as
    /// [`Call::answer`] writes it, to `response`: the frame that goes out. On an error `response`
    /// may hold anything.
    ///
    /// Services with [`Protocol`] tables look up `call.protocol`, go on with
    /// [`Protocol::dispatch`], and answer [`Call::unknown_protocol`] if there is none.
    fn call(&self, call: &Call<'_>, response: &mut Vec<u8>) -> Result<(), HdfsError>;

    /// The last transaction id, if it shall stand in the header of each response
    /// (`dfs.namenode.state.context.enabled`).
    fn state_id(&self) -> Option<i64> {
        None
    }
}

impl Call<'_> {
    /// Decodes the request, has `function` serve it, and appends the encoded response.
    ///
    /// A request that cannot be decoded is a `java.io.IOException`, as Hadoop answers it.
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

    /// The error of a server that does not have the protocol.
    #[must_use]
    pub fn unknown_protocol(&self) -> HdfsError {
        HdfsError::no_such_protocol(format!("Unknown protocol: {}", cut(self.protocol)))
    }

    /// The error of a protocol that does not have the method.
    #[must_use]
    pub fn unknown_method(&self) -> HdfsError {
        HdfsError::no_such_method(format!(
            "Unknown method {} called on {} protocol.",
            cut(self.method),
            cut(self.protocol)
        ))
    }
}

/// How a service `S` serves one method.
pub type Method<S> = fn(&S, &Call<'_>, &mut Vec<u8>) -> Result<(), HdfsError>;

/// A protocol that a service `S` has: its name, its version, and its methods. [`protocol!`] makes
/// one.
#[derive(Debug)]
pub struct Protocol<S: ?Sized + 'static> {
    name: &'static str,
    version: u64,
    methods: &'static [(&'static str, Method<S>)],
}

impl<S: ?Sized> Protocol<S> {
    /// A protocol of these methods, sorted by name: an unsorted table does not compile where this
    /// is evaluated at compile time.
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

    /// The protocol's name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The protocol's version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The names of the methods, sorted.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().map(|(name, _)| *name)
    }

    /// Serves `call`, which is of this protocol; refuses another version, and a method that is not
    /// there.
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

/// A [`Protocol`] as a table from method names, sorted, to functions
/// `fn(&Service, &Call<'_>, Request) -> Result<Response, HdfsError>`, whose types say how to decode
/// and encode:
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
///             name if name == GET_USER_MAPPINGS.name() => GET_USER_MAPPINGS.dispatch(self, call, response),
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
            $(($method, |service, call, response| call.answer(response, |request| $function(service, call, request)))),*
        ])
    };
}

#[doc(inline)]
pub use __protocol as protocol;
