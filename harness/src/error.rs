//! Errors of a fixture.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kerbox_events::Server;
use kerbox_krb5::{ErrorCode, Principal};

/// An error of a fixture. The message says what was tried, with which value, and how to fix it.
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
    /// The operating system refused an operation.
    #[error("cannot {doing}: {source}")]
    Io {
        /// The attempted operation.
        doing: String,
        /// The system's error.
        source: io::Error,
    },
    /// A server cannot listen on an address.
    #[error(
        "the {server} cannot listen on {address}: {source}; name another port, or 0 for a free one"
    )]
    Bind {
        /// The server.
        server: Server,
        /// The requested address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The requested directory belongs to another fixture.
    #[error("{} is in use by {owner}: stop that one, or name another directory", path.display())]
    DirectoryInUse {
        /// The directory.
        path: PathBuf,
        /// The holder, as recorded in its marker file.
        owner: String,
    },
    /// A directory, or an entry in it, that Kerbox did not create and therefore does not touch.
    #[error("{} is not Kerbox's: {why}; name an empty or a new directory, or move away what is there", path.display())]
    DirectoryNotOurs {
        /// The path in question.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// Another test or task is using the process's environment.
    #[error(
        "the process's environment is in use since {holder}: drop that guard first, or give programs \
         their environment by `command` and clients in the process their cache by name"
    )]
    EnvironmentInUse {
        /// The source location where the living guard was entered: file, line and column.
        holder: String,
    },
    /// An invalid builder setting.
    #[error("{key} = {value:?}: {why}")]
    Setting {
        /// The name of the setting.
        key: String,
        /// The value as given.
        value: String,
        /// The problem with the value, and what would be right.
        why: String,
    },
    /// The KDC refused a login, a renewal or a ticket.
    #[error("{doing} for {principal}: {code:?} ({}){}", code.meaning(), text.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The operation: `login`, `renew`, ….
        doing: &'static str,
        /// The client principal.
        principal: Principal,
        /// The KRB-ERROR's number.
        code: ErrorCode,
        /// The KRB-ERROR's e-text, if present.
        text: Option<String>,
    },
    /// A principal that is missing from the realm's database.
    #[error(
        "{principal} is not in the database: add it with Realm::add_principal, or log in to create it"
    )]
    UnknownPrincipal {
        /// The requested name.
        principal: Principal,
    },
    /// An invalid change to the principal database.
    #[error(transparent)]
    Database(#[from] kerbox_kdc::DatabaseError),
    /// An invalid value of a Hadoop key.
    #[error(transparent)]
    Config(#[from] minihdfs::config::ConfigError),
    /// An HDFS server refused an operation.
    #[error(transparent)]
    Hdfs(#[from] minihdfs::HdfsError),
    /// The directory of [`persistent`](crate::Builder::persistent) cannot be used. What is in
    /// it was not changed.
    #[error(transparent)]
    NameDirectory(#[from] minihdfs::namenode::storage::server::NameDirectoryError),
    /// A file of the directory of [`persistent`](crate::Builder::persistent) cannot be used.
    /// Nothing was changed.
    #[error("{} cannot be used: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The problem, and what to do.
        why: String,
    },
    /// The cluster has no KDC: it was started without security, or the KDC is another's.
    #[error(
        "this cluster has no KDC of its own: leave out `keytabs`, if they are another KDC's, or \
         start it with Cluster::secure()"
    )]
    NoRealm,
    /// An error in encoding, cryptography or names, below the protocols.
    #[error(transparent)]
    Kerberos(#[from] kerbox_krb5::Error),
    /// An expected event did not happen in time.
    #[error("not seen within {limit:?} of real time; the journal's end:\n{journal}")]
    NotSeen {
        /// The time limit of the wait.
        limit: Duration,
        /// The last entries of the journal.
        journal: String,
    },
    /// An event that a test expected did not happen, or happened too often.
    #[error("{0}")]
    Unmet(String),
    /// A keytab without a usable key of the principal that must log in.
    #[error(
        "{} has no usable key of {principal}: export its keys into it again, or name another keytab",
        keytab.display()
    )]
    NoKeys {
        /// The principal.
        principal: Principal,
        /// The keytab file.
        keytab: PathBuf,
    },
    /// Programs, or tasks that wait for the clock, did not come to rest while time was moved. The
    /// clock stands where they should have.
    #[error(
        "still busy after {limit:?} of real time, so time cannot go on: {who}; wait until they are \
         done, or set a longer Steps::limit"
    )]
    StillBusy {
        /// The time limit of one step.
        limit: Duration,
        /// Their processes and threads.
        who: String,
    },
    /// A program that cannot be put under the fixture's clock.
    #[error("{program} cannot be put under the fixture's clock: {why}")]
    ClockOutOfReach {
        /// The program or the obstacle.
        program: String,
        /// The missing requirement.
        why: String,
    },
    /// The fixture has no such server.
    #[error("there is no {server} here; the fixture has {has}")]
    NoSuchServer {
        /// The requested server.
        server: String,
        /// The servers that exist.
        has: String,
    },
}

impl Error {
    /// Returns the KRB-ERROR number behind this error, if there is one.
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
            | Self::NameDirectory(_)
            | Self::Unusable { .. }
            | Self::NoRealm
            | Self::DirectoryInUse { .. }
            | Self::DirectoryNotOurs { .. }
            | Self::EnvironmentInUse { .. }
            | Self::Setting { .. }
            | Self::UnknownPrincipal { .. }
            | Self::NotSeen { .. }
            | Self::Unmet(_)
            | Self::NoKeys { .. }
            | Self::StillBusy { .. }
            | Self::ClockOutOfReach { .. }
            | Self::NoSuchServer { .. } => None,
        }
    }

    /// Names the operation that the KDC has refused.
    pub(crate) fn refused(
        doing: &'static str,
        principal: &Principal,
        error: kerbox_krb5::Error,
    ) -> Self {
        match error {
            kerbox_krb5::Error::Kdc(error) => Self::Refused {
                doing,
                principal: principal.clone(),
                code: error.code,
                text: error.text,
            },
            other => other.into(),
        }
    }

    /// Returns a function for `map_err` that adds the attempted operation to a system error.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
