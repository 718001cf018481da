//! Tokens and keys as a fixture changes them, without a call.

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::edit::Edit;
use crate::secret_manager::TokenEdit;
use crate::token::{DelegationTokenIdentifier, Token};
use crate::user::User;

impl NameNode {
    /// Renews a token as its renewer would, and returns the new expiry time.
    ///
    /// # Errors
    /// Fails as the renewer's call would.
    pub fn renew_issued_token(
        &self,
        now: Timestamp,
        token: &Token,
    ) -> Result<Timestamp, HdfsError> {
        let mut ns = self.lock_to_write(format_args!("renew delegation token"))?;
        let renewer = DelegationTokenIdentifier::from_bytes(&token.identifier)?.renewer;
        let (edit, until) = self.delegation_tokens.renew(now, token, &renewer)?;
        if self.delegation_tokens.changes(&edit) {
            ns.log(&Edit::Token(edit))?;
        }
        Ok(until)
    }

    /// Lets a token expire just before `now`. It can still be renewed.
    ///
    /// # Errors
    /// Fails if there is no such token, and in safe mode.
    pub fn expire_issued_token(&self, now: Timestamp, token: &Token) -> Result<(), HdfsError> {
        let mut ns = self.lock_to_write(format_args!("renew delegation token"))?;
        let token = DelegationTokenIdentifier::from_bytes(&token.identifier)?;
        if self.delegation_tokens.renew_date(&token).is_none() {
            return Err(HdfsError::invalid_token(format!(
                "Renewal request for unknown token ({token})"
            )));
        }
        let expiry_time = Timestamp::from_millis(now.as_millis().saturating_sub(1));
        ns.log(&Edit::Token(TokenEdit::RenewDelegationToken {
            token,
            expiry_time,
        }))
    }

    /// Cancels a token as its owner would.
    ///
    /// # Errors
    /// Fails as the owner's call would.
    pub fn cancel_issued_token(&self, token: &Token) -> Result<(), HdfsError> {
        let mut ns = self.lock_to_write(format_args!("cancel delegation token"))?;
        let owner = DelegationTokenIdentifier::from_bytes(&token.identifier)?.owner;
        let edit = self
            .delegation_tokens
            .cancel(token, &User::simple(&owner))?;
        ns.log(&Edit::Token(edit))
    }

    /// Makes a new master key for delegation tokens. Tokens made with older keys stay valid.
    /// Returns the new key's number.
    ///
    /// # Errors
    /// Fails in safe mode.
    pub fn roll_master_key(&self, now: Timestamp) -> Result<i32, HdfsError> {
        let mut ns = self.lock_to_write(format_args!("update master key"))?;
        let edit = self.delegation_tokens.new_master_key(now);
        let key_id = match &edit {
            TokenEdit::UpdateMasterKey { key_id, .. } => *key_id,
            _ => 0,
        };
        ns.log(&Edit::Token(edit))?;
        Ok(key_id)
    }
}
