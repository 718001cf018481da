//! A fixture's directory. It is created or named for the fixture, locked while the fixture lives,
//! and removed when it ends, even after a killed run.
//!
//! Kerbox removes, replaces or opens only files that are provably its own: see the marker and
//! ARCHITECTURE.md's table.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::Error;

mod folders;
mod keep;
mod marker;
mod reaper;
mod removal;
#[cfg(test)]
mod tests;

use folders::{has_only_datanodes, is_datanodes, is_free, make_folder, make_missing};
use keep::Keep;
use marker::{Kind, Marker, Refusal};
use reaper::{PREFIX, await_reaper, reap_once};
use removal::{clear, remove, remove_file};

pub use crate::client::environment::{hadoop_option, java_option, shell_word};
pub(crate) use marker::is_marked;
pub use reaper::reap;

/// A fixture's directory.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    keep: Keep,
    /// `None` once the directory is closed.
    marker: Mutex<Option<Marker>>,
}

impl Directory {
    /// Creates a new directory with mode 0700 below the system's temporary directory.
    pub(crate) fn temporary() -> Result<Self, Error> {
        reap_once();
        Self::temporary_in(&std::env::temp_dir(), PREFIX)
    }

    /// Creates a new directory with mode 0700 in `parent`, whose name begins with `prefix`.
    pub fn temporary_in(parent: &Path, prefix: &str) -> Result<Self, Error> {
        Self::new_in(parent, prefix, Keep::from_environment())
    }

    fn new_in(parent: &Path, prefix: &str, keep: Keep) -> Result<Self, Error> {
        let doing = || format!("make a directory in {}", parent.display());
        let path = tempfile::Builder::new()
            .prefix(prefix)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(Error::io(doing()))?
            .keep();
        let path = path.canonicalize().map_err(Error::io(doing()))?;
        let marker = Marker::create(&path, Kind::Temporary);
        Self::marked(path, keep, marker)
    }

