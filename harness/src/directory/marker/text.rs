//! The marker's text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

use super::proof::{Proof, after_identity};

/// The marker's file name.
pub(crate) const NAME: &str = ".kerbox";

const FORMAT: &str = "kerbox directory, format 1";

/// The origin of a directory: created by Kerbox for one fixture, or named by a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Temporary,
    Named,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::Named => "named",
        }
    }
}

/// The reason why a directory cannot be used.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// In use; the text names the holder.
    InUse(String),
    /// Not ours; the text says what is wrong with its marker.
    NotOurs(String),
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The contents of a marker.
#[derive(Default)]
pub(super) struct Parsed {
    /// Length of the complete lines, in bytes.
    pub(super) length: u64,
    pub(super) header: String,
    pub(super) holder: String,
    pub(super) files: BTreeMap<String, Proof>,
    pub(super) blocks: BTreeSet<String>,
    pub(super) kept: bool,
}

impl Parsed {
    /// Parses a marker; the error says what is wrong with it.
    pub(super) fn of(text: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        parsed.length = whole.len() as u64;
        let mut lines = whole.split_inclusive('\n');
        for (number, begin) in ["", "id ", "owner ", "kind ", "inode ", "path "]
            .into_iter()
            .enumerate()
        {
            let line = lines.next().unwrap_or_default();
            let fits = match number {
                0 => line.trim_end() == FORMAT,
                1 => line.strip_prefix(begin).is_some_and(is_id),
                _ => line.starts_with(begin),
            };
            if !fits {
                return Err(format!("its {NAME} is none of ours, or not whole"));
            }
            parsed.header.push_str(line);
        }
        lines
            .map(str::trim_end)
            .try_for_each(|line| parsed.add_line(line))?;
        Ok(parsed)
    }

    /// Parses a line after the header.
    fn add_line(&mut self, line: &str) -> Result<(), String> {
        match line.split_once(' ') {
            Some(("held", holder)) => {
                self.holder = holder.strip_prefix("by ").unwrap_or(holder).to_owned();
            }
            Some(("file", name)) if stays_inside(name) => {
                self.files.entry(name.to_owned()).or_default().by_name = true;
            }
            Some(("wrote", rest)) if stays_inside(after_identity(rest)) => {
                let name = after_identity(rest);
                let proof = self.files.entry(name.to_owned()).or_default();
                proof.add_written(rest[..rest.len() - name.len()].trim_end().to_owned());
            }
            Some(("blocks", name)) if stays_inside(name) => {
                self.blocks.insert(name.to_owned());
            }
            None if line == "kept" => self.kept = true,
            _ => {
                return Err(format!(
                    "its {NAME} has a line that is none of ours: {line:?}"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        header_line(&self.header, "kind ") == Some(kind.word())
    }

    /// Fails unless Kerbox made the directory for one fixture, and nothing says to keep it.
    pub(super) fn is_orphan(&self, directory: &Path) -> Result<(), Refusal> {
        let found = fs::symlink_metadata(directory)?;
        let private = found.is_dir() && found.uid() == user() && found.mode() & 0o777 == 0o700;
        let as_made = header_line(&self.header, "path ") == Some(&*format!("{directory:?}"));
        if private && as_made && self.is(Kind::Temporary) && !self.kept {
            return Ok(());
        }
        let why = "no fixture left it behind".to_owned();
        Err(Refusal::NotOurs(why))
    }

    /// Fails if the marker was written for another directory.
    pub(super) fn fits(&self, directory: &Path) -> Result<(), Refusal> {
        let metadata = fs::symlink_metadata(directory)?;
        for (begin, now) in [
            ("owner ", user().to_string()),
            ("inode ", metadata.ino().to_string()),
        ] {
            if header_line(&self.header, begin) != Some(&*now) {
                return Err(Refusal::NotOurs(format!(
                    "its {NAME} was written for another: it was copied, or restored, or is \
                     another user's"
                )));
            }
        }
        Ok(())
    }
}

/// Returns whether a name stays inside the directory that it is resolved in.
pub(crate) fn stays_inside(name: &str) -> bool {
    let parts = Path::new(name).components();
    !name.is_empty()
        && !name.contains(char::is_control)
        && parts
            .into_iter()
            .all(|part| matches!(part, Component::Normal(_)))
}

fn is_id(line: &str) -> bool {
    let id = line.trim_end();
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the rest of the header's line with this beginning.
pub(super) fn header_line<'a>(header: &'a str, begin: &str) -> Option<&'a str> {
    header.lines().find_map(|line| line.strip_prefix(begin))
}

/// Returns the lines with which the marker of `directory` begins.
pub(super) fn header(directory: &Path, kind: Kind) -> io::Result<String> {
    let inode = fs::symlink_metadata(directory)?.ino();
    // The standard library seeds these from the system's randomness.
    let random = || RandomState::new().hash_one(std::process::id());
    Ok(format!(
        "{FORMAT}\nid {:016x}{:016x}\nowner {}\nkind {}\ninode {inode}\npath {directory:?}\n",
        random(),
        random(),
        user(),
        kind.word(),
    ))
}

/// Returns the id of the user who runs this process.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}
