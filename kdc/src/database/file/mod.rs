//! The contents of a file that keeps a [`PrincipalDatabase`]. Reading and writing the file itself
//! is left to the caller.
//!
//! ```text
//! kerbox realm, format 1        text and a newline
//! record                        a header, realms, principals, aliases, referrals, the end
//! ```
//!
//! A record is its kind (one byte), the length of its body (4 bytes), the body, and the first
//! 8 bytes of SHA-256 over these three. Numbers are big-endian. The settings of a realm are not
//! in the file, because a description gives them at each start; the rules for passwords are.

mod damaged;
mod fields;
mod records;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use kerbox_krb5::Principal;

pub use self::damaged::DamagedFile;
use self::damaged::damaged;
use self::fields::{Field, Reader};
use self::records::{Kind, read_record, write_record};
use super::{PrincipalDatabase, PrincipalEntry, RealmConfig, delegates};

/// The first line of a file, up to the number of its format.
const MAGIC: &str = "kerbox realm, format ";
/// The format that is written, and the only one that is read.
const FORMAT: &str = "1";

/// The contents of a file that keeps a database.
///
/// ```
/// use kerbox_kdc::{DatabaseFile, PrincipalDatabase, RealmConfig};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let mut database = PrincipalDatabase::new();
/// database.add_realm(RealmConfig::new("EXAMPLE.COM"), &mut rng)?;
/// let bytes = DatabaseFile { database, described: [].into() }.to_bytes();
/// let again = DatabaseFile::parse(&bytes)?;
/// assert_eq!(again.database.principals().count(), 2); // krbtgt and kadmin/changepw
///
/// let damaged = DatabaseFile::parse(&bytes[..bytes.len() - 1]).expect_err("it is cut");
/// assert!(damaged.to_string().starts_with("at byte "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DatabaseFile {
    /// The principals. Their realms have default settings, but for the rules for passwords and
    /// those who may set the passwords of others.
    pub database: PrincipalDatabase,
    /// The principals that were added because a description names them. One that is no longer in
    /// the database was removed, and is not to be added again.
    pub described: BTreeSet<Principal>,
}

impl DatabaseFile {
    /// Encodes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Self::encode(&self.database, &self.described)
    }

    /// Encodes a database and the principals of its description.
    #[must_use]
    pub fn encode(database: &PrincipalDatabase, described: &BTreeSet<Principal>) -> Vec<u8> {
        let mut out = format!("{MAGIC}{FORMAT}\n").into_bytes();
        write_record(Kind::Header, described, &mut out);
        for realm in &database.realms {
            write_record(Kind::Realm, realm, &mut out);
        }
        for entry in database.principals.values() {
            write_record(Kind::Principal, &**entry, &mut out);
        }
        write_record(Kind::Aliases, &database.aliases, &mut out);
        write_record(Kind::Referrals, &database.client_referrals, &mut out);
        write_record(Kind::End, &(), &mut out);
        out
    }

    /// Decodes a whole file.
    ///
    /// # Errors
    /// Names the place of the first byte that is not as it was written.
    pub fn parse(bytes: &[u8]) -> Result<Self, DamagedFile> {
        let mut reader = after_magic(bytes)?;
        let mut file = Self::default();
        loop {
            let at = reader.offset();
            let (kind, mut body) = read_record(&mut reader)?;
            let database = &mut file.database;
            match kind {
                Kind::Header => file.described = Field::read(&mut body)?,
                Kind::Realm => database.realms.push(RealmConfig::read(&mut body)?),
                Kind::Principal => {
                    let entry = PrincipalEntry::read(&mut body)?;
                    database.delegation |= delegates(&entry);
                    let name = entry.principal.clone();
                    if database.principals.insert(name, Arc::new(entry)).is_some() {
                        return Err(damaged(at, "the principal is there twice"));
                    }
                }
                Kind::Aliases => database.aliases = Field::read(&mut body)?,
                Kind::Referrals => database.client_referrals = Field::read(&mut body)?,
                Kind::End => {}
            }
            body.finish("the record")?;
            if kind == Kind::End {
                reader.finish("the file")?;
                return Ok(file);
            }
        }
    }

    /// Returns true if a file that begins like this is one that Kerbox has written, or has begun
    /// to write.
    #[must_use]
    pub fn is_begun(bytes: &[u8]) -> bool {
        let magic = MAGIC.as_bytes();
        bytes.starts_with(magic) || magic.starts_with(bytes)
    }
}

/// Returns a reader of the records.
fn after_magic(bytes: &[u8]) -> Result<Reader<'_>, DamagedFile> {
    /// The most digits that a format's number can have.
    const DIGITS: usize = 8;
    let rest = bytes
        .strip_prefix(MAGIC.as_bytes())
        .ok_or_else(|| damaged(0, "it is not a realm of Kerbox's"))?;
    let line = rest.iter().take(DIGITS).position(|byte| *byte == b'\n');
    let format = line.and_then(|end| std::str::from_utf8(&rest[..end]).ok());
    match format {
        Some(FORMAT) => {}
        Some(other) => {
            let reason = format!(
                "it has format {other}, and this version of Kerbox reads format {FORMAT}: use the \
                 version that wrote it"
            );
            return Err(damaged(MAGIC.len(), &reason));
        }
        None => return Err(damaged(MAGIC.len(), "the number of its format is missing")),
    }
    Ok(Reader::new(bytes, MAGIC.len() + FORMAT.len() + 1))
}
