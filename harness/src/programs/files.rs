//! The files in which the system shows threads. They are kept open: a program has a hundred
//! threads, each is looked at up to a thousand times a second, and to open such a file takes ten
//! times as long as to read it.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::process::{Resource, getrlimit};

/// The share of the descriptors of this process that are used at most.
const SHARE: u64 = 4;

/// The files of the threads that were looked at.
pub(crate) struct ThreadFiles {
    open: BTreeMap<(u32, u32), Pair>,
    most: usize,
}

/// The two files of a thread that are read at every look.
struct Pair {
    stat: File,
    /// `None` if the kernel keeps no such statistics.
    schedstat: Option<File>,
    is_seen: bool,
}

impl Pair {
    fn open(process: u32, thread: u32) -> Option<Self> {
        Some(Self {
            stat: open(process, thread, "stat")?,
            schedstat: open(process, thread, "schedstat"),
            is_seen: true,
        })
    }

    fn read(&self) -> Option<(String, Option<String>)> {
        let runs = self.schedstat.as_ref().and_then(read);
        Some((read(&self.stat)?, runs))
    }
}

impl Default for ThreadFiles {
    fn default() -> Self {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        // Two for each thread.
        let most = usize::try_from(limit / SHARE / 2).unwrap_or(usize::MAX);
        Self {
            open: BTreeMap::new(),
            most,
        }
    }
}

impl ThreadFiles {
    /// Returns the contents of a thread's `stat` and `schedstat`; `None` if it has ended.
    pub(super) fn of(&mut self, process: u32, thread: u32) -> Option<(String, Option<String>)> {
        let key = (process, thread);
        if let Some(pair) = self.open.get_mut(&key) {
            pair.is_seen = true;
            match pair.read() {
                Some(read) => return Some(read),
                // It has ended, and another one may have its number.
                None => self.open.remove(&key),
            };
        }
        let pair = Pair::open(process, thread)?;
        let read = pair.read()?;
        if self.open.len() < self.most {
            self.open.insert(key, pair);
        }
        Some(read)
    }

    /// Closes the files of threads that were not looked at since the last call.
    pub(crate) fn close_unseen(&mut self) {
        self.open
            .retain(|_, pair| std::mem::take(&mut pair.is_seen));
    }
}

fn open(process: u32, thread: u32, name: &str) -> Option<File> {
    File::open(format!("/proc/{process}/task/{thread}/{name}")).ok()
}

/// Reads such a file, which is one line. A list of children may be longer than one reading gives.
fn read(file: &File) -> Option<String> {
    let mut bytes = Vec::with_capacity(512);
    loop {
        let mut part = [0; 1024];
        let length = file.read_at(&mut part, bytes.len() as u64).ok()?;
        bytes.extend_from_slice(&part[..length]);
        if length == 0 || bytes.ends_with(b"\n") {
            break;
        }
    }
    // The name of a thread may be cut in the middle of a character. A thread that has ended has
    // no line.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (!text.is_empty()).then_some(text)
}

/// Returns the processes that a thread has started.
pub(super) fn children(process: u32, thread: u32) -> Vec<u32> {
    let text = open(process, thread, "children").and_then(|file| read(&file));
    let words = text.iter().flat_map(|text| text.split_whitespace());
    words.filter_map(|child| child.parse().ok()).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn files_of_threads_that_are_not_looked_at_are_closed() {
        let mut files = ThreadFiles::default();
        let own = std::process::id();
        let (stat, runs) = files.of(own, own).expect("this process");
        assert!(stat.starts_with(&format!("{own} (")), "{stat}");
        assert!(runs.is_none_or(|runs| runs.split_whitespace().count() == 3));
        assert!(files.of(own, 0).is_none());
        assert_eq!(files.open.len(), 1);
        files.close_unseen();
        assert!(files.of(own, own).is_some());
        files.close_unseen();
        assert_eq!(files.open.len(), 1);
        files.close_unseen();
        assert!(files.open.is_empty());
    }

    #[test]
    fn with_few_descriptors_files_are_opened_again() {
        let mut files = ThreadFiles {
            most: 0,
            ..ThreadFiles::default()
        };
        let own = std::process::id();
        assert!(files.of(own, own).is_some() && files.of(own, own).is_some());
        assert!(files.open.is_empty());
    }
}
