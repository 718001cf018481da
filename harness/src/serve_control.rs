//! The methods that open a fixture's control socket.

use std::path::Path;
use std::sync::Arc;

use crate::control::Control;
use crate::realm_alone::served;
use crate::{Cluster, Error, Realm};

impl Realm {
    /// Answers the requests of the `kerbox` command on a socket, until the returned value is
    /// dropped. With the socket `control.sock` in the fixture's [directory](Self::path), that is
    /// `kerbox principal list --dir DIRECTORY`. The file must not exist.
    ///
    /// ```
    /// let realm = kerbox::Realm::start_blocking()?;
    /// let control = realm.serve_control(realm.path().join("control.sock"))?;
    /// let asked = std::process::Command::new("kerbox")
    ///     .args(["clock", "advance", "1h", "--dir"])
    ///     .arg(realm.path())
    ///     .output();
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn serve_control(&self, path: impl AsRef<Path>) -> Result<Control, Error> {
        Control::start(path.as_ref(), served(self))
    }
}

impl Cluster {
    /// Answers the requests of the `kerbox` command on a socket, until the returned value is
    /// dropped; see [`Realm::serve_control`]. Faults that were added there stay until they are
    /// removed, or until the cluster ends.
    pub fn serve_control(&self, path: impl AsRef<Path>) -> Result<Control, Error> {
        Control::start(path.as_ref(), Arc::clone(&self.served))
    }
}
