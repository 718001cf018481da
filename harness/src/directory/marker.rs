//! The proof that a directory is Kerbox's: a file in it that only Kerbox writes.
//!
//! ```text
//! kerbox directory, format 1
//! id 6f0c…                            128 random bits
//! owner 1000                          the user
//! kind temporary                      or `named`
//! inode 42                            of the directory, so that a copy is no proof
//! path "/tmp/kerbox-x"                where it was made, so that what was moved is kept
//! held by process 123 since …         the last one that used it
//! file krb5.conf                      a file that Kerbox wrote and may replace
//! blocks blocks/dn1                   a folder in which DataNodes keep replicas
//! kept                                evidence: no later run removes it
//! ```
//!
//! It is locked as long as a fixture uses the directory; the system drops the lock when the process
//! dies. Lines are only ever appended, so that a kill leaves a marker that can be read.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path};
use std::thread;
use std::time::Duration;

use kerbox_krb5::Clock;

/// The marker's name in its directory.
pub(super) const NAME: &str = ".kerbox";

const FORMAT: &str = "kerbox directory, format 1";
/// No marker of ours is longer.
const LONGEST: u64 = 16 << 20;
/// Somebody who only asks whether a directory is in use holds a shared lock for a moment.
const ASKED: Duration = Duration::from_millis(5);
const TIMES_ASKED: u32 = 40;

/// Whether Kerbox made the directory by itself, for one fixture, or a user named it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
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

/// The marker of a directory that this process uses.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    header: String,
    pub(super) files: BTreeSet<String>,
    pub(super) blocks: BTreeSet<String>,
}

/// Why a directory cannot be had.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is in use, by the one that the text names.
    InUse(String),
    /// It is not ours; the text says what is wrong with its marker.
    NotOurs(String),
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Marker {
    /// Marks a directory that is empty. Fails with [`ErrorKind::AlreadyExists`] if another process
    /// was quicker.
    pub(super) fn create(directory: &Path, kind: Kind) -> Result<Self, Refusal> {
        let mut options = options();
        let file = options
            .create_new(true)
            .mode(0o600)
            .open(directory.join(NAME))?;
        // Locked before anything stands in it: an empty marker proves nothing to anybody.
        lock(&file, String::new)?;
        let header = header(directory, kind)?;
        let mut marker = Self {
            file,
            header,
            files: BTreeSet::new(),
            blocks: BTreeSet::new(),
        };
        let text = format!("{}{}", marker.header, holder());
        marker.file.write_all(text.as_bytes())?;
        Ok(marker)
    }

    /// Takes the directory of a marker that is there.
    pub(super) fn claim(directory: &Path) -> Result<Self, Refusal> {
        let (file, text) = open(directory)?;
        let parsed = Parsed::of(&text).map_err(Refusal::NotOurs)?;
        parsed.fits(directory)?;
        lock(&file, || parsed.holder.clone())?;
        // Somebody may have removed the directory before the lock was had.
        let there = fs::symlink_metadata(directory.join(NAME))?;
        if there.ino() != file.metadata()?.ino() {
            return Err(Refusal::Io(ErrorKind::NotFound.into()));
        }
        // A line that a kill cut short must not begin the next.
        file.set_len(parsed.length)?;
        let mut marker = Self {
            file,
            header: parsed.header,
            files: parsed.files,
            blocks: parsed.blocks,
        };
        marker.append(&holder())?;
        Ok(marker)
    }

    /// As [`claim`](Self::claim), if the directory is one that Kerbox made for a fixture that is
    /// dead, and that nobody moved, copied, opened to others, or asked to keep.
    pub(super) fn claim_orphan(directory: &Path) -> Option<Self> {
        let (_, text) = open(directory).ok()?;
        let parsed = Parsed::of(&text).ok()?;
        let metadata = fs::symlink_metadata(directory).ok()?;
        let ours =
            metadata.is_dir() && metadata.uid() == user() && metadata.mode() & 0o777 == 0o700;
        let as_made = header_line(&parsed.header, "path ") == Some(&*format!("{directory:?}"));
        let temporary = header_line(&parsed.header, "kind ") == Some(Kind::Temporary.word());
        if ours && as_made && temporary && !parsed.kept {
            Self::claim(directory).ok()
        } else {
            None
        }
    }

    /// Whether the directory at this path is still the one that this marker marks.
    pub(super) fn is_at(&self, directory: &Path) -> bool {
        fs::symlink_metadata(directory).is_ok_and(|metadata| metadata.is_dir())
            && open(directory).is_ok_and(|(_, text)| text.starts_with(&self.header))
    }

    /// Notes a file that Kerbox is about to write.
    pub(super) fn add_file(&mut self, name: &str) -> io::Result<()> {
        self.append(&format!("file {name}\n"))?;
        self.files.insert(name.to_owned());
        Ok(())
    }

    /// Notes a folder in which DataNodes are about to keep replicas.
    pub(super) fn add_blocks(&mut self, name: &str) -> io::Result<()> {
        self.append(&format!("blocks {name}\n"))?;
        self.blocks.insert(name.to_owned());
        Ok(())
    }

    /// Notes that the directory is evidence.
    pub(super) fn keep(&mut self) -> io::Result<()> {
        self.append("kept\n")
    }

    /// Forgets the files that were noted, after they were removed. Folders of replicas stay noted:
    /// they are there still if others have put something into them.
    pub(super) fn forget_files(&mut self) -> io::Result<()> {
        let blocks = self.blocks.iter().map(|name| format!("blocks {name}\n"));
        let text = holder() + &blocks.collect::<String>();
        self.file.set_len(self.header.len() as u64)?;
        self.files.clear();
        self.append(&text)
    }

    /// Lets others have the directory, also while a copy of the descriptor is on its way to a child.
    pub(super) fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(line.as_bytes())
    }
}

