//! A fixture's directory. It is created or named for the fixture, locked while the fixture lives,
//! and removed when it ends, even after a killed run.
//!
//! Kerbox removes, replaces or opens only files that are provably its own: see the marker and
//! ARCHITECTURE.md's table.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use crate::Error;

mod marker;
mod reaper;

use marker::{Kind, Marker, Proof, Refusal};
use reaper::{await_reaper, reap_once};

pub use crate::client::environment::{hadoop_option, java_option};
pub use reaper::reap;

/// Prefix of every directory that Kerbox creates for a fixture.
const PREFIX: &str = "kerbox-";

/// Controls whether the directory is kept at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keep {
    Never,
    OnFailure,
    Always,
    /// Named by the user, who decides about it.
    Theirs,
}

impl Keep {
    /// Reads `KERBOX_KEEP`: `1` keeps every directory, `on-failure` those of tests that panic. A
    /// test that returns [`TestResult`](crate::TestResult) panics when it fails.
    fn from_environment() -> Self {
        static WARNED: Once = Once::new();
        let Some(value) = std::env::var_os("KERBOX_KEEP") else {
            return Self::Never;
        };
        match value.to_str() {
            Some("on-failure") => Self::OnFailure,
            Some("" | "0") => Self::Never,
            Some("1") => Self::Always,
            _ => {
                WARNED.call_once(|| {
                    eprintln!(
                        "kerbox: KERBOX_KEEP={} is none of 0, 1 and on-failure: every directory is \
                         kept, as with 1",
                        value.display()
                    );
                });
                Self::Always
            }
        }
    }
}

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
    /// names are removed. Fails if it contains anything else, or was made for one fixture.
    pub fn at(path: &Path) -> Result<Self, Error> {
        make_missing(path)?;
        let path = fs::canonicalize(path).map_err(Error::io(format!("find {}", path.display())))?;
        let mut marker = match Marker::claim(&path) {
            Err(Refusal::Io(error)) if error.kind() == ErrorKind::NotFound => {
                is_free(&path).and_then(|()| Marker::create(&path, Kind::Named))
            }
            claimed => claimed,
        }
        .map_err(|refusal| refused(&path, refusal))?;
        clear(&path, &mut marker).map_err(Error::io(format!(
            "remove an earlier run's files in {}",
            path.display()
        )))?;
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
    /// them. Fails if the folder exists and was not recorded before.
    pub(crate) fn expect_blocks(&self, name: &str) -> Result<PathBuf, Error> {
        let mut marker = self.open()?;
        self.make_parents(name)?;
        if !marker
            .as_ref()
            .is_some_and(|marker| marker.blocks.contains(name))
        {
            self.is_ours(&marker, name)?;
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

    /// Returns whether there is a file that the marker proves to be ours. Fails if there is another.
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

/// Returns whether a folder is some fixture's own, dead or alive: it has a marker.
pub(crate) fn is_marked(folder: &Path) -> bool {
    folder.join(marker::NAME).symlink_metadata().is_ok()
}

/// Returns the id of the user who runs this process.
pub fn user() -> u32 {
    marker::user()
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                return Ok(());
            }
            Err(Error::DirectoryNotOurs {
                path: folder.to_owned(),
                why: "a folder is needed there, and there is something else".to_owned(),
            })
        }
        made => made.map_err(Error::io(format!(
            "make the directory {}",
            folder.display()
        ))),
    }
}

/// Creates a missing directory and its parents with mode 0700.
fn make_missing(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(path)
        .map_err(Error::io(format!("make the directory {}", path.display())))
}

/// Fails if a directory without a marker cannot be used.
fn is_free(path: &Path) -> Result<(), Refusal> {
    let mode = fs::metadata(path)?.mode();
    if mode & 0o002 != 0 {
        let why = format!("its mode {:o} lets everybody write into it", mode & 0o7777);
        return Err(Refusal::NotOurs(why));
    }
    match fs::read_dir(path)?.next().transpose()? {
        None => Ok(()),
        Some(entry) => Err(Refusal::NotOurs(format!(
            "it is not empty (it holds {}), and Kerbox did not make it",
            entry.file_name().display()
        ))),
    }
}

fn refused(path: &Path, refusal: Refusal) -> Error {
    let path = path.to_owned();
    match refusal {
        Refusal::InUse(owner) => Error::DirectoryInUse { path, owner },
        Refusal::NotOurs(why) => Error::DirectoryNotOurs { path, why },
        Refusal::Io(source) => Error::io(format!("use {}", path.display()))(source),
    }
}

