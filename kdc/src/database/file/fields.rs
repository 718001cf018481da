//! The encoding of each type that a record holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::{EncryptionKey, EncryptionType, NameType, Principal, Timestamp};

use super::damaged::{DamagedFile, damaged};
use crate::database::{
    Attributes, PacAccount, PasswordPolicy, PrincipalEntry, PrincipalKey, RealmConfig,
};

/// Takes fields off the front of a file's bytes. Every error names the position.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Creates a reader that begins at `offset`.
    pub(super) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// Returns the position in the file.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Takes this many bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], DamagedFile> {
        let end = self.offset.checked_add(length);
        let taken = end.and_then(|end| Some((end, self.bytes.get(self.offset..end)?)));
        let (end, taken) = taken.ok_or_else(|| damaged(self.offset, "it ends too early"))?;
        self.offset = end;
        Ok(taken)
    }

    /// Takes this many bytes as a reader of their own.
    pub(super) fn split(&mut self, length: usize) -> Result<Self, DamagedFile> {
        let offset = self.offset;
        self.take(length)?;
        Ok(Self {
            bytes: &self.bytes[..self.offset],
            offset,
        })
    }

    /// Fails if bytes are left.
    pub(super) fn finish(&self, what: &str) -> Result<(), DamagedFile> {
        match self.bytes.len() - self.offset {
            0 => Ok(()),
            left => {
                let reason = format!("{left} bytes follow where {what} should end");
                Err(damaged(self.offset, &reason))
            }
        }
    }
}

/// A value that a record can hold.
pub(super) trait Field: Sized {
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes it off the front.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile>;
}

/// Encodes structures by their fields, in this order.
macro_rules! fields {
    ($($type:ident { $($field:ident),* $(,)? })*) => {$(
        impl Field for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($field.write(out);)*
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
                Ok(Self { $($field: Field::read(reader)?),* })
            }
        }
    )*};
}

/// Encodes integers.
macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Field for $type {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
                let mut bytes = [0; size_of::<Self>()];
                bytes.copy_from_slice(reader.take(size_of::<Self>())?);
                Ok(Self::from_be_bytes(bytes))
            }
        }
    )*};
}

/// Encodes types by a value of another type.
macro_rules! by_value {
    ($($type:ty: $value:ty, $to:expr, $from:expr;)*) => {$(
        impl Field for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let to: fn(&Self) -> $value = $to;
                to(self).write(out);
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
                let at = reader.offset();
                let from: fn($value) -> Result<Self, String> = $from;
                from(Field::read(reader)?).map_err(|reason| damaged(at, &reason))
            }
        }
    )*};
}

integers! { u8 u32 i32 u64 i64 }

fields! {
    PasswordPolicy { min_length, min_classes, history, max_life }
    PacAccount { rid, primary_group, groups, full_name }
    PrincipalEntry {
        principal,
        attributes,
        max_life,
        max_renewable_life,
        expires,
        password_expires,
        password_policy,
        session_enctypes,
        delegates_to,
        delegates_from,
        pac_account,
        keys,
        former_passwords,
    }
}

by_value! {
    bool: u8, |truth| (*truth).into(), |byte| match byte {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(format!("{other} is neither true nor false")),
    };
    usize: u64, |number| *number as u64, |number| {
        number.try_into().map_err(|_| format!("{number} is too large"))
    };
    Arc<str>: String, |text| text.to_string(), |text| Ok(text.into());
    Duration: (u64, u32), |span| (span.as_secs(), span.subsec_nanos()), |(seconds, nanos)| {
        match nanos {
            0..1_000_000_000 => Ok(Duration::new(seconds, nanos)),
            _ => Err(format!("a second has fewer than {nanos} nanoseconds")),
        }
    };
    Timestamp: i64, |time| time.as_micros(), |micros| Ok(Timestamp::from_micros(micros));
    Attributes: u32, |attributes| attributes.bits(), |bits| Ok(Attributes::from_bits(bits));
    EncryptionType: i32, |enctype| enctype.0, |number| Ok(EncryptionType(number));
    EncryptionKey: (EncryptionType, Vec<u8>),
        |key| (key.enctype(), key.as_bytes().to_vec()),
        |(enctype, bytes)| EncryptionKey::new(enctype, &bytes).map_err(|error| error.to_string());
    Principal: (String, i32, Vec<String>),
        |name| {
            let components = name.components().iter().map(ToString::to_string);
            (name.realm().to_owned(), name.name_type().0, components.collect())
        },
        |(realm, name_type, components)| {
            Ok(Principal::new(realm, components).with_name_type(NameType(name_type)))
        };
}