/// The process that uses a directory, as its marker says; `None` if no process does.
pub(super) fn holder_of(directory: &Path) -> Option<String> {
    let (file, text) = open(directory).ok()?;
    let parsed = Parsed::of(&text).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(parsed.holder),
        _ => None,
    }
}

/// The user who runs this process.
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What a marker says.
#[derive(Default)]
struct Parsed {
    /// Of what is whole, in bytes.
    length: u64,
    header: String,
    holder: String,
    files: BTreeSet<String>,
    blocks: BTreeSet<String>,
    kept: bool,
}

impl Parsed {
    /// Reads a marker; the error says what is wrong with it.
    fn of(text: &str) -> Result<Self, String> {
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
        for line in lines.map(str::trim_end) {
            match line.split_once(' ') {
                Some(("held", holder)) => {
                    parsed.holder = holder.strip_prefix("by ").unwrap_or(holder).to_owned();
                }
                Some(("file", name)) if stays_inside(name) => {
                    parsed.files.insert(name.to_owned());
                }
                Some(("blocks", name)) if stays_inside(name) => {
                    parsed.blocks.insert(name.to_owned());
                }
                None if line == "kept" => parsed.kept = true,
                _ => {
                    return Err(format!(
                        "its {NAME} has a line that is none of ours: {line:?}"
                    ));
                }
            }
        }
        Ok(parsed)
    }

    /// Fails if the marker was written for another directory.
    fn fits(&self, directory: &Path) -> Result<(), Refusal> {
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

/// Whether a name stays below the directory that it is looked up in.
pub(super) fn stays_inside(name: &str) -> bool {
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

fn header_line<'a>(header: &'a str, begin: &str) -> Option<&'a str> {
    header.lines().find_map(|line| line.strip_prefix(begin))
}

fn header(directory: &Path, kind: Kind) -> io::Result<String> {
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

fn holder() -> String {
    format!(
        "held by process {} since {}\n",
        std::process::id(),
        Clock::system().now()
    )
}

/// For reading and writing, and never through a symbolic link.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// The marker of a directory, if it is a file of ours, and its text.
fn open(directory: &Path) -> Result<(File, String), Refusal> {
    let path = directory.join(NAME);
    // Before it is opened: a pipe would make us wait.
    let metadata = fs::symlink_metadata(&path)?;
    if !metadata.is_file() || metadata.uid() != user() || metadata.len() > LONGEST {
        return Err(Refusal::NotOurs(format!("its {NAME} is none of ours")));
    }
    let mut file = options().open(path)?;
    let mut text = String::new();
    match Read::by_ref(&mut file)
        .take(LONGEST)
        .read_to_string(&mut text)
    {
        Ok(_) => Ok((file, text)),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(Refusal::NotOurs(format!("its {NAME} is none of ours")))
        }
        Err(error) => Err(error.into()),
    }
}

fn lock(file: &File, holder: impl FnOnce() -> String) -> Result<(), Refusal> {
    for _ in 0..TIMES_ASKED {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(ASKED),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(Refusal::InUse(holder()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_that_was_cut_is_read_as_far_as_it_is_whole() {
        let parent = tempfile::tempdir().expect("a directory");
        let mut marker = Marker::create(parent.path(), Kind::Named).expect("empty");
        marker.add_file("krb5.conf").expect("writable");
        marker.file.write_all(b"file keytabs/al").expect("writable");
        drop(marker);
        let marker = Marker::claim(parent.path()).expect("ours");
        assert!(marker.files.contains("krb5.conf") && marker.files.len() == 1);
    }

    #[test]
    fn names_that_leave_the_directory_are_none_of_ours() {
        for name in ["", "/etc/passwd", "../x", "a/../../x", "a\nb"] {
            assert!(!stays_inside(name), "{name:?}");
        }
        assert!(stays_inside("keytabs/a b.keytab"));
    }
}
