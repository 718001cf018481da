//! Key types with the salts of their passwords, as listed in `supported_enctypes` and `-e`.

use std::fmt;

use kerbox_krb5::{EncryptionType, Principal};
use rand::Rng;

/// One element of such a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeySalt {
    pub(crate) enctype: EncryptionType,
    pub(crate) salt: SaltType,
}

/// The kind of salt of a password's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaltType {
    /// Realm and name.
    Normal,
    /// Only the name.
    NoRealm,
    /// Only the realm.
    OnlyRealm,
    /// Random characters.
    Special,
}

impl SaltType {
    const ALL: [Self; 4] = [Self::Normal, Self::NoRealm, Self::OnlyRealm, Self::Special];

    /// Returns the name that kadmin prints.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::NoRealm => "norealm",
            Self::OnlyRealm => "onlyrealm",
            Self::Special => "special",
        }
    }

    /// Returns the type with this name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|salt| salt.name().eq_ignore_ascii_case(name))
    }

    /// Returns the number in MIT's database.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Normal => 0,
            Self::NoRealm => 2,
            Self::OnlyRealm => 3,
            Self::Special => 4,
        }
    }

    /// Returns the type with this number.
    pub(crate) fn numbered(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|salt| salt.number() == number)
    }

    /// Returns the name of the type with this number, or the number if it is not known here.
    pub(crate) fn name_of(number: i32) -> String {
        let known = Self::numbered(number);
        known.map_or_else(|| number.to_string(), |salt| salt.name().to_owned())
    }

    /// Returns the salt itself; `None` for the default one.
    pub(crate) fn of(self, principal: &Principal, rng: &mut impl Rng) -> Option<String> {
        match self {
            Self::Normal => None,
            Self::NoRealm => Some(principal.components().concat()),
            Self::OnlyRealm => Some(principal.realm().to_owned()),
            Self::Special => Some(format!("{:016x}", rng.next_u64())),
        }
    }
}

impl fmt::Display for KeySalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.enctype.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "{}", self.enctype.0)?,
        }
        write!(f, ":{}", self.salt.name())
    }
}

/// The list that MIT's programs use when none is given.
pub(crate) const DEFAULT: [KeySalt; 2] = [
    KeySalt {
        enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
        salt: SaltType::Normal,
    },
    KeySalt {
        enctype: EncryptionType::AES128_CTS_HMAC_SHA1_96,
        salt: SaltType::Normal,
    },
];

/// Parses a list; duplicates count once.
pub(crate) fn parse(list: &str) -> Result<Vec<KeySalt>, String> {
    let mut keysalts = Vec::new();
    for word in words(list) {
        let keysalt = parse_one(word)?;
        if !keysalts.contains(&keysalt) {
            keysalts.push(keysalt);
        }
    }
    if keysalts.is_empty() {
        return Err(String::from("the list is empty"));
    }
    Ok(keysalts)
}

fn parse_one(word: &str) -> Result<KeySalt, String> {
    let (name, salt) = word.split_once(':').unwrap_or((word, "normal"));
    let enctype = parse_enctype(name)?;
    let salt = SaltType::named(salt).ok_or_else(|| {
        format!(
            "{word}: there is no salt type {salt:?}; known are {}",
            SaltType::ALL.map(SaltType::name).join(", ")
        )
    })?;
    Ok(KeySalt { enctype, salt })
}

/// Parses the name of a supported encryption type.
pub(crate) fn parse_enctype(name: &str) -> Result<EncryptionType, String> {
    let enctype: EncryptionType = name
        .parse()
        .map_err(|_| format!("there is no encryption type {name:?}"))?;
    match enctype.is_supported() {
        true => Ok(enctype),
        false => Err(format!("the encryption type {name} is not supported here")),
    }
}

/// Splits a list at blanks and commas.
pub(crate) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split([' ', ',', '\t']).filter(|word| !word.is_empty())
}

