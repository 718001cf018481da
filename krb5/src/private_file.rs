//! Files with keys: readable by their owner only, and written atomically.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| failed(path, "read", &error))
}

/// Writes a file with mode 0600 and replaces the old one with it, so that a reader sees either the
/// old file or the new one in full.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let unfinished = unfinished_name(path);
    let written = create_private(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|error| {
        // Report the first error. The unfinished file may not even exist.
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

/// Returns a name next to `path` that no other writer uses, in this process or another.
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
