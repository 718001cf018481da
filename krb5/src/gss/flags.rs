//! The flags of a context (RFC 4121, 4.1.1.1).

use std::ops::BitOr;

/// An initiator's request flags for a context. Unknown bits survive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct ContextFlags(pub u32);

impl ContextFlags {
    /// The client delegates its tickets.
    pub const DELEGATION: Self = Self(1);
    /// The service must authenticate itself.
    pub const MUTUAL: Self = Self(2);
    /// Replayed messages must be detected.
    pub const REPLAY: Self = Self(4);
    /// Messages out of order must be detected.
    pub const SEQUENCE: Self = Self(8);
    /// Messages may be encrypted.
    pub const CONFIDENTIALITY: Self = Self(16);
    /// Messages may be signed.
    pub const INTEGRITY: Self = Self(32);

    /// Returns whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether at least one of `other` is set.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for ContextFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
