//! The header of Wrap and MIC tokens (RFC 4121, 4.2.6).

use super::Role;
use crate::{Error, ErrorCode, KeyUsage};

/// The header's length.
pub(super) const HEADER: usize = 16;

/// The two kinds of messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Mic,
    Wrap,
}

impl Kind {
    const fn id(self) -> [u8; 2] {
        match self {
            Self::Mic => [0x04, 0x04],
            Self::Wrap => [0x05, 0x04],
        }
    }
}

const SENT_BY_ACCEPTOR: u8 = 1;
const SEALED: u8 = 2;
const ACCEPTOR_SUBKEY: u8 = 4;

/// A header without its extra count and rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) sender: Role,
    pub(super) sealed: bool,
    pub(super) acceptor_subkey: bool,
    pub(super) sequence_number: u64,
}

impl Header {
    /// Encodes the header. `extra_count` and the rotation appear in Wrap tokens only; MIC tokens
    /// have filler in their place.
    pub(super) fn to_bytes(self, extra_count: u16, rotation: u16) -> [u8; HEADER] {
        let mut bytes = [0xff; HEADER];
        bytes[..2].copy_from_slice(&self.kind.id());
        bytes[2] = self.flags();
        if self.kind == Kind::Wrap {
            bytes[4..6].copy_from_slice(&extra_count.to_be_bytes());
            bytes[6..8].copy_from_slice(&rotation.to_be_bytes());
        }
        bytes[8..].copy_from_slice(&self.sequence_number.to_be_bytes());
        bytes
    }

    fn flags(self) -> u8 {
        let mut flags = 0;
        if self.sender == Role::Acceptor {
            flags |= SENT_BY_ACCEPTOR;
        }
        if self.sealed {
            flags |= SEALED;
        }
        if self.acceptor_subkey {
            flags |= ACCEPTOR_SUBKEY;
        }
        flags
    }

    /// Reads the header of a token of `kind` sent by `sender`. Returns the extra count, the
    /// rotation and the body.
    pub(super) fn read(
        kind: Kind,
        sender: Role,
        acceptor_subkey: bool,
        token: &[u8],
    ) -> Result<(Self, u16, u16, &[u8]), Error> {
        let malformed = |why: String| Error::Malformed {
            what: "GSS-API message token",
            why,
        };
        let (header, body) = token.split_first_chunk::<HEADER>().ok_or_else(|| {
            malformed(format!(
                "it has {} bytes, fewer than its header",
                token.len()
            ))
        })?;
        let [id0, id1, flags, filler, ec0, ec1, rrc0, rrc1, number @ ..] = *header;
        if [id0, id1] != kind.id() {
            return Err(malformed(format!(
                "its id is {id0:02x} {id1:02x}, not that of a {kind:?} token"
            )));
        }
        if filler != 0xff || (kind == Kind::Mic && [ec0, ec1, rrc0, rrc1] != [0xff; 4]) {
            return Err(malformed("its filler is not ff".to_owned()));
        }
        if (flags & SENT_BY_ACCEPTOR != 0) != (sender == Role::Acceptor) {
            return Err(ErrorCode::KRB_AP_ERR_BADDIRECTION.into());
        }
        if (flags & ACCEPTOR_SUBKEY != 0) != acceptor_subkey {
            return Err(malformed(
                "its flags name another key than the context's".to_owned(),
            ));
        }
        let header = Self {
            kind,
            sender,
            sealed: flags & SEALED != 0,
            acceptor_subkey,
            sequence_number: u64::from_be_bytes(number),
        };
        if header.flags() != flags || (kind == Kind::Mic && header.sealed) {
            return Err(malformed(format!("its flags are {flags:02x}")));
        }
        Ok((
            header,
            u16::from_be_bytes([ec0, ec1]),
            u16::from_be_bytes([rrc0, rrc1]),
            body,
        ))
    }
}

/// Returns the key usage for messages from `sender`. Wrap tokens use the same one whether they are
/// sealed or not.
pub(super) const fn usage(kind: Kind, sender: Role) -> KeyUsage {
    match (kind, sender) {
        (Kind::Wrap, Role::Acceptor) => KeyUsage::GSS_ACCEPTOR_SEAL,
        (Kind::Wrap, Role::Initiator) => KeyUsage::GSS_INITIATOR_SEAL,
        (Kind::Mic, Role::Acceptor) => KeyUsage::GSS_ACCEPTOR_SIGN,
        (Kind::Mic, Role::Initiator) => KeyUsage::GSS_INITIATOR_SIGN,
    }
}
