//! Removal of directories whose fixtures were killed.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, JoinHandle};

use super::marker::Marker;
use super::removal::remove;

/// Prefix of every directory that Kerbox creates for a fixture.
pub(super) const PREFIX: &str = "kerbox-";

/// The thread that removes what killed runs left, until it has been joined.
static REAPER: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);

fn reaper() -> std::sync::MutexGuard<'static, Option<JoinHandle<()>>> {
    REAPER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what killed runs left, once per process, in the background.
pub(super) fn reap_once() {
    static REAPED: Once = Once::new();
    REAPED.call_once(|| {
        let reap = || reap(&std::env::temp_dir(), PREFIX);
        // If no thread can be started, the next process does it.
        *reaper() = thread::Builder::new()
            .name("kerbox-reaper".to_owned())
            .spawn(reap)
            .ok();
    });
}

/// Waits until [`reap_once`] has finished. Where each test is a process (cargo-nextest), the
/// process ends soon after its fixture, which would interrupt the reaper in the middle of a
/// directory.
pub(super) fn await_reaper() {
    if let Some(thread) = reaper().take() {
        // The thread has already printed its panic; the next process removes what it left.
        let _ = thread.join();
    }
}

/// Removes the directories in `parent` that Kerbox made for fixtures which are dead. The name is
/// only the first check: nothing is removed without a marker that proves it.
pub fn reap(parent: &Path, prefix: &str) {
    // Markers contain the absolute path without links.
    let Ok(entries) = parent.canonicalize().and_then(fs::read_dir) else {
        return;
    };
    for entry in entries.flatten() {
        let named = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(prefix));
        if named && let Some(marker) = Marker::claim_orphan(&entry.path()) {
            remove(&entry.path(), &marker);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;
    use crate::directory::marker::{self, Kind};

    fn made(parent: &Path, name: &str, mode: u32) -> PathBuf {
        let path = parent.join(name);
        fs::create_dir(&path).expect("new");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
        fs::write(path.join("precious"), "").expect("writable");
        path
    }

    fn dead(parent: &Path, name: &str, kind: Kind) -> PathBuf {
        let path = made(parent, name, 0o700);
        drop(Marker::create(&path, kind).expect("no marker yet"));
        path
    }

    #[test]
    fn only_what_provably_is_a_dead_fixtures_is_removed() {
        let parent = tempfile::tempdir().expect("a directory");
        let parent = parent.path().canonicalize().expect("there");
        let gone = dead(&parent, "kerbox-dead", Kind::Temporary);
        let alive = made(&parent, "kerbox-alive", 0o700);
        let _held = Marker::create(&alive, Kind::Temporary).expect("no marker yet");

        let old = made(&parent, "kerbox-peers", 0o700);
        // The oldest possible time.
        let times = fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
        let folder = fs::File::open(&old).expect("there");
        folder.set_times(times).expect("ours");
        // The format of earlier versions.
        fs::write(made(&parent, "kerbox-locked", 0o700).join(".lock"), "").expect("writable");
        let empty = made(&parent, "kerbox-unmarked", 0o700);
        fs::write(empty.join(marker::NAME), "").expect("writable");
        let named = dead(&parent, "kerbox-named", Kind::Named);
        let open = dead(&parent, "kerbox-open", Kind::Temporary);
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).expect("ours");
        let moved = parent.join("kerbox-moved");
        fs::rename(dead(&parent, "kerbox-first", Kind::Temporary), &moved).expect("ours");
        let copy = made(&parent, "kerbox-copy", 0o700);
        fs::copy(moved.join(marker::NAME), copy.join(marker::NAME)).expect("readable");
        let kept = made(&parent, "kerbox-kept", 0o700);
        let mut marker = Marker::create(&kept, Kind::Temporary).expect("no marker yet");
        marker.keep().expect("writable");
        drop(marker);
        let elsewhere = tempfile::tempdir().expect("a directory");
        let target = dead(elsewhere.path(), "target", Kind::Temporary);
        symlink(&target, parent.join("kerbox-link")).expect("new");
        let linked = made(&parent, "kerbox-linked", 0o700);
        symlink(moved.join(marker::NAME), linked.join(marker::NAME)).expect("new");

        reap(&parent, PREFIX);
        assert!(!gone.exists());
        for path in [
            alive, old, empty, named, open, moved, copy, kept, target, linked,
        ] {
            assert!(path.join("precious").exists(), "{}", path.display());
        }
        assert!(parent.join("kerbox-locked/.lock").exists());
    }
}
