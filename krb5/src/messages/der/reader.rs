//! Reading.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{APPLICATION, BIT_STRING, CONTEXT, GENERAL_STRING, GENERALIZED_TIME};
use super::{INTEGER, OCTET_STRING, SEQUENCE};
use crate::messages::time_text;
use crate::messages::wire::Bits;
use crate::{EncryptionKey, EncryptionType, NameType, Principal, Timestamp};

/// The bytes of a value that are still to be read.
#[derive(Clone, Copy)]
pub(in crate::messages) struct Reader<'a>(&'a [u8]);

/// A `PrincipalName`.
pub(in crate::messages) struct Name {
    name_type: NameType,
    components: Arc<[SmolStr]>,
}

impl Name {
    pub(in crate::messages) fn in_realm(self, realm: &SmolStr) -> Principal {
        Principal::from_parts(realm.clone(), self.name_type, self.components)
    }
}

impl<'a> Reader<'a> {
    /// Begins with a message. Ignores bytes after it: enctypes with padding leave some.
    pub(in crate::messages) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the content of the next value, which must have this tag.
    #[inline]
    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let [first, length, rest @ ..] = self.0 else {
            return None;
        };
        if *first != tag {
            return None;
        }
        // The shortest form is the only one. Longer values have time.
        let (length, rest) = match (*length, rest) {
            (short, _) if short < 0x80 => (usize::from(short), rest),
            (0x81, [length, rest @ ..]) if *length >= 0x80 => (usize::from(*length), rest),
            (0x82, [high, low, rest @ ..]) if *high > 0 => {
                (usize::from(u16::from_be_bytes([*high, *low])), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// Succeeds if nothing is left.
    pub(in crate::messages) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// Reads a value with this tag whose content is one other value.
    #[inline]
    fn wrapped<T>(&mut self, tag: u8, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut inner = Self(self.value(tag)?);
        let value = read(&mut inner)?;
        inner.end()?;
        Some(value)
    }

    /// Reads the fields of a message of this number.
    pub(in crate::messages) fn application<T>(
        &mut self,
        number: u8,
        fields: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        self.wrapped(APPLICATION | number, |inner| inner.sequence(fields))
    }

    /// Reads the fields of a sequence.
    #[inline]
    pub(in crate::messages) fn sequence<T>(
        &mut self,
        fields: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        self.wrapped(SEQUENCE, fields)
    }

    /// Reads the field of this number.
    #[inline]
    pub(in crate::messages) fn field<T>(
        &mut self,
        number: u8,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        self.wrapped(CONTEXT | number, read)
    }

    /// Reads the field of this number if it is there. Fails if it cannot be read.
    #[inline]
    pub(in crate::messages) fn optional<T>(
        &mut self,
        number: u8,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.0.first() == Some(&(CONTEXT | number)) {
            self.field(number, read).map(Some)
        } else {
            Some(None)
        }
    }

    /// Reads the elements of a list.
    pub(in crate::messages) fn list<T>(
        &mut self,
        element: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut inner = Self(self.value(SEQUENCE)?);
        let mut list = Vec::new();
        while !inner.0.is_empty() {
            list.push(element(&mut inner)?);
        }
        Some(list)
    }

    /// Returns the next value as it is encoded, if it is a sequence.
    pub(in crate::messages) fn raw_sequence(&mut self) -> Option<&'a [u8]> {
        let before = self.0;
        self.value(SEQUENCE)?;
        before.get(..before.len() - self.0.len())
    }

    #[inline]
    pub(in crate::messages) fn integer(&mut self) -> Option<i64> {
        if let [INTEGER, 1, number, rest @ ..] = self.0
            && *number < 0x80
        {
            self.0 = rest;
            return Some(i64::from(*number));
        }
        let content = self.value(INTEGER)?;
        let is_shortest = match content {
            [] => false,
            [first, second, ..] => *first != if *second < 0x80 { 0 } else { 0xFF },
            [_] => true,
        };
        if !is_shortest || content.len() > 8 {
            return None;
        }
        let sign = if content[0] < 0x80 { 0 } else { -1 };
        let number = |number: i64, byte: &u8| number << 8 | i64::from(*byte);
        Some(content.iter().fold(sign, number))
    }

    pub(in crate::messages) fn int32(&mut self) -> Option<i32> {
        self.integer()?.try_into().ok()
    }

    /// Reads a list of numbers, of which each takes three bytes at least.
    pub(in crate::messages) fn int32_list(&mut self) -> Option<Vec<i32>> {
        let mut inner = Self(self.value(SEQUENCE)?);
        let mut list = Vec::with_capacity(inner.0.len() / 3);
        while !inner.0.is_empty() {
            list.push(inner.int32()?);
        }
        Some(list)
    }

    pub(in crate::messages) fn octets(&mut self) -> Option<&'a [u8]> {
        self.value(OCTET_STRING)
    }

    pub(in crate::messages) fn bits(&mut self) -> Option<u32> {
        Bits::from_contents(self.value(BIT_STRING)?).map(|bits| bits.0)
    }

    pub(in crate::messages) fn time(&mut self) -> Option<Timestamp> {
        time_text::parse(self.value(GENERALIZED_TIME)?)
    }

    pub(in crate::messages) fn text(&mut self) -> Option<SmolStr> {
        let text = self.value(GENERAL_STRING)?;
        std::str::from_utf8(text).ok().map(SmolStr::new)
    }

    pub(in crate::messages) fn name(&mut self) -> Option<Name> {
        self.sequence(|fields| {
            let name_type = NameType(fields.field(0, Self::int32)?);
            let components = fields.field(1, Self::components)?;
            Some(Name {
                name_type,
                components,
            })
        })
    }

    fn components(&mut self) -> Option<Arc<[SmolStr]>> {
        let mut list = Self(self.value(SEQUENCE)?);
        let mut ahead = list;
        let mut count = 0_usize;
        while !ahead.0.is_empty() {
            ahead.value(GENERAL_STRING)?;
            count += 1;
        }
        // A list of a known length takes one allocation.
        let mut are_texts = true;
        let components = (0..count).map(|_| {
            let text = list.text();
            are_texts &= text.is_some();
            text.unwrap_or_default()
        });
        let components = components.collect();
        are_texts.then_some(components)
    }

    /// Reads a principal that is in two fields: the realm, and then the name.
    pub(in crate::messages) fn principal(&mut self, number: u8) -> Option<Principal> {
        let realm = self.field(number, Self::text)?;
        let name = self.field(number + 1, Self::name)?;
        Some(name.in_realm(&realm))
    }

    /// Reads a sequence of a number and bytes, whose fields have this number and the next.
    #[inline]
    pub(in crate::messages) fn pair(&mut self, number: u8) -> Option<(i32, &'a [u8])> {
        self.sequence(|fields| {
            let kind = fields.field(number, Self::int32)?;
            Some((kind, fields.field(number + 1, Self::octets)?))
        })
    }

    pub(in crate::messages) fn key(&mut self) -> Option<EncryptionKey> {
        let (enctype, bytes) = self.pair(0)?;
        EncryptionKey::new(EncryptionType(enctype), bytes).ok()
    }
}