    /// Creates a removed [temporary](Self::temporary) directory again at the same path.
    pub(crate) fn again(path: &Path) -> Result<Self, Error> {
        let marker = match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => Marker::create(path, Kind::Temporary),
            // The directory could not be removed, or was kept. One that another program made
            // meanwhile has no marker.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Marker::claim_again(path),
            Err(error) => Err(error.into()),
        };
        Self::marked(path.to_owned(), Keep::from_environment(), marker)
    }

    fn marked(path: PathBuf, keep: Keep, marker: Result<Marker, Refusal>) -> Result<Self, Error> {
        let mut marker = marker.map_err(|refusal| refused(&path, refusal))?;
        // At once: a fixture that is never dropped, or killed, must not lose what is to be kept.
        if keep == Keep::Always {
            marker
                .keep()
                .map_err(Error::io(format!("mark {} as kept", path.display())))?;
        }
        Ok(Self::new(path, keep, marker))
    }

    /// Opens the directory at `path`, which stays there at the end. It is created if missing, used
    /// if empty, and reused if Kerbox has marked it. The files of an earlier run that its marker
    /// names are removed. Fails if it contains anything else, was made for one fixture, or
    /// [keeps](Self::keeping) what is in it.
    pub fn at(path: &Path) -> Result<Self, Error> {
        let (path, mut marker) = claimed(path, is_free)?;
        if marker.kept {
            let why = "a persistent fixture keeps its blocks in it".to_owned();
            return Err(refused(&path, Refusal::NotOurs(why)));
        }
        clear(&path, &mut marker).map_err(Error::io(format!(
            "remove an earlier run's files in {}",
            path.display()
        )))?;
        Ok(Self::new(path, Keep::Theirs, marker))
    }

    /// Same as [`at`](Self::at), but keeps what an earlier run has left in it, now and from now on.
    /// Also takes a directory in which there are folders of DataNodes of Hadoop and nothing else.
    pub(crate) fn keeping(path: &Path) -> Result<Self, Error> {
        let (path, mut marker) = claimed(path, has_only_datanodes)?;
        marker
            .keep()
            .map_err(Error::io(format!("mark {} as kept", path.display())))?;
        Ok(Self::new(path, Keep::Theirs, marker))
    }

    fn new(path: PathBuf, keep: Keep, marker: Marker) -> Self {
        Self {
            path,
            keep,
            marker: Mutex::new(Some(marker)),
        }
    }

    /// Returns the absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether Kerbox created it for this fixture only.
    pub fn is_temporary(&self) -> bool {
        self.keep != Keep::Theirs
    }

    /// Returns whether Kerbox created the directory at `path` for one fixture, dead or alive.
    pub fn is_of_one_fixture(path: &Path) -> bool {
        path.canonicalize()
            .is_ok_and(|path| marker::is_temporary(&path))
    }

    /// Returns whether it will remain after the fixture's end; `failed` says whether a test is
    /// failing.
    pub fn is_kept(&self, failed: bool) -> bool {
        match self.keep {
            Keep::Never => false,
            Keep::OnFailure => failed,
            Keep::Always | Keep::Theirs => true,
        }
    }

    /// Writes a file with mode 0600 and creates its folders. The file is renamed into place, so
    /// that a reader never sees half of it. Fails if the file exists and is not the one that Kerbox
    /// wrote.
    pub fn write(&self, name: &str, contents: &[u8]) -> Result<PathBuf, Error> {
        let mut marker = self.open()?;
        let path = self.path.join(name);
        let cannot = |error| Error::io(format!("write {}", path.display()))(error);
        let parent = self.make_parents(name)?;
        let is_new = !self.is_ours(&marker, name)?;
        let mut unfinished = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempfile_in(parent)
            .map_err(cannot)?;
        unfinished.write_all(contents).map_err(cannot)?;
        let found = unfinished.as_file().metadata().map_err(cannot)?;
        // Recorded before it is in place: after a kill in between, the next run still removes it.
        if let Some(marker) = &mut *marker {
            marker.add_written(name, &found).map_err(cannot)?;
        }
        let written = if is_new {
            unfinished.persist_noclobber(&path)
        } else {
            unfinished.persist(&path)
        };
        written.map_err(|error| {
            if let Some(marker) = &mut *marker {
                marker.drop_written(name, &found);
            }
            cannot(error.error)
        })?;
        Ok(path)
    }

    /// Records a file that another program makes for us: a socket, or a client's cache. The next
    /// run in this directory removes it. Fails if the file exists and was not recorded before.
    pub fn expect(&self, name: &str) -> Result<PathBuf, Error> {
        let mut marker = self.open()?;
        self.make_parents(name)?;
        self.is_ours(&marker, name)?;
        self.note(&mut marker, name, Marker::add_file)?;
        Ok(self.path.join(name))
    }

    /// Records a folder in which a DataNode keeps replicas. The next run in this directory removes
    /// them, unless they are kept. Fails if the folder exists and was not recorded before, except
    /// in a directory that keeps what is in it, if the folder is that of a DataNode of Hadoop.
    pub(crate) fn expect_blocks(&self, name: &str) -> Result<PathBuf, Error> {
        let mut marker = self.open()?;
        self.make_parents(name)?;
        if !marker
            .as_ref()
            .is_some_and(|marker| marker.blocks.contains(name))
        {
            let is_kept = marker.as_ref().is_some_and(|marker| marker.kept);
            if !(is_kept && is_datanodes(&self.path.join(name))) {
                self.is_ours(&marker, name)?;
            }
            self.note(&mut marker, name, Marker::add_blocks)?;
        }
        Ok(self.path.join(name))
    }

    /// Creates a folder with mode 0700 in it.
    pub(crate) fn make_folder(&self, name: &str) -> Result<(), Error> {
        self.make_parents(&format!("{name}/x")).map(drop)
    }

    /// Removes a file that Kerbox wrote or [expected](Self::expect), if it exists.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let marker = self.open()?;
        if let Some(proof) = marker.as_ref().and_then(|marker| marker.files.get(name)) {
            remove_file(&self.path, name, proof).map_err(Error::io(format!(
                "remove {}",
                self.path.join(name).display()
            )))?;
        }
        Ok(())
    }

    /// Stops using the directory and removes it, unless it is to be kept. `failed` says whether a
    /// test is failing. Nothing can be written into it afterwards.
    pub fn close(&self, failed: bool) {
        let Some(mut marker) = self.marker().take() else {
            return;
        };
        if self.is_temporary() {
            await_reaper();
        }
        // A later run deals with whatever cannot be removed or marked as kept: no reason to fail
        // here.
        if !self.is_kept(failed) && !marker.kept {
            remove(&self.path, &marker);
        } else if self.is_temporary() {
            marker.keep_or_unmark(&self.path);
        }
        let _ = marker.unlock();
    }

    fn marker(&self) -> MutexGuard<'_, Option<Marker>> {
        // Each line is added in one step, so a panic leaves no half-written state.
        self.marker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, Option<Marker>>, Error> {
        let marker = self.marker();
        if marker.is_some() {
            return Ok(marker);
        }
        let over = io::Error::new(ErrorKind::NotFound, "its fixture has ended");
        Err(Error::io(format!("use {}", self.path.display()))(over))
    }

    /// Returns whether there is a file that the marker proves to be ours. Fails if there is
    /// another.
    fn is_ours(&self, marker: &Option<Marker>, name: &str) -> Result<bool, Error> {
        let path = self.path.join(name);
        let Ok(found) = path.symlink_metadata() else {
            return Ok(false);
        };
        let proof = marker.as_ref().and_then(|marker| marker.files.get(name));
        if proof.is_some_and(|proof| proof.fits(&found)) {
            return Ok(true);
        }
        let why = "it is there, and Kerbox did not write it".to_owned();
        Err(Error::DirectoryNotOurs { path, why })
    }

    fn note(
        &self,
        marker: &mut Option<Marker>,
        name: &str,
        add: impl FnOnce(&mut Marker, &str) -> io::Result<()>,
    ) -> Result<(), Error> {
        let noted = marker.as_mut().map_or(Ok(()), |marker| add(marker, name));
        let path = self.path.join(name);
        noted.map_err(Error::io(format!("note {} in the marker", path.display())))
    }

    /// Creates the folders above `name`. Fails if one is a link, which might lead outside.
    fn make_parents(&self, name: &str) -> Result<PathBuf, Error> {
        if !marker::stays_inside(name) {
            return Err(Error::Setting {
                key: "file".to_owned(),
                value: name.to_owned(),
                why: "it must stay in the fixture's directory: leave out `..`, `/` at the \
                      beginning, and control characters"
                    .to_owned(),
            });
        }
        let mut folder = self.path.clone();
        for part in Path::new(name)
            .parent()
            .into_iter()
            .flat_map(Path::components)
        {
            folder.push(part);
            make_folder(&folder)?;
        }
        Ok(folder)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.close(thread::panicking());
    }
}

