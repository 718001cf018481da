//! `in_use.lock`: a POSIX lock, as Java's `FileChannel.tryLock` takes it, so that Kerbox and Hadoop
//! exclude each other.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, OFlags, fcntl_lock};
use rustix::io::Errno;

use super::error::{NameDirectoryError, Result, failed};

/// The locks of this process, by device and inode. A POSIX lock excludes only other processes, and
/// closing any descriptor of the file releases it.
static HELD: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

/// A lock on a file, released when dropped. The file stays.
///
/// ```
/// use minihdfs::namenode::storage::server::Lock;
///
/// let folder = tempfile::tempdir()?;
/// let lock = Lock::take(&folder.path().join("in_use.lock"))?;
/// let refused = Lock::take(&folder.path().join("in_use.lock")).expect_err("it is held");
/// assert!(refused.to_string().contains("is in use by this process"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Lock {
    _file: File,
    id: (u64, u64),
}

impl Lock {
    /// Locks the file at `path`, and creates it if it is missing.
    ///
    /// # Errors
    /// Fails if another process, or another part of this one, holds it.
    pub fn take(path: &Path) -> Result<Self> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let in_use = || NameDirectoryError::InUse {
            path: path.to_owned(),
            owner: owner(path),
        };
        // Looked up by its path: opening and closing it would release the lock.
        if let Ok(found) = fs::metadata(path)
            && held.contains(&(found.dev(), found.ino()))
        {
            return Err(NameDirectoryError::InUse {
                path: path.to_owned(),
                owner: "this process".to_owned(),
            });
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            // What a link leads to is not ours to overwrite.
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path);
        let mut file = file.map_err(failed("open", path))?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => return Err(in_use()),
            Err(error) => return Err(failed("lock", path)(error.into())),
        }
        // The form of a JVM's name; the host is only for the reader.
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let owner = format!("{}@{}", std::process::id(), host.trim());
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(owner.as_bytes()));
        written.map_err(failed("write", path))?;
        let found = file.metadata().map_err(failed("read", path))?;
        let id = (found.dev(), found.ino());
        held.insert(id);
        Ok(Self { _file: file, id })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.id);
    }
}

/// Returns the process that holds a lock, as it wrote itself into it.
fn owner(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    match text.trim() {
        "" => "another process".to_owned(),
        owner => format!("process {owner}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_locked_once_even_in_one_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("in_use.lock");
        let lock = Lock::take(&path).expect("free");
        let error = Lock::take(&path).expect_err("held");
        assert!(
            error.to_string().contains("is in use by this process"),
            "{error}"
        );
        drop(lock);
        Lock::take(&path).expect("free again");
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let thesis = folder.path().join("thesis.tex");
        fs::write(&thesis, "precious").expect("written");
        let path = folder.path().join("in_use.lock");
        std::os::unix::fs::symlink(&thesis, &path).expect("linked");
        let error = Lock::take(&path).expect_err("a link");
        assert!(error.to_string().starts_with("cannot open"), "{error}");
        assert_eq!(fs::read(&thesis).expect("there"), b"precious");
    }
}
