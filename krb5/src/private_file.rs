//! Files that hold keys: readable by their owner alone, and never half written.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| failed(path, "read", &error))
}

/// Writes a file with mode 0600 and puts it in the place of what was there, so that a reader sees
/// the old or the new whole.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let unfinished = unfinished_name(path);
    let written = create_private(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|error| {
        // The first error is the one to tell; what is left behind may not even exist.
        let _ = fs::remove_file(&unfinished);
        failed(path, "written", &error)
    })
}

pub(crate) fn failed(path: &Path, action: &'static str, error: &io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        action,
        why: error.to_string(),
    }
}

/// A name beside `path` that no other writer in this process or another has.
fn unfinished_name(path: &Path) -> PathBuf {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(
        ".{}.{}.new",
        std::process::id(),
        WRITES.fetch_add(1, Ordering::Relaxed)
    ));
    path.with_file_name(name)
}

fn create_private(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
