//! Assertions about a KDC's answers.

use kerbox_kdc::PrincipalEntry;
use kerbox_krb5::messages::KrbError;
use kerbox_krb5::{Error, ErrorCode};

pub(crate) use kerbox_kdc::testing::{Pair, REALM, principal};

/// Returns the number and the text of a refusal.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> (ErrorCode, String) {
    match result {
        Err(Error::Kdc(error)) => (error.code, error.text.unwrap_or_default()),
        other => panic!("expected a KRB-ERROR, got {other:?}"),
    }
}

/// Returns the KRB-ERROR in an answer.
#[track_caller]
pub(crate) fn krb_error(answer: &[u8]) -> KrbError {
    KrbError::decode(answer).expect("a KRB-ERROR")
}

/// Changes a principal of the database.
pub(crate) fn change(pair: &Pair, name: &str, change: impl FnOnce(&mut PrincipalEntry)) {
    pair.kdc
        .database_mut()
        .change(&principal(name), change)
        .expect("it is there");
}

/// Sets an attribute of a principal by kadmin's name.
pub(crate) fn set(pair: &Pair, name: &str, setting: &str) {
    change(pair, name, |entry| {
        entry.attributes.apply(setting).expect("kadmin's name");
    });
}

/// Asserts the number and the text of a refusal.
macro_rules! assert_refused {
    ($result:expr, $code:ident, $text:literal) => {
        assert_eq!(refused($result), (ErrorCode::$code, $text.to_owned()))
    };
}
pub(crate) use assert_refused;
