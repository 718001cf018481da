//! Delegation tokens and master keys in an image.

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::edit::Edit;
use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::image::sections::{ImageWriter, Section};
use crate::proto::hdfs::fsimage::SecretManagerSection;
use crate::proto::hdfs::fsimage::secret_manager_section::{DelegationKey, PersistToken};
use crate::secret_manager::{DelegationTokenSecretManager, MasterKeyBytes, TokenEdit};
use crate::token::DelegationTokenIdentifier;

pub(super) fn write(tokens: &DelegationTokenSecretManager, image: &mut ImageWriter) {
    let stored = tokens.stored();
    let (mut keys, mut tokens) = (Vec::new(), Vec::new());
    for edit in &stored.edits {
        match edit {
            TokenEdit::UpdateMasterKey {
                key_id,
                expiry_date,
                key,
            } => keys.push(key_message(*key_id, *expiry_date, key)),
            TokenEdit::GetDelegationToken { token, expiry_time } => {
                tokens.push(token_message(token, *expiry_time));
            }
            TokenEdit::RenewDelegationToken { .. } | TokenEdit::CancelDelegationToken { .. } => {}
        }
    }
    image.put(&SecretManagerSection {
        current_id: Some(stored.counters.0.cast_unsigned()),
        token_sequence_number: Some(stored.counters.1.cast_unsigned()),
        num_keys: Some(keys.len() as u32),
        num_tokens: Some(tokens.len() as u32),
    });
    for key in &keys {
        image.put(key);
    }
    for token in &tokens {
        image.put(token);
    }
    image.end("SECRET_MANAGER");
}

/// Hands the edits of all keys and tokens over. Returns the number of the key in use, and of the
/// last token.
pub(super) fn read(
    mut section: Section<'_>,
    apply: &mut dyn FnMut(&Edit) -> Result<(), String>,
) -> Result<(i32, i32), StorageError> {
    let header: SecretManagerSection = section.next()?;
    for _ in 0..header.num_keys() {
        let key: DelegationKey = section.next()?;
        let edit = key_edit(&key);
        let edit = edit.map_err(|error| section.failed(error.message()))?;
        apply(&Edit::Token(edit)).map_err(|reason| section.failed(reason))?;
    }
    for _ in 0..header.num_tokens() {
        let token: PersistToken = section.next()?;
        let edit = Edit::Token(token_edit(token));
        apply(&edit).map_err(|reason| section.failed(reason))?;
    }
    let current_id = header.current_id().cast_signed();
    Ok((current_id, header.token_sequence_number().cast_signed()))
}

fn key_message(id: i32, expiry_date: Timestamp, key: &MasterKeyBytes) -> DelegationKey {
    DelegationKey {
        id: Some(id.cast_unsigned()),
        expiry_date: Some(expiry_date.as_millis().cast_unsigned()),
        key: Some(key.0.to_vec().into()),
    }
}

fn key_edit(key: &DelegationKey) -> Result<TokenEdit, HdfsError> {
    Ok(TokenEdit::UpdateMasterKey {
        key_id: key.id().cast_signed(),
        expiry_date: Timestamp::from_millis(key.expiry_date().cast_signed()),
        key: MasterKeyBytes::from_stored(key.key())?,
    })
}

fn token_message(token: &DelegationTokenIdentifier, expiry_time: Timestamp) -> PersistToken {
    let millis = |time: Timestamp| Some(time.as_millis().cast_unsigned());
    PersistToken {
        version: None,
        owner: Some(token.owner.clone()),
        renewer: Some(token.renewer.clone()),
        real_user: Some(token.real_user.clone()),
        issue_date: millis(token.issue_date),
        max_date: millis(token.max_date),
        sequence_number: Some(token.sequence_number.cast_unsigned()),
        master_key_id: Some(token.master_key_id.cast_unsigned()),
        expiry_date: millis(expiry_time),
    }
}

fn token_edit(token: PersistToken) -> TokenEdit {
    let time = |millis: u64| Timestamp::from_millis(millis.cast_signed());
    TokenEdit::GetDelegationToken {
        expiry_time: time(token.expiry_date()),
        token: DelegationTokenIdentifier {
            issue_date: time(token.issue_date()),
            max_date: time(token.max_date()),
            sequence_number: token.sequence_number().cast_signed(),
            master_key_id: token.master_key_id().cast_signed(),
            owner: token.owner.unwrap_or_default(),
            renewer: token.renewer.unwrap_or_default(),
            real_user: token.real_user.unwrap_or_default(),
        },
    }
}
