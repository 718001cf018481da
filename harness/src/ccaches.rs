//! The credential caches of a fixture: written for logins, and kept in step with the clock.

use std::fs;
use std::path::Path;

use kerbox_krb5::ccache::{Credential, CredentialCache};
use kerbox_krb5::client::Credentials;
use kerbox_krb5::{Clock, Principal};

use crate::Error;

/// Writes a cache that holds this ticket alone, as `kinit` does, with the clock's offset in its
/// header: MIT's library adds it to the system's time, and so lives in the fixture's time.
pub(crate) fn write(path: &Path, credentials: &Credentials, clock: &Clock) -> Result<(), Error> {
    let mut cache = CredentialCache::new(credentials.client.clone());
    cache.set_time_offset(clock.offset_micros());
    cache.push(Credential::from(credentials));
    cache.write(path)?;
    Ok(())
}

/// The ticket-granting ticket of a cache: clients may have renewed it.
pub(crate) fn read_tgt(path: &Path) -> Option<Credentials> {
    let cache = CredentialCache::read(path).ok()?;
    let realm = cache.default_principal().realm();
    Credentials::try_from(cache.find(&Principal::krbtgt(realm, realm))?).ok()
}

/// After the clock was moved: gives every cache in `directory` the new offset, those that clients
/// made there too.
pub(crate) fn follow_clock(directory: &Path, clock: &Clock) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(directory) else {
        // A fixture without a realm has none.
        return Ok(());
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // Whatever is no cache, or was removed meanwhile, needs no offset.
            let _ = CredentialCache::set_time_offset_of_file(&entry.path(), clock.offset_micros());
        }
    }
    Ok(())
}
