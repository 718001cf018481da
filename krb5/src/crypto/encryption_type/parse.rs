//! Reads encryption types from their names.

use std::str::FromStr;

use super::{EncryptionType, NAMES};
use crate::Error;

impl FromStr for EncryptionType {
    type Err = Error;

    /// Reads a name as MIT's krb5.conf and kadmin do: in any case, and with the short forms
    /// (`aes256-cts`, `aes128-sha2`).
    fn from_str(text: &str) -> Result<Self, Error> {
        let named = |name: &str| name.eq_ignore_ascii_case(text);
        NAMES
            .iter()
            .find(|(_, name, aliases)| named(name) || aliases.iter().any(|alias| named(alias)))
            .map(|(enctype, ..)| *enctype)
            .ok_or_else(|| Error::EncryptionTypeName {
                text: text.to_owned(),
            })
    }
}
