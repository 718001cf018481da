//! The fixture that a control socket belongs to.

use std::sync::Arc;

use super::nodes::Node;
use crate::Realm;
use crate::servers::hdfs::Hdfs;
use crate::world::World;

/// The fixture that a control socket belongs to. It does not keep the fixture running.
pub(crate) struct Target {
    pub(crate) world: Arc<World>,
    pub(crate) realm: Option<Realm>,
    pub(crate) hdfs: Option<Arc<Hdfs>>,
}

impl Target {
    /// Returns a realm alone.
    pub(crate) fn of_realm(realm: &Realm) -> Self {
        Self {
            world: Arc::clone(realm.world()),
            realm: Some(realm.handle()),
            hdfs: None,
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Returns all servers.
    pub(super) fn nodes(&self) -> Vec<Node<'_>> {
        let mut nodes = Vec::new();
        if let Some(realm) = &self.realm {
            let kdcs = (1..).map_while(|number| realm.kdc_server(number).ok());
            nodes.extend(kdcs.map(Node::Kdc));
            #[cfg(feature = "web")]
            nodes.extend(realm.console_server().map(Node::Console));
        }
        if let Some(hdfs) = &self.hdfs {
            nodes.push(Node::Namenode(hdfs.namenode_server()));
            let datanodes = (1..=hdfs.datanodes()).filter_map(|number| hdfs.datanode(number).ok());
            nodes.extend(datanodes.map(Node::Datanode));
        }
        nodes
    }

    /// Returns the realm, which a cluster with simple security or another's KDC lacks.
    pub(super) fn realm(&self) -> Result<&Realm, String> {
        self.realm.as_ref().ok_or_else(|| {
            "there is no KDC here: the servers run with simple security, or it is a process of its \
             own: name that one's folder by --dir"
                .to_owned()
        })
    }
}
