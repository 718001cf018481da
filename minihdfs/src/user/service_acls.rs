//! Service-level authorization: the users and hosts that may use each protocol (Hadoop's
//! `ServiceAuthorizationManager` with the keys of `hadoop-policy.xml`).

use std::collections::BTreeMap;

use super::proxy_users::host_matches;
use super::{AuthMethod, Caller};
use crate::config::HdfsConfig;
use crate::config::service_policy::{DATANODE_PRINCIPAL, DEFAULT, OF_DATANODES, PROTOCOLS};
use crate::error::HdfsError;

/// The lists of all protocols, if `hadoop.security.authorization` is on.
#[derive(Clone, Debug, Default)]
pub struct ServiceAcls {
    enabled: bool,
    policy: BTreeMap<String, String>,
}

impl ServiceAcls {
    /// Creates the lists set in a configuration.
    #[must_use]
    pub fn from_config(config: &HdfsConfig) -> Self {
        Self {
            enabled: config.service_authorization.enabled,
            policy: config.service_authorization.policy.clone(),
        }
    }

    /// Returns whether the lists count at all.
    pub(super) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Takes over the lists of a configuration, but not whether they count.
    pub(super) fn replace_policy(&mut self, config: &HdfsConfig) {
        let policy = &config.service_authorization.policy;
        self.policy.clone_from(policy);
    }

    /// Checks that `caller`, a member of these groups, may use the protocol that a connection
    /// names.
    ///
    /// # Errors
    /// Fails like Hadoop with `AuthorizationException`.
    pub fn authorize(
        &self,
        caller: &Caller,
        groups: &[String],
        protocol: Option<&str>,
    ) -> Result<(), HdfsError> {
        if !self.enabled {
            return Ok(());
        }
        let refuse = |message: String| Err(HdfsError::authorization(message));
        let Some(protocol) = protocol else {
            return refuse("Null protocol not authorized".to_owned());
        };
        let Some((_, key)) = PROTOCOLS.iter().find(|(name, _)| *name == protocol) else {
            return refuse(format!(
                "Unknown protocol: {}",
                kerbox_events::cut(protocol)
            ));
        };
        let hosts = key.replace(".acl", ".hosts");
        let allowed = includes_user(&self.value(key, ".acl", "", "*"), caller, groups);
        let blocked = includes_user(&self.value(key, ".acl", ".blocked", ""), caller, groups);
        let principal = self.client_principal(protocol, caller);
        let is_other = |principal: &String| *principal != *caller.user.full;
        if principal.as_ref().is_some_and(is_other) || !allowed || blocked {
            let cause = match principal {
                Some(principal) => format!("this service is only accessible by {principal}"),
                None => "denied by configured ACL".to_owned(),
            };
            return refuse(format!(
                "User {} is not authorized for protocol interface {protocol}: {cause}",
                shown(caller)
            ));
        }
        let allowed = includes_host(&self.value(&hosts, ".hosts", "", "*"), caller);
        let blocked = includes_host(&self.value(&hosts, ".hosts", ".blocked", ""), caller);
        if !allowed || blocked {
            return refuse(format!(
                "Host {} is not authorized for protocol interface {protocol}",
                caller.address
            ));
        }
        Ok(())
    }

    /// Returns the only principal that may use a protocol, if it is one of DataNodes. Its host is
    /// the caller's: without a name service, `localhost` or an address.
    fn client_principal(&self, protocol: &str, caller: &Caller) -> Option<String> {
        let configured = self.policy.get(DATANODE_PRINCIPAL).map(|it| it.trim());
        let principal = configured.filter(|principal| !principal.is_empty())?;
        if !OF_DATANODES.contains(&protocol) {
            return None;
        }
        let host = match caller.address {
            address if address.is_loopback() => "localhost".to_owned(),
            address => address.to_string(),
        };
        Some(principal.replace("_HOST", &host))
    }

    /// Returns the value of a protocol's key, of the default key of the same kind, or `otherwise`.
    fn value(&self, key: &str, kind: &str, suffix: &str, otherwise: &str) -> String {
        let own = self.policy.get(&format!("{key}{suffix}"));
        let default = DEFAULT.replace(".acl", kind) + suffix;
        let found = own.or_else(|| self.policy.get(&default));
        found.map_or(otherwise, String::as_str).to_owned()
    }
}

/// Returns true if a list has the caller: `user1,user2 group1,group2`, or `*`.
fn includes_user(list: &str, caller: &Caller, own: &[String]) -> bool {
    let (users, groups) = list.split_once(' ').unwrap_or((list, ""));
    let has = |list: &str, name: &str| list.split(',').any(|entry| entry.trim() == name);
    list.trim() == "*"
        || users.trim() == "*"
        || groups.trim() == "*"
        || has(users, &caller.user.short)
        || own.iter().any(|group| has(groups, group))
}

fn includes_host(list: &str, caller: &Caller) -> bool {
    let mut hosts = list.split(',').map(str::trim);
    hosts.any(|host| host_matches(host, caller.address))
}

