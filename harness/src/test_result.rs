//! The return type of tests that panic where their error occurs.

use std::fmt::Display;

/// The return type of a test, so that a failing one shows what the servers saw.
///
/// Here `?` on an error panics at that place, with the error as message. To its fixtures, a test
/// that merely returned the error would look like one that passed: they would print no journal, and
/// `KERBOX_KEEP=on-failure` would keep no files. Helpers whose error is inspected should return an
/// ordinary `Result` instead.
///
/// ```
/// use kerbox::{Realm, TestResult};
///
/// fn alice_renews_her_ticket() -> TestResult {
///     let realm = Realm::start_blocking()?;
///     let alice = realm.login_blocking("alice")?;
///     alice.renew_blocking()?;
///     Ok(())
/// }
/// # alice_renews_her_ticket().unwrap();
/// ```
pub type TestResult<T = ()> = Result<T, TestError>;

/// The error of a [`TestResult`]. It has no values, because making one panics.
///
/// ```
/// use kerbox::TestResult;
///
/// fn port(text: &str) -> TestResult<u16> {
///     Ok(text.parse::<u16>()?) // panics here if the text is not a number
/// }
/// assert!(port("88").is_ok());
/// assert!(std::panic::catch_unwind(|| port("kerberos")).is_err());
/// ```
#[derive(Debug)]
pub enum TestError {}

impl<E: Display> From<E> for TestError {
    #[track_caller]
    fn from(error: E) -> Self {
        panic!("{error:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "no such thing")]
    fn an_error_panics_where_it_is() {
        let fails = || -> TestResult {
            Err(std::io::Error::other("no such thing"))?;
            Ok(())
        };
        let _ = fails();
    }

    #[test]
    fn texts_and_boxed_errors_can_be_returned_too() {
        let texts = || -> TestResult {
            Ok::<(), &str>(())?;
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())?;
            Ok(())
        };
        assert!(texts().is_ok());
    }
}
