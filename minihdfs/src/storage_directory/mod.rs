//! The folders of a storage directory (`Storage.StorageDirectory`) and their transitions: an
//! upgrade keeps what there was in `previous` until an administrator finalizes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

mod properties;

pub(crate) use properties::{Properties, pool_line, to_text};

/// The folder with the files that are used.
pub(crate) const CURRENT: &str = "current";
/// The file with the identity.
pub(crate) const VERSION: &str = "VERSION";
/// The files as they were before an upgrade.
const PREVIOUS: &str = "previous";
/// The same, during the upgrade.
const PREVIOUS_TMP: &str = "previous.tmp";
/// The folder that is removed at the end of an upgrade.
const FINALIZED_TMP: &str = "finalized.tmp";
/// The folders that Hadoop leaves if it dies during a rollback, or an import of a checkpoint.
const HADOOPS: [&str; 2] = ["removed.tmp", "lastcheckpoint.tmp"];

/// A directory with a folder `current`.
#[derive(Clone, Debug)]
pub(crate) struct StorageDirectory {
    root: PathBuf,
}

/// A failure to change the folders of a directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransitionError {
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("Directory {} is in an inconsistent state: {reason}", root.display())]
    Inconsistent { root: PathBuf, reason: String },
}

type Result<T> = std::result::Result<T, TransitionError>;

impl StorageDirectory {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn current(&self) -> PathBuf {
        self.root.join(CURRENT)
    }

    /// Returns whether an upgrade was interrupted before there was a new `current`.
    pub(crate) fn is_within_upgrade(&self) -> bool {
        self.has(PREVIOUS_TMP)
    }

    /// Returns whether the files of before an upgrade are kept.
    pub(crate) fn has_previous(&self) -> bool {
        self.has(PREVIOUS)
    }

    /// Ends, or takes back, a transition during which the process died (`analyzeStorage`,
    /// `doRecover`). The directory is locked.
    ///
    /// # Errors
    /// Fails if the folders contradict each other, or one cannot be moved or removed.
    pub(crate) fn recover(&self) -> Result<()> {
        if let Some(found) = HADOOPS.iter().find(|name| self.has(name)) {
            let reason = format!(
                "{found} is of a rollback or an import that Hadoop has not ended: start Hadoop on \
                 it once more"
            );
            return Err(self.inconsistent(reason));
        }
        let has_current = self.current().join(VERSION).exists();
        match (self.has(PREVIOUS_TMP), self.has(FINALIZED_TMP)) {
            (true, true) => Err(self.inconsistent("too many temporary directories.")),
            (true, false) | (false, true) if self.has(PREVIOUS) => Err(self.inconsistent(format!(
                "{PREVIOUS} and another one of an upgrade cannot exist together."
            ))),
            (false, true) => self.remove(FINALIZED_TMP),
            (true, false) if has_current => self.rename(PREVIOUS_TMP, PREVIOUS),
            (true, false) => {
                if self.has(CURRENT) {
                    self.remove(CURRENT)?;
                }
                self.rename(PREVIOUS_TMP, CURRENT)
            }
            (false, false) if self.has(PREVIOUS) && !has_current => {
                Err(self.inconsistent("version file in current directory is missing."))
            }
            (false, false) => Ok(()),
        }
    }

    /// Begins an upgrade: puts `current` aside, and makes an empty one. Returns the old files'
    /// folder.
    pub(crate) fn begin_upgrade(&self) -> Result<PathBuf> {
        self.rename(CURRENT, PREVIOUS_TMP)?;
        let current = self.current();
        fs::create_dir(&current).map_err(failed("create", &current))?;
        self.sync()?;
        Ok(self.root.join(PREVIOUS_TMP))
    }

    /// Ends an upgrade: all files of `current` are on disk, `VERSION` last.
    pub(crate) fn end_upgrade(&self) -> Result<()> {
        self.rename(PREVIOUS_TMP, PREVIOUS)
    }

    /// Removes the files of before an upgrade, if there are any. They must have an identity with
    /// this line.
    pub(crate) fn finalize(&self, line: &str) -> Result<()> {
        if !self.has(PREVIOUS) {
            return Ok(());
        }
        let version = self.root.join(PREVIOUS).join(VERSION);
        let text = fs::read_to_string(&version).map_err(failed("read", &version))?;
        if !text.lines().any(|it| it.trim() == line) {
            let reason = format!("{} has no line {line}", version.display());
            return Err(self.inconsistent(reason));
        }
        self.rename(PREVIOUS, FINALIZED_TMP)?;
        self.remove(FINALIZED_TMP)
    }

