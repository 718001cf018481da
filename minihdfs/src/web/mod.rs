//! WebHDFS and its authentication, without IO: a request in, a response out (feature `web`).
//!
//! - `request`, `params`, `response`, `error`: requests and their parameters, responses, exceptions
//! - `json`: the values of a NameNode's responses as Hadoop's `JsonUtil` writes them
//! - `auth`: SPNEGO, the signed cookie, and the user as whom an operation is carried out
//! - [`NameNodeWeb`]: the operations of a NameNode
//! - [`DataNodeWeb`]: the operations of a DataNode, which move data
//! - [`server`]: the sockets

mod auth;
mod datanode;
mod error;
mod json;
mod namenode;
mod params;
mod request;
mod response;
pub mod server;

pub use auth::WebAuth;
pub use datanode::DataNodeWeb;
pub use namenode::{Admitted, NameNodeWeb, NameNodeWebSettings};
pub use request::WebRequest;
pub use response::WebResponse;
