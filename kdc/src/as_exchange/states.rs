//! The states of client and server that refuse a login.

use kerbox_krb5::Timestamp;
use kerbox_krb5::messages::KdcOptions;

use crate::error::KdcError;
use crate::{Attributes, PrincipalEntry};

/// Options that are valid in TGS requests only.
pub(crate) const TGS_OPTIONS: KdcOptions = KdcOptions(
    KdcOptions::FORWARDED.0
        | KdcOptions::PROXY.0
        | KdcOptions::RENEW.0
        | KdcOptions::VALIDATE.0
        | KdcOptions::ENC_TKT_IN_SKEY.0
        | KdcOptions::CNAME_IN_ADDL_TKT.0,
);

/// Checks the states of client and server, in MIT's order.
pub(crate) fn validate(
    now: Timestamp,
    options: KdcOptions,
    client: &PrincipalEntry,
    server: &PrincipalEntry,
) -> Result<(), KdcError> {
    let now = now.whole_second();
    let over = |time: Option<Timestamp>| time.is_some_and(|time| now > time);
    let changes_passwords = server.attributes.contains(Attributes::PWCHANGE_SERVICE);
    let no_postdating =
        |entry: &PrincipalEntry| entry.attributes.contains(Attributes::DISALLOW_POSTDATED);
    let checks = [
        (options.intersects(TGS_OPTIONS), KdcError::InvalidAsOptions),
        (over(client.expires), KdcError::ClientExpired),
        (
            over(client.password_expires) && !changes_passwords,
            KdcError::ClientKeyExpired,
        ),
        (over(server.expires), KdcError::ServiceExpired),
        (
            client.attributes.contains(Attributes::REQUIRES_PWCHANGE) && !changes_passwords,
            KdcError::RequiredPasswordChange,
        ),
        (
            options.intersects(KdcOptions::ALLOW_POSTDATE | KdcOptions::POSTDATED)
                && (no_postdating(client) || no_postdating(server)),
            KdcError::PostdateNotAllowed,
        ),
        (
            client.attributes.contains(Attributes::DISALLOW_ALL_TIX),
            KdcError::ClientLockedOut,
        ),
        (
            server.attributes.contains(Attributes::DISALLOW_ALL_TIX),
            KdcError::ServiceLockedOut,
        ),
        (
            server.attributes.contains(Attributes::DISALLOW_SVR),
            KdcError::ServiceNotAllowed,
        ),
    ];
    match checks.into_iter().find(|(refused, _)| *refused) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}