/// Removes the files and replicas that the marker names.
fn clear(path: &Path, marker: &mut Marker) -> io::Result<()> {
    for (name, proof) in &marker.files {
        remove_file(path, name, proof)?;
    }
    for name in &marker.blocks {
        if has_real_parents(path, name) {
            remove_replicas(&path.join(name))?;
        }
    }
    marker.forget_files(path)
}

/// Removes a file below `root`, if it is the recorded one and its path contains no link.
fn remove_file(root: &Path, name: &str, proof: &Proof) -> io::Result<()> {
    let path = root.join(name);
    let is_ours = has_real_parents(root, name)
        && path
            .symlink_metadata()
            .is_ok_and(|found| proof.fits(&found));
    if !is_ours {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn has_real_parents(root: &Path, name: &str) -> bool {
    let mut folder = root.to_owned();
    let parts = Path::new(name)
        .parent()
        .into_iter()
        .flat_map(Path::components);
    parts.into_iter().all(|part| {
        folder.push(part);
        folder.symlink_metadata().is_ok_and(|found| found.is_dir())
    })
}

/// Removes replicas and the folders that this empties; everything else stays.
fn remove_replicas(folder: &Path) -> io::Result<()> {
    if is_marked(folder) || !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            remove_replicas(&entry.path())?;
        } else if kind.is_file() && name.to_str().is_some_and(is_replica) {
            fs::remove_file(entry.path())?;
        }
    }
    match fs::remove_dir(folder) {
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed,
    }
}

/// Returns whether a file is named as a DataNode names its replicas: `blk_1` and `blk_1_1001.meta`.
fn is_replica(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = name.strip_prefix("blk_") else {
        return false;
    };
    match rest.strip_suffix(".meta") {
        None => is_number(rest),
        Some(rest) => rest
            .split_once('_')
            .is_some_and(|(id, stamp)| is_number(id) && is_number(stamp)),
    }
}

/// Removes a directory that Kerbox created, if this marker still belongs to it. The marker is
/// deleted last, so that a kill in between leaves a directory that the next run removes. A
/// subfolder with a marker of its own stays, and so does a mounted one, and all folders above it.
fn remove(path: &Path, marker: &Marker) {
    let Ok(found) = path.symlink_metadata() else {
        return;
    };
    if !marker.is_at(path) {
        return;
    }
    // A server that has not quite ended may create a file meanwhile.
    for _ in 0..3 {
        empty(path, found.dev());
        let mut rest = fs::read_dir(path).into_iter().flatten().flatten();
        if rest.all(|entry| entry.file_name() == marker::NAME) {
            let _ = fs::remove_file(path.join(marker::NAME));
            let _ = fs::remove_dir(path);
            return;
        }
    }
}

