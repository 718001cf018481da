//! The settings that every fixture has.

use std::path::PathBuf;
use std::sync::Arc;

use kerbox_krb5::Clock;

use crate::directory::Directory;

/// The settings of a fixture.
#[derive(Clone, Debug)]
pub(crate) struct WorldSettings {
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
    pub(crate) directory: Option<PathBuf>,
    /// A directory that the caller has opened and will close.
    pub(crate) opened: Option<Arc<Directory>>,
    pub(crate) workers: usize,
    /// The folder in which the fixture keeps what it has, for the next one in it.
    pub(crate) persistent: Option<PathBuf>,
    /// The directory of the fixture whose clock this process lives by, so that it moves no clock of
    /// its own.
    pub(crate) leader: Option<PathBuf>,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            seed: 0,
            directory: None,
            opened: None,
            workers: 1,
            persistent: None,
            leader: None,
        }
    }
}
