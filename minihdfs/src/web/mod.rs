//! WebHDFS, its authentication, and the pages beside it, without IO: a request in, a response out (feature `web`).
//!
//! - `request`, `params`, `response`, `error`: requests and their parameters, responses, exceptions
//! - `json`: the values of a NameNode's responses as Hadoop's `JsonUtil` writes them
//! - `auth`: SPNEGO, the signed cookie, and the user as whom an operation is carried out
//! - [`NameNodeWeb`]: the operations of a NameNode
//! - [`DataNodeWeb`]: the operations of a DataNode, which move data
//! - `servlets`: the NameNode's other pages: figures, configuration, `fsck`
//! - `content`: bodies, complete or in parts
//! - `tls`: the certificates of HTTPS ports
//! - [`server`]: the sockets

mod auth;
mod content;
mod datanode;
mod error;
mod json;
mod namenode;
mod params;
mod request;
mod response;
pub mod server;
mod servlets;
mod tls;

pub use auth::WebAuth;
pub use content::{Parts, WebAnswer, WebContent};
pub use datanode::DataNodeWeb;
pub use namenode::{Admitted, NameNodeWeb, NameNodeWebSettings};
pub use request::WebRequest;
pub use response::WebResponse;
pub use tls::{CertificateAuthority, ServerCertificate, Validity};
