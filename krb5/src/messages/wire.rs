//! The primitive ASN.1 types of Kerberos, coded with rasn and as lenient as clients require.
//!
//! rasn-kerberos' own types are too narrow in four places. Its names are Latin-1 without 0x80 to
//! 0xA0, but MIT sends and accepts UTF-8. Its nonces and sequence numbers are unsigned, but old
//! clients send negative ones. Its times are calendar values, and its microseconds are big
//! integers. Structures with such fields are therefore defined here and beside their messages, with
//! rasn's derive macros. All others are rasn-kerberos' own.

use std::borrow::Cow;

use rasn::error::DecodeError;
use rasn::prelude::*;
use rasn::types::{Constraints, Identifier, Tag};
use rasn::{Decoder, Encoder};
use smol_str::SmolStr;

use crate::messages::time_text;
use crate::{Error, NameType, Principal, Timestamp};

/// Decodes one value. Ignores bytes after it, as MIT does: enctypes with padding leave some.
pub(super) fn decode<T: Decode>(what: &'static str, bytes: &[u8]) -> Result<T, Error> {
    rasn::der::decode_with_remainder(bytes)
        .map(|(value, _)| value)
        .map_err(|error| Error::Malformed {
            what,
            why: error.to_string(),
        })
}

/// Encodes one of our own values, which cannot fail.
pub(super) fn encode<T: Encode>(value: &T) -> Vec<u8> {
    rasn::der::encode(value)
        .expect("the structures of Kerberos have no constraints that a value could break")
}

/// A `KerberosString`: bytes on the wire, text here. Bytes that are not UTF-8 become U+FFFD, so
/// that such a name matches no principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Text(pub(super) SmolStr);

impl AsnType for Text {
    const TAG: Tag = Tag::GENERAL_STRING;
    const IDENTIFIER: Identifier = Identifier::GENERAL_STRING;
}

impl Decode for Text {
    fn decode_with_tag_and_constraints<D: Decoder>(
        decoder: &mut D,
        tag: Tag,
        constraints: &Constraints,
    ) -> Result<Self, D::Error> {
        let bytes: Cow<'_, [u8]> = decoder.decode_octet_string(tag, constraints)?;
        Ok(Self(String::from_utf8_lossy(&bytes).into()))
    }
}

impl Encode for Text {
    fn encode_with_tag_and_constraints<'b, E: Encoder<'b>>(
        &self,
        encoder: &mut E,
        tag: Tag,
        constraints: &Constraints,
        identifier: Identifier,
    ) -> Result<(), E::Error> {
        encoder
            .encode_octet_string(
                tag,
                constraints,
                self.0.as_bytes(),
                identifier.or(Self::IDENTIFIER),
            )
            .map(drop)
    }
}

/// A `KerberosTime`: whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Time(pub(super) Timestamp);

impl AsnType for Time {
    const TAG: Tag = Tag::GENERALIZED_TIME;
    const IDENTIFIER: Identifier = Identifier::GENERALIZED_TIME;
}

impl Decode for Time {
    fn decode_with_tag_and_constraints<D: Decoder>(
        decoder: &mut D,
        tag: Tag,
        constraints: &Constraints,
    ) -> Result<Self, D::Error> {
        let text: Cow<'_, [u8]> = decoder.decode_octet_string(tag, constraints)?;
        let time = time_text::parse(&text);
        match time {
            Some(time) => Ok(Self(time)),
            None => Err(DecodeError::parser_fail(
                "a time that is not of the form YYYYMMDDhhmmssZ".to_owned(),
                decoder.codec(),
            )
            .into()),
        }
    }
}

impl Encode for Time {
    fn encode_with_tag_and_constraints<'b, E: Encoder<'b>>(
        &self,
        encoder: &mut E,
        tag: Tag,
        constraints: &Constraints,
        identifier: Identifier,
    ) -> Result<(), E::Error> {
        let text = time_text::format(self.0);
        encoder
            .encode_octet_string(tag, constraints, &text, identifier.or(Self::IDENTIFIER))
            .map(drop)
    }
}

/// `KerberosFlags`: bit 0 in the RFC is the highest bit. Shorter strings are padded with zeros, and
/// bits beyond the first 32 are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Bits(pub(super) u32);

