//! Operations on delegation tokens and their master keys.

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::edit::Edit;
use crate::namenode::storage::fields::{Reader, read_long, write_long};
use crate::namenode::storage::op_code::OpCode;
use crate::secret_manager::{MasterKeyBytes, TokenEdit};
use crate::token::DelegationTokenIdentifier;
use crate::writable::{write_bytes, write_vint, write_vlong};

pub(super) fn write(edit: &TokenEdit, out: &mut Vec<u8>) {
    match edit {
        TokenEdit::GetDelegationToken { token, expiry_time }
        | TokenEdit::RenewDelegationToken { token, expiry_time } => {
            out.extend(token.to_bytes());
            write_long(expiry_time.as_millis(), out);
        }
        TokenEdit::CancelDelegationToken { token } => out.extend(token.to_bytes()),
        TokenEdit::UpdateMasterKey {
            key_id,
            expiry_date,
            key,
        } => {
            write_vint(*key_id, out);
            write_vlong(expiry_date.as_millis(), out);
            write_bytes(&key.0, out);
        }
    }
}

pub(super) fn read(code: OpCode, reader: &mut Reader<'_>) -> Result<Option<Edit>, HdfsError> {
    let edit = match code {
        OpCode::GET_DELEGATION_TOKEN => TokenEdit::GetDelegationToken {
            token: DelegationTokenIdentifier::read(reader)?,
            expiry_time: read_expiry_time(reader)?,
        },
        OpCode::RENEW_DELEGATION_TOKEN => TokenEdit::RenewDelegationToken {
            token: DelegationTokenIdentifier::read(reader)?,
            expiry_time: read_expiry_time(reader)?,
        },
        OpCode::CANCEL_DELEGATION_TOKEN => TokenEdit::CancelDelegationToken {
            token: DelegationTokenIdentifier::read(reader)?,
        },
        OpCode::UPDATE_MASTER_KEY => TokenEdit::UpdateMasterKey {
            key_id: reader.vint("the key's id")?,
            expiry_date: Timestamp::from_millis(reader.vlong("the key's expiry date")?),
            key: MasterKeyBytes::from_stored(reader.bytes("the key")?)?,
        },
        _ => return Ok(None),
    };
    Ok(Some(Edit::Token(edit)))
}

fn read_expiry_time(reader: &mut Reader<'_>) -> Result<Timestamp, HdfsError> {
    read_long(reader, "the expiry time").map(Timestamp::from_millis)
}