/// The families of types in `permitted_enctypes`, in MIT's order.
const FAMILIES: [(&str, &[EncryptionType]); 4] = [
    (
        "aes",
        &[
            EncryptionType::AES256_CTS_HMAC_SHA1_96,
            EncryptionType::AES128_CTS_HMAC_SHA1_96,
            EncryptionType::AES256_CTS_HMAC_SHA384_192,
            EncryptionType::AES128_CTS_HMAC_SHA256_128,
        ],
    ),
    ("des3", &[EncryptionType::DES3_CBC_SHA1_KD]),
    ("rc4", &[EncryptionType::RC4_HMAC]),
    // camellia256-cts-cmac and camellia128-cts-cmac (RFC 6803).
    (
        "camellia",
        &[
            EncryptionType::CAMELLIA256_CTS_CMAC,
            EncryptionType::CAMELLIA128_CTS_CMAC,
        ],
    ),
];

/// Parses `permitted_enctypes`: names, families, `DEFAULT`, each with an optional sign. Unknown
/// names are skipped, as MIT's library does, and returned as the second list.
pub(crate) fn parse_permitted(list: &str) -> (Vec<EncryptionType>, Vec<String>) {
    let (mut permitted, mut unknown) = (Vec::new(), Vec::new());
    for word in words(list) {
        let (taken, name) = match word.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, word.strip_prefix('+').unwrap_or(word)),
        };
        let family = FAMILIES
            .iter()
            .find(|(family, _)| family.eq_ignore_ascii_case(name));
        let named: Vec<EncryptionType> = match family {
            Some((_, members)) => {
                let known = members.iter().filter(|enctype| enctype.is_supported());
                known.copied().collect()
            }
            None if name.eq_ignore_ascii_case("DEFAULT") => permitted_by_default(),
            None => match name.parse::<EncryptionType>() {
                Ok(enctype) if enctype.is_supported() => vec![enctype],
                _ => {
                    unknown.push(name.to_owned());
                    continue;
                }
            },
        };
        permitted.retain(|enctype| !named.contains(enctype));
        if !taken {
            permitted.extend(named);
        }
    }
    (permitted, unknown)
}

/// Returns every supported type in MIT 1.20's list.
pub(crate) fn permitted_by_default() -> Vec<EncryptionType> {
    FAMILIES
        .iter()
        .flat_map(|(_, members)| members.iter().copied())
        .filter(|enctype| enctype.is_supported())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_types_and_salts_and_repeat_nothing() {
        let parsed =
            parse("aes256-cts:normal, rc4-hmac:ONLYREALM arcfour-hmac:onlyrealm").expect("a list");
        let texts: Vec<String> = parsed.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["aes256-cts-hmac-sha1-96:normal", "arcfour-hmac:onlyrealm"]
        );
        for (list, said) in [
            ("aes256-cts:v4", "there is no salt type \"v4\""),
            ("aes512-cts", "there is no encryption type \"aes512-cts\""),
            (" ,", "the list is empty"),
        ] {
            let refused = parse(list).expect_err(list);
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn salts_are_what_their_types_say() {
        let principal = Principal::parse("host/h", "R").expect("a name");
        let mut rng = crate::randomness::generator(Some(1));
        let mut salt = |salt: SaltType| salt.of(&principal, &mut rng);
        assert_eq!(salt(SaltType::Normal), None);
        assert_eq!(salt(SaltType::NoRealm).as_deref(), Some("hosth"));
        assert_eq!(salt(SaltType::OnlyRealm).as_deref(), Some("R"));
        assert_ne!(salt(SaltType::Special), salt(SaltType::Special));
    }

    #[test]
    fn permitted_types_are_added_and_taken_away() {
        let (permitted, unknown) = parse_permitted("DEFAULT -aes -des3 +aes128-sha2 ghost");
        assert_eq!(
            permitted,
            [
                EncryptionType::RC4_HMAC,
                EncryptionType::CAMELLIA256_CTS_CMAC,
                EncryptionType::CAMELLIA128_CTS_CMAC,
                EncryptionType::AES128_CTS_HMAC_SHA256_128
            ]
        );
        assert_eq!(unknown, ["ghost"]);
    }
}
