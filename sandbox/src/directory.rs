//! The folder of a sandbox: choosing it, and letting other commands find it. As for every fixture,
//! its marker proves that it is ours and shows whether it is in use.

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbox::Error;
use kerbox::directory::{holder_of, reap, user};

use crate::failure::Failure;
use crate::note::note;
use crate::ready;

/// The first line of an entry file, which points to a folder that a user named.
const ENTRY: &str = "kerbox sandbox, format 1";
const ENTRY_PREFIX: &str = "named-";

/// The folder that this process serves from.
#[derive(Debug)]
pub(crate) struct Directory {
    files: Arc<kerbox::directory::Directory>,
    /// The file through which other commands find a folder that the user named.
    entry: Option<PathBuf>,
}

impl Directory {
    /// Opens the folder that the user named, or a temporary one, which is removed at the end.
    pub(crate) fn open(named: Option<&Path>, command: &str) -> Result<Self, Failure> {
        match named {
            Some(path) => Self::named(path),
            None => Self::temporary(command),
        }
    }

    /// Returns the absolute path.
    pub(crate) fn path(&self) -> &Path {
        self.files.path()
    }

    /// Returns the handle that writes into it.
    pub(crate) fn files(&self) -> &Arc<kerbox::directory::Directory> {
        &self.files
    }

    /// Returns whether it remains after a sandbox ended successfully.
    pub(crate) fn is_kept(&self) -> bool {
        self.files.is_kept(false)
    }

    /// Stops using the folder. A temporary one is removed unless `KERBOX_KEEP` keeps it.
    pub(crate) fn close(&self, failed: bool) {
        for present in ["ready.json", "control.sock"] {
            // It may be gone already, and a leftover one is not trusted once the process is gone.
            let _ = self.files.remove(present);
        }
        if let Some(entry) = &self.entry
            && read_entry(entry).is_some_and(|path| path == self.path())
        {
            let _ = fs::remove_file(entry);
        }
        if self.files.is_temporary() && self.files.is_kept(failed) {
            note(format_args!(
                "the files are kept in {}",
                self.path().display()
            ));
        }
        self.files.close(failed);
    }

    fn named(path: &Path) -> Result<Self, Failure> {
        let files = kerbox::directory::Directory::at(path).map_err(|error| match error {
            Error::DirectoryInUse { path, .. } => {
                let by = ready::pid(&path).map_or_else(String::new, |pid| format!(" (pid {pid})"));
                Failure::Failed(format!(
                    "another kerbox{by} serves from {}; stop it, or name another folder with --dir (KERBOX_DIR does, too)",
                    path.display()
                ))
            }
            error => Failure::Failed(format!("--dir (or KERBOX_DIR): {error}")),
        })?;
        let entry = entry(files.path())
            .inspect_err(|failure| {
                note(format_args!(
                    "warning: {failure}; `kerbox env` finds this sandbox by --dir alone"
                ));
            })
            .ok();
        let files = Arc::new(files);
        Ok(Self { files, entry })
    }

    fn temporary(command: &str) -> Result<Self, Failure> {
        let home = make_home()?;
        reap(&home, "");
        let files = kerbox::directory::Directory::temporary_in(&home, &format!("{command}-"))
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let (files, entry) = (Arc::new(files), None);
        Ok(Self { files, entry })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.close(false);
    }
}

/// Returns whether a process serves from `path`.
pub(crate) fn is_served(path: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|path| holder_of(&path).is_some())
}

/// Returns whether `path` is, or was, a temporary folder that kerbox created.
pub(crate) fn is_of_our_own(path: &Path) -> bool {
    // The folder itself may be gone, and TMPDIR may be a link.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.parent()
        .is_some_and(|parent| real(parent) == real(&home()))
}

/// Returns the folders that a process serves from and that are ready.
pub(crate) fn served() -> Result<Vec<PathBuf>, Failure> {
    let home = home();
    if home.symlink_metadata().is_err() {
        return Ok(Vec::new());
    }
    check_home(&home)?;
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| read_entry(&entry.path()).unwrap_or_else(|| entry.path()))
        .filter(|path| path.join("ready.json").exists() && is_served(path))
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// Returns the folder in which temporary folders are created.
fn home() -> PathBuf {
    // Not `kerbox-…`: those folders belong to test fixtures and are removed by other rules.
    std::env::temp_dir().join(format!("kerbox.{}", user()))
}

fn make_home() -> Result<PathBuf, Failure> {
    let home = home();
    match DirBuilder::new().mode(0o700).create(&home) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Failure::io(
                format_args!("no folder can be made in {}", home.display()),
                error,
            ));
        }
        _ => check_home(&home)?,
    }
    Ok(home)
}

/// Fails if another user could have created the parent of our folders. Repairs nothing: an attacker
/// who can put a link there must not choose what we change.
fn check_home(home: &Path) -> Result<(), Failure> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(
            (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::DIRECTORY)
                .bits()
                .cast_signed(),
        )
        .open(home)
        .and_then(|folder| folder.metadata());
    let why = match opened {
        Err(_) if home.is_symlink() => String::from("it is a symbolic link"),
        Err(error) => error.to_string(),
        Ok(found) if found.uid() != user() => format!("it belongs to the user {}", found.uid()),
        Ok(found) if found.mode() & 0o777 != 0o700 => {
            format!("its mode is {:o} instead of 700", found.mode() & 0o7777)
        }
        Ok(_) => return Ok(()),
    };
    Err(Failure::Failed(format!(
        "{} is not ours: {why}; look at it and remove it, or set TMPDIR or --dir",
        home.display()
    )))
}

/// Records the location of a folder that the user named.
fn entry(path: &Path) -> Result<PathBuf, Failure> {
    let home = make_home()?;
    for entry in fs::read_dir(&home).into_iter().flatten().flatten() {
        // Left by a killed run.
        if read_entry(&entry.path()).is_some_and(|path| !is_served(&path)) {
            let _ = fs::remove_file(entry.path());
        }
    }
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(path);
    let entry = home.join(format!("{ENTRY_PREFIX}{hash:016x}"));
    let written = write_entry(&entry, path);
    written.map_err(|error| {
        Failure::io(format_args!("{} cannot be written", entry.display()), error)
    })?;
    Ok(entry)
}

fn write_entry(entry: &Path, path: &Path) -> io::Result<()> {
    let path = path.to_str().ok_or(ErrorKind::InvalidFilename)?;
    if read_entry(entry).is_some() {
        fs::remove_file(entry)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(entry)?;
    file.write_all(format!("{ENTRY}\n{path}\n").as_bytes())
}

/// Returns the folder that an entry file names, if the file is ours.
fn read_entry(entry: &Path) -> Option<PathBuf> {
    let name = entry.file_name()?.to_str()?;
    let found = entry.symlink_metadata().ok()?;
    if !name.starts_with(ENTRY_PREFIX) || !found.is_file() || found.uid() != user() {
        return None;
    }
    let text = fs::read_to_string(entry).ok()?;
    let path = text.strip_prefix(ENTRY)?.strip_prefix('\n')?;
    path.strip_suffix('\n').map(PathBuf::from)
}