impl AsnType for Bits {
    const TAG: Tag = Tag::BIT_STRING;
    const IDENTIFIER: Identifier = Identifier::BIT_STRING;
}

impl Decode for Bits {
    fn decode_with_tag_and_constraints<D: Decoder>(
        decoder: &mut D,
        tag: Tag,
        constraints: &Constraints,
    ) -> Result<Self, D::Error> {
        // The content of a BIT STRING: the number of unused bits in the last octet, then the
        // octets.
        let contents: Cow<'_, [u8]> = decoder.decode_octet_string(tag, constraints)?;
        let bits = Self::from_contents(&contents);
        bits.ok_or_else(|| {
            let why = "a bit string without its first octet".to_owned();
            DecodeError::parser_fail(why, decoder.codec()).into()
        })
    }
}

impl Bits {
    pub(super) fn from_contents(contents: &[u8]) -> Option<Self> {
        let (&unused, octets) = contents.split_first()?;
        if unused > 7 || (unused > 0 && octets.is_empty()) {
            return None;
        }
        let mut word = [0; 4];
        for (place, octet) in word.iter_mut().zip(octets) {
            *place = *octet;
        }
        if let Some(last) = octets
            .len()
            .checked_sub(1)
            .and_then(|last| word.get_mut(last))
        {
            *last &= 0xFF << unused;
        }
        Some(Self(u32::from_be_bytes(word)))
    }
}

impl Encode for Bits {
    fn encode_with_tag_and_constraints<'b, E: Encoder<'b>>(
        &self,
        encoder: &mut E,
        tag: Tag,
        constraints: &Constraints,
        identifier: Identifier,
    ) -> Result<(), E::Error> {
        let [a, b, c, d] = self.0.to_be_bytes();
        encoder
            .encode_octet_string(
                tag,
                constraints,
                &[0, a, b, c, d],
                identifier.or(Self::IDENTIFIER),
            )
            .map(drop)
    }
}

/// `PrincipalName`: a principal without its realm.
#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
pub(super) struct PrincipalName {
    #[rasn(tag(explicit(0)))]
    name_type: i32,
    #[rasn(tag(explicit(1)))]
    components: Vec<Text>,
}

impl PrincipalName {
    pub(super) fn in_realm(self, realm: &SmolStr) -> Principal {
        let components = self.components.into_iter().map(|component| component.0);
        Principal::new(realm.clone(), components).with_name_type(NameType(self.name_type))
    }
}

impl From<&Principal> for PrincipalName {
    fn from(principal: &Principal) -> Self {
        Self {
            name_type: principal.name_type().0,
            components: principal.components().iter().cloned().map(Text).collect(),
        }
    }
}

pub(super) fn realm_of(principal: &Principal) -> Text {
    Text(principal.realm().into())
}

/// Converts a `UInt32`. A negative number, as old clients send for sequence numbers, stands for the
/// same 32 bits.
pub(super) fn wrapped_u32(number: i64) -> u32 {
    number as u32
}

/// Combines a time with its microseconds.
pub(super) fn with_micros(time: Time, micros: Option<i64>) -> Timestamp {
    let micros = micros.unwrap_or(0).clamp(0, 999_999);
    Timestamp::from_micros(time.0.as_micros().saturating_add(micros))
}

/// Returns `None` for an empty list, so that the optional field is left out.
pub(super) fn optional<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

/// Returns the error for a field that can be decoded but has an invalid value.
pub(super) fn malformed(what: &'static str, why: impl Into<String>) -> Error {
    Error::Malformed {
        what,
        why: why.into(),
    }
}

/// Rejects a protocol version or message type other than the structure's own (RFC 4120, 5.4.1:
/// `pvno` is 5).
pub(super) fn check_header(
    what: &'static str,
    pvno: i64,
    msg_type: i64,
    expected: i64,
) -> Result<(), Error> {
    check_version(what, pvno)?;
    if msg_type != expected {
        return Err(malformed(
            what,
            format!("its msg-type is {msg_type}, not {expected}"),
        ));
    }
    Ok(())
}

/// Rejects a protocol version other than 5.
pub(super) fn check_version(what: &'static str, pvno: i64) -> Result<(), Error> {
    if pvno == 5 {
        Ok(())
    } else {
        Err(malformed(
            what,
            format!("its protocol version is {pvno}, not 5"),
        ))
    }
}
