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
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use kerbox_krb5::Clock;

mod proof;
#[cfg(test)]
mod tests;
mod text;

use proof::identity;
use text::{Parsed, header, header_line};

pub(super) use proof::Proof;
pub(super) use text::{Kind, NAME, Refusal, stays_inside, user};

/// Upper limit for the size of a marker in bytes.
const LONGEST: u64 = 16 << 20;
/// Pause between two attempts at the lock. A process that only checks whether a directory is in use
/// holds a shared lock for a moment.
const ASKED: Duration = Duration::from_millis(5);
const TIMES_ASKED: u32 = 40;

/// The marker of a directory that this process is using.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    header: String,
    pub(super) files: BTreeMap<String, Proof>,
    pub(super) blocks: BTreeSet<String>,
    pub(super) kept: bool,
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

/// Returns whether a folder is some fixture's own, dead or alive: it has a marker.
pub(crate) fn is_marked(folder: &Path) -> bool {
    folder.join(NAME).symlink_metadata().is_ok()
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
