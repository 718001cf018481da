//! Folders that are made, and folders that can be used.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::marker::Refusal;
use crate::Error;

/// Creates a folder with mode 0700, unless it exists.
pub(super) fn make_folder(folder: &Path) -> Result<(), Error> {
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
pub(super) fn make_missing(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(path)
        .map_err(Error::io(format!("make the directory {}", path.display())))
}

/// Returns whether a folder is that of a DataNode, or holds the storages of one (`DataStorage`).
pub(super) fn is_datanodes(folder: &Path) -> bool {
    let is_storage = |folder: &Path| {
        let version = fs::read_to_string(folder.join("current/VERSION"));
        version.is_ok_and(|text| text.lines().any(|line| line == "storageType=DATA_NODE"))
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let mut entries = entries.filter_map(Result::ok).peekable();
    is_storage(folder) || entries.peek().is_some() && entries.all(|entry| is_storage(&entry.path()))
}

/// Fails if a directory without a marker holds more than folders of DataNodes.
pub(super) fn has_only_datanodes(path: &Path) -> Result<(), Refusal> {
    let entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    let all = entries.iter().all(|entry| is_datanodes(&entry.path()));
    if entries.is_empty() || !all {
        return is_free(path);
    }
    check_mode(path)
}

/// Fails if a directory without a marker cannot be used.
pub(super) fn is_free(path: &Path) -> Result<(), Refusal> {
    check_mode(path)?;
    match fs::read_dir(path)?.next().transpose()? {
        None => Ok(()),
        Some(entry) => Err(Refusal::NotOurs(format!(
            "it is not empty (it holds {}), and Kerbox did not make it",
            entry.file_name().display()
        ))),
    }
}

fn check_mode(path: &Path) -> Result<(), Refusal> {
    let mode = fs::metadata(path)?.mode();
    if mode & 0o002 != 0 {
        let why = format!("its mode {:o} lets everybody write into it", mode & 0o7777);
        return Err(Refusal::NotOurs(why));
    }
    Ok(())
}
