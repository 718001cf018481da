//! Realms that several clients are tested with.

use kerbox::{Error, NewPrincipal, Realm};
use kerbox_kdc::PasswordPolicy;

/// Starts a realm with this password policy.
pub(super) fn with_policy(policy: PasswordPolicy) -> Result<Realm, Error> {
    let realm = Realm::start_blocking()?;
    realm
        .kdc()
        .database_mut()
        .realm_mut(realm.name())?
        .password_policy = policy;
    Ok(realm)
}

/// Starts a realm whose passwords need at least eight characters.
pub(super) fn with_long_passwords() -> Result<Realm, Error> {
    with_policy(PasswordPolicy {
        min_length: 8,
        ..PasswordPolicy::default()
    })
}

/// Starts a realm in which HTTP may act at nn in any user's name, and dn in the name of users who
/// sent a forwardable ticket.
pub(super) fn delegating() -> Result<Realm, Error> {
    Realm::builder()
        .principal(
            NewPrincipal::new("HTTP/localhost")
                .attribute("+ok_to_auth_as_delegate")
                .delegates_to("nn/localhost"),
        )
        .principal(NewPrincipal::new("dn/localhost").delegates_to("nn/localhost"))
        .start_blocking()
}
