//! What a fixture can fail with.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kerbox_events::Server;
use kerbox_krb5::{ErrorCode, Principal};

/// An error of a fixture. It says what was tried, with which value, and how to mend it.
///
/// ```
/// use kerbox::{Cluster, ErrorCode, Realm};
///
/// let realm = Realm::start_blocking()?;
/// let alice = realm.login_blocking("alice")?;
/// realm.advance_past_blocking(alice.ticket().end_time)?;
/// let refused = alice.renew_blocking().expect_err("it is over");
/// assert_eq!(refused.kerberos_code(), Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED));
///
/// let simple = Cluster::simple().start_blocking()?;
/// let no_realm = simple.login_blocking("alice").expect_err("no KDC");
/// assert!(no_realm.to_string().ends_with("start it with Cluster::secure()"));
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// An address that cannot be listened on.
    #[error(
        "the {server} cannot listen on {address}: {source}; name another port, or 0 for a free one"
    )]
    Bind {
        /// Which server.
        server: Server,
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The directory asked for is another fixture's.
    #[error("{} is in use by {owner}: stop that one, or name another directory", path.display())]
    DirectoryInUse {
        /// The directory.
        path: PathBuf,
        /// Who holds it, as its `.lock` file says.
        owner: String,
    },
    /// A directory, or something in it, that Kerbox did not make and does not touch.
    #[error("{} is not Kerbox's: {why}; name an empty or a new directory, or move away what is there", path.display())]
    DirectoryNotOurs {
        /// What is not ours.
        path: PathBuf,
        /// How that can be seen.
        why: String,
    },
    /// The process's environment is another test's, or another task's.
    #[error(
        "the process's environment is in use since {holder}: drop that guard first, or give programs \
         their environment by `command` and clients in the process their cache by name"
    )]
    EnvironmentInUse {
        /// Where the guard that lives was entered: file, line and column.
        holder: String,
    },
    /// A setting of a builder that cannot be.
    #[error("{key} = {value:?}: {why}")]
    Setting {
        /// Which setting.
        key: String,
        /// The value as given.
        value: String,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// The KDC refused a login, a renewal or a ticket.
    #[error("{doing} for {principal}: {code:?} ({}){}", code.meaning(), text.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// `login`, `renew`, ….
        doing: &'static str,
        /// For whom.
        principal: Principal,
        /// The KRB-ERROR's number.
        code: ErrorCode,
        /// The KRB-ERROR's e-text, if it had one.
        text: Option<String>,
    },
    /// A principal that the realm's database does not have.
    #[error(
        "{principal} is not in the database: add it with Realm::add_principal, or log in to create it"
    )]
    UnknownPrincipal {
        /// The name asked for.
        principal: Principal,
    },
    /// A change of the principal database that cannot be.
    #[error(transparent)]
    Database(#[from] kerbox_kdc::DatabaseError),
    /// A key of Hadoop's with a value that cannot be.
    #[error(transparent)]
    Config(#[from] minihdfs::config::ConfigError),
    /// A server of HDFS refused something.
    #[error(transparent)]
    Hdfs(#[from] minihdfs::HdfsError),
    /// The cluster has no realm: it was started without security.
    #[error("this cluster has no Kerberos realm: start it with Cluster::secure()")]
    NoRealm,
    /// Bytes or names below the protocols.
    #[error(transparent)]
    Kerberos(#[from] kerbox_krb5::Error),
    /// What was waited for did not happen in time.
    #[error("not seen within {limit:?} of real time; the journal's end:\n{journal}")]
    NotSeen {
        /// How long was waited.
        limit: Duration,
        /// The last entries of the journal.
        journal: String,
    },
    /// A program that cannot be put under the fixture's clock.
    #[error("{program} cannot be put under the fixture's clock: {why}")]
    ClockOutOfReach {
        /// The program, or what is in its way.
        program: String,
        /// What would be needed.
        why: String,
    },
    /// The fixture has no such server.
    #[error("there is no {server} here; the fixture has {has}")]
    NoSuchServer {
        /// What was asked for.
        server: String,
        /// What there is.
        has: String,
    },
}

impl Error {
    /// The KRB-ERROR number behind this error, if there is one.
    #[must_use]
    pub fn kerberos_code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Kerberos(error) => Some(error.code()),
            Self::Io { .. }
            | Self::Bind { .. }
            | Self::Database(_)
            | Self::Config(_)
            | Self::Hdfs(_)
            | Self::NoRealm
            | Self::DirectoryInUse { .. }
            | Self::DirectoryNotOurs { .. }
            | Self::EnvironmentInUse { .. }
            | Self::Setting { .. }
            | Self::UnknownPrincipal { .. }
            | Self::NotSeen { .. }
            | Self::ClockOutOfReach { .. }
            | Self::NoSuchServer { .. } => None,
        }
    }

    /// For `map_err`: says what was being done when the system refused.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
