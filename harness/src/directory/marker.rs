//! The marker file, which proves that a directory belongs to Kerbox. Only Kerbox writes it.
//!
//! ```text
//! kerbox directory, format 1
//! id 6f0c…                            128 random bits
//! owner 1000                          the user
//! kind temporary                      or `named`
//! inode 42                            of the directory, so that a copy is no proof
//! path "/tmp/kerbox-x"                where it was made, so that what was moved is kept
//! held by process 123 since …         the last one that used it
//! wrote 2a:7:120:99 krb5.conf         a file that Kerbox wrote: device, inode, size, time
//! file ccache/krb5cc                  a file that another program makes for Kerbox
//! blocks blocks/dn1                   a folder in which DataNodes keep replicas
//! kept                                evidence: no later run removes it
//! ```
//!
//! A fixture holds a lock on it while it uses the directory; the system releases the lock when the
//! process dies. Lines are only appended, so a marker stays readable after a kill.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path};
use std::thread;
use std::time::Duration;

use kerbox_krb5::Clock;

/// The marker's file name.
pub(super) const NAME: &str = ".kerbox";

const FORMAT: &str = "kerbox directory, format 1";
/// Upper limit for the size of a marker in bytes.
const LONGEST: u64 = 16 << 20;
/// Pause between two attempts at the lock. A process that only checks whether a directory is in use
/// holds a shared lock for a moment.
const ASKED: Duration = Duration::from_millis(5);
const TIMES_ASKED: u32 = 40;

/// The origin of a directory: created by Kerbox for one fixture, or named by a user.
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

/// The proof that a file is ours.
#[derive(Clone, Default, Debug)]
pub(super) struct Proof {
    /// Another program makes the file, so that its name must do.
    by_name: bool,
    /// The files that Kerbox wrote: the present one, or the one before if a kill came in between.
    written: Vec<String>,
}

impl Proof {
    /// Returns whether a file is the one that was recorded.
    pub(super) fn fits(&self, found: &Metadata) -> bool {
        let kind = found.file_type();
        (self.by_name && (kind.is_file() || kind.is_socket()))
            || (kind.is_file() && self.written.contains(&identity(found)))
    }

    fn add_written(&mut self, identity: String) {
        if self.written.len() > 1 {
            self.written.remove(0);
        }
        self.written.push(identity);
    }
}

/// Returns the name in `identity name`; empty if there is none.
fn after_identity(rest: &str) -> &str {
    rest.split_once(' ').map_or("", |(_, name)| name)
}

fn identity(file: &Metadata) -> String {
    let (seconds, nanos) = (file.mtime(), file.mtime_nsec());
    format!(
        "{:x}:{}:{}:{seconds}.{nanos}",
        file.dev(),
        file.ino(),
        file.size()
    )
}

/// The marker of a directory that this process is using.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    header: String,
    pub(super) files: BTreeMap<String, Proof>,
    pub(super) blocks: BTreeSet<String>,
    pub(super) kept: bool,
}

/// The reason why a directory cannot be used.
#[derive(Debug)]
pub(super) enum Refusal {
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

impl Marker {
    /// Marks an empty directory. Fails with [`ErrorKind::AlreadyExists`] if another process was
    /// faster.
    pub(super) fn create(directory: &Path, kind: Kind) -> Result<Self, Refusal> {
        let mut options = options();
        let file = options
            .create_new(true)
            .mode(0o600)
            .open(directory.join(NAME))?;
        // Locked before anything is written: an empty marker proves nothing.
        lock(&file, TIMES_ASKED, String::new)?;
        let header = header(directory, kind)?;
        let mut marker = Self {
            file,
            header,
            files: BTreeMap::new(),
            blocks: BTreeSet::new(),
            kept: false,
        };
        let text = format!("{}{}", marker.header, holder());
        marker.file.write_all(text.as_bytes())?;
        Ok(marker)
    }

    /// Takes over a named directory that has a marker. Refuses one that Kerbox made for a fixture:
    /// it may be kept as evidence.
    pub(super) fn claim(directory: &Path) -> Result<Self, Refusal> {
        Self::take(directory, open(directory)?, TIMES_ASKED, |parsed| {
            if parsed.is(Kind::Named) {
                return Ok(());
            }
            let why = "it was made for one fixture; name another".to_owned();
            Err(Refusal::NotOurs(why))
        })
    }

    /// Takes over a directory that Kerbox made for an earlier fixture of this process.
    pub(super) fn claim_again(directory: &Path) -> Result<Self, Refusal> {
        Self::take(directory, open(directory)?, TIMES_ASKED, |_| Ok(()))
    }

