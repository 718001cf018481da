//! Proxy users: impersonation rules by user and address (Hadoop's `DefaultImpersonationProvider`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::User;
use crate::config::{HdfsConfig, ProxyUser};
use crate::error::HdfsError;

/// The rules `hadoop.proxyuser.<name>.{users,groups,hosts}`.
///
/// ```
/// use minihdfs::config::HdfsConfig;
/// use minihdfs::user::{ProxyUsers, User};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (config, _) = HdfsConfig::from_pairs([
///     ("hadoop.proxyuser.oozie.users", "alice"),
///     ("hadoop.proxyuser.oozie.hosts", "10.0.0.0/8"),
/// ])?;
/// let [oozie, alice, bob] = ["oozie", "alice", "bob"].map(User::simple);
/// let rules = ProxyUsers::from_config(&config);
/// rules.authorize(&oozie, &alice, &[], [10, 1, 2, 3].into())?;
/// let refused = rules.authorize(&oozie, &bob, &[], [10, 1, 2, 3].into());
/// let refused = refused.expect_err("not allowed");
/// assert_eq!(refused.message(), "User: oozie is not allowed to impersonate bob");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProxyUsers {
    rules: BTreeMap<String, ProxyUser>,
}

impl ProxyUsers {
    /// Creates the rules set in a configuration.
    #[must_use]
    pub fn from_config(config: &HdfsConfig) -> Self {
        Self {
            rules: config.proxy_users.clone(),
        }
    }

    /// Checks that `real` may impersonate `effective`, a member of these groups, from `address`.
    /// Either users or groups must allow it, and hosts must as well.
    pub fn authorize(
        &self,
        real: &User,
        effective: &User,
        groups: &[String],
        address: IpAddr,
    ) -> Result<(), HdfsError> {
        let rule = self.rules.get(&*real.short);
        let allowed = rule.is_some_and(|rule| {
            let any = |list: &[String]| list.iter().any(|entry| entry == "*");
            any(&rule.users)
                || any(&rule.groups)
                || rule.users.iter().any(|user| *user == *effective.short)
                || rule.groups.iter().any(|group| groups.contains(group))
        });
        if !allowed {
            return Err(HdfsError::authorization(format!(
                "User: {} is not allowed to impersonate {}",
                real.full, effective.full
            )));
        }
        if !rule.is_some_and(|rule| rule.hosts.iter().any(|host| host_matches(host, address))) {
            return Err(HdfsError::authorization(format!(
                "Unauthorized connection for super-user: {} from IP {address}",
                real.full
            )));
        }
        Ok(())
    }
}

/// Matches `*`, an address, a network in CIDR notation, or `localhost`. Other names never match,
/// because nothing here queries DNS.
pub(super) fn host_matches(host: &str, address: IpAddr) -> bool {
    let address = address.to_canonical();
    if host == "*" {
        return true;
    }
    if host.eq_ignore_ascii_case("localhost") {
        return address.is_loopback();
    }
    if let Ok(host) = host.parse::<IpAddr>() {
        return host.to_canonical() == address;
    }
    let Some((network, length)) = host.split_once('/') else {
        return false;
    };
    match (network.parse(), length.parse::<u32>(), address) {
        (Ok(IpAddr::V4(network)), Ok(length @ 0..=32), IpAddr::V4(address)) => {
            let differing = u32::from(network) ^ u32::from(address);
            differing.leading_zeros() >= length
        }
        (Ok(IpAddr::V6(network)), Ok(length @ 0..=128), IpAddr::V6(address)) => {
            let differing = u128::from(network) ^ u128::from(address);
            differing.leading_zeros() >= length
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn proxies(pairs: &[(&str, &str)]) -> HdfsConfig {
        let (config, _) = HdfsConfig::from_pairs(pairs.iter().copied()).expect("a configuration");
        config
    }

    fn attempt(
        config: &HdfsConfig,
        real: &str,
        effective: &str,
        address: &str,
    ) -> Result<(), HdfsError> {
        let real = User {
            full: format!("{real}/localhost@EXAMPLE.COM").into(),
            short: real.into(),
        };
        let groups = config
            .groups
            .overrides
            .get(effective)
            .cloned()
            .unwrap_or_default();
        ProxyUsers::from_config(config).authorize(
            &real,
            &User::simple(effective),
            &groups,
            address.parse().expect("an address"),
        )
    }

    #[test]
    fn what_is_not_named_is_denied() {
        let none = proxies(&[]);
        let error = attempt(&none, "oozie", "alice", "127.0.0.1").expect_err("no rule");
        assert_eq!(
            error.class(),
            "org.apache.hadoop.security.authorize.AuthorizationException"
        );
        assert_eq!(
            error.message(),
            "User: oozie/localhost@EXAMPLE.COM is not allowed to impersonate alice"
        );
        let only_hosts = proxies(&[("hadoop.proxyuser.oozie.hosts", "*")]);
        assert!(attempt(&only_hosts, "oozie", "alice", "127.0.0.1").is_err());
        let only_users = proxies(&[("hadoop.proxyuser.oozie.users", "*")]);
        let error = attempt(&only_users, "oozie", "alice", "127.0.0.1").expect_err("no host");
        assert_eq!(
            error.message(),
            "Unauthorized connection for super-user: oozie/localhost@EXAMPLE.COM from IP 127.0.0.1"
        );
    }

    #[test]
    fn users_or_groups_allow_it_together_with_hosts() {
        let proxies = proxies(&[
            ("hadoop.proxyuser.oozie.hosts", "10.0.0.0/8, localhost"),
            ("hadoop.proxyuser.oozie.users", "alice"),
            ("hadoop.proxyuser.oozie.groups", "staff"),
            (
                "hadoop.user.group.static.mapping.overrides",
                "bob=staff,others;carol=others",
            ),
        ]);
        for (user, address, allowed) in [
            ("alice", "127.0.0.1", true),
            ("bob", "10.255.0.1", true),
            ("carol", "127.0.0.1", false),
            ("alice", "11.0.0.1", false),
            ("alice", "::1", true),
            ("alice", "::ffff:10.1.2.3", true),
        ] {
            assert_eq!(
                attempt(&proxies, "oozie", user, address).is_ok(),
                allowed,
                "{user} {address}"
            );
        }
        assert!(
            attempt(&proxies, "hive", "alice", "127.0.0.1").is_err(),
            "another proxy user has no rule"
        );
    }

    #[test]
    fn hosts_are_addresses_networks_and_localhost() {
        for (host, address, matches) in [
            ("*", LOOPBACK, true),
            ("127.0.0.1", LOOPBACK, true),
            ("127.0.0.0/8", LOOPBACK, true),
            ("0.0.0.0/0", LOOPBACK, true),
            ("128.0.0.0/1", LOOPBACK, false),
            ("10.0.0.0/33", LOOPBACK, false),
            ("fe80::/10", "fe80::1".parse().expect("an address"), true),
            ("fe80::/10", LOOPBACK, false),
            ("gateway.example.com", LOOPBACK, false),
        ] {
            assert_eq!(host_matches(host, address), matches, "{host} {address}");
        }
    }
}
