//! GSSAPI (RFC 4752) with Kerberos V5.

use kerbox_krb5::{Principal, Timestamp};
use rand::Rng;

use super::{ApOutcome, Established, QualityOfProtection, SaslError, SaslStep};

/// What a server accepts GSSAPI with.
pub struct GssapiSettings {
    /// The service's principal: tickets for another are refused.
    pub principal: Option<Principal>,
    /// The qualities of protection that are offered.
    pub qop: Vec<QualityOfProtection>,
}

pub(super) struct GssapiServer {}

impl GssapiServer {
    pub(super) fn new(_settings: GssapiSettings, _rng: &mut impl Rng) -> Self {
        Self {}
    }

    pub(super) fn step(
        &mut self,
        _now: Timestamp,
        _token: &[u8],
        _rng: &mut impl Rng,
    ) -> Result<(SaslStep, Option<Established>), SaslError> {
        Err(SaslError::sasl("GSS initiate failed"))
    }

    pub(super) fn take_ap_exchange(&mut self) -> Option<ApOutcome> {
        None
    }
}

pub(crate) enum GssWrap {}

impl GssWrap {
    pub(super) fn wrap_into(&mut self, _plaintext: &[u8], _out: &mut Vec<u8>) {
        match *self {}
    }
}

pub(crate) enum GssUnwrap {}

impl GssUnwrap {
    pub(super) fn unwrap_into(&mut self, _token: &[u8], _out: &mut Vec<u8>) -> Result<(), SaslError> {
        match *self {}
    }
}
