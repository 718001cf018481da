//! The changes of delegation tokens and their master keys.

use std::fmt;

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::token::DelegationTokenIdentifier;

/// The bytes of a master key, which are not printed.
///
/// ```
/// use minihdfs::secret_manager::MasterKeyBytes;
///
/// assert_eq!(format!("{:?}", MasterKeyBytes([7; 20])), "MasterKeyBytes(..)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKeyBytes(pub [u8; 20]);

impl MasterKeyBytes {
    /// Returns a key from an edit log or an image. Hadoop's keys have 8 bytes unless configured
    /// otherwise; HMAC pads keys with zeros, so a padded key gives the same passwords.
    ///
    /// # Errors
    /// Fails if the key is longer than 20 bytes.
    pub(crate) fn from_stored(bytes: &[u8]) -> Result<Self, HdfsError> {
        let mut key = [0; 20];
        let length = bytes.len();
        let start = key.get_mut(..length).ok_or_else(|| {
            HdfsError::unsupported_operation(format!(
                "a master key of {length} bytes is not served: 20 is the most"
            ))
        })?;
        start.copy_from_slice(bytes);
        Ok(Self(key))
    }
}

impl fmt::Debug for MasterKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKeyBytes(..)")
    }
}

/// A change of the tokens and master keys that must survive, as an edit log names it.
///
/// ```
/// use minihdfs::secret_manager::TokenEdit;
///
/// /// Returns the owner of the token that an edit removes.
/// fn loser(edit: &TokenEdit) -> Option<&str> {
///     match edit {
///         TokenEdit::CancelDelegationToken { token } => Some(&token.owner),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TokenEdit {
    /// `OP_GET_DELEGATION_TOKEN`
    GetDelegationToken {
        /// The token.
        token: DelegationTokenIdentifier,
        /// The time until which it is valid without renewal.
        expiry_time: Timestamp,
    },
    /// `OP_RENEW_DELEGATION_TOKEN`
    RenewDelegationToken {
        /// The token.
        token: DelegationTokenIdentifier,
        /// The time until which it is valid without another renewal.
        expiry_time: Timestamp,
    },
    /// `OP_CANCEL_DELEGATION_TOKEN`: also removes tokens that have expired.
    CancelDelegationToken {
        /// The token.
        token: DelegationTokenIdentifier,
    },
    /// `OP_UPDATE_MASTER_KEY`: the key with which new tokens are made.
    UpdateMasterKey {
        /// The key's number.
        key_id: i32,
        /// The time after which it can be forgotten.
        expiry_date: Timestamp,
        /// The key.
        key: MasterKeyBytes,
    },
}
