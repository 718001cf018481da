//! The HTTP port of a DataNode in a process of its own (feature `web`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use minihdfs::config::HdfsConfig;
use minihdfs::datanode::DataNode;
use minihdfs::web::DataNodeWeb;
use minihdfs::web::server::{WebListener, serve_datanode};
use tokio::runtime::Handle;

use crate::servers::running::Running;
use crate::servers::web_ports::{WebPorts, bind_one};
use crate::{Error, Server};

/// A bound port that is not served yet.
pub(super) struct HttpPort {
    listener: WebListener,
    port: u16,
}

impl HttpPort {
    /// Binds `dfs.datanode.http.address`; by default a free port of the loopback interface.
    ///
    /// # Errors
    /// Fails if the port cannot be bound, and if `dfs.http.policy` wants HTTPS: clients trust the
    /// NameNode's own authority, so that no other process can make certificates for them.
    pub(super) fn bind(config: &HdfsConfig) -> Result<Self, Error> {
        let interface = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let wanted = WebPorts::of_datanodes(&config.http, interface, 1)?;
        let (Some(address), None) = (wanted.http, wanted.https) else {
            let has_both = wanted.http.is_some();
            let policy = if has_both {
                "HTTP_AND_HTTPS"
            } else {
                "HTTPS_ONLY"
            };
            return Err(Error::Setting {
                key: "dfs.http.policy".to_owned(),
                value: policy.to_owned(),
                why: "a DataNode in a process of its own has no certificate that clients trust: \
                      write HTTP_ONLY, or let `kerbox up` serve the DataNodes"
                    .to_owned(),
            });
        };
        let (listener, bound) = bind_one(Server::DataNode(1), address, None)?;
        let port = bound.port();
        Ok(Self { listener, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Starts serving the files of a NameNode.
    pub(super) fn serve(
        self,
        node: &Arc<DataNode>,
        namenode: SocketAddr,
        config: &HdfsConfig,
        runtime: &Handle,
    ) -> Result<Running, Error> {
        let web = Arc::new(DataNodeWeb::new(Arc::clone(node), namenode, config)?);
        Ok(Running::start(runtime, |shutdown| {
            serve_datanode(web, self.listener, shutdown)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_with_https_is_refused_by_name() {
        for policy in ["HTTPS_ONLY", "HTTP_AND_HTTPS"] {
            let (config, _) = HdfsConfig::from_pairs([("dfs.http.policy", policy)]).expect(policy);
            let refused = HttpPort::bind(&config).err().expect(policy).to_string();
            assert!(refused.contains(policy), "{refused}");
            assert!(refused.contains("write HTTP_ONLY"), "{refused}");
        }
    }
}
