//! The tokens of sessions, for the journal.

use kerbox_events::SessionFacts;

use super::{BlockTokenIdentifier, DelegationTokenIdentifier, Token};

/// Adds the delegation token with this DIGEST-MD5 user name.
pub(crate) fn delegation_session(mut facts: SessionFacts, user_name: &str) -> SessionFacts {
    let token = DelegationTokenIdentifier::from_sasl_user_name(user_name).ok();
    facts.token = Some(Token::DELEGATION.into());
    facts.sequence = token.map(|token| token.sequence_number.into());
    facts
}

/// Adds the block token with this DIGEST-MD5 user name. Its number is the block's id.
pub(crate) fn block_session(mut facts: SessionFacts, user_name: &str) -> SessionFacts {
    let token = BlockTokenIdentifier::from_sasl_user_name(user_name).ok();
    facts.token = Some(Token::BLOCK.into());
    facts.sequence = token.map(|token| token.block_id.cast_signed());
    facts
}

/// Adds the data encryption key with this DIGEST-MD5 user name. Its number is the id of the block
/// key that it was derived from.
pub(crate) fn encryption_session(mut facts: SessionFacts, user_name: &str) -> SessionFacts {
    let key_id = user_name.split(' ').next().and_then(|id| id.parse().ok());
    facts.token = Some("data encryption key".into());
    facts.sequence = key_id;
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{block, delegation};

    #[test]
    fn a_session_shows_the_kind_and_number_of_its_token() {
        let none = SessionFacts::default;
        let token = delegation::tests::token();
        let shown = delegation_session(none(), &token.sasl_user_name());
        let number = delegation::tests::identifier().sequence_number;
        assert_eq!(shown.token.as_deref(), Some("HDFS_DELEGATION_TOKEN"));
        assert_eq!(shown.sequence, Some(number.into()));
        let block = block::tests::identifier();
        let name = crate::base64::encode(&block.to_protobuf());
        let shown = block_session(none(), &name);
        assert_eq!(shown.sequence, Some(block.block_id.cast_signed()));
        let shown = encryption_session(none(), "77 BP-1-127.0.0.1-1 AAAA");
        assert_eq!(shown.to_string(), "qop auth; data encryption key 77");
        assert_eq!(delegation_session(none(), "?").sequence, None);
    }
}
