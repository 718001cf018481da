//! WebHDFS on a DataNode (Hadoop's `WebHdfsHandler`): the requests, and the responses without
//! data. `server` moves the data.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CONNECTION, CONTENT_TYPE, LOCATION,
};
use http::{HeaderValue, Method, Response, StatusCode};
use kerbox_events::cut;
use kerbox_net::IdleRule;
use percent_encoding::utf8_percent_encode;
use serde_json::json;

use super::auth::CsrfFilter;
use super::error::failure;
use super::request::{Query, WebRequest};
use super::response::{self, IN_PATH, WebResponse};
use super::servlets;
use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::datanode::DataNode;
use crate::datanode::files::{DataChecksum, FileChecksum, FileClient};
use crate::proto::hdfs::{
    CreateFlagProto, CreateRequestProto, CryptoProtocolVersionProto, FsPermissionProto,
};
use crate::rpc::client::{ClientSettings, Identity};
use crate::token::Token;

/// The permission of files if none is given. No umask is applied.
const FILE: u32 = 0o644;

/// A DataNode's HTTP port, without its socket.
pub struct DataNodeWeb {
    pub(super) node: Arc<DataNode>,
    namenode: SocketAddr,
    pub(super) checksum: DataChecksum,
    is_secure: bool,
    replication: u16,
    block_size: u64,
    settings: Arc<ClientSettings>,
    static_user: String,
    csrf: Option<CsrfFilter>,
    pub(super) idle: Option<IdleRule>,
}

/// An operation that moves data.
pub(super) struct DataTask {
    pub(super) client: FileClient,
    pub(super) path: String,
    pub(super) verb: Verb,
}

/// The operations of a DataNode.
pub(super) enum Verb {
    Open {
        offset: u64,
        length: Option<u64>,
    },
    Create {
        request: Box<CreateRequestProto>,
        location: String,
    },
    Append,
    Checksum,
}

impl Verb {
    /// Returns the method of the NameNode with which it begins.
    pub(super) const fn method(&self) -> &'static str {
        match self {
            Self::Open { .. } | Self::Checksum => "getBlockLocations",
            Self::Create { .. } => "create",
            Self::Append => "append",
        }
    }
}

impl DataNodeWeb {
    /// Creates the port of a DataNode, whose clients' calls go to the RPC port of `namenode`.
    ///
    /// # Errors
    /// Fails if the configured checksums are not possible.
    pub fn new(
        node: Arc<DataNode>,
        namenode: SocketAddr,
        config: &HdfsConfig,
    ) -> Result<Self, HdfsError> {
        let settings = ClientSettings {
            protection: config.rpc_protection.clone(),
            ..ClientSettings::default()
        };
        Ok(Self {
            node,
            namenode,
            checksum: DataChecksum::new(config.checksum_type, config.bytes_per_checksum)?,
            is_secure: config.is_secure(),
            replication: config.replication,
            block_size: config.block_size,
            settings: Arc::new(settings),
            static_user: config.web.static_user.clone(),
            csrf: CsrfFilter::new(&config.web),
            idle: config.idle.http_rule(),
        })
    }

    /// Returns what a request asks for; otherwise the response.
    pub(super) fn admit(&self, request: &WebRequest<'_>) -> Result<DataTask, Box<WebResponse>> {
        if let Some(page) = self.csrf.as_ref().and_then(|csrf| csrf.refuse(request)) {
            return Err(Box::new(closing(page)));
        }
        if let Some(page) = servlets::datanode::page(&self.node, self.namenode, request) {
            return Err(Box::new(page));
        }
        let Some(path) = request.hdfs_path() else {
            return Err(Box::new(response::page(StatusCode::NOT_FOUND, "Not Found")));
        };
        let query = request.query();
        let op = query.get("op").unwrap_or_default().to_ascii_uppercase();
        if request.head.method == Method::OPTIONS && op == "CREATE" {
            return Err(Box::new(preflight()));
        }
        path.and_then(|path| self.task(&request.head.method, &op, path, &query))
            .map_err(|error| Box::new(refused(&error)))
    }

    fn task(
        &self,
        method: &Method,
        op: &str,
        path: String,
        query: &Query,
    ) -> Result<DataTask, HdfsError> {
        let verb = match (method, op) {
            (&Method::GET, "OPEN") => Verb::Open {
                offset: query.long("offset", 0)?.unwrap_or(0).cast_unsigned(),
                length: query.long("length", 0)?.map(i64::cast_unsigned),
            },
            (&Method::GET, "GETFILECHECKSUM") => Verb::Checksum,
            (&Method::PUT, "CREATE") => Verb::Create {
                request: Box::new(self.creation(&path, query)?),
                location: self.location(&path, query),
            },
            (&Method::POST, "APPEND") => Verb::Append,
            _ => {
                let op = cut(op);
                return Err(HdfsError::illegal_argument(format!(
                    "Invalid operation {op}"
                )));
            }
        };
        let namenode = self.namenode(query)?;
        let identity = self.identity(query)?;
        let client = FileClient::new(&self.node, namenode, identity, Arc::clone(&self.settings));
        Ok(DataTask { client, path, verb })
    }

    /// Returns a client for a user's files.
    pub(super) fn client(&self, identity: Identity) -> FileClient {
        let settings = Arc::clone(&self.settings);
        FileClient::new(&self.node, self.namenode, identity, settings)
    }