    /// Takes over a directory, but only if Kerbox made it for a fixture that is now dead. Refuses
    /// one that was moved, copied, opened to other users, or marked as kept.
    pub(super) fn claim_orphan(directory: &Path) -> Option<Self> {
        // A marker with a lock has an owner: no reason to ask twice.
        Self::take(directory, open(directory).ok()?, 1, |parsed| {
            parsed.is_orphan(directory)
        })
        .ok()
    }

    /// Locks an opened marker and reads it again, since its former holder may have added lines
    /// meanwhile. `may` judges the text that was read under the lock.
    fn take(
        directory: &Path,
        (mut file, unlocked): (File, String),
        times: u32,
        may: impl FnOnce(&Parsed) -> Result<(), Refusal>,
    ) -> Result<Self, Refusal> {
        lock(&file, times, || {
            Parsed::of(&unlocked).map_or_else(|_| String::new(), |parsed| parsed.holder)
        })?;
        // Another process may have removed the directory before we got the lock.
        if !is_same(&file, &directory.join(NAME))? {
            return Err(Refusal::Io(ErrorKind::NotFound.into()));
        }
        let parsed = Parsed::of(&read(&mut file)?).map_err(Refusal::NotOurs)?;
        parsed.fits(directory)?;
        may(&parsed)?;
        // Cut off an incomplete last line, so that the next line does not continue it.
        file.set_len(parsed.length)?;
        let mut marker = Self {
            file,
            header: parsed.header,
            files: parsed.files,
            blocks: parsed.blocks,
            kept: parsed.kept,
        };
        marker.append(&holder())?;
        Ok(marker)
    }

    /// Returns whether the directory at this path is still the one that this marker marks. A copy
    /// has the same text, but other inodes.
    pub(super) fn is_at(&self, directory: &Path) -> bool {
        fs::symlink_metadata(directory).is_ok_and(|found| {
            found.is_dir() && header_line(&self.header, "inode ") == Some(&*found.ino().to_string())
        }) && is_same(&self.file, &directory.join(NAME)).is_ok_and(|same| same)
    }

    /// Records a file that another program is about to make.
    pub(super) fn add_file(&mut self, name: &str) -> io::Result<()> {
        if !self.files.get(name).is_some_and(|proof| proof.by_name) {
            self.append(&format!("file {name}\n"))?;
            self.files.entry(name.to_owned()).or_default().by_name = true;
        }
        Ok(())
    }

    /// Records a file that Kerbox wrote and is about to put in place.
    pub(super) fn add_written(&mut self, name: &str, file: &Metadata) -> io::Result<()> {
        let identity = identity(file);
        self.append(&format!("wrote {identity} {name}\n"))?;
        let proof = self.files.entry(name.to_owned()).or_default();
        proof.add_written(identity);
        Ok(())
    }

    /// Forgets what [`add_written`](Self::add_written) recorded, as it was not put in place. The
    /// line stays, but no other file fits it.
    pub(super) fn drop_written(&mut self, name: &str, file: &Metadata) {
        let identity = identity(file);
        if let Some(proof) = self.files.get_mut(name) {
            proof.written.retain(|written| *written != identity);
            if proof.written.is_empty() && !proof.by_name {
                self.files.remove(name);
            }
        }
    }

    /// Records a folder in which DataNodes are about to keep replicas.
    pub(super) fn add_blocks(&mut self, name: &str) -> io::Result<()> {
        self.append(&format!("blocks {name}\n"))?;
        self.blocks.insert(name.to_owned());
        Ok(())
    }

    /// Marks the directory as evidence to keep.
    pub(super) fn keep(&mut self) -> io::Result<()> {
        if !self.kept {
            self.append("kept\n")?;
            self.kept = true;
        }
        Ok(())
    }

    /// Marks the directory as evidence to keep; removes its marker if that fails, as on a full
    /// disk. Without a marker nothing is removed.
    pub(super) fn keep_or_unmark(&mut self, directory: &Path) {
        if self.keep().is_err() && self.is_at(directory) {
            let _ = fs::remove_file(directory.join(NAME));
        }
    }

    /// Removes the recorded files from the marker after they were deleted. A folder of replicas
    /// stays recorded if it still exists, because it contains other files.
    pub(super) fn forget_files(&mut self, directory: &Path) -> io::Result<()> {
        self.blocks
            .retain(|name| directory.join(name).symlink_metadata().is_ok());
        let blocks = self.blocks.iter().map(|name| format!("blocks {name}\n"));
        let kept = if self.kept { "kept\n" } else { "" };
        let text = holder() + kept + &blocks.collect::<String>();
        self.file.set_len(self.header.len() as u64)?;
        self.files.clear();
        self.append(&text)
    }

    /// Releases the lock explicitly, which also works while a copy of the descriptor is on its way
    /// to a child process.
    pub(super) fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(line.as_bytes())
    }
}

