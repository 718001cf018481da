//! The fixture's clock in a file that other programs map into their memory.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kerbox_krb5::Clock;

use crate::Error;
use crate::directory::Directory;

// The library and the launcher, which are compiled separately, include the same file.
#[path = "../../preload/layout.rs"]
mod layout;

/// The file, open for writing. A program that has mapped it sees each change at once.
#[derive(Debug)]
pub(super) struct ClockPage {
    path: PathBuf,
    /// The file and the sequence number currently in it.
    file: Mutex<(File, u32)>,
}

impl ClockPage {
    /// Creates the file in a fixture's directory.
    pub(super) fn create(files: &Directory, clock: &Clock) -> Result<Self, Error> {
        let mut bytes = vec![0; layout::LENGTH];
        bytes[layout::MAGIC_AT..][..4].copy_from_slice(&layout::MAGIC.to_ne_bytes());
        // Changed in place later, so that only its name can prove that it is ours.
        files.expect("clock/page")?;
        let path = files.write("clock/page", &bytes)?;
        let file = OpenOptions::new().write(true).open(&path);
        let file = file.map_err(Error::io(format!("open {}", path.display())))?;
        let page = Self {
            path,
            file: Mutex::new((file, 0)),
        };
        page.show(clock)?;
        Ok(page)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the clock's present state.
    pub(super) fn show(&self, clock: &Clock) -> Result<(), Error> {
        let nanos = |micros: i64| micros.saturating_mul(1000);
        let offset = nanos(clock.offset_micros());
        let frozen = if clock.is_frozen() {
            // Zero would mean that the clock runs.
            nanos(clock.now().as_micros()).max(1)
        } else {
            0
        };
        let mut state = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, sequence) = &mut *state;
        let mut write = || -> io::Result<()> {
            // The sequence number is odd while the two values are inconsistent.
            for values in [false, true] {
                *sequence = sequence.wrapping_add(1);
                file.write_all_at(&sequence.to_ne_bytes(), layout::SEQUENCE_AT as u64)?;
                if !values {
                    file.write_all_at(&offset.to_ne_bytes(), layout::OFFSET_AT as u64)?;
                    file.write_all_at(&frozen.to_ne_bytes(), layout::FROZEN_AT as u64)?;
                }
            }
            Ok(())
        };
        write().map_err(Error::io(format!("write {}", self.path.display())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kerbox_krb5::Timestamp;

    use super::*;

    fn field(page: &ClockPage, at: usize) -> i64 {
        let bytes = std::fs::read(page.path()).expect("it is there");
        assert_eq!(bytes.len(), layout::LENGTH);
        i64::from_ne_bytes(bytes[at..][..8].try_into().expect("eight bytes"))
    }

    #[test]
    fn it_shows_a_running_clock_by_its_offset_and_a_frozen_one_by_its_time() {
        let files = Directory::temporary().expect("a directory");
        let clock = Clock::system();
        let page = ClockPage::create(&files, &clock).expect("it can be written");
        clock.advance(Duration::from_secs(36_000));
        page.show(&clock).expect("it can be written");
        assert_eq!(field(&page, layout::OFFSET_AT) / 1_000_000_000, 36_000);
        assert_eq!(field(&page, layout::FROZEN_AT), 0);

        clock.set(Timestamp::from_secs(1_900_000_000));
        clock.freeze();
        page.show(&clock).expect("it can be written");
        let frozen = field(&page, layout::FROZEN_AT);
        assert_eq!(frozen / 1_000_000_000, 1_900_000_000);
        let sequence = field(&page, layout::MAGIC_AT) >> 32;
        assert_eq!(sequence, 6, "two steps for each of three changes");
    }
}
