//! Reads principals, with MIT's escapes, and encryption types from their names.

use std::str::FromStr;

use crate::{EncryptionType, Error, NameType, Principal};

impl Principal {
    /// Parses `name[/instance...][@REALM]`, with MIT's backslash escapes (`\/`, `\@`, `\\`, `\n`,
    /// `\t`, `\b`, `\0`). A name without a realm is in `default_realm`.
    pub fn parse(text: &str, default_realm: &str) -> Result<Self, Error> {
        let malformed = |why| Error::Principal {
            text: text.to_owned(),
            why,
        };
        let mut components = vec![String::new()];
        let mut realm: Option<String> = None;
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let literal = match character {
                '\\' => match characters
                    .next()
                    .ok_or_else(|| malformed("it ends in a backslash"))?
                {
                    'n' => '\n',
                    't' => '\t',
                    'b' => '\u{8}',
                    '0' => '\0',
                    other => other,
                },
                '/' if realm.is_none() => {
                    components.push(String::new());
                    continue;
                }
                '@' if realm.is_none() => {
                    realm = Some(String::new());
                    continue;
                }
                '@' => return Err(malformed("it has two unescaped @")),
                other => other,
            };
            match &mut realm {
                Some(realm) => realm.push(literal),
                None => components
                    .last_mut()
                    .expect("there is always a component")
                    .push(literal),
            }
        }
        if realm.as_deref() == Some("") {
            return Err(malformed("its realm is empty"));
        }
        let name_type = match components.as_slice() {
            [first, _] if first == "krbtgt" => NameType::SRV_INST,
            _ => NameType::PRINCIPAL,
        };
        let realm = realm.unwrap_or_else(|| default_realm.to_owned());
        Ok(Self::new(realm, components).with_name_type(name_type))
    }
}

impl FromStr for Principal {
    type Err = Error;

    /// Parses a full name. Fails if it has no realm.
    fn from_str(text: &str) -> Result<Self, Error> {
        let principal = Self::parse(text, "")?;
        if principal.realm().is_empty() {
            return Err(Error::Principal {
                text: text.to_owned(),
                why: "it names no realm",
            });
        }
        Ok(principal)
    }
}

impl FromStr for EncryptionType {
    type Err = Error;

    /// Reads a name as MIT's krb5.conf and kadmin do: in any case, and with the short forms
    /// (`aes256-cts`, `aes128-sha2`).
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::named(text).ok_or_else(|| Error::EncryptionTypeName {
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_with_mits_escapes() {
        let principal = Principal::parse(r"a\/b/c\@d", "R").expect("well-formed");
        assert_eq!(principal.components(), ["a/b", "c@d"]);
        assert_eq!(principal.to_string(), r"a\/b/c\@d@R");
        assert_eq!(
            principal
                .to_string()
                .parse::<Principal>()
                .expect("round trip"),
            principal
        );
    }

    #[test]
    fn malformed_names_are_refused() {
        for text in ["a@b@c", "a@", "a\\"] {
            assert!(Principal::parse(text, "R").is_err(), "{text}");
        }
        assert!("alice".parse::<Principal>().is_err());
    }
}
