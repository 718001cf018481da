//! The operations of the edit log, by their numbers and names (`FSEditLogOpCodes`).

use std::fmt;

/// The number of an operation. Unknown numbers are kept, and have no name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OpCode(pub(super) u8);

macro_rules! op_codes {
    ($($name:ident = $number:literal, $hadoops:literal;)*) => {
        impl OpCode {
            $(pub(super) const $name: Self = Self($number);)*

            /// Returns Hadoop's name; `None` if the number is unknown.
            pub(super) fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($hadoops),)*
                    _ => None,
                }
            }
        }
    };
}

op_codes! {
    ADD = 0, "OP_ADD";
    RENAME_OLD = 1, "OP_RENAME_OLD";
    DELETE = 2, "OP_DELETE";
    MKDIR = 3, "OP_MKDIR";
    SET_REPLICATION = 4, "OP_SET_REPLICATION";
    SET_PERMISSIONS = 7, "OP_SET_PERMISSIONS";
    SET_OWNER = 8, "OP_SET_OWNER";
    CLOSE = 9, "OP_CLOSE";
    SET_GENSTAMP_V1 = 10, "OP_SET_GENSTAMP_V1";
    SET_NS_QUOTA = 11, "OP_SET_NS_QUOTA";
    CLEAR_NS_QUOTA = 12, "OP_CLEAR_NS_QUOTA";
    TIMES = 13, "OP_TIMES";
    SET_QUOTA = 14, "OP_SET_QUOTA";
    RENAME = 15, "OP_RENAME";
    CONCAT_DELETE = 16, "OP_CONCAT_DELETE";
    SYMLINK = 17, "OP_SYMLINK";
    GET_DELEGATION_TOKEN = 18, "OP_GET_DELEGATION_TOKEN";
    RENEW_DELEGATION_TOKEN = 19, "OP_RENEW_DELEGATION_TOKEN";
    CANCEL_DELEGATION_TOKEN = 20, "OP_CANCEL_DELEGATION_TOKEN";
    UPDATE_MASTER_KEY = 21, "OP_UPDATE_MASTER_KEY";
    REASSIGN_LEASE = 22, "OP_REASSIGN_LEASE";
    END_LOG_SEGMENT = 23, "OP_END_LOG_SEGMENT";
    START_LOG_SEGMENT = 24, "OP_START_LOG_SEGMENT";
    UPDATE_BLOCKS = 25, "OP_UPDATE_BLOCKS";
    CREATE_SNAPSHOT = 26, "OP_CREATE_SNAPSHOT";
    DELETE_SNAPSHOT = 27, "OP_DELETE_SNAPSHOT";
    RENAME_SNAPSHOT = 28, "OP_RENAME_SNAPSHOT";
    ALLOW_SNAPSHOT = 29, "OP_ALLOW_SNAPSHOT";
    DISALLOW_SNAPSHOT = 30, "OP_DISALLOW_SNAPSHOT";
    SET_GENSTAMP_V2 = 31, "OP_SET_GENSTAMP_V2";
    ALLOCATE_BLOCK_ID = 32, "OP_ALLOCATE_BLOCK_ID";
    ADD_BLOCK = 33, "OP_ADD_BLOCK";
    ADD_CACHE_DIRECTIVE = 34, "OP_ADD_CACHE_DIRECTIVE";
    REMOVE_CACHE_DIRECTIVE = 35, "OP_REMOVE_CACHE_DIRECTIVE";
    ADD_CACHE_POOL = 36, "OP_ADD_CACHE_POOL";
    MODIFY_CACHE_POOL = 37, "OP_MODIFY_CACHE_POOL";
    REMOVE_CACHE_POOL = 38, "OP_REMOVE_CACHE_POOL";
    MODIFY_CACHE_DIRECTIVE = 39, "OP_MODIFY_CACHE_DIRECTIVE";
    SET_ACL = 40, "OP_SET_ACL";
    ROLLING_UPGRADE_START = 41, "OP_ROLLING_UPGRADE_START";
    ROLLING_UPGRADE_FINALIZE = 42, "OP_ROLLING_UPGRADE_FINALIZE";
    SET_XATTR = 43, "OP_SET_XATTR";
    REMOVE_XATTR = 44, "OP_REMOVE_XATTR";
    SET_STORAGE_POLICY = 45, "OP_SET_STORAGE_POLICY";
    TRUNCATE = 46, "OP_TRUNCATE";
    APPEND = 47, "OP_APPEND";
    SET_QUOTA_BY_STORAGETYPE = 48, "OP_SET_QUOTA_BY_STORAGETYPE";
    ADD_ERASURE_CODING_POLICY = 49, "OP_ADD_ERASURE_CODING_POLICY";
    ENABLE_ERASURE_CODING_POLICY = 50, "OP_ENABLE_ERASURE_CODING_POLICY";
    DISABLE_ERASURE_CODING_POLICY = 51, "OP_DISABLE_ERASURE_CODING_POLICY";
    REMOVE_ERASURE_CODING_POLICY = 52, "OP_REMOVE_ERASURE_CODING_POLICY";
    INVALID = 255, "OP_INVALID";
}

impl fmt::Display for OpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "unknown operation {}", self.0),
        }
    }
}
