//! What a fixture gives up when it ends: its directory and its persistent folder.

use std::sync::Arc;
use std::thread;

use kerbox_krb5::Clock;

use crate::Error;
use crate::directory::Directory;
use crate::persistent::Persistent;
use crate::spec::world::WorldSettings;

/// A fixture's directory, which ends with the fixture unless the caller created it.
pub(super) struct Ending {
    pub(super) directory: Arc<Directory>,
    pub(super) is_ours: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Handles may outlive the fixture. They keep the value alive, but not the directory.
        if self.is_ours {
            self.directory.close(thread::panicking());
        }
    }
}

/// A fixture's persistent folder, which the fixture gives up when it ends.
pub(super) struct Leaving {
    pub(super) persistent: Arc<Persistent>,
    clock: Clock,
}

impl Leaving {
    /// Opens the folder, if the fixture has one, and sets the clock to the time that it keeps.
    pub(super) fn open(settings: &WorldSettings) -> Result<Option<Self>, Error> {
        let Some(folder) = &settings.persistent else {
            return Ok(None);
        };
        let clock = settings.clock.clone();
        let persistent = Arc::new(Persistent::open(folder, &clock)?);
        Ok(Some(Self { persistent, clock }))
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.persistent.close(&self.clock);
    }
}
