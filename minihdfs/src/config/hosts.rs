//! Host names in lists of hosts.

use std::net::IpAddr;

use super::HdfsConfig;

impl HdfsConfig {
    /// Adds the addresses of the hosts that the lists for proxy users and services name, because
    /// the servers compare addresses only. A name without an address matches no client, as in
    /// Hadoop.
    pub fn resolve_hosts(&mut self, resolve: impl Fn(&str) -> Vec<IpAddr>) {
        let addresses = |host: &str| -> Vec<String> {
            let found = if is_name(host) {
                resolve(host)
            } else {
                Vec::new()
            };
            found.iter().map(IpAddr::to_string).collect()
        };
        for rule in self.proxy_users.values_mut() {
            let found = rule.hosts.iter().flat_map(|host| addresses(host));
            let found: Vec<String> = found.collect();
            rule.hosts.extend(found);
        }
        for (key, list) in &mut self.service_authorization.policy {
            if key.contains(".hosts") {
                let found = list.split(',').flat_map(|host| addresses(host.trim()));
                let found: Vec<String> = found.collect();
                for address in found {
                    list.push(',');
                    list.push_str(&address);
                }
            }
        }
    }
}

/// Returns false for `*`, an address, a network, and what is known without asking.
fn is_name(host: &str) -> bool {
    !host.is_empty()
        && host != "*"
        && !host.contains('/')
        && host.parse::<IpAddr>().is_err()
        && !host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_addresses_and_all_else_stays() {
        let (mut config, _) = HdfsConfig::from_pairs([
            (
                "hadoop.proxyuser.oozie.hosts",
                "gw.test, 10.0.0.0/8,nowhere.test",
            ),
            ("security.client.protocol.hosts", "gw.test,127.0.0.1"),
            ("security.client.protocol.acl", "gw.test"),
        ])
        .expect("a configuration");
        config.resolve_hosts(|name| match name {
            "gw.test" => vec![[10, 1, 2, 3].into()],
            "nowhere.test" => Vec::new(),
            other => panic!("{other} needs no address"),
        });
        assert_eq!(
            config.proxy_users["oozie"].hosts,
            ["gw.test", "10.0.0.0/8", "nowhere.test", "10.1.2.3"]
        );
        let policy = |key: &str| &*config.service_authorization.policy[key];
        assert_eq!(
            policy("security.client.protocol.hosts"),
            "gw.test,127.0.0.1,10.1.2.3"
        );
        assert_eq!(policy("security.client.protocol.acl"), "gw.test");
    }
}
