//! The fixture that a control socket belongs to.

use std::sync::Arc;

use crate::Realm;
use crate::servers::hdfs::Hdfs;
use crate::world::World;

/// The fixture that a control socket belongs to. It does not keep the fixture running.
pub(super) struct Target {
    pub(super) world: Arc<World>,
    pub(super) realm: Option<Realm>,
    pub(super) hdfs: Option<Arc<Hdfs>>,
}

impl Target {
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Returns the realm, which a cluster with simple security lacks.
    pub(super) fn realm(&self) -> Result<&Realm, String> {
        self.realm
            .as_ref()
            .ok_or_else(|| String::from("there is no KDC: the servers run with simple security"))
    }
}
