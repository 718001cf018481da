//! The settings of where HTTP and HTTPS are served.

use std::net::{Ipv4Addr, SocketAddr};

use super::value::{ConfigError, Entry};

/// The schemes that the servers offer (`dfs.http.policy`).
///
/// ```
/// use minihdfs::config::{HdfsConfig, HttpPolicy};
///
/// let (config, _) = HdfsConfig::from_pairs([("dfs.http.policy", "HTTPS_ONLY")])?;
/// assert_eq!(config.http.policy, HttpPolicy::HttpsOnly);
/// assert!(config.http.policy.has_https() && !config.http.policy.has_http());
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum HttpPolicy {
    /// `HTTP_ONLY`
    #[default]
    HttpOnly,
    /// `HTTPS_ONLY`
    HttpsOnly,
    /// `HTTP_AND_HTTPS`
    HttpAndHttps,
}

impl HttpPolicy {
    /// Returns true if there are plain ports.
    #[must_use]
    pub const fn has_http(self) -> bool {
        !matches!(self, Self::HttpsOnly)
    }

    /// Returns true if there are TLS ports.
    #[must_use]
    pub const fn has_https(self) -> bool {
        !matches!(self, Self::HttpOnly)
    }
}

/// The schemes and the addresses of HTTP ports. An address that is `None` is a free port; one with
/// the address 0.0.0.0 means the interface of the NameNode's RPC port.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HttpSettings {
    /// `dfs.http.policy`
    pub policy: HttpPolicy,
    /// `dfs.namenode.http-address`
    pub namenode: Option<SocketAddr>,
    /// `dfs.namenode.https-address`
    pub namenode_secure: Option<SocketAddr>,
    /// `dfs.datanode.http.address`
    pub datanode: Option<SocketAddr>,
    /// `dfs.datanode.https.address`
    pub datanode_secure: Option<SocketAddr>,
    /// `httpfs.http.port`; zero is a free one.
    pub httpfs_port: u16,
    /// `ignore.secure.ports.for.testing`, if it is given.
    pub ignore_secure_ports: Option<bool>,
}

impl HttpSettings {
    /// Sets the field behind a key; false if there is none.
    pub(super) fn set(&mut self, entry: &Entry<'_>) -> Result<bool, ConfigError> {
        match entry.key {
            "dfs.http.policy" => {
                self.policy = match entry.value.to_ascii_uppercase().as_str() {
                    "HTTP_ONLY" => HttpPolicy::HttpOnly,
                    "HTTPS_ONLY" => HttpPolicy::HttpsOnly,
                    "HTTP_AND_HTTPS" => HttpPolicy::HttpAndHttps,
                    _ => return Err(entry.error("write HTTP_ONLY, HTTPS_ONLY or HTTP_AND_HTTPS")),
                }
            }
            "dfs.namenode.http-address" => self.namenode = Some(address(entry)?),
            "dfs.namenode.https-address" => self.namenode_secure = Some(address(entry)?),
            "dfs.datanode.http.address" => self.datanode = Some(address(entry)?),
            "dfs.datanode.https.address" => self.datanode_secure = Some(address(entry)?),
            "httpfs.http.port" => self.httpfs_port = entry.number(0, u16::MAX)?,
            "ignore.secure.ports.for.testing" => self.ignore_secure_ports = Some(entry.boolean()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Checks that a secure DataNode may serve HTTP: Hadoop's demands privileged ports, or SASL and
    /// nothing but HTTPS.
    pub(super) fn check(&self, is_secure: bool, has_sasl: bool) -> Result<(), ConfigError> {
        let is_strict = self.ignore_secure_ports == Some(false);
        if !is_secure || !is_strict || (has_sasl && self.policy == HttpPolicy::HttpsOnly) {
            return Ok(());
        }
        Err(ConfigError::new(
            "ignore.secure.ports.for.testing",
            "false",
            "Cannot start secure DataNode due to incorrect config: set dfs.data.transfer.protection \
             and dfs.http.policy = HTTPS_ONLY, or write true",
        ))
    }
}

/// Parses `host:port`. Nothing here asks a name server, so the host is an address or `localhost`.
fn address(entry: &Entry<'_>) -> Result<SocketAddr, ConfigError> {
    let parsed = match entry.value.strip_prefix("localhost:") {
        Some(port) => port
            .parse()
            .ok()
            .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => entry.value.parse().ok(),
    };
    parsed.ok_or_else(|| {
        entry
            .error("write an IP address or localhost with a port, as in localhost:0 for a free one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HdfsConfig;

    #[test]
    fn addresses_are_numbers_or_localhost() {
        let key = "dfs.namenode.https-address";
        for (text, expected) in [
            ("localhost:0", "127.0.0.1:0"),
            ("0.0.0.0:9871", "0.0.0.0:9871"),
            ("[::1]:9871", "[::1]:9871"),
        ] {
            let (config, _) = HdfsConfig::from_pairs([(key, text)]).expect("an address");
            assert_eq!(config.http.namenode_secure, expected.parse().ok());
        }
        for wrong in ["", "9871", "nn.example.com:9871", "localhost:port"] {
            let refused = HdfsConfig::from_pairs([(key, wrong)]).expect_err("no address");
            assert!(refused.to_string().contains("localhost:0"), "{refused}");
        }
    }

    #[test]
    fn a_policy_is_one_of_hadoops() {
        let set = |value| HdfsConfig::from_pairs([("dfs.http.policy", value)]);
        let policy = |value| set(value).expect("a policy").0.http.policy;
        assert_eq!(policy("http_and_https"), HttpPolicy::HttpAndHttps);
        assert_eq!(policy("HTTPS_ONLY"), HttpPolicy::HttpsOnly);
        assert!(set("HTTPS").is_err());
    }

    #[test]
    fn a_secure_datanode_without_privileged_ports_serves_https_alone() {
        let secure = [
            ("hadoop.security.authentication", "kerberos"),
            ("ignore.secure.ports.for.testing", "false"),
        ];
        let sasl = ("dfs.data.transfer.protection", "authentication");
        let https = ("dfs.http.policy", "HTTPS_ONLY");
        let config = |more: &[_]| HdfsConfig::from_pairs([&secure[..], more].concat());
        for refused in [config(&[]), config(&[sasl]), config(&[https])] {
            let text = refused.expect_err("it is not secure").to_string();
            assert!(
                text.contains("Cannot start secure DataNode due to incorrect config"),
                "{text}"
            );
        }
        assert!(config(&[sasl, https]).is_ok());
    }
}
