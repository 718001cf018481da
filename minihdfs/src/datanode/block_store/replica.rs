//! One replica: its state, and the moves between folders that go with it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::layout::{self, Layout, META_HEADER, Place};
use super::volumes::Volume;
use crate::datanode::checksum::{CHECKSUM_LENGTH, DataChecksum};
use crate::protocol::{Block, DatanodeStorage, ReplicaState, ReportedReplica};

#[derive(Debug)]
pub(super) struct Replica {
    pub(super) id: u64,
    state: Mutex<State>,
}

/// The mutable part of a replica.
#[derive(Debug)]
pub(super) struct State {
    pub(super) volume: Arc<Volume>,
    pub(super) generation_stamp: u64,
    pub(super) replica_state: ReplicaState,
    pub(super) place: Place,
    /// The number of bytes stored with checksums. It is also `bytesReceived`, because a packet is
    /// stored when it is received.
    pub(super) bytes_on_disk: u64,
    /// The number of bytes that every DataNode downstream has stored too. Readers may see this much
    /// while the replica is being written.
    pub(super) bytes_acked: u64,
    pub(super) checksum: DataChecksum,
    /// The number of the last writer that attached, the only one that may write. A writer with
    /// another number has been stopped.
    pub(super) writer: u64,
    /// The id of the current recovery, and the state before it.
    pub(super) recovery: Option<(u64, ReplicaState)>,
    /// The files, open while it is being written.
    pub(super) files: Option<Files>,
}

/// The two files of a replica, open for reading and writing.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) data: File,
    pub(super) meta: File,
}

impl Files {
    fn open(id: u64, state: &State) -> io::Result<Self> {
        let layout = &state.volume.layout;
        Ok(Self {
            data: layout::open(&layout.data(state.place, id), true)?,
            meta: layout::open(&layout.meta(state.place, id, state.generation_stamp), true)?,
        })
    }

    /// Creates the files and the header of the meta file. Does not touch files that already exist,
    /// and leaves nothing behind on failure.
    fn create(id: u64, state: &State) -> io::Result<Self> {
        let layout = &state.volume.layout;
        let data = layout.data(state.place, id);
        let meta = layout.meta(state.place, id, state.generation_stamp);
        let files = Self {
            data: create_new(&data)?,
            meta: create_new(&meta).inspect_err(|_| remove_own(&data))?,
        };
        layout::write_meta_header(&files.meta, state.checksum).inspect_err(|_| {
            remove_own(&data);
            remove_own(&meta);
        })?;
        Ok(files)
    }
}

impl State {
    /// Stops the current writer: its next write fails.
    pub(super) fn stop_writer(&mut self) {
        self.writer += 1;
        self.files = None;
    }

    /// Returns the number of bytes that readers may see; `None` if they must not read the replica
    /// at all.
    pub(super) fn visible_length(&self) -> Option<u64> {
        match self
            .recovery
            .map_or(self.replica_state, |(_, before)| before)
        {
            ReplicaState::Finalized => Some(self.bytes_on_disk),
            ReplicaState::Rbw => Some(self.bytes_acked),
            ReplicaState::Rwr | ReplicaState::Rur | ReplicaState::Temporary => None,
        }
    }
}

impl Replica {
    /// Creates a new, empty replica and its files.
    pub(super) fn create(
        volume: Arc<Volume>,
        block: Block,
        replica_state: ReplicaState,
        place: Place,
        checksum: DataChecksum,
    ) -> io::Result<Self> {
        let mut state = State {
            volume,
            generation_stamp: block.generation_stamp,
            replica_state,
            place,
            bytes_on_disk: 0,
            bytes_acked: 0,
            checksum,
            writer: 0,
            recovery: None,
            files: None,
        };
        state.files = Some(Files::create(block.id, &state)?);
        Ok(Self {
            id: block.id,
            state: Mutex::new(state),
        })
    }

