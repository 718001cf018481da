//! The folder `current`. A file is written beside its place and renamed into it, except edits,
//! which are appended.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::error::{Result, failed, unusable};
use crate::namenode::state::State;
use crate::namenode::storage::image::{load_image, read_info};
use crate::namenode::storage::layout;

/// The folder of a name directory with its files.
#[derive(Clone, Debug)]
pub(super) struct Current {
    folder: PathBuf,
}

impl Current {
    /// Names the folder in a name directory; it may be missing.
    pub(super) fn of(directory: &Path) -> Self {
        Self {
            folder: directory.join(layout::CURRENT),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns true if there is nothing in it but what a process leaves that dies while it formats
    /// the directory. The identity, which is written last, is missing then, and there are no edits.
    pub(super) fn is_unformatted(&self) -> Result<bool> {
        if !self.folder.exists() {
            return Ok(true);
        }
        let image = layout::image(0);
        let kept = [layout::digest(&image), image, layout::SEEN_TXID.to_owned()];
        let mut left: Vec<_> = [kept[0].as_str(), layout::SEEN_TXID, layout::VERSION]
            .map(unfinished)
            .into();
        left.push(layout::checkpoint(0));
        left.extend(kept);
        let entries = fs::read_dir(&self.folder).map_err(failed("list", &self.folder))?;
        for entry in entries {
            let name = entry.map_err(failed("list", &self.folder))?.file_name();
            if !left.iter().any(|left| **left == *name) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the names of its files; those that are not UTF-8 are none of ours.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let folder = &self.folder;
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
            let entry = entry.map_err(failed("list", folder))?;
            names.extend(entry.file_name().to_str().map(str::to_owned));
        }
        Ok(names)
    }

    pub(super) fn read(&self, name: &str) -> Result<(PathBuf, Vec<u8>)> {
        let path = self.path(name);
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        Ok((path, bytes))
    }

    /// Writes a file, and replaces an earlier one.
    pub(super) fn write(&self, name: &str, contents: &[u8]) -> Result<()> {
        self.write_as(&unfinished(name), name, contents)
    }

    /// Writes a file under one name, and gives it another once it is on disk.
    fn write_as(&self, unfinished: &str, name: &str, contents: &[u8]) -> Result<()> {
        let unfinished = self.path(unfinished);
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(contents)?;
            file.sync_all()
        });
        if written.is_err() {
            // Made just above; what there is of it only takes room.
            let _left = fs::remove_file(&unfinished);
        }
        written.map_err(failed("write", &unfinished))?;
        self.rename(&unfinished, name)
    }

    /// Gives a file its final name.
    pub(super) fn rename(&self, path: &Path, name: &str) -> Result<()> {
        fs::rename(path, self.path(name)).map_err(failed("rename", path))?;
        sync_folder(&self.folder)
    }

    /// Cuts a finished file of edits behind its last record, and gives it its final name.
    pub(super) fn finish_edits(&self, path: &Path, length: u64, name: &str) -> Result<()> {
        let file = OpenOptions::new().write(true).open(path);
        let file = file.map_err(failed("open", path))?;
        file.set_len(length).map_err(failed("shorten", path))?;
        file.sync_all().map_err(failed("write", path))?;
        let finished = self.path(name);
        if finished.exists() {
            return Err(unusable(&finished, "it exists already".to_owned()));
        }
        self.rename(path, name)
    }

    /// Turns a formatted state into that of an image, which must be of this namespace.
    pub(super) fn load_image(&self, state: &mut State, namespace_id: u32, last: i64) -> Result<()> {
        let name = layout::image(last);
        let (path, bytes) = self.read(&name)?;
        let digest = self.digest(&name)?;
        let found = hexadecimal(&Md5::digest(&bytes));
        if digest != found {
            let digest_path = self.path(&layout::digest(&name));
            let reason = format!(
                "{} is not that of its contents, {found}",
                digest_path.display()
            );
            return Err(unusable(&path, reason));
        }
        check_image(&path, &bytes, namespace_id, last)?;
        load_image(state, &path.to_string_lossy(), &bytes)?;
        Ok(())
    }

    /// Returns the digest of an image, as its file has it.
    pub(super) fn digest(&self, image: &str) -> Result<String> {
        let (_, digest) = self.read(&layout::digest(image))?;
        let digest = String::from_utf8_lossy(&digest);
        Ok(digest.split(' ').next().unwrap_or_default().to_owned())
    }

    /// Saves an image: before it has its name, its digest is there.
    pub(super) fn save_image(&self, last: i64, image: &[u8]) -> Result<()> {
        let name = layout::image(last);
        self.write_digest(&name, &hexadecimal(&Md5::digest(image)))?;
        self.write_as(&layout::checkpoint(last), &name, image)
    }

    pub(super) fn write_digest(&self, image: &str, digest: &str) -> Result<()> {
        let line = format!("{digest} *{image}\n");
        self.write(&layout::digest(image), line.as_bytes())
    }
}

/// Returns the name of a file whose writing has not ended.
fn unfinished(name: &str) -> String {
    format!("{name}.tmp")
}

/// Fails if an image is of another namespace, or of another transaction than its name says.
pub(super) fn check_image(path: &Path, bytes: &[u8], namespace_id: u32, last: i64) -> Result<()> {
    let image = read_info(&path.to_string_lossy(), bytes)?;
    if image.namespace_id != namespace_id {
        let found = image.namespace_id;
        let reason = format!("it belongs to namespace {found}, and VERSION says {namespace_id}");
        return Err(unusable(path, reason));
    }
    // The edits to load are chosen by the name.
    if image.transaction_id != last {
        let reason = format!("its last transaction is {}", image.transaction_id);
        return Err(unusable(path, reason));
    }
    Ok(())
}

pub(super) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(failed("write", folder))
}
