//! The flags of Kerberos as types: KDC options, ticket flags, AP options. Bit 0 of the RFC is the
//! highest of 32 bits.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

macro_rules! flags {
    ($(#[$doc:meta])* $type:ident { $($name:ident = $bit:literal, $meaning:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $type(pub u32);

        impl $type {
            /// No flags.
            pub const NONE: Self = Self(0);
            $(#[doc = $meaning] pub const $name: Self = Self(1 << (31 - $bit));)*

            /// Returns whether every flag of `other` is set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Returns whether any flag of `other` is set.
            #[must_use]
            pub const fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Sets or clears the flags of `other`.
            pub fn set(&mut self, other: Self, on: bool) {
                if on { self.0 |= other.0 } else { self.0 &= !other.0 }
            }

            /// Returns these flags without those of `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }

        impl BitOr for $type {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl BitOrAssign for $type {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }

        impl BitAnd for $type {
            type Output = Self;
            fn bitand(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }
        }

        impl Not for $type {
            type Output = Self;
            fn not(self) -> Self {
                Self(!self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut rest = self.0;
                let mut separator = "";
                f.write_str("{")?;
                $(if self.contains(Self::$name) {
                    write!(f, "{separator}{}", stringify!($name))?;
                    separator = " ";
                    rest &= !Self::$name.0;
                })*
                if rest != 0 {
                    write!(f, "{separator}{rest:#010x}")?;
                }
                f.write_str("}")
            }
        }
    };
}

flags! {
    /// A client's request options for a KDC (RFC 4120, 5.4.1; RFC 6806; RFC 6112; MS-SFU).
    KdcOptions {
        FORWARDABLE = 1, "The ticket may be forwarded.";
        FORWARDED = 2, "A ticket-granting ticket for another address is asked for.";
        PROXIABLE = 3, "Tickets for other addresses may be had with this one.";
        PROXY = 4, "A ticket for another address is asked for.";
        ALLOW_POSTDATE = 5, "Postdated tickets may be had with this one.";
        POSTDATED = 6, "A ticket that begins later is asked for.";
        RENEWABLE = 8, "The ticket may be renewed.";
        OPT_HARDWARE_AUTH = 11, "Hardware authentication, unused.";
        CNAME_IN_ADDL_TKT = 14, "S4U2Proxy: the client is the one of the additional ticket (MS-SFU).";
        CANONICALIZE = 15, "The KDC may answer with other names, or with a referral (RFC 6806).";
        REQUEST_ANONYMOUS = 16, "An anonymous ticket is asked for (RFC 8062).";
        DISABLE_TRANSITED_CHECK = 26, "The transited field is not to be checked.";
        RENEWABLE_OK = 27, "A renewable ticket will do where the asked life is too long.";
        ENC_TKT_IN_SKEY = 28, "The ticket is to be encrypted in the additional ticket's session key: user-to-user.";
        RENEW = 30, "The ticket is to be renewed.";
        VALIDATE = 31, "The postdated ticket is to be made valid.";
    }
}

flags! {
    /// A ticket's flags (RFC 4120, 5.3).
    TicketFlags {
        FORWARDABLE = 1, "May be forwarded.";
        FORWARDED = 2, "Was forwarded, or comes of one that was.";
        PROXIABLE = 3, "Tickets for other addresses may be had with it.";
        PROXY = 4, "Is for another address.";
        MAY_POSTDATE = 5, "Postdated tickets may be had with it.";
        POSTDATED = 6, "Is postdated.";
        INVALID = 7, "Must be validated before it is used.";
        RENEWABLE = 8, "May be renewed.";
        INITIAL = 9, "Comes of an AS exchange.";
        PRE_AUTHENT = 10, "The client was authenticated before it was issued.";
        HW_AUTHENT = 11, "By hardware.";
        TRANSITED_POLICY_CHECKED = 12, "The KDC checked the transited realms.";
        OK_AS_DELEGATE = 13, "The server may be trusted with delegated credentials.";
        ENC_PA_REP = 15, "The reply's padata is authenticated (RFC 6806, 11).";
        ANONYMOUS = 16, "The client is anonymous (RFC 8062).";
    }
}

flags! {
    /// A client's request options for a service (RFC 4120, 5.5.1).
    ApOptions {
        USE_SESSION_KEY = 1, "The ticket is encrypted in the session key of the server's own ticket-granting ticket.";
        MUTUAL_REQUIRED = 2, "The server shall answer with an AP-REP.";
    }
}

impl TicketFlags {
    /// Returns the letters that MIT's `klist -f` prints, in the same order.
    #[must_use]
    pub fn letters(self) -> String {
        const LETTERS: [(TicketFlags, char); 14] = [
            (TicketFlags::FORWARDABLE, 'F'),
            (TicketFlags::FORWARDED, 'f'),
            (TicketFlags::PROXIABLE, 'P'),
            (TicketFlags::PROXY, 'p'),
            (TicketFlags::MAY_POSTDATE, 'D'),
            (TicketFlags::POSTDATED, 'd'),
            (TicketFlags::INVALID, 'i'),
            (TicketFlags::RENEWABLE, 'R'),
            (TicketFlags::INITIAL, 'I'),
            (TicketFlags::HW_AUTHENT, 'H'),
            (TicketFlags::PRE_AUTHENT, 'A'),
            (TicketFlags::TRANSITED_POLICY_CHECKED, 'T'),
            (TicketFlags::OK_AS_DELEGATE, 'O'),
            (TicketFlags::ANONYMOUS, 'a'),
        ];
        LETTERS
            .iter()
            .filter(|(flag, _)| self.contains(*flag))
            .map(|(_, letter)| letter)
            .collect()
    }
}
