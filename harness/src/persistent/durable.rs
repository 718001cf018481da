//! Files that are replaced as a whole, and are on disk when this returns.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::Error;

/// The number of bytes by which an unfinished file is recognised.
const BEGINNING: u64 = 64;

/// Creates a folder with mode 0700, and those above it; an existing one stays as it is.
pub(super) fn make_folder(folder: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(Error::io(format!("create {}", folder.display())))
}

/// Reads a file; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("read {}", path.display()))(error)),
    }
}

/// Writes a file with mode 0600 beside its place and renames it into it. An unfinished one that a
/// killed process has left there is overwritten if it `is_begun`: if it begins like ours.
pub(super) fn replace(
    path: &Path,
    contents: &[u8],
    is_begun: impl FnOnce(&[u8]) -> bool,
) -> Result<(), Error> {
    let unfinished = path.with_extension("new");
    let cannot = |error| Error::io(format!("write {}", path.display()))(error);
    let mut file = open(&unfinished).map_err(cannot)?;
    let mut beginning = Vec::new();
    let read = (&mut file).take(BEGINNING).read_to_end(&mut beginning);
    read.map_err(cannot)?;
    if !is_begun(&beginning) {
        let why = format!(
            "{} is in the way, and Kerbox did not write it: move it away",
            unfinished.display()
        );
        return Err(unusable(path, why));
    }
    write(file, contents).map_err(cannot)?;
    fs::rename(&unfinished, path).map_err(cannot)?;
    sync_folder(path).map_err(cannot)
}

/// Opens a file or creates it, without following a link.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

fn write(mut file: File, contents: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Returns the error of a file that cannot be used.
pub(super) fn unusable(path: &Path, why: String) -> Error {
    Error::Unusable {
        path: path.to_owned(),
        why,
    }
}

/// Makes the names beside a file durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
