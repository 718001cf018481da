//! The delegation tokens and master keys that must survive.

use std::collections::BTreeMap;
use std::fmt;

use kerbox_krb5::Timestamp;

use super::SecretKey;
use super::token_edit::TokenEdit;
use crate::token::DelegationTokenIdentifier;

/// The tokens and keys that must survive.
#[derive(Clone, Default, PartialEq, Debug)]
pub(super) struct Kept {
    pub(super) keys: BTreeMap<i32, MasterKey>,
    pub(super) current_key: i32,
    pub(super) sequence_number: i32,
    pub(super) tokens: BTreeMap<DelegationTokenIdentifier, Issued>,
}

/// A master key, by which the passwords of its tokens are made.
#[derive(Clone)]
pub(super) struct MasterKey {
    pub(super) key: SecretKey,
    pub(super) bytes: [u8; 20],
    pub(super) expiry: Timestamp,
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        (self.bytes, self.expiry) == (other.bytes, other.expiry)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

/// A stored token.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Issued {
    pub(super) renew_date: Timestamp,
    pub(super) password: [u8; 20],
}

impl Kept {
    /// Applies an edit: the only way in which tokens and keys change.
    pub(super) fn apply(&mut self, edit: &TokenEdit) {
        match edit {
            TokenEdit::GetDelegationToken { token, expiry_time } => {
                self.sequence_number = token.sequence_number;
                self.store(token, *expiry_time);
            }
            TokenEdit::RenewDelegationToken { token, expiry_time } => {
                self.store(token, *expiry_time);
            }
            TokenEdit::CancelDelegationToken { token } => {
                self.tokens.remove(token);
            }
            TokenEdit::UpdateMasterKey {
                key_id,
                expiry_date,
                key,
            } => {
                self.current_key = *key_id;
                let key = MasterKey {
                    key: SecretKey::new(&key.0),
                    bytes: key.0,
                    expiry: *expiry_date,
                };
                self.keys.insert(*key_id, key);
            }
        }
    }

    /// Stores a token. Without its key it cannot be used, so it is then left out, as in Hadoop.
    fn store(&mut self, token: &DelegationTokenIdentifier, renew_date: Timestamp) {
        if let Some(issued) = self.tokens.get_mut(token) {
            issued.renew_date = renew_date;
        } else if let Some(key) = self.keys.get(&token.master_key_id) {
            let password = key.key.password(&token.to_bytes());
            self.tokens.insert(
                token.clone(),
                Issued {
                    renew_date,
                    password,
                },
            );
        }
    }
}
