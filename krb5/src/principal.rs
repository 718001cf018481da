//! Principals: a name with components, in a realm (RFC 4120, 6.1 and 6.2).

use std::fmt::{self, Write};
use std::sync::Arc;

use smol_str::SmolStr;

/// The kind of a name (RFC 4120, 6.2). Unknown numbers survive decoding.
///
/// ```
/// use kerbox_krb5::{NameType, Principal};
///
/// let alice = Principal::new("EXAMPLE.COM", ["alice@example.com"]);
/// let enterprise = alice.clone().with_name_type(NameType::ENTERPRISE);
/// assert_eq!(enterprise.name_type(), NameType(10));
/// assert_eq!(enterprise, alice); // only a hint
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NameType(pub i32);

impl NameType {
    /// Unknown.
    pub const UNKNOWN: Self = Self(0);
    /// A user, or a service identified by its name alone.
    pub const PRINCIPAL: Self = Self(1);
    /// A service and an instance: `krbtgt/REALM`.
    pub const SRV_INST: Self = Self(2);
    /// A service with a host name as instance.
    pub const SRV_HST: Self = Self(3);
    /// A service with the host's name as further components.
    pub const SRV_XHST: Self = Self(4);
    /// An enterprise name: one component, `user@domain` (RFC 6806).
    pub const ENTERPRISE: Self = Self(10);
    /// A well-known name (RFC 6111).
    pub const WELLKNOWN: Self = Self(11);
}

/// A Kerberos principal.
///
/// Two principals are equal if their realms and components are. The name type is only a hint and is
/// not compared (RFC 4120, 6.2). Copies share their components, and short texts are stored without
/// an allocation, since a KDC copies each name several times.
///
/// ```
/// use kerbox_krb5::Principal;
///
/// # fn main() -> Result<(), kerbox_krb5::Error> {
/// let service = Principal::parse("nn/localhost", "EXAMPLE.COM")?;
/// assert_eq!(service.components(), ["nn", "localhost"]);
/// assert_eq!(service.to_string(), "nn/localhost@EXAMPLE.COM");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Principal {
    realm: SmolStr,
    name_type: NameType,
    components: Arc<[SmolStr]>,
}

impl Principal {
    /// Creates a principal with name type [`NameType::PRINCIPAL`].
    pub fn new(
        realm: impl Into<SmolStr>,
        components: impl IntoIterator<Item = impl Into<SmolStr>>,
    ) -> Self {
        Self {
            realm: realm.into(),
            name_type: NameType::PRINCIPAL,
            components: components.into_iter().map(Into::into).collect(),
        }
    }

    /// Creates a principal of components that may be shared.
    pub(crate) fn from_parts(
        realm: SmolStr,
        name_type: NameType,
        components: Arc<[SmolStr]>,
    ) -> Self {
        Self {
            realm,
            name_type,
            components,
        }
    }

    /// Returns the ticket-granting service of `realm` for clients of `in_realm`:
    /// `krbtgt/realm@in_realm`.
    #[must_use]
    pub fn krbtgt(realm: &str, in_realm: &str) -> Self {
        Self::new(in_realm, ["krbtgt", realm]).with_name_type(NameType::SRV_INST)
    }

    /// Returns the same principal with another name type.
    #[must_use]
    pub fn with_name_type(mut self, name_type: NameType) -> Self {
        self.name_type = name_type;
        self
    }

    /// Returns the realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Returns the components of the name.
    #[must_use]
    pub fn components(&self) -> &[SmolStr] {
        &self.components
    }

    /// Returns the name type.
    #[must_use]
    pub fn name_type(&self) -> NameType {
        self.name_type
    }

    /// Returns the name without its realm, escaped as MIT does.
    #[must_use]
    pub fn name(&self) -> String {
        let mut text = String::with_capacity(self.text_len());
        let _infallible = self.write_name(&mut text);
        text
    }

    fn write_name(&self, to: &mut impl Write) -> fmt::Result {
        for (index, component) in self.components.iter().enumerate() {
            if index > 0 {
                to.write_char('/')?;
            }
            escape(component, to)?;
        }
        Ok(())
    }

    fn write(&self, to: &mut impl Write) -> fmt::Result {
        self.write_name(to)?;
        to.write_char('@')?;
        escape(&self.realm, to)
    }

    /// Returns the length of the text, if nothing is escaped.
    fn text_len(&self) -> usize {
        let components = self.components.iter();
        components.fold(self.realm.len(), |sum, it| sum + it.len() + 1)
    }

    /// Returns whether this is `krbtgt/…`: a ticket-granting service of this or another realm.
    #[must_use]
    pub fn is_krbtgt(&self) -> bool {
        matches!(&*self.components, [first, _] if first == "krbtgt")
    }

    /// Returns the default salt of RFC 4120, 4: the realm and the components, joined without
    /// separators.
    #[must_use]
    pub fn default_salt(&self) -> String {
        let mut salt = String::from(&*self.realm);
        salt.extend(self.components.iter().map(SmolStr::as_str));
        salt
    }
}

fn escape(component: &str, to: &mut impl Write) -> fmt::Result {
    let is_special = |byte: u8| matches!(byte, b'/' | b'@' | b'\\' | b'\n' | b'\t' | 8 | 0);
    if !component.bytes().any(is_special) {
        return to.write_str(component);
    }
    for character in component.chars() {
        match character {
            '/' | '@' | '\\' => write!(to, "\\{character}"),
            '\n' => to.write_str("\\n"),
            '\t' => to.write_str("\\t"),
            '\u{8}' => to.write_str("\\b"),
            '\0' => to.write_str("\\0"),
            other => to.write_char(other),
        }?;
    }
    Ok(())
}

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.realm == other.realm && self.components == other.components
    }
}

impl Eq for Principal {}

impl std::hash::Hash for Principal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.realm.hash(state);
        self.components.hash(state);
    }
}

impl PartialOrd for Principal {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Principal {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.realm, &self.components).cmp(&(&other.realm, &other.components))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl From<&Principal> for Arc<str> {
    /// Returns the same text as `Display`.
    fn from(principal: &Principal) -> Self {
        // The text of a usual name is first written here, which saves an allocation.
        let mut short = Short::default();
        if principal.write(&mut short).is_ok() {
            return short.text().into();
        }
        let mut text = String::with_capacity(principal.text_len());
        let _infallible = principal.write(&mut text);
        text.into()
    }
}

/// A text of at most 64 bytes.
struct Short {
    bytes: [u8; 64],
    len: usize,
}

impl Default for Short {
    fn default() -> Self {
        Self {
            bytes: [0; 64],
            len: 0,
        }
    }
}

impl Short {
    fn text(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).expect("only whole texts are added")
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes[self.len..].get_mut(..text.len());
        room.ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_name_of_any_length_is_what_is_displayed() {
        for length in 0..80 {
            for letter in ["x", "/", "é"] {
                let principal = Principal::new("R", [&letter.repeat(length), "é"]);
                assert_eq!(*Arc::<str>::from(&principal), *principal.to_string());
            }
        }
    }

    #[test]
    fn the_default_salt_joins_realm_and_components() {
        assert_eq!(
            Principal::new("ATHENA.MIT.EDU", ["raeburn", "x"]).default_salt(),
            "ATHENA.MIT.EDUraeburnx"
        );
    }
}
