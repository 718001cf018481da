//! The description of the console of a realm without a NameNode.

use std::net::SocketAddr;

use crate::spec::defaults::SUPERUSER;

/// The description of the console of a realm without a NameNode.
///
/// ```
/// # #[cfg(feature = "web")] {
/// use kerbox::RealmBuilder;
/// use kerbox::spec::{ConsoleSpec, Spec};
///
/// let mut console = ConsoleSpec::default();
/// console.administrators = vec!["alice".to_owned(), "ops/admin".to_owned()];
/// let mut spec = Spec::default();
/// spec.realm.console = Some(console);
/// let realm = RealmBuilder::from(spec).start_blocking()?;
/// assert!(realm.console_url().is_some_and(|url| url.starts_with("http://localhost:")));
/// # }
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ConsoleSpec {
    /// The address of its HTTP port; `None`: a free one of the KDC's interface.
    pub listen: Option<SocketAddr>,
    /// The principals that may see and change everything. Whoever else has a ticket sees the
    /// realm's settings and the clock.
    pub administrators: Vec<String>,
}

impl Default for ConsoleSpec {
    fn default() -> Self {
        Self {
            listen: None,
            administrators: vec![SUPERUSER.to_owned()],
        }
    }
}
