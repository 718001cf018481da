//! Removal of what is provably ours: see ARCHITECTURE.md's table.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::marker::{self, Marker, Proof, is_marked};

/// Removes the files and replicas that the marker names.
pub(super) fn clear(path: &Path, marker: &mut Marker) -> io::Result<()> {
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
pub(super) fn remove_file(root: &Path, name: &str, proof: &Proof) -> io::Result<()> {
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
pub(super) fn remove(path: &Path, marker: &Marker) {
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
