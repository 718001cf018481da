//! The folder of a sandbox: who may use it, whether it is in use, and what remains of it.
//!
//! Whoever serves holds an exclusive lock on the folder itself. The system drops it when the
//! process dies, however it dies, so that a lock that can be had means a folder that nobody serves
//! from.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::ready;

/// A folder that this process serves from.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// Whether it goes when this value goes.
    temporary: bool,
    _lock: File,
}

impl Directory {
    /// The folder that the user named, made if need be; or one of our own, which is removed at the
    /// end.
    pub(crate) fn open(named: Option<&Path>, command: &str) -> Result<Self, Failure> {
        match named {
            Some(path) => Self::named(path),
            None => Self::temporary(command),
        }
    }

    /// Where it is, from the root.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is removed at the end.
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary
    }

    fn named(path: &Path) -> Result<Self, Failure> {
        let failed = |error| {
            Failure::io(
                format_args!("the folder {} cannot be used", path.display()),
                error,
            )
        };
        make_private(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let Some(lock) = lock(&path).map_err(failed)? else {
            let by = ready::pid(&path).map_or_else(String::new, |pid| format!(" (pid {pid})"));
            return Err(Failure::Failed(format!(
                "another kerbox{by} serves from {}; stop it, or name another folder with --dir (KERBOX_DIR does, too)",
                path.display()
            )));
        };
        // What a killed run left says that it serves, and holds tickets of keys that are gone.
        for stale in [
            "ready.json",
            "env.sh",
            "control.sock",
            "ccache",
            "keytabs",
            "hadoop",
            "krb5.conf",
            "blocks",
        ] {
            remove(&path.join(stale)).map_err(failed)?;
        }
        Ok(Self {
            path,
            temporary: false,
            _lock: lock,
        })
    }

    fn temporary(command: &str) -> Result<Self, Failure> {
        let home = home();
        let failed = |error| {
            Failure::io(
                format_args!("no folder can be made in {}", home.display()),
                error,
            )
        };
        make_private(&home).map_err(failed)?;
        let owner = fs::symlink_metadata(&home).map_err(failed)?;
        if !owner.is_dir() || owner.uid() != rustix::process::geteuid().as_raw() {
            return Err(Failure::Failed(format!(
                "{} is not ours: somebody else made it; remove it, or set TMPDIR or --dir",
                home.display()
            )));
        }
        // Held until the new folder is locked, so that nobody takes it for a dead one.
        let gate = File::open(&home).map_err(failed)?;
        gate.lock().map_err(failed)?;
        remove_dead(&home);
        let path = home.join(format!("{command}-{}", std::process::id()));
        remove(&path).map_err(failed)?;
        make_private(&path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let lock = lock(&path)
            .map_err(failed)?
            .ok_or_else(|| failed(io::ErrorKind::WouldBlock.into()))?;
        Ok(Self {
            path,
            temporary: true,
            _lock: lock,
        })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        } else {
            for present in ["ready.json", "control.sock"] {
                let _ = fs::remove_file(self.path.join(present));
            }
        }
    }
}

/// Whether somebody serves from `path`.
pub(crate) fn is_served(path: &Path) -> bool {
    File::open(path).is_ok_and(|folder| folder.try_lock_shared().is_err())
}

/// The folders of our own that somebody serves from and that are ready.
pub(crate) fn served() -> Vec<PathBuf> {
    let entries = fs::read_dir(home()).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("ready.json").exists() && is_served(path))
        .collect();
    found.sort();
    found
}

/// Where folders that nobody named are made.
fn home() -> PathBuf {
    // Not `kerbox-…`: those are the folders of fixtures in tests, and removed by their rules.
    std::env::temp_dir().join(format!("kerbox.{}", rustix::process::geteuid().as_raw()))
}

/// Removes what processes left that were killed. What cannot be removed stays.
fn remove_dead(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !is_served(&path) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// The lock of a folder, if nobody else serves from it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let folder = File::open(path)?;
    if folder.try_lock().is_ok() {
        return Ok(Some(folder));
    }
    // Somebody who only asks whether it is served holds a shared lock, for a moment: wait for him.
    if folder.try_lock_shared().is_err() {
        return Ok(None);
    }
    folder.unlock()?;
    folder.lock()?;
    Ok(Some(folder))
}

/// A folder that only its owner can enter.
fn make_private(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.parent().is_some() => {
            DirBuilder::new().mode(0o700).recursive(true).create(path)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
            let mine = fs::metadata(path)?.uid() == rustix::process::geteuid().as_raw();
            if mine {
                fs::set_permissions(path, Permissions::from_mode(0o700))
            } else {
                Ok(())
            }
        }
        other => other,
    }
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
