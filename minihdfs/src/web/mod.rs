//! WebHDFS, its authentication, and the pages beside it, without IO: a request in, a response out
//! (feature `web`).
//!
//! - `request`, `params`, `response`, `error`: requests and their parameters, responses, exceptions
//! - `json`: the values of a NameNode's responses as Hadoop's `JsonUtil` writes them
//! - `auth`: SPNEGO, the signed cookie, and the user as whom an operation is carried out
//! - [`NameNodeWeb`]: the operations of a NameNode
//! - [`DataNodeWeb`]: the operations of a DataNode, which move data
//! - [`HttpFsWeb`]: the operations of both at one address, as HttpFS has them
//! - `glob`, `hadoop_path`: patterns and paths as HttpFS reads them
//! - [`DataGates`]: the DataNodes that move data for the NameNode
//! - `servlets`: the NameNode's other pages: figures, configuration, `fsck`
//! - `console`: a page for people, with verbs of the one that runs the server
//! - [`ConsoleWeb`]: that page alone, for a realm without a NameNode
//! - `content`, `live_body`: bodies, complete, in parts, or as things happen
//! - `tls`: the certificates of HTTPS ports
//! - [`server`]: the sockets

mod auth;
mod console;
mod content;
mod datanode;
mod error;
mod gates;
mod glob;
mod hadoop_path;
mod httpfs;
mod json;
mod live_body;
mod namenode;
mod params;
mod request;
mod response;
pub mod server;
mod servlets;
mod tls;

pub use auth::WebAuth;
pub use console::{
    Console, ConsoleAccess, ConsoleAnswer, ConsoleCall, ConsoleFile, ConsoleVerbs, ConsoleWeb,
    ConsoleWebSettings,
};
pub use content::{Parts, WebAnswer, WebContent};
pub use datanode::DataNodeWeb;
pub use gates::DataGates;
pub use httpfs::HttpFsWeb;
pub use live_body::LiveBody;
pub use namenode::{Admitted, NameNodeWeb, NameNodeWebSettings};
pub use request::WebRequest;
pub use response::WebResponse;
pub use tls::{CertificateAuthority, ServerCertificate, Validity};
