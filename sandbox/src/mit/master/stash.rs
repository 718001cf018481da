//! Stash files: keytabs of `K/M`, or, in MIT's old format, one bare key.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use kerbox_krb5::keytab::{Keytab, KeytabEntry};
use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};

/// Reads the newest key, with its version.
pub(crate) fn read(path: &Path, principal: &Principal) -> Result<(u32, EncryptionKey), String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => failed(&"No such file or directory; kdb5_util stash writes it"),
        _ => failed(&error),
    })?;
    match Keytab::parse(&bytes) {
        Ok(keytab) => {
            let found = keytab.find(principal, None, None);
            let found = found.and_then(|entry| Some((entry.kvno(), entry.key()?.clone())));
            found.ok_or_else(|| failed(&format_args!("it has no key of {principal}")))
        }
        Err(error) => bare(&bytes).ok_or_else(|| failed(&error)),
    }
}

/// Parses the old format: the key's type and length in this machine's byte order, and the key.
fn bare(bytes: &[u8]) -> Option<(u32, EncryptionKey)> {
    let (enctype, rest) = bytes.split_first_chunk()?;
    let (length, key) = rest.split_first_chunk()?;
    let enctype = EncryptionType(u16::from_ne_bytes(*enctype).into());
    let length = usize::try_from(u32::from_ne_bytes(*length)).ok()?;
    let key = EncryptionKey::new(enctype, key.get(..length)?).ok()?;
    // The format has no version.
    Some((1, key))
}

/// Writes a stash file with these keys, in place of an older stash file.
pub(crate) fn write(
    path: &Path,
    principal: &Principal,
    keys: &[(u32, EncryptionKey)],
    now: Timestamp,
) -> Result<(), String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    // Only a stash file is replaced.
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&error)),
        Ok(bytes) if is_stash(&bytes, principal) => {}
        Ok(_) => {
            return Err(failed(&format_args!(
                "it exists, and is no stash file of {principal}"
            )));
        }
    }
    let mut keytab = Keytab::default();
    for (kvno, key) in keys {
        keytab.push(KeytabEntry::new(principal.clone(), *kvno, key.clone(), now));
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push("_tmp");
    let unfinished = Path::new(&unfinished);
    let mut options = fs::OpenOptions::new();
    let new = options.create_new(true).write(true).mode(0o600);
    let mut file = new.open(unfinished).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!(
            "Temporary stash file already exists: {}.",
            unfinished.display()
        ),
        _ => format!("{}: {error}", unfinished.display()),
    })?;
    let done = file
        .write_all(&keytab.to_bytes())
        .and_then(|()| fs::rename(unfinished, path));
    done.map_err(|error| {
        let _ = fs::remove_file(unfinished);
        failed(&error)
    })
}

fn is_stash(bytes: &[u8], principal: &Principal) -> bool {
    match Keytab::parse(bytes) {
        Ok(keytab) => keytab.entries().all(|entry| entry.principal() == principal),
        Err(_) => bare(bytes).is_some(),
    }
}