/// Returns the process that uses a directory, according to its marker; `None` if no process does.
pub(super) fn holder_of(directory: &Path) -> Option<String> {
    let (file, text) = open(directory).ok()?;
    let parsed = Parsed::of(&text).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(parsed.holder),
        _ => None,
    }
}

/// Returns whether a directory's marker says that Kerbox made it for one fixture.
pub(super) fn is_temporary(directory: &Path) -> bool {
    open(directory)
        .is_ok_and(|(_, text)| Parsed::of(&text).is_ok_and(|parsed| parsed.is(Kind::Temporary)))
}

/// Returns the id of the user who runs this process.
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The contents of a marker.
#[derive(Default)]
struct Parsed {
    /// Length of the complete lines, in bytes.
    length: u64,
    header: String,
    holder: String,
    files: BTreeMap<String, Proof>,
    blocks: BTreeSet<String>,
    kept: bool,
}

impl Parsed {
    /// Parses a marker; the error says what is wrong with it.
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
                    parsed.files.entry(name.to_owned()).or_default().by_name = true;
                }
                Some(("wrote", rest)) if stays_inside(after_identity(rest)) => {
                    let name = after_identity(rest);
                    let proof = parsed.files.entry(name.to_owned()).or_default();
                    proof.add_written(rest[..rest.len() - name.len()].trim_end().to_owned());
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

    fn is(&self, kind: Kind) -> bool {
        header_line(&self.header, "kind ") == Some(kind.word())
    }

    /// Fails unless Kerbox made the directory for one fixture, and nothing says to keep it.
    fn is_orphan(&self, directory: &Path) -> Result<(), Refusal> {
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

/// Returns whether a name stays inside the directory that it is resolved in.
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

/// Returns options for reading and writing that never follow a symbolic link.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Opens and reads a directory's marker, if it is a file of ours.
fn open(directory: &Path) -> Result<(File, String), Refusal> {
    let path = directory.join(NAME);
    // Checked before opening, because opening a pipe would block.
    let metadata = fs::symlink_metadata(&path)?;
    if !metadata.is_file() || metadata.uid() != user() || metadata.len() > LONGEST {
        return Err(Refusal::NotOurs(format!("its {NAME} is none of ours")));
    }
    let mut file = options().open(path)?;
    let text = read(&mut file)?;
    Ok((file, text))
}

/// Reads a marker from its beginning.
fn read(file: &mut File) -> Result<String, Refusal> {
    file.seek(SeekFrom::Start(0))?;
    let mut text = String::new();
    match file.take(LONGEST).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(Refusal::NotOurs(format!("its {NAME} is none of ours")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns whether an open file is the one at `path`.
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    let (open, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok((open.dev(), open.ino()) == (there.dev(), there.ino()))
}

fn lock(file: &File, times: u32, holder: impl FnOnce() -> String) -> Result<(), Refusal> {
    for time in 1..=times {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if time < times => thread::sleep(ASKED),
            Err(TryLockError::WouldBlock) => break,
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
        assert!(marker.files.contains_key("krb5.conf") && marker.files.len() == 1);
    }

    #[test]
    fn lines_that_are_added_before_the_lock_is_taken_count() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path();
        let mut marker = Marker::create(path, Kind::Named).expect("empty");
        let opened = open(path).expect("ours");
        marker.add_file("krb5.conf").expect("writable");
        marker.keep().expect("writable");
        let length = fs::metadata(path.join(NAME)).expect("there").len();
        drop(marker);
        let marker = Marker::take(path, opened, 1, |_| Ok(())).expect("ours");
        assert!(marker.kept && marker.files.contains_key("krb5.conf"));
        assert!(fs::metadata(path.join(NAME)).expect("there").len() > length);

        let opened = open(path).expect("ours");
        let refused = Marker::take(path, opened, 1, |_| Ok(()));
        assert!(matches!(refused, Err(Refusal::InUse(by)) if by.contains("process")));
    }

    #[test]
    fn evidence_that_cannot_be_marked_loses_its_marker() {
        let parent = tempfile::tempdir().expect("a directory");
        let mut marker = Marker::create(parent.path(), Kind::Temporary).expect("empty");
        // Writing fails, as on a full disk.
        marker.file = File::open(parent.path().join(NAME)).expect("there");
        marker.keep_or_unmark(parent.path());
        assert!(!parent.path().join(NAME).exists());
    }

    #[test]
    fn names_that_leave_the_directory_are_none_of_ours() {
        for name in ["", "/etc/passwd", "../x", "a/../../x", "a\nb"] {
            assert!(!stays_inside(name), "{name:?}");
        }
        assert!(stays_inside("keytabs/a b.keytab"));
    }
}