    fn has(&self, name: &str) -> bool {
        self.root.join(name).symlink_metadata().is_ok()
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let from = self.root.join(from);
        fs::rename(&from, self.root.join(to)).map_err(failed("rename", &from))?;
        self.sync()
    }

    fn remove(&self, name: &str) -> Result<()> {
        let folder = self.root.join(name);
        fs::remove_dir_all(&folder).map_err(failed("remove", &folder))?;
        self.sync()
    }

    fn sync(&self) -> Result<()> {
        let opened = fs::File::open(&self.root).and_then(|folder| folder.sync_all());
        opened.map_err(failed("write", &self.root))
    }

    fn inconsistent(&self, reason: impl Into<String>) -> TransitionError {
        TransitionError::Inconsistent {
            root: self.root.clone(),
            reason: reason.into(),
        }
    }
}

/// Returns what turns the system's error at `doing` something with a path into ours.
pub(crate) fn failed(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> TransitionError + use<> {
    let path = path.to_owned();
    move |source| TransitionError::Io {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> (tempfile::TempDir, StorageDirectory) {
        let place = tempfile::tempdir().expect("a folder");
        for name in names {
            let path = place.path().join(name);
            if let Some(above) = path.parent() {
                fs::create_dir_all(above).expect("made");
            }
            fs::write(path, format!("of={name}\n")).expect("written");
        }
        let directory = StorageDirectory::new(place.path());
        (place, directory)
    }

    fn names(place: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(place.path()).expect("a folder");
        let names = entries.map(|it| it.expect("one").file_name().display().to_string());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn an_upgrade_keeps_the_previous_files_until_it_is_finalized() {
        let (place, directory) = folder(&["current/VERSION"]);
        let old = directory.begin_upgrade().expect("begun");
        assert!(old.join(VERSION).exists() && directory.is_within_upgrade());
        fs::write(directory.current().join(VERSION), "new").expect("written");
        directory.end_upgrade().expect("ended");
        assert_eq!(names(&place), ["current", "previous"]);
        let error = directory
            .finalize("of=other")
            .expect_err("another")
            .to_string();
        assert!(
            error.contains("previous/VERSION has no line of=other"),
            "{error}"
        );
        directory.finalize("of=current/VERSION").expect("finalized");
        directory.finalize("any").expect("nothing to do");
        assert_eq!(names(&place), ["current"]);
    }

    #[test]
    fn an_upgrade_that_was_interrupted_is_ended_or_taken_back() {
        let (place, directory) = folder(&["previous.tmp/VERSION", "current/edits_1-2"]);
        directory.recover().expect("taken back");
        assert_eq!(names(&place), ["current"]);
        assert!(directory.current().join(VERSION).exists());
        let (place, directory) = folder(&["previous.tmp/VERSION"]);
        directory.recover().expect("taken back");
        assert_eq!(names(&place), ["current"]);
        let (place, directory) = folder(&["previous.tmp/VERSION", "current/VERSION"]);
        directory.recover().expect("ended");
        assert_eq!(names(&place), ["current", "previous"]);
        let (place, directory) = folder(&["finalized.tmp/VERSION", "current/VERSION"]);
        directory.recover().expect("finalized");
        assert_eq!(names(&place), ["current"]);
    }

    #[test]
    fn folders_that_contradict_each_other_stay_as_they_are() {
        for (found, why) in [
            (
                &["previous/VERSION"][..],
                "version file in current directory is missing.",
            ),
            (
                &["previous.tmp/VERSION", "finalized.tmp/VERSION"],
                "too many temporary directories.",
            ),
            (
                &["previous.tmp/VERSION", "previous/VERSION"],
                "cannot exist together.",
            ),
            (&["removed.tmp/VERSION"], "start Hadoop on it once more"),
        ] {
            let (place, directory) = folder(found);
            let before = names(&place);
            let error = directory.recover().expect_err("refused").to_string();
            assert!(error.ends_with(why), "{error}");
            assert_eq!(names(&place), before);
        }
    }
}
