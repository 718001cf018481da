//! Keytab files: the long-term keys of services (MIT's format, version 2).

use std::path::Path;

use crate::reader::Reader;
use crate::stored_key::StoredKey;
use crate::{EncryptionKey, EncryptionType, Error, NameType, Principal, Timestamp, private_file};

/// The first two bytes of a file: format 5, version 2 (big-endian throughout).
const VERSION: u16 = 0x0502;

/// A keytab: keys by principal, key version number and encryption type.
///
/// Parsed data is written back byte for byte, including holes and unknown trailing bytes.
///
/// ```
/// use kerbox_krb5::keytab::{Keytab, KeytabEntry};
/// use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};
///
/// let service: Principal = "hdfs/localhost@EXAMPLE.COM".parse()?;
/// let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16])?;
/// let mut keytab = Keytab::default();
/// keytab.push(KeytabEntry::new(service.clone(), 2, key, Timestamp::from_secs(1_800_000_000)));
///
/// let read = Keytab::parse(&keytab.to_bytes())?;
/// assert_eq!(read.find(&service, None, None).map(KeytabEntry::kvno), Some(2));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
///
/// ```
/// use kerbox_krb5::{EncryptionKey, EncryptionType, Keytab, KeytabEntry, Principal, Timestamp};
///
/// # fn main() -> Result<(), kerbox_krb5::Error> {
/// let service = Principal::new("EXAMPLE.COM", ["nn", "localhost"]);
/// let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16])?;
/// let entry = KeytabEntry::new(service.clone(), 1, key, Timestamp::from_secs(1_700_000_000));
/// let keytab = Keytab::from_iter([entry]);
/// let read = Keytab::parse(&keytab.to_bytes())?;
/// let entry = read.entries().next().expect("the only one");
/// assert_eq!((entry.principal(), entry.kvno()), (&service, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keytab {
    records: Vec<Record>,
    /// The bytes after the last record. MIT stops at a size of zero, or where a hole runs past the
    /// end.
    rest: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Record {
    Entry(KeytabEntry),
    /// The space left by a removed entry.
    Hole(Vec<u8>),
}

/// One key of a keytab.
///
/// ```
/// use kerbox_krb5::{EncryptionKey, EncryptionType, KeytabEntry, Principal, Timestamp};
///
/// let service: Principal = "nn/localhost@EXAMPLE.COM".parse()?;
/// let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16])?;
/// let entry = KeytabEntry::new(service, 300, key, Timestamp::EPOCH);
/// assert_eq!(entry.kvno(), 300); // more than the byte of the oldest programs holds
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeytabEntry {
    principal: Principal,
    timestamp: u32,
    /// The low byte of the key version number. The oldest programs know no more.
    kvno8: u8,
    key: StoredKey,
    /// The key version number in 32 bits, and any further bytes after the key.
    tail: Vec<u8>,
}

impl Keytab {
    /// Parses a keytab's bytes. Fails if they are not of version 2, or end within an entry.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("keytab", bytes);
        if reader.u16()? != VERSION {
            return Err(reader
                .malformed("it does not begin with the bytes 5 and 2, for format 5, version 2"));
        }
        let mut keytab = Self::default();
        while reader.remaining() > 4 {
            let mut record = reader.limited(reader.remaining())?;
            let size = record.u32()?.cast_signed();
            let len = size.unsigned_abs() as usize;
            if size == 0 || (size < 0 && len > record.remaining()) {
                break;
            }
            let record = if size < 0 {
                Record::Hole(record.take(len)?.to_vec())
            } else {
                Record::Entry(KeytabEntry::parse(record.limited(len)?)?)
            };
            keytab.records.push(record);
            reader.take(4 + len)?;
        }
        keytab.rest = reader.rest().to_vec();
        Ok(keytab)
    }

    /// Returns the keytab's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_be_bytes().to_vec();
        for record in &self.records {
            match record {
                Record::Entry(entry) => {
                    let entry = entry.to_bytes();
                    bytes.extend((entry.len() as u32).to_be_bytes());
                    bytes.extend(entry);
                }
                Record::Hole(hole) => {
                    bytes.extend(
                        (hole.len() as u32)
                            .cast_signed()
                            .wrapping_neg()
                            .to_be_bytes(),
                    );
                    bytes.extend(hole);
                }
            }
        }
        bytes.extend(&self.rest);
        bytes
    }

    /// Reads a keytab file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&private_file::read(path)?)
    }

    /// Writes a keytab file atomically, readable by its owner only.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        private_file::write(path, &self.to_bytes())
    }

    /// Returns the entries in the file's order.
    pub fn entries(&self) -> impl Iterator<Item = &KeytabEntry> {
        self.records.iter().filter_map(|record| match record {
            Record::Entry(entry) => Some(entry),
            Record::Hole(_) => None,
        })
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, entry: KeytabEntry) {
        // Readers would not find an entry behind a size of zero.
        self.rest.clear();
        self.records.push(Record::Entry(entry));
    }

    /// Removes the entries of `principal`, all or those of one key version number. Returns their
    /// number.
    pub fn remove(&mut self, principal: &Principal, kvno: Option<u32>) -> usize {
        let before = self.records.len();
        self.records.retain(|record| match record {
            Record::Entry(entry) => {
                entry.principal != *principal || kvno.is_some_and(|kvno| !entry.has_kvno(kvno))
            }
            Record::Hole(_) => true,
        });
        before - self.records.len()
    }

    /// Returns the entry of `principal` with this key version number, or the highest, and with this
    /// encryption type, or any supported one. If several match, returns the first in the file.
    #[must_use]
    pub fn find(
        &self,
        principal: &Principal,
        kvno: Option<u32>,
        enctype: Option<EncryptionType>,
    ) -> Option<&KeytabEntry> {
        let fits = |entry: &&KeytabEntry| {
            kvno.is_none_or(|kvno| entry.has_kvno(kvno))
                && enctype.is_none_or(|enctype| entry.enctype() == enctype)
                && entry.principal == *principal
                && entry.key().is_some()
        };
        self.entries().filter(fits).reduce(|best, entry| {
            if entry.kvno() > best.kvno() {
                entry
            } else {
                best
            }
        })
    }
}

