//! A name directory: opening, formatting, loading.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::current::{Current, sync_folder};
use super::error::{NameDirectoryError, Result, failed, unusable};
use super::lock::Lock;
use crate::namenode::edit::Edit;
use crate::namenode::state::State;
use crate::namenode::storage::LAYOUT_VERSION;
use crate::namenode::storage::edit_log::read_segment;
use crate::namenode::storage::layout::{self, EditsFile, Plan};
use crate::namenode::storage::load::load_edits;
use crate::namenode::storage::version::Version;
use crate::storage_directory::StorageDirectory;

/// A file of edits that an earlier process was writing.
struct Unfinished {
    path: PathBuf,
    first: i64,
    last: i64,
    /// The bytes up to the end of the last record.
    length: u64,
}

/// A name directory (`dfs.namenode.name.dir`), locked as long as this value exists.
#[derive(Debug)]
pub struct NameDirectory {
    pub(super) path: PathBuf,
    pub(super) folders: StorageDirectory,
    pub(super) upgrade: bool,
    pub(super) current: Current,
    pub(super) lock: Lock,
}

impl NameDirectory {
    /// Opens the directory at `path`, and creates it if it is missing.
    ///
    /// # Errors
    /// Fails if another process uses it, if it is not empty and has no `current`, or if an upgrade
    /// that was interrupted cannot be taken back or ended.
    pub fn open(path: &Path) -> Result<Self> {
        let mut folder = DirBuilder::new();
        let made = folder.recursive(true).mode(0o700).create(path);
        made.map_err(failed("create", path))?;
        let current = Current::of(path);
        let folders = StorageDirectory::new(path);
        if !current.folder().exists() && !folders.is_within_upgrade() {
            for entry in fs::read_dir(path).map_err(failed("list", path))? {
                let name = entry.map_err(failed("list", path))?.file_name();
                if name != layout::LOCK {
                    let reason = format!("it has no `current`, but contains {}", name.display());
                    return Err(unusable(path, reason));
                }
            }
        }
        let lock = Lock::take(&path.join(layout::LOCK))?;
        folders.recover()?;
        Ok(Self {
            path: path.to_owned(),
            folders,
            upgrade: false,
            current,
            lock,
        })
    }

    /// Lets the start upgrade the directory, whatever its layout version is, as Hadoop does with
    /// `-upgrade`. The files of before are kept until it is finalized.
    #[must_use]
    pub fn upgrading(mut self, upgrade: bool) -> Self {
        self.upgrade = upgrade;
        self
    }

    /// Returns the identity of the namespace; `None` if the directory is empty, or a process died
    /// while it formatted it.
    ///
    /// # Errors
    /// Fails if the identity is missing although there are other files, or cannot be read, or if
    /// the files are those of an older Hadoop and are not to be upgraded.
    pub fn version(&self) -> Result<Option<Version>> {
        if self.current.is_unformatted()? {
            return Ok(None);
        }
        let path = self.current.path(layout::VERSION);
        let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
        let version = Version::from_properties(&text);
        let (version, found) = version.map_err(|reason| unusable(&path, reason))?;
        if found != LAYOUT_VERSION && !self.upgrade {
            let path = self.path.clone();
            return Err(NameDirectoryError::NeedsUpgrade { path, found });
        }
        Ok(Some(version))
    }

    /// Writes a new namespace into the directory: its identity and its image.
    pub(super) fn format(&self, version: &Version, image: &[u8]) -> Result<()> {
        let folder = self.current.folder();
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
        if !self.current.is_unformatted()? {
            return Err(unusable(folder, "it is not empty".to_owned()));
        }
        // The names of `current` and of its folder, which may both be new. The folder above may be
        // one that we cannot open.
        sync_folder(&self.path)?;
        let _synced = self.path.parent().map(sync_folder);
        self.current.save_image(0, image)?;
        self.current.write(layout::SEEN_TXID, b"0\n")?;
        // Last: a directory with an identity is complete.
        let version = version.to_properties();
        self.current.write(layout::VERSION, version.as_bytes())
    }

    /// Turns a formatted state into the one that the directory holds, and finishes the edits that
    /// were in progress: what a process that died had begun to write is cut off. Calls `applied`
    /// after each edit. Returns the last transaction of the image.
    pub(super) fn load(
        &self,
        state: &mut State,
        version: &Version,
        applied: &mut dyn FnMut(&Edit, &State),
    ) -> Result<i64> {
        let plan = plan(&self.current)?;
        self.current
            .load_image(state, version.namespace_id, plan.image)?;
        let mut unfinished = None;
        for file in &plan.edits {
            unfinished = load_file(&self.current, state, file, applied)?;
        }
        self.check_seen(state)?;
        // Only now is everything known to be readable.
        if let Some(edits) = unfinished {
            let name = layout::finished(edits.first, edits.last);
            self.current
                .finish_edits(&edits.path, edits.length, &name)?;
        }
        Ok(plan.image)
    }

    /// Fails if transactions were written that are in none of the files.
    fn check_seen(&self, state: &State) -> Result<()> {
        let (path, bytes) = self.current.read(layout::SEEN_TXID)?;
        let text = String::from_utf8_lossy(&bytes);
        let seen: i64 = text.trim().parse().map_err(|_| {
            let reason = format!("it contains {text:?} instead of a transaction id");
            unusable(&path, reason)
        })?;
        let last = state.transaction_id();
        // The segment that begins with it may have no record yet.
        if seen > last.saturating_add(1) {
            let reason =
                format!("transaction {seen} was written, but the last one found is {last}");
            return Err(unusable(&path, reason));
        }
        Ok(())
    }
}

/// Chooses the files to load.
pub(super) fn plan(current: &Current) -> Result<Plan> {
    let names = current.names()?;
    let plan = layout::plan(names.iter().map(String::as_str));
    plan.map_err(|reason| unusable(current.folder(), reason))
}

/// Applies the edits of a finished file that come after the state's last transaction.
pub(super) fn load_finished(current: &Current, state: &mut State, file: &EditsFile) -> Result<()> {
    load_file(current, state, file, &mut |_, _| {}).map(drop)
}

fn load_file(
    current: &Current,
    state: &mut State,
    file: &EditsFile,
    applied: &mut dyn FnMut(&Edit, &State),
) -> Result<Option<Unfinished>> {
    let (path, bytes) = current.read(&file.name)?;
    let shown = path.to_string_lossy();
    let segment = read_segment(&shown, &bytes, file.first, file.last.is_none())?;
    load_edits(state, &shown, &segment, applied)?;
    let count = i64::try_from(segment.records.len()).unwrap_or(i64::MAX);
    let last = file.first.saturating_add(count) - 1;
    if let Some(named) = file.last
        && named != last
    {
        return Err(unusable(&path, format!("its last transaction is {last}")));
    }
    // Without a record, the file is begun again under the same name.
    let is_unfinished = file.last.is_none() && count > 0;
    Ok(is_unfinished.then_some(Unfinished {
        path,
        first: file.first,
        last,
        length: segment.length,
    }))
}