    /// Loads a replica from an earlier run. It is either finalized, or waits for recovery with the
    /// part that matches its checksums.
    pub(super) fn load(
        volume: &Arc<Volume>,
        place: Place,
        id: u64,
        generation_stamp: u64,
    ) -> io::Result<Self> {
        let layout = &volume.layout;
        let data = layout::open(&layout.data(place, id), false)?;
        let meta = layout::open(&layout.meta(place, id, generation_stamp), false)?;
        let checksum = layout::read_meta_header(&meta)?;
        let length = data.metadata()?.len();
        let (replica_state, length) = match place {
            Place::Finalized => (ReplicaState::Finalized, length),
            Place::Rbw | Place::Temporary => (
                ReplicaState::Rwr,
                intact_length(&data, &meta, checksum, length)?,
            ),
        };
        Ok(Self {
            id,
            state: Mutex::new(State {
                volume: Arc::clone(volume),
                generation_stamp,
                replica_state,
                place,
                bytes_on_disk: length,
                bytes_acked: length,
                checksum,
                writer: 0,
                recovery: None,
                files: None,
            }),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // At worst, a writer that panicked has left part of a packet after the length given by the
        // state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn block(&self, state: &State) -> Block {
        Block {
            id: self.id,
            generation_stamp: state.generation_stamp,
            length: state.bytes_on_disk,
        }
    }

    /// Returns the replica for a report, and its storage.
    pub(super) fn report(&self) -> (DatanodeStorage, ReportedReplica) {
        let state = self.state();
        let reported = ReportedReplica {
            block: self.block(&state),
            state: state.replica_state,
        };
        (state.volume.storage().clone(), reported)
    }

    pub(super) fn describe(&self, state: &State) -> String {
        format!(
            "{}, {}, numBytes={}",
            self.block(state),
            java_name(state.replica_state),
            state.bytes_on_disk
        )
    }

    /// Opens the files if necessary and makes the caller the only writer. Returns the writer's
    /// number.
    pub(super) fn attach_writer(&self, state: &mut State) -> io::Result<u64> {
        if state.files.is_none() {
            state.files = Some(Files::open(self.id, state)?);
        }
        state.writer += 1;
        Ok(state.writer)
    }

    /// Moves the files to the folder for this state, and renames them for this generation stamp.
    pub(super) fn relocate(
        &self,
        state: &mut State,
        place: Place,
        generation_stamp: u64,
    ) -> io::Result<()> {
        let volume = Arc::clone(&state.volume);
        let layout: &Layout = &volume.layout;
        let (from, old_stamp) = (state.place, state.generation_stamp);
        if from != place {
            let (old, new) = (layout.data(from, self.id), layout.data(place, self.id));
            check_free(&new)?;
            std::fs::rename(&old, &new).or_else(|error| {
                if error.kind() != io::ErrorKind::NotFound {
                    return Err(error);
                }
                std::fs::create_dir_all(layout.folder(place, self.id))?;
                std::fs::rename(&old, &new)
            })?;
            state.place = place;
        }
        if from != place || old_stamp != generation_stamp {
            let new = layout.meta(place, self.id, generation_stamp);
            let moved = check_free(&new)
                .and_then(|()| std::fs::rename(layout.meta(from, self.id, old_stamp), new));
            if moved.is_err() && from != place {
                // Moves the data file back, so that both files stay together.
                std::fs::rename(layout.data(place, self.id), layout.data(from, self.id))?;
                state.place = from;
            }
            moved?;
            state.generation_stamp = generation_stamp;
        }
        Ok(())
    }

    /// Finalizes the replica and stops its writer.
    pub(super) fn finalize(&self, state: &mut State, generation_stamp: u64) -> io::Result<()> {
        self.relocate(state, Place::Finalized, generation_stamp)?;
        state.replica_state = ReplicaState::Finalized;
        state.recovery = None;
        state.bytes_acked = state.bytes_on_disk;
        state.stop_writer();
        Ok(())
    }

    /// Truncates the replica to `length` and recomputes the checksum of a partial last chunk. Fails
    /// if that chunk is damaged, because a new checksum would hide the damage.
    pub(super) fn truncate(&self, state: &mut State, length: u64) -> io::Result<()> {
        if state.files.is_none() {
            state.files = Some(Files::open(self.id, state)?);
        }
        let Some(files) = &state.files else {
            return Ok(());
        };
        let checksum = state.checksum;
        let chunk = checksum.bytes_per_checksum();
        let partial = length % chunk;
        let mut end = layout::checksum_position(checksum, length);
        if partial > 0 && !checksum.is_none() {
            let start = length - partial;
            let mut left = vec![0; chunk.min(state.bytes_on_disk.saturating_sub(start)) as usize];
            files.data.read_exact_at(&mut left, start)?;
            let mut stored = [0; CHECKSUM_LENGTH];
            files.meta.read_exact_at(&mut stored, end)?;
            if checksum.verify(&left, &stored).is_err() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the chunk at {start} does not match its checksum"),
                ));
            }
            left.truncate(partial as usize);
            files
                .meta
                .write_all_at(&checksum.of_chunk(&left).to_be_bytes(), end)?;
            end += CHECKSUM_LENGTH as u64;
        }
        files.data.set_len(length)?;
        files.meta.set_len(end)?;
        state.bytes_on_disk = length;
        state.bytes_acked = state.bytes_acked.min(length);
        Ok(())
    }

    pub(super) fn remove_files(&self, state: &State) -> io::Result<()> {
        let layout = &state.volume.layout;
        // Ignores files that were already removed externally, and leaves links that others made.
        for path in [
            layout.data(state.place, self.id),
            layout.meta(state.place, self.id, state.generation_stamp),
        ] {
            match layout::length_of_file(&path).and_then(|_| std::fs::remove_file(path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Creates a file that must not exist (Hadoop's `DatanodeUtil.createFileWithExistsCheck`).
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => present(path),
        _ => error,
    })
}

/// Fails if a rename would replace an existing file.
fn check_free(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(present(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn present(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("File {} should not be present, but is.", path.display()),
    )
}

/// Removes a file that was just created and that nothing refers to yet.
fn remove_own(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "an empty file stays on disk");
    }
}

/// Returns the length of an unfinished replica that can be kept: it has checksums and ends in a
/// chunk that matches its own (Hadoop's `validateIntegrityAndSetLength`).
fn intact_length(data: &File, meta: &File, checksum: DataChecksum, length: u64) -> io::Result<u64> {
    if checksum.is_none() {
        return Ok(length);
    }
    let chunk_length = checksum.bytes_per_checksum();
    let checksums =
        meta.metadata()?.len().saturating_sub(META_HEADER as u64) / CHECKSUM_LENGTH as u64;
    let length = length.min(checksums.saturating_mul(chunk_length));
    let Some(start) = length
        .checked_sub(1)
        .map(|last| last / chunk_length * chunk_length)
    else {
        return Ok(0);
    };
    let mut chunk = vec![0; (length - start) as usize];
    data.read_exact_at(&mut chunk, start)?;
    let mut stored = [0; CHECKSUM_LENGTH];
    meta.read_exact_at(&mut stored, layout::checksum_position(checksum, start))?;
    Ok(match checksum.verify(&chunk, &stored) {
        Ok(()) => length,
        Err(_) => start,
    })
}

/// Returns the name of a state as in Hadoop.
pub(super) fn java_name(state: ReplicaState) -> &'static str {
    match state {
        ReplicaState::Finalized => "FINALIZED",
        ReplicaState::Rbw => "RBW",
        ReplicaState::Rwr => "RWR",
        ReplicaState::Rur => "RUR",
        ReplicaState::Temporary => "TEMPORARY",
    }
}