    /// Returns the address of the NameNode that the redirection named.
    fn namenode(&self, query: &Query) -> Result<SocketAddr, HdfsError> {
        let Some(text) = query.get("namenoderpcaddress") else {
            return Ok(self.namenode);
        };
        let address = match text.strip_prefix("localhost:") {
            Some(port) => port
                .parse()
                .ok()
                .map(|port| (Ipv4Addr::LOCALHOST, port).into()),
            None => text.parse().ok(),
        };
        address.ok_or_else(|| {
            let text = cut(text);
            HdfsError::illegal_argument(format!(
                "Does not contain a valid host:port authority: {text}"
            ))
        })
    }

    /// Returns the user as whom the NameNode is called.
    fn identity(&self, query: &Query) -> Result<Identity, HdfsError> {
        if self.is_secure {
            let Some(token) = query.get("delegation") else {
                return Err(HdfsError::io(
                    "Security enabled but user not authenticated by filter",
                ));
            };
            let token = Token::from_url_string(token)?;
            return Ok(Identity::token(Token {
                kind: Token::DELEGATION.to_owned(),
                ..token
            }));
        }
        let given = |name: &str| query.get(name).filter(|value| !value.is_empty());
        let identity = Identity::simple(given("user.name").unwrap_or(&self.static_user));
        Ok(match given("doas") {
            Some(user) => identity.impersonating(user),
            None => identity,
        })
    }

    pub(super) fn creation(
        &self,
        path: &str,
        query: &Query,
    ) -> Result<CreateRequestProto, HdfsError> {
        let replication = query.short("replication")?.unwrap_or(self.replication);
        let block_size = query.long("blocksize", 1)?.map(i64::cast_unsigned);
        let permission = query.permission("permission")?;
        let policy = |name: &str| {
            let value = query.get(name).filter(|value| !value.is_empty());
            value.map(str::to_owned)
        };
        Ok(CreateRequestProto {
            src: path.to_owned(),
            masked: permission.unwrap_or(FsPermissionProto { perm: FILE }),
            create_flag: create_flags(query)?,
            create_parent: query.boolean("createparent")?.unwrap_or(true),
            replication: replication.into(),
            block_size: block_size.unwrap_or(self.block_size),
            crypto_protocol_version: vec![CryptoProtocolVersionProto::EncryptionZones.into()],
            unmasked: query.permission("unmaskedpermission")?,
            ec_policy_name: policy("ecpolicy"),
            storage_policy: policy("storagepolicy"),
            ..CreateRequestProto::default()
        })
    }

    /// Returns the URL of a new file.
    fn location(&self, path: &str, query: &Query) -> String {
        let own = self.namenode.to_string();
        let namenode = query.get("namenoderpcaddress").unwrap_or(&own);
        format!("hdfs://{namenode}{}", utf8_percent_encode(path, IN_PATH))
    }
}

/// Returns the bits of `createflag` and `overwrite`.
fn create_flags(query: &Query) -> Result<u32, HdfsError> {
    let mut flags = 0;
    for word in query.get("createflag").unwrap_or_default().split(',') {
        flags |= match word.trim().to_ascii_uppercase().as_str() {
            "" => 0,
            "CREATE" => CreateFlagProto::Create as u32,
            "OVERWRITE" => CreateFlagProto::Overwrite as u32,
            "APPEND" => CreateFlagProto::Append as u32,
            "LAZY_PERSIST" => CreateFlagProto::LazyPersist as u32,
            "NEW_BLOCK" => CreateFlagProto::NewBlock as u32,
            "SHOULD_REPLICATE" => CreateFlagProto::ShouldReplicate as u32,
            // These say how a client writes, and the NameNode does not hear of them.
            "SYNC_BLOCK" | "NO_LOCAL_WRITE" | "IGNORE_CLIENT_LOCALITY" => 0,
            other => {
                let other = cut(other);
                return Err(HdfsError::illegal_argument(format!(
                    "No enum constant org.apache.hadoop.fs.CreateFlag.{other}"
                )));
            }
        };
    }
    if flags == 0 {
        flags = CreateFlagProto::Create as u32;
    }
    if query.boolean("overwrite")?.unwrap_or(false) {
        flags |= CreateFlagProto::Overwrite as u32;
    }
    Ok(flags)
}

/// Returns the response for an exception. The connection ends with it, as with every response of a
/// DataNode.
pub(super) fn refused(error: &HdfsError) -> WebResponse {
    let mut response = failure(error);
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    closing(response)
}

/// Returns the response to a file that was written.
pub(super) fn written(location: Option<&str>) -> WebResponse {
    let mut response = Response::new(Bytes::new());
    if let Some(location) = location {
        *response.status_mut() = StatusCode::CREATED;
        response::add(&mut response, LOCATION, location);
        response::add(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    closing(response)
}

/// Returns the response with a file's checksum. Its bytes are those of Java's buffer.
pub(super) fn checksum(sum: &FileChecksum) -> WebResponse {
    const BUFFER: usize = 32;
    let mut bytes = sum.bytes();
    let length = bytes.len();
    bytes.resize(BUFFER, 0);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let value = json!({
        "FileChecksum": { "algorithm": sum.algorithm(), "bytes": digits, "length": length }
    });
    let mut response = response::of_json(&value);
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    closing(response)
}

/// Adds the fields of a response with a file's bytes.
pub(super) fn opened<B>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers_mut();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (CONTENT_TYPE, "application/octet-stream"),
        (CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Answers a browser that asks if it may create a file.
fn preflight() -> WebResponse {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "accept"),
        (ACCESS_CONTROL_ALLOW_METHODS, "PUT"),
        (ACCESS_CONTROL_MAX_AGE, "1728000"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn closing(mut response: WebResponse) -> WebResponse {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}
