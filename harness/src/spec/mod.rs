//! The description of a fixture: plain data, collected before anything starts.
//!
//! A [`Spec`] says which realm, principals, trusts, directories and Hadoop keys a fixture has, and
//! where its servers listen. The builders fill it one setter at a time; `kerbox.toml` and the flags
//! of `kerbox up` fill it as a whole. Its defaults, and the checks of its values, exist only here.
//!
//! ```
//! use kerbox::ClusterBuilder;
//! use kerbox::spec::Spec;
//!
//! let mut spec = Spec::default();
//! spec.realm.name = Some("EXAMPLE.COM".to_owned());
//! spec.hdfs.datanodes = 2;
//! let cluster = ClusterBuilder::from(spec).start_blocking()?;
//! assert_eq!(cluster.datanodes(), 2);
//! # Ok::<(), kerbox::Error>(())
//! ```

pub(crate) mod builder;
pub(crate) mod checks;
mod console;
mod defaults;
#[doc(hidden)]
pub mod duration;
pub(crate) mod file_names;
mod hdfs;
mod key_kind;
mod lay_out;
mod layout;
mod principal;
mod protection;
mod read_again;
mod realm;
mod trust;
pub(crate) mod world;

pub use console::ConsoleSpec;
pub use hdfs::{HdfsSpec, MOST_DATANODES, NewDirectory, Security};
pub use key_kind::KeyKind;
pub use layout::Layout;
pub use principal::{Keys, NewPrincipal};
pub use protection::Protection;
#[doc(hidden)]
pub use read_again::ReadAgain;
pub use realm::{FurtherRealm, OtherRealms, RealmSpec, Transports};
pub use trust::{Direction, Trust};

/// The description of a fixture; see the [module](self).
///
/// ```
/// use kerbox::RealmBuilder;
/// use kerbox::spec::{NewPrincipal, Spec};
///
/// let mut spec = Spec::default();
/// spec.realm.name = Some("EXAMPLE.COM".to_owned());
/// spec.realm.principals.push(NewPrincipal::new("carol").password("secret"));
/// let realm = RealmBuilder::from(spec).start_blocking()?;
/// realm.login_blocking("carol")?;
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Spec {
    /// The realm. Ignored by a cluster with simple security.
    pub realm: RealmSpec,
    /// The HDFS. Ignored by a fixture that has only a realm.
    pub hdfs: HdfsSpec,
}
