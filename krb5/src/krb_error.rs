//! KRB-ERROR as a value. `messages` encodes it.

use crate::{ErrorCode, Principal, Timestamp};

/// A KRB-ERROR.
///
/// ```
/// use kerbox_krb5::messages::KrbError;
/// use kerbox_krb5::{ErrorCode, Principal, Timestamp};
///
/// let krbtgt = Principal::krbtgt("EXAMPLE.COM", "EXAMPLE.COM");
/// let now = Timestamp::from_secs(1_700_000_000);
/// let error = KrbError::new(ErrorCode::KDC_ERR_POLICY, now, krbtgt);
/// assert_eq!(KrbError::decode(&error.encode())?, error);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KrbError {
    /// The client's time, returned.
    pub ctime: Option<Timestamp>,
    /// The server's time. Clients use it to correct their own clocks.
    pub stime: Timestamp,
    /// The error code.
    pub code: ErrorCode,
    /// The client, if it is known.
    pub client: Option<Principal>,
    /// The server that answers, or that was asked for.
    pub server: Principal,
    /// A text for logs.
    pub text: Option<String>,
    /// Data that depends on the code: METHOD-DATA for KDC_ERR_PREAUTH_REQUIRED.
    pub data: Option<Vec<u8>>,
}

impl KrbError {
    /// Creates an error with the mandatory fields only.
    #[must_use]
    pub fn new(code: ErrorCode, stime: Timestamp, server: Principal) -> Self {
        Self {
            ctime: None,
            stime,
            code,
            client: None,
            server,
            text: None,
            data: None,
        }
    }
}
