//! The credential caches of a fixture: written at login and kept in step with the clock.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use kerbox_krb5::ccache::{Credential, CredentialCache};
use kerbox_krb5::client::Credentials;
use kerbox_krb5::{Clock, Principal};

use crate::Error;
use crate::directory::is_marked;

/// The first bytes of every cache file.
const VERSION_4: [u8; 2] = [5, 4];
/// Folders of a fixture that contain no caches but may contain many other files.
const WITHOUT_CACHES: [&str; 3] = ["blocks", "keytabs", "hadoop"];
/// Maximum folder depth searched for caches. Those of a DIR collection are one folder deeper than
/// others.
const DEPTH: usize = 8;

/// Writes a cache with this ticket only, as `kinit` does. The header holds the clock's offset,
/// which MIT's library adds to the system's time, so that it follows the fixture's time.
pub(crate) fn write(path: &Path, credentials: &Credentials, clock: &Clock) -> Result<(), Error> {
    let mut cache = CredentialCache::new(credentials.client.clone());
    cache.set_time_offset(clock.offset_micros());
    cache.push(Credential::from(credentials));
    cache.write(path)?;
    Ok(())
}

/// Reads the ticket-granting ticket from a cache. A client may have renewed it.
pub(crate) fn read_tgt(path: &Path) -> Option<Credentials> {
    let cache = CredentialCache::read(path).ok()?;
    let realm = cache.default_principal().realm();
    Credentials::try_from(cache.find(&Principal::krbtgt(realm, realm))?).ok()
}

/// Writes the new offset of a moved clock into every cache in the fixture's `directory`. That
/// includes caches made by clients in any subfolder, as for a DIR collection. Links are not
/// followed: they may lead to a user's own caches. Subfolders of other fixtures have other clocks.
pub(crate) fn follow_clock(directory: &Path, clock: &Clock) -> Result<(), Error> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        if !WITHOUT_CACHES.iter().any(|without| name == **without) {
            follow(&entry, clock, DEPTH);
        }
    }
    Ok(())
}

fn follow(entry: &fs::DirEntry, clock: &Clock, depth: usize) {
    let Ok(kind) = entry.file_type() else {
        return;
    };
    if kind.is_dir() && depth > 0 && !is_marked(&entry.path()) {
        let entries = fs::read_dir(entry.path()).into_iter().flatten().flatten();
        entries.for_each(|entry| follow(&entry, clock, depth - 1));
    } else if kind.is_file() && is_cache(&entry.path()) && has_one_name(entry) {
        // A file that is not a cache after all, or that was removed meanwhile, needs no offset.
        let _ = CredentialCache::set_time_offset_of_file(&entry.path(), clock.offset_micros());
    }
}

/// Returns whether no other folder holds the same file: that one may be a user's own.
fn has_one_name(entry: &fs::DirEntry) -> bool {
    entry.metadata().is_ok_and(|found| found.nlink() == 1)
}

fn is_cache(path: &Path) -> bool {
    let mut version = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut version));
    read.is_ok() && version == VERSION_4
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_clock_reaches_caches_in_collections_and_nothing_outside() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
        let [ours, others] = &folders;
        let cache = CredentialCache::new(Principal::new("R", ["alice"]));
        fs::create_dir_all(ours.path().join("ccache/collection")).expect("new");
        let (tkt, top, other) = (
            ours.path().join("ccache/collection/tkt"),
            ours.path().join("own"),
            others.path().join("krb5cc"),
        );
        for path in [&tkt, &top, &other] {
            cache.write(path).expect("writable");
        }
        symlink(&other, ours.path().join("ccache/link")).expect("new");
        symlink(others.path(), ours.path().join("folder")).expect("new");
        let (hard, inner) = (others.path().join("hard"), ours.path().join("inner/tkt"));
        fs::create_dir(ours.path().join("inner")).expect("new");
        fs::write(ours.path().join("inner/.kerbox"), "").expect("writable");
        for path in [&hard, &inner] {
            cache.write(path).expect("writable");
        }
        fs::hard_link(&hard, ours.path().join("hard")).expect("one file system");
        fs::write(ours.path().join("ccache/collection/primary"), "tkt\n").expect("writable");

        let clock = Clock::system();
        clock.set(clock.now() + Duration::from_secs(9 * 3600));
        follow_clock(ours.path(), &clock).expect("readable");
        let offset = |path| CredentialCache::read(path).expect("a cache").time_offset();
        for path in [&tkt, &top] {
            assert_eq!(offset(path), Some(clock.offset_micros()));
        }
        for path in [&other, &hard, &inner] {
            assert_eq!(offset(path), Some(0));
        }
        let primary = fs::read(ours.path().join("ccache/collection/primary"));
        assert_eq!(primary.expect("there"), b"tkt\n");
    }
}
