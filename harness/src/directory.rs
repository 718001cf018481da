//! The directory of a fixture: made for it, locked while it lives, gone when it ends, also after a
//! killed run.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kerbox_krb5::Clock;

use crate::Error;

/// Every directory that Kerbox makes for a fixture begins with this.
const PREFIX: &str = "kerbox-";
/// Held with an exclusive lock, which the system releases even when a process is killed. Tells a
/// person whose it is.
const LOCK: &str = ".lock";
/// Stands in a directory that is kept as evidence, so that later runs leave it alone.
const KEPT: &str = ".kept";
/// How old a directory without a lock file must be before it is taken for an orphan.
const ORPHAN_AGE: Duration = Duration::from_secs(600);

/// What becomes of the directory at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keep {
    Never,
    OnFailure,
    Always,
    /// The user named it, and knows what to do with it.
    Theirs,
}

impl Keep {
    /// `KERBOX_KEEP=1` keeps every directory, `KERBOX_KEEP=on-failure` those of tests that panic.
    fn from_environment() -> Self {
        match std::env::var("KERBOX_KEEP").as_deref() {
            Ok("on-failure") => Self::OnFailure,
            Ok("" | "0") | Err(_) => Self::Never,
            Ok(_) => Self::Always,
        }
    }
}

/// A fixture's directory.
pub(crate) struct Directory {
    path: PathBuf,
    keep: Keep,
    /// Locked as long as it is open.
    _lock: File,
}

impl Directory {
    /// A new one below the system's temporary directory, of mode 0700.
    pub(crate) fn temporary() -> Result<Self, Error> {
        reap_once();
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let path = builder
                .tempdir()
                .map_err(Error::io(format!(
                    "make a directory in {}",
                    std::env::temp_dir().display()
                )))?
                .keep();
            // A run that starts at this very moment may take the directory for an orphan between
            // the two steps: then make another.
            if let Ok(lock) = lock(&path)
                && path.exists()
            {
                return Ok(Self {
                    path,
                    keep: Keep::from_environment(),
                    _lock: lock,
                });
            }
        }
    }

    /// One that was [temporary](Self::temporary) and is gone, at the same path again.
    pub(crate) fn again(path: &Path) -> Result<Self, Error> {
        let mut directory = Self::at(path)?;
        directory.keep = Keep::from_environment();
        Ok(directory)
    }

    /// The one at `path`, made if it is not there, and left there at the end.
    pub(crate) fn at(path: &Path) -> Result<Self, Error> {
        make_private(path)?;
        let path = fs::canonicalize(path).map_err(Error::io(format!("find {}", path.display())))?;
        Ok(Self {
            _lock: lock(&path)?,
            path,
            keep: Keep::Theirs,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it will be there after the fixture's end; `failed` says whether a test is failing.
    pub(crate) fn is_kept(&self, failed: bool) -> bool {
        match self.keep {
            Keep::Never => false,
            Keep::OnFailure => failed,
            Keep::Always | Keep::Theirs => true,
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.keep != Keep::Theirs {
            await_reaper();
        }
        // What cannot be removed, or marked as kept, is left to a later run: no reason to fail
        // here.
        if !self.is_kept(thread::panicking()) {
            let _ = fs::remove_dir_all(&self.path);
        } else if self.keep != Keep::Theirs {
            let _ = fs::write(self.path.join(KEPT), "");
        }
    }
}

/// Makes a directory of mode 0700, with its parents.
pub(crate) fn make_private(path: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(Error::io(format!("make the directory {}", path.display())))
}

/// Writes a file of mode 0600 by rename, so that nobody reads half of it.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let unfinished = path.with_added_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&unfinished)
        .and_then(|mut file| file.write_all(contents))
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(Error::io(format!("write {}", path.display())))
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let cannot = |source| Error::Io {
        doing: format!("lock {}", path.display()),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Unreadable, it is an unnamed owner.
            let _ = file.read_to_string(&mut owner);
            return Err(Error::DirectoryInUse {
                path: directory.to_owned(),
                owner: owner.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(source)) => return Err(cannot(source)),
    }
    let owner = format!(
        "process {} since {}\n",
        std::process::id(),
        Clock::system().now()
    );
    file.set_len(0)
        .and_then(|()| file.write_all(owner.as_bytes()))
        .map_err(cannot)?;
    Ok(file)
}

/// The thread that removes what killed runs left, until somebody has waited for it.
static REAPER: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);

fn reaper() -> std::sync::MutexGuard<'static, Option<JoinHandle<()>>> {
    REAPER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what killed runs left, once per process and beside its work.
fn reap_once() {
    static REAPED: Once = Once::new();
    REAPED.call_once(|| {
        let reap = || reap(&std::env::temp_dir());
        // Without a thread the next process reaps.
        *reaper() = thread::Builder::new()
            .name("kerbox-reaper".to_owned())
            .spawn(reap)
            .ok();
    });
}

/// Waits until [`reap_once`] has done what it began: where each test is a process (cargo-nextest),
/// the end of its fixture is soon that of the process, which would cut the reaper off amid a
/// directory.
fn await_reaper() {
    if let Some(thread) = reaper().take() {
        // It has told of its panic by itself, and what it left is for the next.
        let _ = thread.join();
    }
}

/// Removes the directories in `parent` whose fixtures are dead. Whatever cannot be read or removed
/// is another user's, or in use.
fn reap(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_orphan(&entry.path())
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_orphan(directory: &Path) -> bool {
    if directory.join(KEPT).exists() {
        return false;
    }
    match OpenOptions::new()
        .read(true)
        .write(true)
        .open(directory.join(LOCK))
    {
        Ok(file) => file.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = fs::metadata(directory).and_then(|metadata| metadata.modified());
            made.is_ok_and(|made| Clock::system().now().since(made.into()) > ORPHAN_AGE)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_is_private_and_goes_with_its_fixture() {
        let directory = Directory::temporary().expect("a directory");
        let path = directory.path().to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path)
                .expect("it is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        drop(directory);
        assert!(!path.exists());
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
        drop(first);
        Directory::at(&path).expect("it is free again");
    }

    #[test]
    fn the_dead_are_reaped_and_the_living_and_the_kept_are_not() {
        let parent = tempfile::tempdir().expect("a directory");
        let make = |name: &str| {
            let path = parent.path().join(name);
            fs::create_dir(&path).expect("new");
            path
        };
        let [dead, alive, kept, foreign, young] =
            ["kerbox-1", "kerbox-2", "kerbox-3", "other", "kerbox-4"].map(make);
        drop(lock(&dead).expect("free"));
        let _held = lock(&alive).expect("free");
        drop(lock(&kept).expect("free"));
        fs::write(kept.join(KEPT), "").expect("writable");
        reap(parent.path());
        assert!(!dead.exists());
        assert!(alive.exists() && kept.exists() && foreign.exists() && young.exists());
    }
}