impl Extend<KeytabEntry> for Keytab {
    fn extend<I: IntoIterator<Item = KeytabEntry>>(&mut self, entries: I) {
        entries.into_iter().for_each(|entry| self.push(entry));
    }
}

impl FromIterator<KeytabEntry> for Keytab {
    fn from_iter<I: IntoIterator<Item = KeytabEntry>>(entries: I) -> Self {
        let mut keytab = Self::default();
        keytab.extend(entries);
        keytab
    }
}

impl KeytabEntry {
    /// Creates an entry as MIT's `ktadd` writes it. `timestamp` is the key's creation time, in
    /// whole seconds.
    #[must_use]
    pub fn new(principal: Principal, kvno: u32, key: EncryptionKey, timestamp: Timestamp) -> Self {
        Self {
            principal,
            timestamp: timestamp.as_secs().clamp(0, u32::MAX.into()) as u32,
            kvno8: kvno as u8,
            key: key.into(),
            tail: kvno.to_be_bytes().to_vec(),
        }
    }

    /// Returns the key's owner.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the key version number.
    #[must_use]
    pub fn kvno(&self) -> u32 {
        self.kvno32().unwrap_or_else(|| self.kvno8.into())
    }

    /// Returns the encryption type, supported or not.
    #[must_use]
    pub fn enctype(&self) -> EncryptionType {
        self.key.enctype()
    }

    /// Returns the key; `None` if its type is not supported or its length wrong.
    #[must_use]
    pub fn key(&self) -> Option<&EncryptionKey> {
        self.key.key()
    }

    /// Returns the key's creation time as stored in the file.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_secs(self.timestamp.into())
    }

    /// Returns the key version number in 32 bits, which takes precedence if it is not zero, as with
    /// MIT.
    fn kvno32(&self) -> Option<u32> {
        let kvno = u32::from_be_bytes(*self.tail.first_chunk()?);
        (kvno != 0).then_some(kvno)
    }

    /// Returns whether this entry has this version. Old files store its low byte only.
    fn has_kvno(&self, kvno: u32) -> bool {
        match self.kvno32() {
            Some(kvno32) => kvno32 == kvno,
            None => self.kvno8 == kvno as u8,
        }
    }

    fn parse(mut reader: Reader<'_>) -> Result<Self, Error> {
        let components = reader.u16()?;
        let realm = reader.bytes16()?;
        let realm = reader.text(realm)?;
        let mut names = Vec::new();
        for _ in 0..components {
            let name = reader.bytes16()?;
            names.push(reader.text(name)?);
        }
        let name_type = NameType(reader.u32()?.cast_signed());
        let timestamp = reader.u32()?;
        let kvno8 = reader.u8()?;
        let enctype = reader.u16()?;
        let key = StoredKey::new(enctype, reader.bytes16()?);
        Ok(Self {
            principal: Principal::new(realm, names).with_name_type(name_type),
            timestamp,
            kvno8,
            key,
            tail: reader.rest().to_vec(),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((self.principal.components().len() as u16).to_be_bytes());
        push16(&mut bytes, self.principal.realm().as_bytes());
        for component in self.principal.components() {
            push16(&mut bytes, component.as_bytes());
        }
        bytes.extend(self.principal.name_type().0.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.push(self.kvno8);
        bytes.extend(self.key.enctype16().to_be_bytes());
        push16(&mut bytes, self.key.as_bytes());
        bytes.extend(&self.tail);
        bytes
    }
}

/// Appends `field` after its length in 16 bits. A name is cut at 64 KiB, the most that the format
/// can hold.
fn push16(bytes: &mut Vec<u8>, field: &[u8]) {
    let len = u16::try_from(field.len()).unwrap_or(u16::MAX);
    bytes.extend(len.to_be_bytes());
    bytes.extend(&field[..len.into()]);
}