/// Removes what is in a folder, except markers, marked folders and those on another device.
fn empty(folder: &Path, device: u64) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name() != marker::NAME) {
        let path = entry.path();
        // A later run deals with whatever cannot be removed.
        let _ = match path.symlink_metadata() {
            Ok(found) if !found.is_dir() => fs::remove_file(path),
            Ok(found) if found.dev() == device && !is_marked(&path) => {
                empty(&path, device);
                fs::remove_dir(path)
            }
            _ => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o7777
    }

    #[test]
    fn a_temporary_directory_is_private_and_goes_with_its_fixture() {
        let directory = Directory::temporary().expect("a directory");
        let path = directory.path().to_owned();
        assert_eq!(mode(&path), 0o700);
        directory.write("a/b", b"").expect("ours");
        drop(directory);
        assert!(!path.exists());
        let again = Directory::again(&path).expect("free");
        assert_eq!(mode(&path), 0o700);
        drop(again);
        assert!(!path.exists());
        // Another process is faster.
        fs::create_dir(&path).expect("free");
        assert!(Directory::again(&path).is_err());
        fs::remove_dir(&path).expect("still there, and empty");
    }

    #[test]
    fn a_named_directory_has_one_owner_and_stays() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("a/b");
        let first = Directory::at(&path).expect("it is free");
        let Err(Error::DirectoryInUse { owner, .. }) = Directory::at(&path) else {
            panic!("two owners");
        };
        assert!(owner.contains(&std::process::id().to_string()), "{owner}");
        assert!(holder_of(&path).is_some());
        drop(first);
        assert_eq!(holder_of(&path), None);
        Directory::at(&path).expect("it is free again");
    }

    #[test]
    fn a_directory_that_is_not_ours_is_left_as_it_is() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("work");
        fs::create_dir(&path).expect("new");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
        fs::write(path.join("krb5.conf"), "mine").expect("writable");
        let Err(error @ Error::DirectoryNotOurs { .. }) = Directory::at(&path) else {
            panic!("it is not ours");
        };
        let told = error.to_string();
        assert!(
            told.contains("krb5.conf") && told.contains("empty or a new"),
            "{told}"
        );
        assert_eq!(fs::read(path.join("krb5.conf")).expect("there"), b"mine");
        assert_eq!(
            (mode(&path), fs::read_dir(&path).expect("there").count()),
            (0o755, 1)
        );

        fs::remove_file(path.join("krb5.conf")).expect("ours");
        drop(Directory::at(&path).expect("empty, so that it can be used"));
        assert_eq!(mode(&path), 0o755);

        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o777)).expect("ours");
        let open = parent.path().join("open");
        fs::create_dir(&open).expect("new");
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("ours");
        assert!(matches!(
            Directory::at(&open),
            Err(Error::DirectoryNotOurs { .. })
        ));
    }

    #[test]
    fn of_an_earlier_run_only_what_the_marker_names_goes() {
        let parent = tempfile::tempdir().expect("a directory");
        let (path, outside) = (parent.path().join("d"), parent.path().join("outside"));
        let directory = Directory::at(&path).expect("free");
        for name in ["krb5.conf", "keytabs/a.keytab", "hadoop/core-site.xml"] {
            directory.write(name, b"ours").expect("free");
        }
        let node = directory.expect_blocks("blocks/dn1").expect("free");
        fs::create_dir_all(node.join("current")).expect("ours");
        let mine = ["notes", "blk_mine", "blk_1.txt", "blk_1.meta", "blk_1_2"];
        for name in mine.into_iter().chain(["blk_1", "blk_1_1001.meta"]) {
            let name = format!("current/{name}");
            fs::write(node.join(name), "").expect("writable");
        }
        drop(directory);
        for name in ["env.sh", "keytabs/mine.keytab"] {
            fs::write(path.join(name), "mine").expect("writable");
        }
        // A link in place of one of our folders leads to a file of the same name.
        fs::rename(path.join("hadoop"), &outside).expect("ours");
        symlink(&outside, path.join("hadoop")).expect("free");

        let directory = Directory::at(&path).expect("ours");
        let exists = |name: &str| path.join(name).exists();
        assert!(!exists("krb5.conf") && !exists("keytabs/a.keytab"));
        for name in ["blk_1", "blk_1_1001.meta"] {
            assert!(!node.join("current").join(name).exists(), "{name}");
        }
        for name in mine {
            assert!(node.join("current").join(name).exists(), "{name}");
        }
        assert!(exists("keytabs/mine.keytab") && exists("hadoop/core-site.xml"));
        directory.write("krb5.conf", b"new").expect("free again");
        directory.write("krb5.conf", b"newer").expect("ours");
        for name in [
            "env.sh",
            "keytabs/mine.keytab",
            "hadoop/core-site.xml",
            "../x",
        ] {
            assert!(directory.write(name, b"ours").is_err(), "{name}");
        }
        assert_eq!(fs::read(path.join("env.sh")).expect("there"), b"mine");
        assert_eq!(
            fs::read(outside.join("core-site.xml")).expect("there"),
            b"ours"
        );
    }

    #[test]
    fn a_directory_that_was_replaced_is_not_removed() {
        let directory = Directory::temporary().expect("a directory");
        let path = directory.path().to_owned();
        let moved = path.with_extension("moved");
        fs::rename(&path, &moved).expect("ours");
        fs::create_dir(&path).expect("free");
        fs::write(path.join("precious"), "").expect("writable");
        drop(directory);
        assert!(path.join("precious").exists() && moved.exists());
        fs::remove_dir_all(&path).expect("made here");
        fs::remove_dir_all(&moved).expect("made here");
    }

    #[test]
    fn a_copy_of_a_directory_is_not_removed() {
        let directory = Directory::temporary().expect("a directory");
        let path = directory.path().to_owned();
        let moved = path.with_extension("moved");
        fs::rename(&path, &moved).expect("ours");
        fs::create_dir(&path).expect("free");
        fs::copy(moved.join(marker::NAME), path.join(marker::NAME)).expect("readable");
        fs::write(path.join("precious"), "").expect("writable");
        drop(directory);
        assert!(path.join("precious").exists());
        fs::remove_dir_all(&path).expect("made here");
        fs::remove_dir_all(&moved).expect("made here");
    }

    #[test]
    fn a_directory_inside_another_stays_with_the_folders_above_it() {
        let parent = tempfile::tempdir().expect("a directory");
        let outer = Directory::new_in(parent.path(), PREFIX, Keep::Never).expect("writable");
        let path = outer.path().to_owned();
        outer.write("other/file", b"").expect("ours");
        let inner = Directory::at(&path.join("a/inner")).expect("new");
        let precious = inner.write("precious", b"").expect("ours");
        drop(outer);
        assert!(precious.exists() && path.join(marker::NAME).exists());
        assert!(!path.join("other").exists());
        drop(inner);
        fs::remove_dir_all(path.join("a")).expect("made here");
        reap(parent.path(), PREFIX);
        assert!(!path.exists());
    }

    #[test]
    fn evidence_is_marked_at_once_and_never_taken_over() {
        let parent = tempfile::tempdir().expect("a directory");
        let kept = Directory::new_in(parent.path(), PREFIX, Keep::Always).expect("writable");
        let path = kept.path().to_owned();
        let marker = || fs::read_to_string(path.join(marker::NAME)).expect("there");
        // As a kill would leave it.
        assert!(marker().contains("\nkept\n"));
        kept.write("log", b"").expect("ours");
        drop(kept);
        let before = marker();
        let Err(error @ Error::DirectoryNotOurs { .. }) = Directory::at(&path) else {
            panic!("it was taken over");
        };
        assert!(
            error
                .to_string()
                .contains("made for one fixture; name another"),
            "{error}"
        );
        assert!(path.join("log").exists() && marker() == before);
    }

    #[test]
    fn folders_of_replicas_that_are_gone_are_forgotten() {
        let parent = tempfile::tempdir().expect("a directory");
        let directory = Directory::at(parent.path()).expect("free");
        directory.expect_blocks("dn1").expect("free");
        drop(directory);
        drop(Directory::at(parent.path()).expect("ours"));
        fs::create_dir(parent.path().join("dn1")).expect("gone");
        fs::write(parent.path().join("dn1/blk_1"), "mine").expect("writable");
        let directory = Directory::at(parent.path()).expect("ours");
        assert!(parent.path().join("dn1/blk_1").exists());
        assert!(directory.expect_blocks("dn1").is_err());
    }

    #[test]
    fn a_users_file_under_the_name_of_ours_is_kept_and_refused() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path();
        let directory = Directory::at(path).expect("free");
        for name in ["krb5.conf", "keytabs/a.keytab"] {
            directory.write(name, b"ours").expect("free");
        }
        directory.expect("ccache/a").expect("free");
        drop(directory);
        for name in ["krb5.conf", "keytabs/a.keytab"] {
            fs::remove_file(path.join(name)).expect("ours");
            fs::write(path.join(name), "mine").expect("writable");
        }
        symlink(path.join("krb5.conf"), path.join("ccache/a")).expect("free");

        let directory = Directory::at(path).expect("ours");
        for name in ["krb5.conf", "keytabs/a.keytab"] {
            assert_eq!(fs::read(path.join(name)).expect("there"), b"mine");
            assert!(directory.write(name, b"ours").is_err(), "{name}");
        }
        assert!(directory.expect("ccache/a").is_err());
        assert!(path.join("ccache/a").is_symlink());

        // While the fixture lives, too.
        directory.write("env.sh", b"ours").expect("free");
        directory.write("env.sh", b"newer").expect("ours");
        fs::write(path.join("env.sh"), "mine, and longer").expect("writable");
        assert!(directory.write("env.sh", b"ours").is_err());
        directory.remove("env.sh").expect("nothing to do");
        assert!(path.join("env.sh").exists());
    }

    #[test]
    fn a_file_that_could_not_be_written_is_not_recorded() {
        let directory = Directory::temporary().expect("a directory");
        let name = "x".repeat(256);
        assert!(directory.write(&name, b"").is_err(), "the name is too long");
        let marker = directory.marker();
        assert!(
            marker
                .as_ref()
                .is_some_and(|marker| marker.files.is_empty())
        );
    }

    #[test]
    fn evidence_outlives_a_second_use_of_its_path() {
        let parent = tempfile::tempdir().expect("a directory");
        let kept = Directory::new_in(parent.path(), PREFIX, Keep::Always).expect("writable");
        let path = kept.path().to_owned();
        kept.write("log", b"").expect("ours");
        drop(kept);
        drop(Directory::again(&path).expect("free"));
        assert!(path.join("log").exists());
    }
}
