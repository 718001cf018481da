//! Servers that are stopped, paused and started again over the control socket.

use kerbox_net::Peer;
use serde_json::{Value, json};

use crate::Error;
use crate::control::request::NodeChange;
#[cfg(feature = "web")]
use crate::servers::console::ConsoleServer;
use crate::servers::datanodes::Datanode;
use crate::servers::kdcs::KdcServer;
use crate::servers::namenode::NameNodeServer;

/// One of a fixture's servers.
pub(super) enum Node<'a> {
    Kdc(KdcServer<'a>),
    Namenode(NameNodeServer<'a>),
    Datanode(Datanode<'a>),
    #[cfg(feature = "web")]
    Console(ConsoleServer<'a>),
}

impl Node<'_> {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Kdc(kdc) => format!("kdc{}", kdc.number()),
            Self::Namenode(_) => "namenode".to_owned(),
            Self::Datanode(datanode) => format!("datanode{}", datanode.number()),
            #[cfg(feature = "web")]
            Self::Console(_) => "console".to_owned(),
        }
    }

    /// Shows each open connection.
    pub(super) fn show_connections(&self, see: &mut dyn FnMut(&Peer<'_>)) {
        match self {
            Self::Kdc(kdc) => kdc.show_connections(see),
            Self::Namenode(node) => node.show_connections(see),
            Self::Datanode(node) => node.show_connections(see),
            #[cfg(feature = "web")]
            Self::Console(node) => node.show_connections(see),
        }
    }

    fn describe(&self) -> Value {
        let (address, is_running, is_paused) = match self {
            Self::Kdc(kdc) => (kdc.address(), kdc.is_running(), kdc.is_paused()),
            Self::Namenode(node) => (node.address(), node.is_running(), node.is_paused()),
            Self::Datanode(node) => (node.address(), node.is_running(), node.is_paused()),
            #[cfg(feature = "web")]
            Self::Console(node) => (node.address(), node.is_running(), node.is_paused()),
        };
        let state = match (is_running, is_paused) {
            (true, _) => "running",
            (false, true) => "paused",
            (false, false) => "stopped",
        };
        json!({"node": self.name(), "address": address.to_string(), "state": state})
    }

    fn change(&self, change: NodeChange) -> Result<(), Error> {
        match self {
            Self::Kdc(kdc) => match change {
                NodeChange::Stop | NodeChange::Kill => kdc.stop(),
                NodeChange::Pause => kdc.pause(),
                NodeChange::Resume => kdc.resume(),
                NodeChange::Restart => return kdc.restart(),
            },
            Self::Namenode(node) => match change {
                NodeChange::Stop => node.stop(),
                NodeChange::Kill => node.kill(),
                NodeChange::Pause => node.pause(),
                NodeChange::Resume => node.resume(),
                NodeChange::Restart => return node.restart(),
            },
            Self::Datanode(node) => match change {
                NodeChange::Stop => node.stop(),
                NodeChange::Kill => node.kill(),
                NodeChange::Pause => node.pause(),
                NodeChange::Resume => node.resume(),
                NodeChange::Restart => return node.restart(),
            },
            #[cfg(feature = "web")]
            Self::Console(node) => match change {
                NodeChange::Stop | NodeChange::Kill => node.stop(),
                NodeChange::Pause => node.pause(),
                NodeChange::Resume => node.resume(),
                NodeChange::Restart => return node.restart(),
            },
        }
        Ok(())
    }
}

/// Returns all servers with their states.
pub(super) fn list(nodes: &[Node<'_>]) -> Value {
    nodes.iter().map(Node::describe).collect()
}

/// Changes a server, and returns its state afterwards.
pub(super) fn change(nodes: &[Node<'_>], name: &str, change: NodeChange) -> Result<Value, String> {
    let wanted = match name {
        "kdc" => "kdc1",
        other => other,
    };
    let Some(node) = nodes.iter().find(|node| node.name() == wanted) else {
        let names: Vec<String> = nodes.iter().map(Node::name).collect();
        return Err(format!(
            "there is no server {name:?}; write {}",
            names.join(", ")
        ));
    };
    node.change(change).map_err(|error| error.to_string())?;
    Ok(node.describe())
}
