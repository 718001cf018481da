//! The pages of the servers beside WebHDFS (Hadoop's servlets).
//!
//! - `access`: who may see a page
//! - `jmx`, `beans`: the figures as JMX's beans; `prometheus`: the same for Prometheus
//! - `conf`: the configuration
//! - `datanode`: the pages of a DataNode
//! - `fsck`: the check that `hdfs fsck` shows
//! - `image_transfer`: images and edits for checkpoints; `uploads`: which images may be brought
//! - `startup`: the progress of the start

mod access;
mod beans;
mod conf;
pub(super) mod datanode;
mod fsck;
mod image_transfer;
mod jmx;
mod prometheus;
mod startup;
mod uploads;

use std::sync::Arc;

use http::header::ALLOW;
use http::{Method, Response, StatusCode};
use kerbox_krb5::Timestamp;

use super::content::{Parts, WebAnswer, WebContent};
use super::request::Query;
use super::response::{self, WebResponse};
use crate::Caller;
use crate::namenode::{NameNode, Overview};
use crate::rpc::Call;
pub(super) use access::Access;
pub(super) use fsck::Saver;
pub(super) use image_transfer::Upload;
pub(super) use uploads::Uploads;

/// A page of the table.
pub(super) struct Servlet {
    /// The path in the URL.
    pub(super) path: &'static str,
    pub(super) access: Access,
    run: fn(&Page<'_>) -> WebAnswer,
}

/// The pages.
static SERVLETS: [Servlet; 7] = [
    Servlet {
        path: "/jmx",
        access: Access::Instrumentation,
        run: |page| whole(jmx::answer(page)),
    },
    Servlet {
        path: "/conf",
        access: Access::Instrumentation,
        run: |page| whole(conf::answer(page)),
    },
    Servlet {
        path: "/prom",
        access: Access::Instrumentation,
        run: |page| whole(prometheus::answer(page)),
    },
    Servlet {
        path: "/isActive",
        access: Access::Everyone,
        run: |_| whole(response::text("Namenode is Active!\n")),
    },
    Servlet {
        path: "/startupProgress",
        access: Access::Everyone,
        run: |page| whole(startup::answer(page)),
    },
    Servlet {
        path: "/fsck",
        access: Access::Authenticated,
        run: fsck::answer,
    },
    Servlet {
        path: "/imagetransfer",
        access: Access::Checkpointers,
        run: image_transfer::answer,
    },
];

/// A request for a page.
pub(super) struct Page<'a> {
    pub(super) now: Timestamp,
    pub(super) namenode: &'a Arc<NameNode>,
    pub(super) caller: &'a Caller,
    pub(super) query: &'a Query,
    /// The types that the client accepts.
    pub(super) accept: &'a str,
    /// `host:port` of the RPC port.
    pub(super) rpc_address: &'a str,
    /// The configuration, as the clients' files have it.
    pub(super) configuration: &'a [(String, String)],
    /// The part that moves data for the NameNode.
    pub(super) saver: &'a Arc<dyn Saver>,
}

impl Servlet {
    /// Returns the page at a path.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        SERVLETS.iter().find(|servlet| servlet.path == path)
    }

    /// Returns the answer to a method that does not show the page.
    pub(super) fn check_method(&self, method: &Method) -> Result<(), Box<WebResponse>> {
        match *method {
            Method::GET | Method::HEAD => Ok(()),
            Method::PUT if self.access == Access::Checkpointers => Ok(()),
            Method::OPTIONS => {
                let mut answer = response::untyped();
                response::add(&mut answer, ALLOW, "GET, HEAD, OPTIONS");
                Err(Box::new(answer))
            }
            _ => Err(Box::new(response::page(
                StatusCode::METHOD_NOT_ALLOWED,
                "HTTP method not supported: use GET",
            ))),
        }
    }

    /// Returns the page.
    pub(super) fn answer(&self, page: &Page<'_>) -> WebAnswer {
        (self.run)(page)
    }
}

impl Page<'_> {
    /// Returns the NameNode's figures.
    fn overview(&self) -> Overview {
        self.namenode.overview(&Call {
            now: self.now,
            caller: self.caller,
            protocol: "",
            version: 1,
            method: "overview",
            request: &[],
        })
    }
}

fn whole(response: WebResponse) -> WebAnswer {
    response.map(WebContent::from)
}

fn in_parts(parts: Parts) -> WebAnswer {
    Response::new(WebContent::Parts(parts))
}