impl Field for () {
    fn write(&self, _: &mut Vec<u8>) {}

    fn read(_: &mut Reader<'_>) -> Result<Self, DamagedFile> {
        Ok(())
    }
}

impl Field for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.len(), out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
        let length = u32::read(reader)? as usize;
        let at = reader.offset();
        let text = std::str::from_utf8(reader.take(length)?);
        text.map(str::to_owned)
            .map_err(|error| damaged(at + error.valid_up_to(), "it is not UTF-8"))
    }
}

impl<T: Field> Field for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
        bool::read(reader)?.then(|| T::read(reader)).transpose()
    }
}

/// Encodes lists: the number of items, and the items.
macro_rules! lists {
    ($($type:ident<T $(: $bound:ident)?>)*) => {$(
        impl<T: Field $(+ $bound)?> Field for $type<T> {
            fn write(&self, out: &mut Vec<u8>) {
                write_length(self.len(), out);
                for item in self {
                    item.write(out);
                }
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
                let count = u32::read(reader)?;
                (0..count).map(|_| Field::read(reader)).collect()
            }
        }
    )*};
}

lists! { Vec<T> BTreeSet<T: Ord> }

impl<K: Field + Ord, V: Field> Field for BTreeMap<K, V> {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.len(), out);
        for (key, value) in self {
            key.write(out);
            value.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
        let count = u32::read(reader)?;
        (0..count).map(|_| Field::read(reader)).collect()
    }
}

/// Encodes tuples by their parts.
macro_rules! tuples {
    ($(($($part:ident $name:ident),*))*) => {$(
        impl<$($part: Field),*> Field for ($($part,)*) {
            fn write(&self, out: &mut Vec<u8>) {
                let ($($name,)*) = self;
                $($name.write(out);)*
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
                Ok(($($part::read(reader)?,)*))
            }
        }
    )*};
}

tuples! { (A a, B b) (A a, B b, C c) }

impl Field for RealmConfig {
    fn write(&self, out: &mut Vec<u8>) {
        self.name.write(out);
        self.password_policy.write(out);
        self.password_administrators.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
        let mut realm = Self::new(String::read(reader)?);
        realm.password_policy = Field::read(reader)?;
        realm.password_administrators = Field::read(reader)?;
        Ok(realm)
    }
}

/// A key is derived from the password, or given.
impl Field for PrincipalKey {
    fn write(&self, out: &mut Vec<u8>) {
        self.kvno.write(out);
        self.salt().to_owned().write(out);
        self.password().cloned().write(out);
        match self.password() {
            Some(_) => self.enctype().write(out),
            None => self.key().write(out),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DamagedFile> {
        let kvno = u32::read(reader)?;
        let salt = <Arc<str>>::read(reader)?;
        let Some(password) = Option::<Arc<str>>::read(reader)? else {
            return Ok(Self::given(kvno, EncryptionKey::read(reader)?, salt));
        };
        let at = reader.offset();
        let enctype = EncryptionType::read(reader)?;
        if !enctype.is_supported() {
            let reason = format!("{enctype} is not a type that keys can have here");
            return Err(damaged(at, &reason));
        }
        Ok(Self::of_password(kvno, enctype, password, salt))
    }
}

/// Appends a number of items or bytes.
fn write_length(length: usize, out: &mut Vec<u8>) {
    u32::try_from(length).unwrap_or(u32::MAX).write(out);
}
