//! The servers, started according to the settings.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kerbox::directory::Directory;
use kerbox::spec::ReadAgain;
use kerbox::{Builder, Clock, Cluster, Control, Error, Journal, Realm};

use crate::randomness;
use crate::settings::{Settings, read_again};

/// Returns the builder of a sandbox's servers.
fn builder<K>(settings: &Settings, directory: &Arc<Directory>) -> Builder<K> {
    let clock = Clock::system();
    if let Some(start) = settings.start {
        clock.set(start);
    }
    let builder = Builder::from(settings.spec.clone());
    let builder = match &settings.data_dir {
        Some(dir) => builder.persistent(dir),
        None => builder,
    };
    let builder = match &settings.kdc_dir {
        Some(dir) => builder.clock_of(dir),
        None => builder,
    };
    let again = settings.clone();
    builder
        .read_again(ReadAgain::new(move || read_again(&again)))
        .clock(clock)
        .opened_directory(Arc::clone(directory))
        .seed(settings.seed.unwrap_or_else(randomness::seed))
        .threads(std::thread::available_parallelism().map_or(1, usize::from))
}

/// The running servers.
pub(crate) enum Servers {
    /// Only the KDC.
    Realm(Realm),
    /// The NameNode and the DataNodes, and the KDC unless security is simple.
    Cluster(Cluster),
}

impl Servers {
    /// Starts the servers. They answer when this returns.
    pub(crate) async fn start(
        settings: &Settings,
        directory: &Arc<Directory>,
    ) -> Result<Self, Error> {
        if settings.kdc_only {
            let realm = builder(settings, directory).start().await?;
            Ok(Self::Realm(realm))
        } else {
            let cluster = builder(settings, directory).start().await?;
            Ok(Self::Cluster(cluster))
        }
    }

    /// Returns the realm, if there is one.
    pub(crate) fn realm(&self) -> Option<&Realm> {
        match self {
            Self::Realm(realm) => Some(realm),
            Self::Cluster(cluster) => cluster.realm(),
        }
    }

    /// Answers on a control socket, until the returned value is dropped.
    pub(crate) fn serve_control(&self, path: &Path) -> Result<Control, Error> {
        match self {
            Self::Realm(realm) => realm.serve_control(path),
            Self::Cluster(cluster) => cluster.serve_control(path),
        }
    }

    /// Returns a command that runs in the servers' time.
    pub(crate) fn under_clock(
        &self,
        program: &OsStr,
        with_children: bool,
    ) -> Result<Command, Error> {
        match (self, with_children) {
            (Self::Realm(realm), false) => realm.command_under_clock(program),
            (Self::Realm(realm), true) => realm.command_and_children_under_clock(program),
            (Self::Cluster(cluster), false) => cluster.command_under_clock(program),
            (Self::Cluster(cluster), true) => cluster.command_and_children_under_clock(program),
        }
    }

    /// Returns the journal of their events.
    pub(crate) fn journal(&self) -> Journal {
        match self {
            Self::Realm(realm) => realm.journal(),
            Self::Cluster(cluster) => cluster.journal(),
        }
    }

    /// Returns the address of the NameNode, if there is one.
    pub(crate) fn namenode(&self) -> Option<SocketAddr> {
        match self {
            Self::Realm(_) => None,
            Self::Cluster(cluster) => Some(cluster.namenode_address()),
        }
    }

    /// Returns the URL of the NameNode's HTTP port, if there is one.
    pub(crate) fn webhdfs(&self) -> Option<String> {
        match self {
            Self::Realm(_) => None,
            Self::Cluster(cluster) => Some(cluster.web_url()),
        }
    }

    /// Returns the URL of the NameNode's HTTPS port, if there is one.
    pub(crate) fn swebhdfs(&self) -> Option<String> {
        match self {
            Self::Realm(_) => None,
            Self::Cluster(cluster) => {
                let url = cluster.swebhdfs_url()?;
                Some(url.replacen("swebhdfs://", "https://", 1))
            }
        }
    }

    /// Returns the URL of HttpFS, if it is served.
    pub(crate) fn httpfs(&self) -> Option<String> {
        match self {
            Self::Realm(_) => None,
            Self::Cluster(cluster) => cluster.httpfs_url(),
        }
    }

    /// Returns the URL of the console: that of the NameNode's HTTP port, or of a realm alone.
    pub(crate) fn console(&self) -> Option<String> {
        match self {
            Self::Realm(realm) => realm.console_url(),
            Self::Cluster(cluster) => Some(cluster.web_url()),
        }
    }

    /// Returns the addresses of the DataNodes in order.
    pub(crate) fn datanodes(&self) -> Vec<SocketAddr> {
        match self {
            Self::Realm(_) => Vec::new(),
            Self::Cluster(cluster) => {
                let numbers = 1..=cluster.datanodes();
                numbers
                    .filter_map(|number| Some(cluster.datanode(number).ok()?.address()))
                    .collect()
            }
        }
    }
}