/// Returns the process that uses a directory, according to its marker; `None` if no process does.
pub fn holder_of(directory: &Path) -> Option<String> {
    marker::holder_of(directory)
}

/// Returns the id of the user who runs this process.
pub fn user() -> u32 {
    marker::user()
}

/// Creates the directory at `path` if it is missing, and marks it or takes it over.
/// A directory without a marker must be `usable`.
fn claimed(
    path: &Path,
    usable: impl FnOnce(&Path) -> Result<(), Refusal>,
) -> Result<(PathBuf, Marker), Error> {
    make_missing(path)?;
    let path = fs::canonicalize(path).map_err(Error::io(format!("find {}", path.display())))?;
    let marker = match Marker::claim(&path) {
        Err(Refusal::Io(error)) if error.kind() == ErrorKind::NotFound => {
            usable(&path).and_then(|()| Marker::create(&path, Kind::Named))
        }
        claimed => claimed,
    };
    let marker = marker.map_err(|refusal| refused(&path, refusal))?;
    Ok((path, marker))
}

fn refused(path: &Path, refusal: Refusal) -> Error {
    let path = path.to_owned();
    match refusal {
        Refusal::InUse(owner) => Error::DirectoryInUse { path, owner },
        Refusal::NotOurs(why) => Error::DirectoryNotOurs { path, why },
        Refusal::Io(source) => Error::io(format!("use {}", path.display()))(source),
    }
}