/// Formats a caller like `UserGroupInformation.toString`.
fn shown(caller: &Caller) -> String {
    let method = match caller.method {
        AuthMethod::Simple => "SIMPLE",
        AuthMethod::Kerberos => "KERBEROS",
        AuthMethod::Token => "TOKEN",
    };
    match &caller.real_user {
        None => format!("{} (auth:{method})", caller.user.full),
        Some(real) => format!(
            "{} (auth:PROXY) via {} (auth:{method})",
            caller.user.full, real.full
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::user::User;

    const CLIENT: &str = "org.apache.hadoop.hdfs.protocol.ClientProtocol";
    const GROUPS: &str = "org.apache.hadoop.tools.GetUserMappingsProtocol";

    /// The lists and the groups of a configuration.
    struct Acls(ServiceAcls, BTreeMap<String, Vec<String>>);

    impl Acls {
        fn authorize(&self, caller: &Caller, protocol: Option<&str>) -> Result<(), HdfsError> {
            let groups = self.1.get(&*caller.user.short).cloned().unwrap_or_default();
            self.0.authorize(caller, &groups, protocol)
        }
    }

    fn acls(pairs: &[(&str, &str)]) -> Acls {
        let always = [
            ("hadoop.security.authorization", "true"),
            (
                "hadoop.user.group.static.mapping.overrides",
                "alice=staff;bob=students",
            ),
        ];
        let pairs = always.into_iter().chain(pairs.iter().copied());
        let (config, warnings) = HdfsConfig::from_pairs(pairs).expect("a configuration");
        assert!(warnings.is_empty(), "{warnings:?}");
        Acls(ServiceAcls::from_config(&config), config.groups.overrides)
    }

    fn caller(name: &str) -> Caller {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Caller::new(User::simple(name), AuthMethod::Simple, address)
    }

    fn refusal(acls: &Acls, name: &str, protocol: Option<&str>) -> String {
        let error = acls.authorize(&caller(name), protocol);
        let error = error.expect_err("not authorized");
        assert!(error.class().ends_with(".AuthorizationException"));
        error.message().to_owned()
    }

    #[test]
    fn without_lists_everybody_may_use_known_protocols() {
        let acls = acls(&[]);
        acls.authorize(&caller("alice"), Some(CLIENT)).expect("*");
        assert_eq!(
            refusal(&acls, "alice", Some("x.Y")),
            "Unknown protocol: x.Y"
        );
        assert_eq!(
            refusal(&acls, "alice", None),
            "Null protocol not authorized"
        );
        let off = ServiceAcls::default();
        off.authorize(&caller("alice"), &[], None)
            .expect("it is off");
    }

    #[test]
    fn users_and_groups_of_a_list_may_use_its_protocol() {
        let acls = acls(&[("security.client.protocol.acl", "carol staff,admins")]);
        for name in ["carol", "alice"] {
            acls.authorize(&caller(name), Some(CLIENT)).expect("listed");
        }
        assert_eq!(
            refusal(&acls, "bob", Some(CLIENT)),
            format!(
                "User bob (auth:SIMPLE) is not authorized for protocol interface {CLIENT}: denied by configured ACL"
            )
        );
        acls.authorize(&caller("bob"), Some(GROUPS))
            .expect("another protocol");
    }

    #[test]
    fn a_list_of_groups_alone_begins_with_a_space() {
        let acls = acls(&[("security.client.protocol.acl", " students")]);
        acls.authorize(&caller("bob"), Some(CLIENT))
            .expect("a student");
        refusal(&acls, "students", Some(CLIENT));
    }

    #[test]
    fn blocked_users_and_the_defaults_count_too() {
        let acls = acls(&[
            ("security.client.protocol.acl.blocked", "bob"),
            ("security.service.authorization.default.acl", "alice"),
        ]);
        for (name, protocol, allowed) in [
            ("alice", CLIENT, true),
            ("bob", CLIENT, false),
            ("alice", GROUPS, true),
            ("bob", GROUPS, false),
        ] {
            let answer = acls.authorize(&caller(name), Some(protocol));
            assert_eq!(answer.is_ok(), allowed, "{name} {protocol}");
        }
    }

    #[test]
    fn hosts_are_addresses_or_networks() {
        let acls = acls(&[
            ("security.client.protocol.hosts", "10.0.0.0/8"),
            (
                "security.get.user.mappings.protocol.hosts.blocked",
                "127.0.0.1",
            ),
        ]);
        for protocol in [CLIENT, GROUPS] {
            assert_eq!(
                refusal(&acls, "alice", Some(protocol)),
                format!("Host 127.0.0.1 is not authorized for protocol interface {protocol}")
            );
        }
    }

    #[test]
    fn only_datanodes_use_their_protocols() {
        let acls = acls(&[("dfs.datanode.kerberos.principal", "dn/_HOST@EXAMPLE.COM")]);
        for protocol in OF_DATANODES {
            acls.authorize(&caller("dn/localhost@EXAMPLE.COM"), Some(protocol))
                .expect("a DataNode");
            assert_eq!(
                refusal(&acls, "alice", Some(protocol)),
                format!(
                    "User alice (auth:SIMPLE) is not authorized for protocol interface {protocol}: \
                     this service is only accessible by dn/localhost@EXAMPLE.COM"
                )
            );
        }
        acls.authorize(&caller("alice"), Some(CLIENT)).expect("*");
    }

    #[test]
    fn a_proxy_is_named_with_its_user() {
        let acls = acls(&[("security.client.protocol.acl", "carol")]);
        let caller = caller("alice").on_behalf_by(User::simple("oozie"));
        let error = acls.authorize(&caller, Some(CLIENT)).expect_err("alice");
        assert!(
            error
                .message()
                .starts_with("User alice (auth:PROXY) via oozie (auth:SIMPLE) is not"),
            "{error}"
        );
    }
}
