//! The errors of changes to the database.

use kerbox_krb5::Principal;

/// An error of a change to the database.
///
/// ```
/// use kerbox_kdc::PrincipalDatabase;
/// use kerbox_krb5::Principal;
///
/// let mut database = PrincipalDatabase::new();
/// let unknown = database.remove(&Principal::new("EXAMPLE.COM", ["carol"]));
/// assert!(unknown.expect_err("no such principal").to_string().contains("carol@EXAMPLE.COM"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// An attribute setting that kadmin does not know.
    #[error("{setting:?} is no attribute; known are, after + or -: {known}")]
    UnknownAttribute {
        /// The setting as given.
        setting: String,
        /// The known names.
        known: String,
    },
    /// A principal that exists already.
    #[error("the principal {0} exists already")]
    Exists(Principal),
    /// A principal that does not exist.
    #[error("there is no principal {0}")]
    Unknown(Principal),
    /// A realm that this KDC does not serve.
    #[error("the realm {realm:?} is not served here; served are: {served}")]
    UnknownRealm {
        /// The realm as given.
        realm: String,
        /// The realms that are served.
        served: String,
    },
    /// New keys without any type.
    #[error("{0} would be left without keys: name the encryption types of its new keys")]
    NoKeyTypes(Principal),
    /// A principal whose keys have the highest possible version.
    #[error("the keys of {0} have the last version that there is, 4294967295; add it anew")]
    LastVersion(Principal),
    /// A change that could not be made durable, and was therefore not made.
    #[error("the change was not made, because it cannot be kept: {0}")]
    NotKept(String),
    /// An invalid key.
    #[error(transparent)]
    Key(#[from] kerbox_krb5::Error),
}
