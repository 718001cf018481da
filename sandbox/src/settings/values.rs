//! The words of a configuration file, read and written.

use std::fmt;
use std::net::SocketAddr;

use kerbox_krb5::EncryptionType;

use super::nearest::nearest;
use super::{Listen, Port};
use crate::cli::Security;

/// An attribute of a principal by kadmin's name, given or taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) on: bool,
}

/// The attributes that `kadmin modprinc` knows.
const ATTRIBUTES: [&str; 16] = [
    "allow_postdated",
    "allow_forwardable",
    "allow_tgs_req",
    "allow_renewable",
    "allow_proxiable",
    "allow_dup_skey",
    "allow_tix",
    "requires_preauth",
    "requires_hwauth",
    "needchange",
    "allow_svr",
    "password_changing_service",
    "ok_as_delegate",
    "ok_to_auth_as_delegate",
    "no_auth_data_required",
    "lockdown_keys",
];

impl Attribute {
    /// `+name`.
    pub(crate) const fn set(name: &'static str) -> Self {
        Self { name, on: true }
    }

    /// Reads `+requires_preauth` or `-allow_tix`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (on, name) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(name), _) => (true, name),
            (_, Some(name)) => (false, name),
            _ => {
                return Err(format!(
                    "{text:?} is neither given nor taken away; write \"+{text}\" or \"-{text}\""
                ));
            }
        };
        match ATTRIBUTES.into_iter().find(|known| *known == name) {
            Some(name) => Ok(Self { name, on }),
            None => Err(format!("there is no attribute {name:?}{}", mend(name, &ATTRIBUTES))),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.on { '+' } else { '-' }, self.name)
    }
}

/// The names of the encryption types, as IANA registers them, and MIT's short ones.
const ENCTYPES: [(EncryptionType, &str, &str); 4] = [
    (EncryptionType::AES256_CTS_HMAC_SHA1_96, "aes256-cts-hmac-sha1-96", "aes256-cts"),
    (EncryptionType::AES128_CTS_HMAC_SHA1_96, "aes128-cts-hmac-sha1-96", "aes128-cts"),
    (
        EncryptionType::AES256_CTS_HMAC_SHA384_192,
        "aes256-cts-hmac-sha384-192",
        "aes256-sha2",
    ),
    (
        EncryptionType::AES128_CTS_HMAC_SHA256_128,
        "aes128-cts-hmac-sha256-128",
        "aes128-sha2",
    ),
];

/// Reads an encryption type's name.
pub(super) fn parse_enctype(text: &str) -> Result<EncryptionType, String> {
    let name = text.to_ascii_lowercase();
    ENCTYPES
        .iter()
        .find(|(_, long, short)| name == *long || name == *short)
        .map(|(enctype, ..)| *enctype)
        .ok_or_else(|| {
            format!(
                "there is no encryption type {text:?} here{}",
                mend(text, &ENCTYPES.map(|(_, long, _)| long))
            )
        })
}

/// An encryption type's name.
pub(super) fn enctype_name(enctype: EncryptionType) -> String {
    let name = ENCTYPES.iter().find(|(known, ..)| *known == enctype).map(|(_, long, _)| *long);
    name.map_or_else(|| enctype.0.to_string(), str::to_owned)
}

/// Reads `127.0.0.1:0`.
pub(super) fn parse_listen(text: &str) -> Result<Listen, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| format!("{text:?} is not an address and a port; write \"127.0.0.1:0\", 0 being any free port"))?;
    let port = match address.port() {
        0 => Port::Random,
        port => Port::Fixed(port),
    };
    Ok(Listen {
        address: address.ip(),
        port,
    })
}

/// Reads `kerberos` or `simple`.
pub(super) fn parse_security(text: &str) -> Result<Security, String> {
    match text {
        "kerberos" => Ok(Security::Kerberos),
        "simple" => Ok(Security::Simple),
        _ => Err(format!("{text:?} is neither \"kerberos\" nor \"simple\"")),
    }
}

/// Reads permission bits: `700`, `1777`.
pub(super) fn parse_mode(text: &str) -> Result<u16, String> {
    u16::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o1777 && text.len() >= 3)
        .ok_or_else(|| format!("{text:?} is not a mode; write three octal digits, as in \"750\", or four with the sticky bit, \"1777\""))
}

/// Reads an absolute path of HDFS.
pub(super) fn parse_path(text: &str) -> Result<String, String> {
    let whole = text
        .strip_prefix('/')
        .is_some_and(|rest| rest.is_empty() || rest.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(':')));
    whole
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{text:?} is not a path of HDFS; write it from the root, as in \"/user/alice\""))
}

/// Reads a realm's name.
pub(super) fn parse_realm(text: &str) -> Result<String, String> {
    let whole = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"/@:\\{}[]#;\"".contains(c));
    whole
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{text:?} is not a realm's name; write letters, digits, dots and dashes, as in \"EXAMPLE.COM\""))
}

/// Reads the name of a file in `keytabs/`.
pub(super) fn parse_file_name(text: &str) -> Result<String, String> {
    let whole = !text.is_empty() && !text.contains(['/', '\\', '\0']) && !matches!(text, "." | "..");
    whole
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{text:?} is not a file's name; it goes into keytabs/, so write it without a folder"))
}

/// Reads a name that is not empty: a user, a group, a password.
pub(super) fn parse_name(text: &str) -> Result<String, String> {
    match text {
        "" => Err(String::from("it is empty")),
        _ => Ok(text.to_owned()),
    }
}

fn mend(name: &str, known: &[&'static str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(known) => format!("; did you mean {known:?}?"),
        None => format!("; known are {}", known.join(", ")),
    }
}
