//! The folder in which a fixture keeps what it has, for the next one:
//!
//! ```text
//! in_use.lock    excludes other processes
//! fixture        the clock, and how often the folder was used
//! realm          the principals, with their keys
//! name/          the NameNode's, in Hadoop's format
//! blocks/        the DataNodes'
//! ```
//!
//! The first three are written here. Each is replaced only by whom the lock admits, and only if the
//! present one could be read as ours.

mod durable;
mod realm_file;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kerbox_krb5::{Clock, Timestamp};
use minihdfs::namenode::storage::server::Lock;

use self::durable::{make_folder, unusable};
use self::state::{SavedClock, State};
use crate::Error;

pub(crate) use self::realm_file::RealmFile;
pub(crate) use self::state::SavedDatanode;

const LOCK: &str = "in_use.lock";
/// The NameNode's folder.
pub(crate) const NAME: &str = "name";
/// The DataNodes' folder.
pub(crate) const BLOCKS: &str = "blocks";

/// Something to do before the folder is given up.
type AtEnd = Box<dyn FnOnce() + Send>;

/// The folder of a fixture that outlives its process. It is locked until [`close`](Self::close).
pub(crate) struct Persistent {
    folder: PathBuf,
    state: Mutex<State>,
    at_end: Mutex<Vec<AtEnd>>,
    /// `None` once the fixture has ended.
    lock: Mutex<Option<Lock>>,
}

impl Persistent {
    /// Opens the folder, and creates it if it is missing. Sets the clock to where the last fixture
    /// in it left it; a new folder takes the clock as it is.
    pub(crate) fn open(folder: &Path, clock: &Clock) -> Result<Self, Error> {
        make_folder(folder)?;
        let lock = Lock::take(&folder.join(LOCK))?;
        let state = match State::read(folder)? {
            Some(mut state) => {
                state.clock.resume(clock);
                state.starts = state.starts.saturating_add(1);
                state
            }
            None => State::new(clock),
        };
        let persistent = Self {
            folder: folder.to_owned(),
            state: Mutex::new(state),
            at_end: Mutex::default(),
            lock: Mutex::new(Some(lock)),
        };
        // Before anything is drawn from the seed of this start.
        persistent.change(|state| state.clock = SavedClock::of(clock))?;
        Ok(persistent)
    }

    /// Returns the seed of this start. Another start in the same folder has another one, so that no
    /// key is drawn twice.
    pub(crate) fn seed(&self, seed: u64) -> u64 {
        /// 2^64 divided by the golden ratio: its multiples are far from each other.
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        seed.wrapping_add(self.state().starts.wrapping_mul(STEP))
    }

    /// Returns true if an earlier process died while it made the first directories of a namespace.
    pub(crate) fn begins(&self) -> bool {
        self.state().begins
    }

    /// Keeps whether the first directories of a namespace are being made.
    pub(crate) fn set_begins(&self, begins: bool) -> Result<(), Error> {
        self.change(|state| state.begins = begins)
    }

    /// Returns the path of the name directory.
    pub(crate) fn name(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Returns the path of the DataNodes' folder.
    pub(crate) fn blocks(&self) -> PathBuf {
        self.folder.join(BLOCKS)
    }

    /// Returns the identity of the folder's DataNode, which is `new` if it has none yet.
    ///
    /// # Errors
    /// Fails if its replicas belong to another namespace than that of `new`: the NameNode of that
    /// one would have them deleted.
    pub(crate) fn datanode(&self, new: SavedDatanode) -> Result<SavedDatanode, Error> {
        let kept = self.state().datanode.clone();
        match kept {
            Some(kept) if kept.block_pool_id != new.block_pool_id => {
                let why = format!(
                    "it holds the blocks of {}, and the NameNode has those of {}: start that \
                     NameNode, or name another folder",
                    kept.block_pool_id, new.block_pool_id
                );
                Err(unusable(&self.folder, why))
            }
            Some(kept) => Ok(kept),
            None => {
                self.change(|state| state.datanode = Some(new.clone()))?;
                Ok(new)
            }
        }
    }

    /// Keeps the clock, which is about to be moved to `target`. After a crash on the way, time goes
    /// on from there.
    pub(crate) fn clock_moves(&self, clock: &Clock, target: Timestamp) -> Result<(), Error> {
        self.change(|state| state.clock = SavedClock::of(clock).moved(clock, target))
    }

    /// Keeps the clock as it is.
    pub(crate) fn keep_clock(&self, clock: &Clock) -> Result<(), Error> {
        self.change(|state| state.clock = SavedClock::of(clock))
    }

    /// Keeps the clock if it was moved, frozen or resumed by its handle, or has run for a while.
    pub(crate) fn follow(&self, clock: &Clock) -> Result<(), Error> {
        if self.state().clock.is_still(clock) {
            return Ok(());
        }
        self.keep_clock(clock)
    }

    /// Does something before the folder is given up.
    pub(crate) fn at_end(&self, action: impl FnOnce() + Send + 'static) {
        lock(&self.at_end).push(Box::new(action));
    }

    /// Gives the folder up. Nothing can be kept in it afterwards.
    pub(crate) fn close(&self, clock: &Clock) {
        let actions = std::mem::take(&mut *lock(&self.at_end));
        actions.into_iter().for_each(|action| action());
        if let Err(error) = self.keep_clock(clock) {
            tracing::warn!("the clock is kept as it was before: {error}");
        }
        drop(lock(&self.lock).take());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Changes the state and writes it.
    fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), Error> {
        let mut state = self.state();
        let mut changed = state.clone();
        change(&mut changed);
        let _held = self.held()?;
        changed.write(&self.folder)?;
        *state = changed;
        Ok(())
    }

    /// Fails if the fixture has ended: another one may have the folder now.
    fn held(&self) -> Result<MutexGuard<'_, Option<Lock>>, Error> {
        let held = lock(&self.lock);
        match *held {
            Some(_) => Ok(held),
            None => Err(unusable(&self.folder, "its fixture has ended".to_owned())),
        }
    }
}

impl fmt::Debug for Persistent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Persistent in {}", self.folder.display())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The guarded values change in single steps, so a panic elsewhere leaves them valid.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
