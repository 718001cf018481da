//! Delegation tokens and master keys in an image.

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::proto::hdfs::fsimage::secret_manager_section::{DelegationKey, PersistToken};
use crate::secret_manager::{MasterKeyBytes, TokenEdit};
use crate::token::DelegationTokenIdentifier;

impl DelegationKey {
    pub(super) fn to_edit(&self) -> Result<TokenEdit, HdfsError> {
        Ok(TokenEdit::UpdateMasterKey {
            key_id: self.id().cast_signed(),
            expiry_date: Timestamp::from_millis(self.expiry_date().cast_signed()),
            key: MasterKeyBytes::from_stored(self.key())?,
        })
    }
}

impl PersistToken {
    pub(super) fn to_edit(&self) -> TokenEdit {
        let time = |millis: u64| Timestamp::from_millis(millis.cast_signed());
        TokenEdit::GetDelegationToken {
            token: DelegationTokenIdentifier {
                owner: self.owner().to_owned(),
                renewer: self.renewer().to_owned(),
                real_user: self.real_user().to_owned(),
                issue_date: time(self.issue_date()),
                max_date: time(self.max_date()),
                sequence_number: self.sequence_number().cast_signed(),
                master_key_id: self.master_key_id().cast_signed(),
            },
            expiry_time: time(self.expiry_date()),
        }
    }
}
