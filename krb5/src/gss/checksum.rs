//! The authenticator's checksum field, which carries a context's parameters instead (RFC 4121,
//! 4.1.1).

use super::ContextFlags;
use crate::messages::Checksum;
use crate::{Error, ErrorCode};

/// The content of the checksum field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ContextChecksum {
    /// The MD5 of the channel bindings; zeros for none.
    pub(super) channel_bindings: [u8; 16],
    pub(super) flags: ContextFlags,
    /// A KRB-CRED.
    pub(super) delegated: Option<Vec<u8>>,
}

impl ContextChecksum {
    pub(super) fn encode(&self) -> Checksum {
        let mut bytes = 16u32.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.channel_bindings);
        bytes.extend_from_slice(&self.flags.0.to_le_bytes());
        if let Some(delegated) = &self.delegated {
            bytes.extend_from_slice(&1u16.to_le_bytes());
            bytes.extend_from_slice(&(delegated.len() as u16).to_le_bytes());
            bytes.extend_from_slice(delegated);
        }
        Checksum {
            checksum_type: Checksum::GSSAPI,
            bytes,
        }
    }

    /// Decodes the field. Fails with `KRB_AP_ERR_INAPP_CKSUM` if the checksum is missing or of
    /// another type. Ignores bytes after the known fields, which are extensions.
    pub(super) fn decode(checksum: Option<&Checksum>) -> Result<Self, Error> {
        let checksum = checksum
            .filter(|checksum| checksum.checksum_type == Checksum::GSSAPI)
            .ok_or(ErrorCode::KRB_AP_ERR_INAPP_CKSUM)?;
        Self::read(&checksum.bytes).ok_or_else(|| Error::Malformed {
            what: "GSS-API checksum",
            why: format!(
                "its {} bytes are not those of RFC 4121, 4.1.1",
                checksum.bytes.len()
            ),
        })
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        if u32::from_le_bytes(*length) != 16 {
            return None;
        }
        let (channel_bindings, rest) = rest.split_first_chunk()?;
        let (flags, rest) = rest.split_first_chunk()?;
        let flags = ContextFlags(u32::from_le_bytes(*flags));
        let mut delegated = None;
        if flags.contains(ContextFlags::DELEGATION) {
            let (option, rest) = rest.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            if u16::from_le_bytes(*option) != 1 {
                return None;
            }
            delegated = Some(
                rest.get(..usize::from(u16::from_le_bytes(*length)))?
                    .to_vec(),
            );
        }
        Some(Self {
            channel_bindings: *channel_bindings,
            flags,
            delegated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_survive_with_and_without_delegation() {
        for delegated in [None, Some(b"KRB-CRED".to_vec())] {
            let flags = if delegated.is_some() {
                ContextFlags::DELEGATION | ContextFlags::MUTUAL
            } else {
                ContextFlags::MUTUAL
            };
            let value = ContextChecksum {
                channel_bindings: [3; 16],
                flags,
                delegated,
            };
            let mut checksum = value.encode();
            assert_eq!(ContextChecksum::decode(Some(&checksum)), Ok(value.clone()));
            for end in 0..checksum.bytes.len() {
                let cut = Checksum {
                    bytes: checksum.bytes[..end].to_vec(),
                    ..checksum
                };
                assert!(ContextChecksum::decode(Some(&cut)).is_err());
            }
            checksum.bytes.extend_from_slice(b"an extension");
            assert_eq!(ContextChecksum::decode(Some(&checksum)), Ok(value));
        }
    }

    #[test]
    fn another_checksum_is_refused() {
        assert_eq!(
            ContextChecksum::decode(None),
            Err(ErrorCode::KRB_AP_ERR_INAPP_CKSUM.into())
        );
    }
}
