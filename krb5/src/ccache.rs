//! Credential cache files: a client's tickets (MIT's format `FILE`, version 4).

mod credential;

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

pub use credential::Credential;

use crate::reader::Reader;
use crate::{Error, Principal, private_file};

/// The first two bytes of a file: format 5, version 4 (big-endian throughout).
const VERSION: u16 = 0x0504;

/// The header field for the difference between the KDC's clock and the client's: seconds and
/// microseconds, 32 bits each.
const TIME_OFFSET: u16 = 1;

/// A client's tickets, and the settings that libraries store with them.
///
/// Parsed data is written back byte for byte, including removed tickets and unknown header fields.
///
/// ```
/// use kerbox_krb5::{CredentialCache, Principal};
///
/// let alice: Principal = "alice@EXAMPLE.COM".parse()?;
/// let mut cache = CredentialCache::new(alice.clone());
/// cache.set_time_offset(9 * 3600 * 1_000_000); // MIT's library goes nine hours ahead
/// let read = CredentialCache::parse(&cache.to_bytes())?;
/// assert_eq!(read.default_principal(), &alice);
/// assert_eq!(read.time_offset(), Some(32_400_000_000));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialCache {
    header: Vec<HeaderField>,
    default_principal: Principal,
    records: Vec<Credential>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct HeaderField {
    tag: u16,
    data: Vec<u8>,
}

impl CredentialCache {
    /// Creates an empty cache for `default_principal` with a time offset of zero, as `kinit` does.
    #[must_use]
    pub fn new(default_principal: Principal) -> Self {
        let mut cache = Self {
            header: Vec::new(),
            default_principal,
            records: Vec::new(),
        };
        cache.set_time_offset(0);
        cache
    }

    /// Parses a cache's bytes. Fails if they are not of version 4, or end within a ticket.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("credential cache", bytes);
        if reader.u16()? != VERSION {
            return Err(reader
                .malformed("it does not begin with the bytes 5 and 4, for format 5, version 4"));
        }
        let header_len = reader.u16()?.into();
        let mut fields = reader.limited(header_len)?;
        reader.take(header_len)?;
        let mut header = Vec::new();
        while fields.remaining() > 0 {
            let tag = fields.u16()?;
            let data = fields.bytes16()?.to_vec();
            header.push(HeaderField { tag, data });
        }
        let default_principal = credential::parse_principal(&mut reader)?;
        let mut records = Vec::new();
        while reader.remaining() > 0 {
            records.push(Credential::parse(&mut reader)?);
        }
        Ok(Self {
            header,
            default_principal,
            records,
        })
    }

    /// Returns the cache's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut header = Vec::new();
        for field in &self.header {
            header.extend(field.tag.to_be_bytes());
            header.extend((field.data.len() as u16).to_be_bytes());
            header.extend(&field.data);
        }
        let mut bytes = VERSION.to_be_bytes().to_vec();
        bytes.extend((header.len() as u16).to_be_bytes());
        bytes.extend(header);
        credential::push_principal(&mut bytes, &self.default_principal);
        for credential in &self.records {
            credential.push_to(&mut bytes);
        }
        bytes
    }

    /// Reads a cache file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&private_file::read(path)?)
    }

    /// Writes a cache file atomically, readable by its owner only.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        private_file::write(path, &self.to_bytes())
    }

    /// Returns the principal that owns the tickets.
    #[must_use]
    pub fn default_principal(&self) -> &Principal {
        &self.default_principal
    }

    /// Returns the tickets in the file's order, without removed ones and settings.
    pub fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.records
            .iter()
            .filter(|credential| !credential.is_removed() && !credential.is_config())
    }

    /// Returns the newest ticket for `server`, valid or not.
    #[must_use]
    pub fn find(&self, server: &Principal) -> Option<&Credential> {
        self.credentials()
            .filter(|credential| credential.server == *server)
            .last()
    }

    /// Adds a ticket at the end.
    pub fn push(&mut self, credential: Credential) {
        self.records.push(credential);
    }

    /// Marks the tickets for `server` as removed, as MIT does. Returns their number.
    pub fn remove(&mut self, server: &Principal) -> usize {
        let found =
            |credential: &&mut Credential| !credential.is_removed() && credential.server == *server;
        self.records
            .iter_mut()
            .filter(found)
            .map(Credential::mark_removed)
            .count()
    }

    /// Returns a setting (`fast_avail`, `pa_type`...) for `principal`, or for the whole cache.
    #[must_use]
    pub fn config(&self, key: &str, principal: Option<&Principal>) -> Option<&[u8]> {
        let name = credential::config_name(key, principal);
        let found =
            |credential: &&Credential| !credential.is_removed() && credential.server == name;
        self.records
            .iter()
            .find(found)
            .map(|credential| &credential.ticket[..])
    }

    /// Sets a setting, or removes it with `None`.
    pub fn set_config(&mut self, key: &str, principal: Option<&Principal>, value: Option<&[u8]>) {
        let name = credential::config_name(key, principal);
        self.remove(&name);
        if let Some(value) = value {
            self.push(Credential::config(
                self.default_principal.clone(),
                name,
                value,
            ));
        }
    }

    /// Returns by how many microseconds the KDC's clock is ahead of the client's, if the header
    /// contains it.
    #[must_use]
    pub fn time_offset(&self) -> Option<i64> {
        let field = self.header.iter().find(|field| field.tag == TIME_OFFSET)?;
        let (seconds, micros) = field.data.split_first_chunk::<4>()?;
        let micros = i32::from_be_bytes(*micros.first_chunk()?);
        Some(i64::from(i32::from_be_bytes(*seconds)) * 1_000_000 + i64::from(micros))
    }

    /// Records by how many microseconds the KDC's clock is ahead of the client's. MIT's clients add
    /// it to their own time. The format can hold 68 years in either direction.
    pub fn set_time_offset(&mut self, micros: i64) {
        let data = time_offset_bytes(micros).to_vec();
        match self
            .header
            .iter_mut()
            .find(|field| field.tag == TIME_OFFSET)
        {
            Some(field) => field.data = data,
            None => self.header.push(HeaderField {
                tag: TIME_OFFSET,
                data,
            }),
        }
    }

    /// Sets the time offset of a cache file in place, so that a ticket added by a client in the
    /// meantime is not lost. A file without the field is rewritten.
    pub fn set_time_offset_of_file(path: &Path, micros: i64) -> Result<(), Error> {
        let failed =
            |error: std::io::Error| private_file::failed(path, "given a time offset", &error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let mut cache = Self::parse(&bytes)?;
        let mut place = 4;
        for field in &cache.header {
            place += 4;
            if field.tag == TIME_OFFSET && field.data.len() == 8 {
                let written = file
                    .seek(SeekFrom::Start(place))
                    .and_then(|_| file.write_all(&time_offset_bytes(micros)));
                return written.map_err(failed);
            }
            place += field.data.len() as u64;
        }
        cache.set_time_offset(micros);
        cache.write(path)
    }
}

fn time_offset_bytes(micros: i64) -> [u8; 8] {
    let seconds = micros
        .div_euclid(1_000_000)
        .clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    let fraction = micros.rem_euclid(1_000_000) as i32;
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    bytes[4..].copy_from_slice(&fraction.to_be_bytes());
    bytes
}
