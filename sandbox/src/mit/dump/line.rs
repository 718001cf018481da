//! The parts of a dump's lines.

use std::fmt::Write;
use std::str::{FromStr, Split};

use crate::mit::entry::StoredKey;
use crate::mit::hex::{hex, unhex};
use crate::mit::keysalt::SaltType;

/// The remaining fields of a line.
pub(super) struct Fields<'a>(Option<Split<'a, char>>);

impl<'a> Fields<'a> {
    /// Returns the fields of a line.
    pub(super) fn of(line: &'a str) -> Self {
        Self(Some(line.split('\t')))
    }

    /// Returns the next field.
    pub(super) fn text(&mut self, what: &str) -> Result<&'a str, String> {
        let next = self.0.as_mut().and_then(Iterator::next);
        next.ok_or_else(|| format!("{what} is missing"))
    }

    /// Returns the next field as a number.
    pub(super) fn number<T: FromStr>(&mut self, what: &str) -> Result<T, String> {
        let text = self.text(what)?;
        let number = text.parse();
        number.map_err(|_| format!("{what} is {text:?}, which is not a number that can stand here"))
    }

    /// Returns true after the last field.
    pub(super) fn is_empty(&mut self) -> bool {
        let rest = self.0.clone();
        rest.is_none_or(|mut rest| rest.next().is_none())
    }

    /// Returns a lifetime. A negative one, as other programs have written it, is none at all.
    pub(super) fn life(&mut self, what: &str) -> Result<u64, String> {
        let life: i32 = self.number(what)?;
        Ok(life.max(0).cast_unsigned().into())
    }

    /// Returns a time; 0 is never.
    pub(super) fn time(&mut self, what: &str) -> Result<Option<i64>, String> {
        let time: u32 = self.number(what)?;
        Ok((time != 0).then(|| time.into()))
    }

    /// Returns the type and the contents of tagged data.
    pub(super) fn tagged(&mut self) -> Result<(i16, Vec<u8>), String> {
        let kind = self.number("the type of tagged data")?;
        Ok((kind, self.octets("tagged data")?))
    }

    fn octets(&mut self, what: &str) -> Result<Vec<u8>, String> {
        let length: u16 = self.number("the length")?;
        octets(self.text(what)?, length.into())
    }

    /// Returns a key.
    pub(super) fn key(&mut self) -> Result<StoredKey, String> {
        let parts: u8 = self.number("the key's version")?;
        let kvno: u16 = self.number("the kvno")?;
        let (mut enctype, mut sealed) = (0, Vec::new());
        let (mut salt, mut salt_type) = (Vec::new(), None);
        if parts > 2 {
            return Err(format!("keys of version {parts} are not known"));
        }
        if parts > 0 {
            enctype = self.number::<i16>("the key's type")?.into();
            sealed = self.octets("the key")?;
        }
        if parts > 1 {
            let number: i16 = self.number("the salt's type")?;
            salt_type = Some(SaltType::name_of(number.into()));
            salt = self.octets("the salt")?;
        }
        let salt = String::from_utf8(salt).map_err(|error| format!("the salt: {error}"))?;
        Ok(StoredKey {
            kvno: kvno.into(),
            enctype,
            sealed: hex(&sealed),
            salt: (!salt.is_empty()).then_some(salt),
            salt_type,
        })
    }
}

/// Parses as many octets in hexadecimal, or `-1` for none.
pub(super) fn octets(text: &str, length: usize) -> Result<Vec<u8>, String> {
    let found = match (text, length) {
        ("-1", 0) => Some(Vec::new()),
        _ => unhex(text).filter(|bytes| bytes.len() == length && length > 0),
    };
    found.ok_or_else(|| format!("{text:?} is not {length} bytes in hexadecimal"))
}

/// Writes tagged data, each after a tab.
pub(super) fn put_tagged(text: &mut String, tagged: &[(i16, Vec<u8>)]) {
    for (kind, bytes) in tagged {
        let contents = hex(bytes);
        let _ = write!(text, "\t{kind}\t{}\t{}", bytes.len(), put_octets(&contents));
    }
}

/// Returns octets in hexadecimal as a dump has them.
pub(super) fn put_octets(text: &str) -> &str {
    if text.is_empty() { "-1" } else { text }
}
