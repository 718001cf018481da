//! The console of a NameNode.

use std::collections::BTreeSet;

use kerbox_krb5::Timestamp;

use super::operation::Parts;
use crate::Caller;
use crate::config::WebConfig;
use crate::rpc::Call;
use crate::web::auth::Users;
use crate::web::console::{ConsoleFile, ConsoleVerbs, OF_NAMENODE, Owner};
use crate::web::request::Scheme;

/// The most DataNodes whose ports the content security policy names one by one.
const NAMED: usize = 32;

impl Owner for Parts {
    fn users(&self) -> &Users {
        &self.users
    }

    fn config(&self) -> &WebConfig {
        &self.namenode.config().web
    }

    fn verbs(&self) -> Option<&dyn ConsoleVerbs> {
        self.console.verbs()
    }

    fn files(&self) -> &'static [ConsoleFile] {
        &OF_NAMENODE
    }

    fn is_administrator(&self, now: Timestamp, user: &str) -> bool {
        self.namenode.is_administrator(now, user)
    }

    fn administrators(&self) -> &'static str {
        "the superuser and those whom dfs.cluster.administrators names"
    }

    fn place(&self) -> (&'static str, &str) {
        ("namenode", &self.rpc_address)
    }

    /// Returns the origins of the DataNodes' HTTP ports.
    fn origins(&self, now: Timestamp, caller: &Caller, scheme: Scheme) -> String {
        let overview = self.namenode.overview(&Call {
            now,
            caller,
            protocol: "",
            version: 1,
            method: "overview",
            request: &[],
        });
        let by_port = overview.datanodes.len() <= NAMED;
        let nodes = overview.datanodes.iter().map(|node| &node.registration);
        let origins: BTreeSet<String> = nodes
            // A DataNode chooses its name, and must not write into the policy.
            .filter(|node| node.host_name.bytes().all(is_of_a_host))
            .map(|node| {
                let port = match scheme {
                    Scheme::Http => node.info_port,
                    Scheme::Https => node.info_secure_port,
                };
                let port = if by_port {
                    port.to_string()
                } else {
                    "*".to_owned()
                };
                format!("{}://{}:{port}", scheme.name(), node.host_name)
            })
            .take(NAMED)
            .collect();
        origins.into_iter().collect::<Vec<_>>().join(" ")
    }
}

fn is_of_a_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte)
}
