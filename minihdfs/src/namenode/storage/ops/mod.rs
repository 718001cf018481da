//! The operations: each edit's fields, in Hadoop's order.
//!
//! An edit that Hadoop can write and Kerbox does not serve is refused by its name.

mod attributes;
mod caching;
mod files;
mod snapshots;
mod tokens;
mod tree;

use crate::HdfsError;
use crate::namenode::edit::Edit;
use crate::namenode::storage::fields::Reader;
use crate::namenode::storage::op_code::OpCode;
use crate::secret_manager::TokenEdit;

/// Returns the operation of an edit. Each edit has one, and `write` its fields.
pub(super) fn op_code(edit: &Edit) -> OpCode {
    match edit {
        Edit::StartLogSegment => OpCode::START_LOG_SEGMENT,
        Edit::EndLogSegment => OpCode::END_LOG_SEGMENT,
        Edit::Add { .. } => OpCode::ADD,
        Edit::Close(_) => OpCode::CLOSE,
        Edit::Append { .. } => OpCode::APPEND,
        Edit::AllocateBlockId(_) => OpCode::ALLOCATE_BLOCK_ID,
        Edit::SetGenstampV2(_) => OpCode::SET_GENSTAMP_V2,
        Edit::AddBlock { .. } => OpCode::ADD_BLOCK,
        Edit::UpdateBlocks { .. } => OpCode::UPDATE_BLOCKS,
        Edit::Truncate { .. } => OpCode::TRUNCATE,
        Edit::ReassignLease { .. } => OpCode::REASSIGN_LEASE,
        Edit::ConcatDelete { .. } => OpCode::CONCAT_DELETE,
        Edit::Mkdir { .. } => OpCode::MKDIR,
        Edit::Symlink { .. } => OpCode::SYMLINK,
        Edit::RenameOld { .. } => OpCode::RENAME_OLD,
        Edit::Rename { .. } => OpCode::RENAME,
        Edit::Delete { .. } => OpCode::DELETE,
        Edit::SetReplication { .. } => OpCode::SET_REPLICATION,
        Edit::SetPermissions { .. } => OpCode::SET_PERMISSIONS,
        Edit::SetOwner { .. } => OpCode::SET_OWNER,
        Edit::Times { .. } => OpCode::TIMES,
        Edit::SetQuota { .. } => OpCode::SET_QUOTA,
        Edit::SetQuotaByStorageType { .. } => OpCode::SET_QUOTA_BY_STORAGETYPE,
        Edit::SetAcl { .. } => OpCode::SET_ACL,
        Edit::SetXAttr { .. } => OpCode::SET_XATTR,
        Edit::RemoveXAttr { .. } => OpCode::REMOVE_XATTR,
        Edit::SetStoragePolicy { .. } => OpCode::SET_STORAGE_POLICY,
        Edit::AllowSnapshot { .. } => OpCode::ALLOW_SNAPSHOT,
        Edit::DisallowSnapshot { .. } => OpCode::DISALLOW_SNAPSHOT,
        Edit::CreateSnapshot { .. } => OpCode::CREATE_SNAPSHOT,
        Edit::DeleteSnapshot { .. } => OpCode::DELETE_SNAPSHOT,
        Edit::RenameSnapshot { .. } => OpCode::RENAME_SNAPSHOT,
        Edit::AddCachePool { .. } => OpCode::ADD_CACHE_POOL,
        Edit::ModifyCachePool { .. } => OpCode::MODIFY_CACHE_POOL,
        Edit::RemoveCachePool { .. } => OpCode::REMOVE_CACHE_POOL,
        Edit::AddCacheDirective { .. } => OpCode::ADD_CACHE_DIRECTIVE,
        Edit::ModifyCacheDirective { .. } => OpCode::MODIFY_CACHE_DIRECTIVE,
        Edit::RemoveCacheDirective { .. } => OpCode::REMOVE_CACHE_DIRECTIVE,
        Edit::Token(TokenEdit::GetDelegationToken { .. }) => OpCode::GET_DELEGATION_TOKEN,
        Edit::Token(TokenEdit::RenewDelegationToken { .. }) => OpCode::RENEW_DELEGATION_TOKEN,
        Edit::Token(TokenEdit::CancelDelegationToken { .. }) => OpCode::CANCEL_DELEGATION_TOKEN,
        Edit::Token(TokenEdit::UpdateMasterKey { .. }) => OpCode::UPDATE_MASTER_KEY,
    }
}

/// Appends the fields of an edit.
pub(super) fn write(edit: &Edit, out: &mut Vec<u8>) {
    files::write(edit, out);
    tree::write(edit, out);
    attributes::write(edit, out);
    caching::write(edit, out);
    snapshots::write(edit, out);
    if let Edit::Token(edit) = edit {
        tokens::write(edit, out);
    }
}

/// Reads the fields of an operation in a file with this layout version.
pub(super) fn read(
    code: OpCode,
    layout_version: i32,
    reader: &mut Reader<'_>,
) -> Result<Edit, HdfsError> {
    match code {
        OpCode::START_LOG_SEGMENT => return Ok(Edit::StartLogSegment),
        OpCode::END_LOG_SEGMENT => return Ok(Edit::EndLogSegment),
        _ => {}
    }
    if let Some(edit) = files::read(code, layout_version, reader)? {
        return Ok(edit);
    }
    if let Some(edit) = snapshots::read(code, layout_version, reader)? {
        return Ok(edit);
    }
    for read in [tree::read, attributes::read, caching::read, tokens::read] {
        if let Some(edit) = read(code, reader)? {
            return Ok(edit);
        }
    }
    Err(HdfsError::unsupported_operation(format!(
        "{code} is not served by Kerbox"
    )))
}
