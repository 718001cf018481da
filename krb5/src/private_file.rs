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
    write_by(&unfinished, path, bytes)
}

fn write_by(unfinished: &Path, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // A file that exists under this name is another's, and stays.
    let mut file = create_private(unfinished).map_err(|error| failed(path, "written", &error))?;
    let written = file
        .write_all(bytes)
        .and_then(|()| fs::rename(unfinished, path));
    written.map_err(|error| {
        // Report the first error.
        let _ = fs::remove_file(unfinished);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unfinished_file_of_this_call_is_removed() {
        let name = |end: &str| {
            let name = format!("kerbox-private-file-{}.{end}", std::process::id());
            std::env::temp_dir().join(name)
        };
        let (unfinished, path) = (name("new"), name("keytab"));
        fs::write(&unfinished, "another's").expect("writable");
        let refused = write_by(&unfinished, &path, b"keys").expect_err("it exists");
        assert!(refused.to_string().contains("exists"), "{refused}");
        assert_eq!(fs::read(&unfinished).expect("there"), b"another's");
        fs::remove_file(&unfinished).expect("ours");

        let nowhere = path.join("folder/keytab");
        write_by(&unfinished, &nowhere, b"keys").expect_err("there is no such folder");
        assert!(!unfinished.exists());
    }
}
