//! The builder of every fixture. Each setting has a default.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use kerbox_krb5::Clock;

use crate::Error;
use crate::directory::Directory;
use crate::elsewhere::elsewhere;
use crate::spec::world::WorldSettings;
use crate::spec::{ReadAgain, Spec};

mod hdfs;
mod realm;

pub(crate) use hdfs::HasHdfs;

/// Builds a fixture of the kind `K`: a [`Realm`](crate::Realm) or a [`Cluster`](crate::Cluster).
///
/// `start` refuses an invalid setting and one that would have no effect.
///
/// ```
/// use std::time::Duration;
/// use kerbox::{EncryptionType, Realm};
///
/// let realm = Realm::builder()
///     .realm_name("EXAMPLE.COM")
///     .ticket_lifetime(Duration::from_secs(5 * 60))
///     .enctypes([EncryptionType::AES128_CTS_HMAC_SHA1_96])
///     .user_with_password("carol", "secret")
///     .start_blocking()?;
/// let ticket = realm.login_blocking("carol")?.ticket();
/// assert_eq!(ticket.client.to_string(), "carol@EXAMPLE.COM");
/// assert_eq!(ticket.end_time.since(ticket.start_time), Duration::from_secs(5 * 60));
///
/// let refused = Realm::builder().ticket_lifetime(Duration::ZERO).start_blocking();
/// assert!(refused.is_err());
/// # Ok::<(), kerbox::Error>(())
/// ```
///
/// A cluster has further settings:
///
/// ```
/// use kerbox::{Cluster, Protection};
///
/// let cluster = Cluster::secure()
///     .datanodes(3)
///     .protection(Protection::Privacy)
///     .set("dfs.replication", "2")
///     .group("analysts", ["alice", "bob"])
///     .hdfs_directory("/data", "hdfs", "analysts", 0o770)
///     .start_blocking()?;
/// assert_eq!(cluster.datanodes(), 3);
/// assert_eq!(cluster.hadoop_keys()["hadoop.rpc.protection"], "privacy");
///
/// let refused = Cluster::simple().realm_name("EXAMPLE.COM").start_blocking();
/// assert!(refused.is_err(), "a simple cluster has no realm");
/// # Ok::<(), kerbox::Error>(())
/// ```
#[must_use = "a builder does nothing until `start`"]
pub struct Builder<K> {
    pub(crate) world: WorldSettings,
    pub(crate) spec: Spec,
    /// Reads the description again for the `refresh` verbs.
    pub(crate) read_again: Option<ReadAgain>,
    /// The setters that were called, in order.
    pub(crate) given: Vec<&'static str>,
    kind: PhantomData<fn() -> K>,
}

/// A fixture that a [`Builder`] starts.
#[doc(hidden)]
pub trait Start: Sized {
    /// Starts its servers.
    fn start_from(builder: Builder<Self>) -> Result<Self, Error>;
}

impl<K: Start> Builder<K> {
    /// Starts everything. All servers answer, and all DataNodes are registered, when this returns.
    pub async fn start(self) -> Result<K, Error>
    where
        K: Send + 'static,
    {
        elsewhere(move || self.start_blocking()).await
    }

    /// Blocking variant of [`start`](Self::start).
    pub fn start_blocking(self) -> Result<K, Error> {
        K::start_from(self)
    }
}

/// Starts from a whole description.
impl<K> From<Spec> for Builder<K> {
    fn from(spec: Spec) -> Self {
        Self {
            world: WorldSettings::default(),
            spec,
            read_again: None,
            given: Vec::new(),
            kind: PhantomData,
        }
    }
}

impl<K> Builder<K> {
    /// Sets the clock that all servers share. Default: a clock that follows the system's until
    /// it is moved.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.world.clock = clock;
        self
    }

    /// Sets the seed of all randomness: keys, block ids, and faults with a probability.
    /// Default: 0. [`Journal`](crate::Journal) lists what the same seed reproduces.
    pub fn seed(mut self, seed: u64) -> Self {
        self.world.seed = seed;
        self
    }

    /// Puts the fixture's files into this directory and leaves them there at the end. The
    /// directory is created if it is missing. An existing one must be empty or belong to an
    /// earlier fixture; then the files that Kerbox wrote are replaced. Default: a temporary
    /// directory, removed at the end (see `KERBOX_KEEP`).
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.world.directory = Some(path.into());
        self
    }

    /// Keeps everything in a directory, for the next fixture in it: the realm's principals with
    /// their keys, the clock, the tree, the delegation tokens and the blocks. A call is answered
    /// once its changes are on disk. The directory must be new, empty, or one in which a fixture
    /// or Hadoop 3.4 kept them: the NameNode's folder `name` has Hadoop's own format. Default:
    /// nothing outlives the fixture.
    ///
    /// The principals of the description are added once; after that, those in the directory
    /// count. The clock goes on from where it was, also if another one is given. So do the random
    /// numbers: the same seed does not give the same keys again.
    ///
    /// ```
    /// use kerbox::Cluster;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let start = || Cluster::simple().persistent(folder.path().join("data")).start_blocking();
    /// let cluster = start()?;
    /// let now = cluster.clock().now();
    /// cluster.namenode().make_directory(now, "/data", "alice", "alice", 0o755)?;
    /// drop(cluster);
    /// assert!(start()?.namenode().has("/data")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn persistent(mut self, path: impl Into<PathBuf>) -> Self {
        self.world.persistent = Some(path.into());
        self
    }

    #[doc(hidden)]
    pub fn read_again(mut self, read: ReadAgain) -> Self {
        self.read_again = Some(read);
        self
    }

    #[doc(hidden)]
    pub fn opened_directory(mut self, directory: Arc<Directory>) -> Self {
        self.world.opened = Some(directory);
        self
    }

    #[doc(hidden)]
    pub fn clock_of(mut self, directory: impl Into<PathBuf>) -> Self {
        self.world.leader = Some(directory.into());
        self
    }

    /// Sets the number of threads that the servers run on. Default: 1, which starts fastest;
    /// more threads move large files faster.
    pub fn threads(mut self, threads: usize) -> Self {
        self.world.workers = threads;
        self
    }

    /// Records that a setter was called.
    fn give(&mut self, setter: &'static str) {
        self.given.push(setter);
    }
}

impl<K> Clone for Builder<K> {
    fn clone(&self) -> Self {
        Self {
            world: self.world.clone(),
            given: self.given.clone(),
            read_again: self.read_again.clone(),
            ..Self::from(self.spec.clone())
        }
    }
}

impl<K> fmt::Debug for Builder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("world", &self.world)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
