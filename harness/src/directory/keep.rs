//! The value of `KERBOX_KEEP`.

use std::sync::Once;

/// Controls whether the directory is kept at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keep {
    Never,
    OnFailure,
    Always,
    /// Named by the user, who decides about it.
    Theirs,
}

impl Keep {
    /// Reads `KERBOX_KEEP`: `1` keeps every directory, `on-failure` those of tests that panic. A
    /// test that returns [`TestResult`](crate::TestResult) panics when it fails.
    pub(super) fn from_environment() -> Self {
        static WARNED: Once = Once::new();
        let Some(value) = std::env::var_os("KERBOX_KEEP") else {
            return Self::Never;
        };
        match value.to_str() {
            Some("on-failure") => Self::OnFailure,
            Some("" | "0") => Self::Never,
            Some("1") => Self::Always,
            _ => {
                WARNED.call_once(|| {
                    eprintln!(
                        "kerbox: KERBOX_KEEP={} is none of 0, 1 and on-failure: every directory is \
                         kept, as with 1",
                        value.display()
                    );
                });
                Self::Always
            }
        }
    }
}
