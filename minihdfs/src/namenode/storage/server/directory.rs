//! The files of a name directory. A file is written beside its place and renamed into it, except
//! edits, which are appended.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::edit_log::{EditLog, EditLogSink};
use super::error::{Result, failed, unusable};
use super::lock::Lock;
use crate::namenode::edit::Edit;
use crate::namenode::state::State;
use crate::namenode::storage::edit_log::read_segment;
use crate::namenode::storage::image::read_image;
use crate::namenode::storage::layout::{self, EditsFile};
use crate::namenode::storage::load::{load_edits, load_image};
use crate::namenode::storage::version::Version;

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
    lock: Lock,
}

impl NameDirectory {
    /// Opens the directory at `path`, and creates it if it is missing.
    ///
    /// # Errors
    /// Fails if another process uses it, or if it is not empty and has no `current`.
    pub fn open(path: &Path) -> Result<Self> {
        let mut folder = DirBuilder::new();
        let made = folder.recursive(true).mode(0o700).create(path);
        made.map_err(failed("create", path))?;
        let current = path.join(layout::CURRENT);
        if !current.exists() {
            for entry in fs::read_dir(path).map_err(failed("list", path))? {
                let name = entry.map_err(failed("list", path))?.file_name();
                if name != layout::LOCK {
                    let reason = format!("it has no `current`, but contains {}", name.display());
                    return Err(unusable(path, reason));
                }
            }
        }
        let lock = Lock::take(&path.join(layout::LOCK))?;
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    /// Returns the identity of the namespace; `None` if the directory is empty.
    ///
    /// # Errors
    /// Fails if the identity is missing although there are other files, or cannot be read.
    pub fn version(&self) -> Result<Option<Version>> {
        let current = self.path.join(layout::CURRENT);
        if !current.exists() || is_empty(&current)? {
            return Ok(None);
        }
        let path = current.join(layout::VERSION);
        let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
        let version = Version::from_properties(&text);
        version.map(Some).map_err(|reason| unusable(&path, reason))
    }

    /// Writes a new namespace into the empty directory: its identity and its image.
    pub(super) fn format(&self, version: &Version, image: &[u8]) -> Result<()> {
        let current = self.path.join(layout::CURRENT);
        fs::create_dir_all(&current).map_err(failed("create", &current))?;
        if !is_empty(&current)? {
            return Err(unusable(&current, "it is not empty".to_owned()));
        }
        // The names of `current` and of its folder, which may both be new. The folder above may be
        // one that we cannot open.
        sync_folder(&self.path)?;
        let _synced = self.path.parent().map(sync_folder);
        let name = layout::image(0);
        let digest: String = Md5::digest(image)
            .iter()
            .map(|it| format!("{it:02x}"))
            .collect();
        self.write(&name, image)?;
        let digest = format!("{digest} *{name}\n");
        self.write(&layout::digest(&name), digest.as_bytes())?;
        self.write(layout::SEEN_TXID, b"0\n")?;
        // Last: a directory with an identity is complete.
        self.write(layout::VERSION, version.to_properties().as_bytes())
    }

    /// Turns a formatted state into the one that the directory holds, and finishes the edits that
    /// were in progress: what a process that died had begun to write is cut off. Calls `applied`
    /// after each edit.
    pub(super) fn load(
        &self,
        state: &mut State,
        version: &Version,
        applied: &mut dyn FnMut(&Edit, &State),
    ) -> Result<()> {
        let current = self.path.join(layout::CURRENT);
        let mut names = Vec::new();
        for entry in fs::read_dir(&current).map_err(failed("list", &current))? {
            let entry = entry.map_err(failed("list", &current))?;
            names.extend(entry.file_name().to_str().map(str::to_owned));
        }
        let plan = layout::plan(names.iter().map(String::as_str));
        let plan = plan.map_err(|reason| unusable(&current, reason))?;
        self.load_image(state, version, plan.image)?;
        let mut unfinished = None;
        for file in &plan.edits {
            unfinished = self.load_file(state, file, applied)?;
        }
        self.check_seen(state)?;
        // Only now is everything known to be readable.
        unfinished.map_or(Ok(()), |unfinished| self.finish(&unfinished))
    }

    fn load_image(&self, state: &mut State, version: &Version, last: i64) -> Result<()> {
        let name = layout::image(last);
        let (path, bytes) = self.read(&name)?;
        let (digest_path, digest) = self.read(&layout::digest(&name))?;
        let found: String = Md5::digest(&bytes)
            .iter()
            .map(|it| format!("{it:02x}"))
            .collect();
        if !digest.starts_with(found.as_bytes()) {
            let reason = format!(
                "{} is not that of its contents, {found}",
                digest_path.display()
            );
            return Err(unusable(&path, reason));
        }
        let image = read_image(&path.to_string_lossy(), &bytes)?;
        if image.namespace_id != version.namespace_id {
            let (found, wanted) = (image.namespace_id, version.namespace_id);
            let reason = format!("it belongs to namespace {found}, and VERSION says {wanted}");
            return Err(unusable(&path, reason));
        }
        // The edits to load were chosen by the name.
        if image.transaction_id != last {
            let reason = format!("its last transaction is {}", image.transaction_id);
            return Err(unusable(&path, reason));
        }
        Ok(load_image(state, &path.to_string_lossy(), &image)?)
    }

    fn load_file(
        &self,
        state: &mut State,
        file: &EditsFile,
        applied: &mut dyn FnMut(&Edit, &State),
    ) -> Result<Option<Unfinished>> {
        let (path, bytes) = self.read(&file.name)?;
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

    /// Cuts a file of edits behind its last record, and gives it its final name.
    fn finish(&self, unfinished: &Unfinished) -> Result<()> {
        let path = &unfinished.path;
        let file = OpenOptions::new().write(true).open(path);
        let file = file.map_err(failed("open", path))?;
        let cut = file.set_len(unfinished.length);
        cut.map_err(failed("shorten", path))?;
        file.sync_all().map_err(failed("write", path))?;
        let name = layout::finished(unfinished.first, unfinished.last);
        let finished = path.with_file_name(name);
        if finished.exists() {
            return Err(unusable(&finished, "it exists already".to_owned()));
        }
        fs::rename(path, &finished).map_err(failed("rename", path))?;
        sync_folder(&self.path.join(layout::CURRENT))
    }

    /// Fails if transactions were written that are in none of the files.
    fn check_seen(&self, state: &State) -> Result<()> {
        let (path, bytes) = self.read(layout::SEEN_TXID)?;
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

    /// Begins the file of edits after a transaction.
    pub(super) fn begin_edits(self, last: i64) -> Result<EditLogSink> {
        let first = last.saturating_add(1);
        let path = self
            .path
            .join(layout::CURRENT)
            .join(layout::in_progress(first));
        // An earlier process may have begun it, without a record.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(failed("create", &path))?;
        let seen = format!("{first}\n");
        self.write(layout::SEEN_TXID, seen.as_bytes())?;
        EditLog::start(self.lock, file, path, first)
    }

    fn read(&self, name: &str) -> Result<(PathBuf, Vec<u8>)> {
        let path = self.path.join(layout::CURRENT).join(name);
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        Ok((path, bytes))
    }

    /// Writes a file in `current`, and replaces an earlier one.
    fn write(&self, name: &str, contents: &[u8]) -> Result<()> {
        let current = self.path.join(layout::CURRENT);
        let path = current.join(name);
        let unfinished = current.join(format!("{name}.tmp"));
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(contents)?;
            file.sync_all()
        });
        written.map_err(failed("write", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(failed("rename", &unfinished))?;
        sync_folder(&current)
    }
}

fn is_empty(folder: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(folder).map_err(failed("list", folder))?;
    Ok(entries.next().is_none())
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(failed("write", folder))
}
