//! The keywords of a configuration file, parsed and formatted.

use std::fmt;
use std::net::SocketAddr;

use kerbox::spec::{Layout, Security};
use kerbox_kdc::{Attributes, Pac};
use kerbox_krb5::EncryptionType;

use super::nearest::nearest;

/// A principal's attribute by kadmin's name, set or cleared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) on: bool,
}

impl Attribute {
    /// Parses `+requires_preauth` or `-allow_tix`.
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
        let known: Vec<&'static str> = Attributes::names().map(|(name, ..)| name).collect();
        match known.iter().find(|known| **known == name) {
            Some(name) => Ok(Self { name, on }),
            None => Err(format!(
                "there is no attribute {name:?}{}",
                mend(name, &known)
            )),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.on { '+' } else { '-' }, self.name)
    }
}

/// Parses an attribute; returns it in the notation that a description of a fixture has.
pub(super) fn parse_attribute(text: &str) -> Result<String, String> {
    Attribute::parse(text).map(|attribute| attribute.to_string())
}

/// Parses an encryption type's name, as registered with IANA or in one of MIT's short forms.
pub(crate) fn parse_enctype(text: &str) -> Result<EncryptionType, String> {
    let known = EncryptionType::DEFAULT.map(enctype_name);
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    match text.parse::<EncryptionType>() {
        Ok(enctype) if enctype.is_supported() => Ok(enctype),
        Ok(_) => Err(format!(
            "{text:?} is not supported here; known are {}",
            names.join(", ")
        )),
        Err(_) => Err(format!(
            "there is no encryption type {text:?}{}",
            mend(text, &names)
        )),
    }
}

/// Returns an encryption type's name.
pub(super) fn enctype_name(enctype: EncryptionType) -> String {
    enctype
        .name()
        .map_or_else(|| enctype.0.to_string(), str::to_owned)
}

/// Parses `127.0.0.1:0`.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!(
            "{text:?} is not an address and a port; write \"127.0.0.1:0\", 0 being any free port"
        )
    })
}

/// Parses `kerberos` or `simple`.
pub(super) fn parse_security(text: &str) -> Result<Security, String> {
    match text {
        "kerberos" => Ok(Security::Kerberos),
        "simple" => Ok(Security::Simple),
        _ => Err(format!("{text:?} is neither \"kerberos\" nor \"simple\"")),
    }
}

/// Parses `/rack1`.
pub(super) fn parse_rack(text: &str) -> Result<String, String> {
    match text.strip_prefix('/') {
        Some(name) if !name.is_empty() => Ok(text.to_owned()),
        _ => Err(format!(
            "{text:?} is not a rack; write a path, as in \"/rack1\""
        )),
    }
}

/// Parses permission bits: `700`, `1777`.
pub(super) fn parse_mode(text: &str) -> Result<u16, String> {
    u16::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o1777 && text.len() >= 3)
        .ok_or_else(|| format!("{text:?} is not a mode; write three octal digits, as in \"750\", or four with the sticky bit, \"1777\""))
}

/// Parses an absolute path of HDFS.
pub(super) fn parse_path(text: &str) -> Result<String, String> {
    let whole = text.strip_prefix('/').is_some_and(|rest| {
        rest.is_empty()
            || rest
                .split('/')
                .all(|part| !matches!(part, "" | "." | "..") && !part.contains(':'))
    });
    whole.then(|| text.to_owned()).ok_or_else(|| {
        format!("{text:?} is not a path of HDFS; write it from the root, as in \"/user/alice\"")
    })
}

/// Parses a realm's name.
pub(super) fn parse_realm(text: &str) -> Result<String, String> {
    let whole = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"/@:\\{}[]#;\"".contains(c));
    whole
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{text:?} is not a realm's name; write letters, digits, dots and dashes, as in \"EXAMPLE.COM\""))
}

/// Parses whether a realm has the default principals.
pub(super) fn parse_principals(text: &str) -> Result<bool, String> {
    match text {
        "default" => Ok(true),
        "none" => Ok(false),
        _ => Err(format!(
            "{text:?} are no principals; write \"default\", or \"none\" and a [[principal]] for each"
        )),
    }
}

/// Parses the kind of PAC that tickets carry.
pub(super) fn parse_pac(text: &str) -> Result<Pac, String> {
    match text {
        "none" => Ok(Pac::None),
        "minimal" => Ok(Pac::Minimal),
        "full" => Ok(Pac::Full),
        _ => Err(format!(
            "{text:?} is no PAC; write \"none\", \"minimal\" or \"full\""
        )),
    }
}

/// Parses a NetBIOS name.
pub(super) fn parse_netbios_name(text: &str) -> Result<String, String> {
    let whole = (1..=15).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"\\/:*?\"<>|.".contains(c));
    whole
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{text:?} is not a NetBIOS name; write up to 15 letters, digits and dashes, as in \"EXAMPLE\""))
}

/// Parses the name of a file in `keytabs/`.
pub(super) fn parse_file_name(text: &str) -> Result<String, String> {
    let whole =
        !text.is_empty() && !text.contains(['/', '\\', '\0']) && !matches!(text, "." | "..");
    whole.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "{text:?} is not a file's name; it goes into keytabs/, so write it without a folder"
        )
    })
}

/// Parses the name of a layout.
pub(super) fn parse_layout(text: &str) -> Result<Layout, String> {
    match text {
        "hadoop-secure" => Ok(Layout::HadoopSecure),
        _ => Err(format!("{text:?} is no layout; write \"hadoop-secure\"")),
    }
}

/// Parses a name that is not empty: a user, a group, a password.
pub(super) fn parse_name(text: &str) -> Result<String, String> {
    match text {
        "" => Err(String::from("it is empty")),
        _ => Ok(text.to_owned()),
    }
}

fn mend(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(known) => format!("; did you mean {known:?}?"),
        None => format!("; known are {}", known.join(", ")),
    }
}
