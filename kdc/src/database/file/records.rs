//! Records: a kind, a body, and a checksum of both.

use sha2::{Digest, Sha256};

use super::damaged::{DamagedFile, damaged};
use super::fields::{Field, Reader};

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The principals that the description names.
    Header = 1,
    /// A realm.
    Realm = 2,
    /// A principal.
    Principal = 3,
    /// All aliases.
    Aliases = 4,
    /// All clients that are referred to another realm.
    Referrals = 5,
    /// The end. Without it, the file was cut.
    End = 6,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Header,
        Self::Realm,
        Self::Principal,
        Self::Aliases,
        Self::Referrals,
        Self::End,
    ];
}

/// The number of bytes of a checksum.
const SUM: usize = 8;

/// Appends a record with this body.
pub(super) fn write_record(kind: Kind, body: &impl Field, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(kind as u8);
    let length_at = out.len();
    0_u32.write(out);
    let body_at = out.len();
    body.write(out);
    // A principal's names and keys are far below 4 GiB.
    let length = u32::try_from(out.len() - body_at).unwrap_or(u32::MAX);
    out[length_at..body_at].copy_from_slice(&length.to_be_bytes());
    let sum = sum(&out[start..]);
    out.extend_from_slice(&sum);
}

/// Takes a record off the front. Returns its kind and a reader of its body.
pub(super) fn read_record<'a>(reader: &mut Reader<'a>) -> Result<(Kind, Reader<'a>), DamagedFile> {
    let mut whole = reader.clone();
    let at = reader.offset();
    let number = u8::read(reader)?;
    let length = u32::read(reader)? as usize;
    let cut = |_| damaged(at, "the record is longer than the rest of the file");
    let body = reader.split(length).map_err(cut)?;
    let expected = sum(whole.take(reader.offset() - at)?);
    if reader.take(SUM).map_err(cut)? != expected {
        let reason = "the record's checksum is not that of its contents";
        return Err(damaged(at, reason));
    }
    let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == number);
    let unknown = || damaged(at, &format!("there is no kind {number} of records"));
    Ok((kind.ok_or_else(unknown)?, body))
}

fn sum(bytes: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&Sha256::digest(bytes)[..SUM]);
    sum
}
