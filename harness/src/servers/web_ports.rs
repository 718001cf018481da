//! The HTTP and HTTPS ports of a server (feature `web`): which there are, and where.

use std::net::{IpAddr, SocketAddr};

use kerbox_net::reachable;
use minihdfs::config::HttpSettings;
use minihdfs::web::server::{Tls, WebListener};

use crate::servers::listen::listen;
use crate::{Error, Server};

/// Something that a server has for each of its ports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WebPorts<T> {
    pub(crate) http: Option<T>,
    pub(crate) https: Option<T>,
}

impl<T> WebPorts<T> {
    /// Iterates over both, the plain one first.
    pub(crate) fn all(self) -> impl Iterator<Item = T> {
        self.http.into_iter().chain(self.https)
    }
}

impl WebPorts<SocketAddr> {
    /// Returns where a NameNode on this interface listens.
    pub(crate) fn of_namenode(settings: &HttpSettings, interface: IpAddr) -> Self {
        let addresses = (settings.namenode, settings.namenode_secure);
        Self::of(settings, addresses, interface)
    }

    /// Returns where each DataNode on this interface listens. Fails if several would share a port.
    pub(crate) fn of_datanodes(
        settings: &HttpSettings,
        interface: IpAddr,
        datanodes: usize,
    ) -> Result<Self, Error> {
        let addresses = [
            ("dfs.datanode.http.address", settings.datanode),
            ("dfs.datanode.https.address", settings.datanode_secure),
        ];
        let fixed = addresses
            .iter()
            .find_map(|(key, address)| Some((key, address.filter(|a| a.port() != 0)?)));
        if let (Some((key, address)), 2..) = (fixed, datanodes) {
            return Err(Error::Setting {
                key: (*key).to_owned(),
                value: address.to_string(),
                why: format!(
                    "the {datanodes} DataNodes cannot share a port: write port 0, or start one"
                ),
            });
        }
        let [(_, http), (_, https)] = addresses;
        Ok(Self::of(settings, (http, https), interface))
    }

    fn of(
        settings: &HttpSettings,
        (http, https): (Option<SocketAddr>, Option<SocketAddr>),
        interface: IpAddr,
    ) -> Self {
        let at = |address: Option<SocketAddr>| match address {
            Some(address) if !address.ip().is_unspecified() => address,
            other => SocketAddr::new(interface, other.map_or(0, |address| address.port())),
        };
        let policy = settings.policy;
        Self {
            http: policy.has_http().then(|| at(http)),
            https: policy.has_https().then(|| at(https)),
        }
    }

    /// Binds the ports. Returns also where they are now.
    pub(crate) fn bind(
        self,
        server: Server,
        tls: Option<&Tls>,
    ) -> Result<(WebPorts<WebListener>, Self), Error> {
        let bind = |address: Option<SocketAddr>, tls: Option<&Tls>| {
            let bound = address.map(|address| bind_one(server, address, tls));
            Ok::<_, Error>(bound.transpose()?.unzip())
        };
        let (http, http_bound) = bind(self.http, None)?;
        let (https, https_bound) = bind(self.https, tls)?;
        let bound = Self {
            http: http_bound,
            https: https_bound,
        };
        Ok((WebPorts { http, https }, bound))
    }

    /// Returns the address where clients reach the plain port, or the other one if there is none.
    ///
    /// # Panics
    /// Never: a policy has one scheme at least.
    pub(crate) fn address(self) -> SocketAddr {
        let address = self.http.or(self.https);
        reachable(address.expect("every policy has a port"))
    }

    /// Returns the address where clients reach the port without TLS.
    pub(crate) fn plain_address(self) -> Option<SocketAddr> {
        self.http.map(reachable)
    }

    /// Returns the address where clients reach the port with TLS.
    pub(crate) fn secure_address(self) -> Option<SocketAddr> {
        self.https.map(reachable)
    }
}

/// Binds a port, and returns also where it is now.
pub(crate) fn bind_one(
    server: Server,
    address: SocketAddr,
    tls: Option<&Tls>,
) -> Result<(WebListener, SocketAddr), Error> {
    let (socket, reached) = listen(server, address)?;
    let bound = SocketAddr::new(address.ip(), reached.port());
    let tls = tls.cloned();
    Ok((WebListener { socket, tls }, bound))
}

#[cfg(test)]
mod tests {
    use minihdfs::config::HdfsConfig;

    use super::*;

    #[test]
    fn a_wildcard_is_the_interface_of_the_namenode() {
        let (config, _) = HdfsConfig::from_pairs([
            ("dfs.http.policy", "HTTP_AND_HTTPS"),
            ("dfs.namenode.http-address", "0.0.0.0:9870"),
        ])
        .expect("a configuration");
        let ports = WebPorts::of_namenode(&config.http, [127, 0, 0, 1].into());
        assert_eq!(ports.http, "127.0.0.1:9870".parse().ok());
        assert_eq!(ports.https, "127.0.0.1:0".parse().ok());
    }

    #[test]
    fn several_datanodes_cannot_share_a_port() {
        let key = "dfs.datanode.http.address";
        let (config, _) = HdfsConfig::from_pairs([(key, "localhost:9864")]).expect("an address");
        let ports = |number| WebPorts::of_datanodes(&config.http, [127, 0, 0, 1].into(), number);
        assert!(ports(1).is_ok());
        let refused = ports(2).expect_err("two at one port").to_string();
        assert!(
            refused.contains("the 2 DataNodes cannot share"),
            "{refused}"
        );
    }
}
