//! A principal's permissions and duties: the attributes of MIT's database, under kadmin's names.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use crate::DatabaseError;

/// A set of attributes. The bits are those of MIT's database.
///
/// ```
/// use kerbox_kdc::Attributes;
///
/// let mut attributes = Attributes::REQUIRES_PRE_AUTH;
/// attributes.apply("-allow_forwardable")?; // in kadmin's form
/// assert!(attributes.contains(Attributes::DISALLOW_FORWARDABLE));
/// assert_eq!(attributes.to_string(), "-allow_forwardable +requires_preauth");
/// # Ok::<(), kerbox_kdc::DatabaseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Attributes(u32);

macro_rules! attributes {
    ($($constant:ident = $bit:literal, $sense:tt $name:literal, $meaning:literal;)*) => {
        impl Attributes {
            $(#[doc = $meaning] pub const $constant: Self = Self($bit);)*

            /// Each attribute's name in kadmin, and whether `+name` sets or clears the bit.
            const NAMES: &[(&str, bool, Self)] =
                &[$(($name, attributes!(@sense $sense), Self::$constant)),*];

            /// Returns the name of a single attribute in MIT's database, as `getprinc` prints it.
            #[must_use]
            pub const fn database_name(self) -> Option<&'static str> {
                match self.0 {
                    $($bit => Some(stringify!($constant)),)*
                    _ => None,
                }
            }
        }
    };
    (@sense +) => { true };
    (@sense -) => { false };
}

attributes! {
    DISALLOW_POSTDATED = 0x1, - "allow_postdated", "Gets no postdated tickets.";
    DISALLOW_FORWARDABLE = 0x2, - "allow_forwardable", "Gets no forwardable tickets.";
    DISALLOW_TGT_BASED = 0x4, - "allow_tgs_req", "As a service: tickets come of AS exchanges alone.";
    DISALLOW_RENEWABLE = 0x8, - "allow_renewable", "Gets no renewable tickets.";
    DISALLOW_PROXIABLE = 0x10, - "allow_proxiable", "Gets no proxiable tickets.";
    DISALLOW_DUP_SKEY = 0x20, - "allow_dup_skey", "As a service: no user-to-user tickets.";
    DISALLOW_ALL_TIX = 0x40, - "allow_tix", "Locked out: no tickets at all.";
    REQUIRES_PRE_AUTH = 0x80, + "requires_preauth", "Must authenticate before it gets a ticket.";
    REQUIRES_HW_AUTH = 0x100, + "requires_hwauth", "Must authenticate by hardware.";
    REQUIRES_PWCHANGE = 0x200, + "needchange", "Must change its password first.";
    DISALLOW_SVR = 0x1000, - "allow_svr", "Is no service: user-to-user tickets alone.";
    PWCHANGE_SERVICE = 0x2000, + "password_changing_service", "As a service: serves those whose password has expired.";
    OK_AS_DELEGATE = 0x0010_0000, + "ok_as_delegate", "As a service: clients may delegate to it.";
    OK_TO_AUTH_AS_DELEGATE = 0x0020_0000, + "ok_to_auth_as_delegate", "As a service: its S4U2Self tickets are forwardable.";
    NO_AUTH_DATA_REQUIRED = 0x0040_0000, + "no_auth_data_required", "As a service: tickets carry no PAC.";
    LOCKDOWN_KEYS = 0x0080_0000, + "lockdown_keys", "Its keys are not changed by kadmin.";
}

impl Attributes {
    /// No attributes.
    pub const NONE: Self = Self(0);

    /// Iterates over kadmin's names: each with its attribute, and whether `+name` sets or clears
    /// it.
    pub fn names() -> impl Iterator<Item = (&'static str, bool, Self)> {
        Self::NAMES.iter().copied()
    }

    /// Returns the attributes of MIT's database with these bits. Bits without a meaning here have
    /// no effect.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns whether every attribute of `other` is in the set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets or clears the attributes of `other`.
    pub fn set(&mut self, other: Self, on: bool) {
        if on {
            self.0 |= other.0;
        } else {
            self.0 &= !other.0;
        }
    }

    /// Applies one setting in kadmin's form: `+requires_preauth`, `-allow_tix`. Without a sign, `+`
    /// is assumed.
    pub fn apply(&mut self, setting: &str) -> Result<(), DatabaseError> {
        let (on, name) = match setting.strip_prefix('-') {
            Some(name) => (false, name),
            None => (true, setting.strip_prefix('+').unwrap_or(setting)),
        };
        let (_, sets, attribute) = Self::NAMES
            .iter()
            .find(|(known, ..)| *known == name)
            .ok_or_else(|| DatabaseError::UnknownAttribute {
                setting: setting.to_owned(),
                known: Self::NAMES
                    .iter()
                    .map(|(name, ..)| *name)
                    .collect::<Vec<_>>()
                    .join(", "),
            })?;
        self.set(*attribute, on == *sets);
        Ok(())
    }
}

impl BitOr for Attributes {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Attributes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Displays the settings that differ from [`Attributes::NONE`]: `-allow_tix +requires_preauth`.
impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, sets, attribute) in Self::NAMES {
            if self.contains(*attribute) {
                write!(f, "{separator}{}{name}", if *sets { '+' } else { '-' })?;
                separator = " ";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_written_as_kadmin_does() {
        let mut attributes = Attributes::NONE;
        for setting in ["+requires_preauth", "-allow_tix", "ok_as_delegate"] {
            attributes.apply(setting).expect("kadmin's names");
        }
        assert_eq!(
            attributes.to_string(),
            "-allow_tix +requires_preauth +ok_as_delegate"
        );
        attributes.apply("+allow_tix").expect("kadmin's name");
        assert!(!attributes.contains(Attributes::DISALLOW_ALL_TIX));
        assert!(Attributes::names().all(|(.., attribute)| attribute.database_name().is_some()));
        assert_eq!(
            Attributes::DISALLOW_ALL_TIX.database_name(),
            Some("DISALLOW_ALL_TIX")
        );
        let error = attributes
            .apply("+disallow_tix")
            .expect_err("no such name")
            .to_string();
        assert!(
            error.contains("+disallow_tix") && error.contains("allow_tix"),
            "{error}"
        );
    }
}
