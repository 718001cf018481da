//! Delegation tokens, and keys for encrypted data transfer.

use kerbox_krb5::Timestamp;

use crate::error::Class;
use crate::namenode::NameNode;
use crate::namenode::edit::Edit;
use crate::proto::common::{
    CancelDelegationTokenRequestProto, CancelDelegationTokenResponseProto,
    GetDelegationTokenRequestProto, GetDelegationTokenResponseProto,
    RenewDelegationTokenRequestProto, RenewDelegationTokenResponseProto,
};
use crate::proto::hdfs::{GetDataEncryptionKeyRequestProto, GetDataEncryptionKeyResponseProto};
use crate::rpc::Call;
use crate::token::Token;
use crate::user::AuthMethod;
use crate::{Caller, HdfsError};

use crate::namenode::ops::status::millis;
use crate::namenode::state::limits::check_name;

/// Converts the error for a renewer that no `auth_to_local` rule matches, as Hadoop's
/// `AbstractDelegationTokenIdentifier.setRenewer` does.
fn unshortened(error: HdfsError) -> HdfsError {
    if *error.kind() == Class::NoMatchingRule {
        return HdfsError::runtime(error.to_string());
    }
    error
}

impl NameNode {
    /// Issues a token to a caller who authenticated with a ticket. Absent if security is off.
    pub(crate) fn get_delegation_token(
        &self,
        call: &Call<'_>,
        request: GetDelegationTokenRequestProto,
    ) -> Result<GetDelegationTokenResponseProto, HdfsError> {
        let mut ns = self.lock_to_write(format_args!("issue delegation token"))?;
        if !self.issues_tokens_to(call.caller) {
            return Err(HdfsError::io(
                "Delegation Token can be issued only with kerberos or web authentication",
            ));
        }
        if !self.config.is_secure() && !self.config.delegation_token_always {
            return Ok(GetDelegationTokenResponseProto { token: None });
        }
        check_name("renewer's name", &request.renewer)?;
        let renewer = match request.renewer.as_str() {
            "" => "".into(),
            renewer => self
                .auth_to_local
                .short_name(renewer)
                .map_err(unshortened)?,
        };
        let real = call.caller.real_user.as_ref().map(|user| &*user.full);
        let owner = &call.caller.user.full;
        let (edit, token) = self
            .delegation_tokens
            .issue(call.now, owner, &renewer, real)?;
        ns.log(&Edit::Token(edit))?;
        Ok(GetDelegationTokenResponseProto {
            token: Some(token.into()),
        })
    }

    /// Issues a token in a user's name, which a fixture may do without a call. `owner` is the full
    /// principal; `renewer` is a short name, or empty.
    ///
    /// # Errors
    /// Fails in safe mode, and if the token cannot be logged.
    pub fn issue_delegation_token(
        &self,
        now: Timestamp,
        owner: &str,
        renewer: &str,
    ) -> Result<Token, HdfsError> {
        let mut ns = self.lock_to_write(format_args!("issue delegation token"))?;
        let (edit, token) = self.delegation_tokens.issue(now, owner, renewer, None)?;
        ns.log(&Edit::Token(edit))?;
        Ok(token)
    }

    /// Renews a token for its renewer and returns the new expiry time.
    pub(crate) fn renew_delegation_token(
        &self,
        call: &Call<'_>,
        request: RenewDelegationTokenRequestProto,
    ) -> Result<RenewDelegationTokenResponseProto, HdfsError> {
        let mut ns = self.lock_to_write(format_args!("renew delegation token"))?;
        if !self.issues_tokens_to(call.caller) {
            return Err(HdfsError::io(
                "Delegation Token can be renewed only with kerberos or web authentication",
            ));
        }
        let token = Token::from(request.token);
        let renewer = &call.caller.user.short;
        let (edit, until) = self.delegation_tokens.renew(call.now, &token, renewer)?;
        if self.delegation_tokens.changes(&edit) {
            ns.log(&Edit::Token(edit))?;
        }
        Ok(RenewDelegationTokenResponseProto {
            new_expiry_time: millis(until),
        })
    }

    /// Cancels a token for its owner or renewer.
    pub(crate) fn cancel_delegation_token(
        &self,
        call: &Call<'_>,
        request: CancelDelegationTokenRequestProto,
    ) -> Result<CancelDelegationTokenResponseProto, HdfsError> {
        let mut ns = self.lock_to_write(format_args!("cancel delegation token"))?;
        let token = Token::from(request.token);
        let edit = self.delegation_tokens.cancel(&token, &call.caller.user)?;
        ns.log(&Edit::Token(edit))?;
        Ok(CancelDelegationTokenResponseProto {})
    }

    /// Returns true if the caller may get tokens. A caller who authenticated with a token may not.
    /// Without security there is nothing to protect.
    fn issues_tokens_to(&self, caller: &Caller) -> bool {
        !self.config.is_secure() || caller.method == AuthMethod::Kerberos
    }

    /// Returns a key for `dfs.encrypt.data.transfer`; absent if that is off.
    pub(crate) fn get_data_encryption_key(
        &self,
        call: &Call<'_>,
        _request: GetDataEncryptionKeyRequestProto,
    ) -> Result<GetDataEncryptionKeyResponseProto, HdfsError> {
        let encrypt = self.config.encrypt_data_transfer;
        Ok(GetDataEncryptionKeyResponseProto {
            data_encryption_key: encrypt
                .then(|| self.block_tokens.data_encryption_key(call.now).into()),
        })
    }
}
