//! A cluster: a NameNode, its DataNodes, and a realm if it is secure.

mod keys;
pub(crate) mod partition;
pub(crate) mod tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Principal;
use minihdfs::namenode::NameNode;

use crate::client::environment::ClientEnv;
#[cfg(feature = "web")]
use crate::console::FixtureVerbs;
use crate::control::served::Served;
use crate::control::target::Target;
use crate::realm::Realm;
use crate::realm::login::InProcess;
use crate::servers::datanodes::Datanode;
use crate::servers::hdfs::Hdfs;
use crate::servers::logins::Logins;
use crate::servers::namenode::NameNodeServer;
#[cfg(feature = "web")]
use crate::servers::web::authority;
use crate::spec::builder::{Builder, HasHdfs, Start};
use crate::spec::{Security, Spec, checks};
use crate::world::Fixture;
use crate::world::methods::world_methods;
use crate::{Error, Login, NewPrincipal, PerpetualLoginBuilder};

/// An HDFS on random ports of 127.0.0.1, with its own clock and, if it is secure, its own realm.
/// Dropping it stops it.
///
/// ```
/// use hdfs_native::ClientBuilder;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cluster = kerbox::Cluster::simple().start().await?;
/// let hdfs = ClientBuilder::new().with_url(cluster.url()).with_user("alice").build()?;
/// hdfs.mkdirs("/user/alice/reports", 0o755, true).await?;
///
/// let calls = |event: &kerbox::Event| event.to_string().contains("mkdirs by alice");
/// assert_eq!(cluster.journal().count(calls), 1);
/// # Ok(())
/// # }
/// ```
pub struct Cluster {
    // Fields drop in order: the servers stop first, then the realm leaves the shared krb5.conf.
    fixture: Fixture,
    realm: Option<Realm>,
    pub(crate) hdfs: Arc<Hdfs>,
    clock_skew: Duration,
    /// The folder of another KDC's keytabs.
    keytabs: Option<PathBuf>,
    /// Answers the questions and changes from outside.
    pub(crate) served: Arc<Served>,
}

impl Cluster {
    /// Returns a builder for a cluster with Kerberos security.
    pub fn secure() -> ClusterBuilder {
        ClusterBuilder::from(Spec::default())
    }

    /// Returns a builder for a cluster without security, which trusts the user name that a client
    /// states.
    pub fn simple() -> ClusterBuilder {
        let mut spec = Spec::default();
        spec.hdfs.security = Security::Simple;
        ClusterBuilder::from(spec)
    }

    /// Returns `hdfs://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("hdfs://{}", self.hdfs.address)
    }

    /// Returns the address of the NameNode's RPC server.
    #[must_use]
    pub fn namenode_address(&self) -> SocketAddr {
        self.hdfs.address
    }

    /// Returns the address of the NameNode's HTTP port, or of its HTTPS port if `dfs.http.policy`
    /// is `HTTPS_ONLY`.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.namenode_server().http_address()
    }

    /// Returns `webhdfs://localhost:PORT`, for Hadoop's clients, or `swebhdfs://localhost:PORT` if
    /// `dfs.http.policy` is `HTTPS_ONLY`. Others find WebHDFS at [`web_url`](Self::web_url) with
    /// `/webhdfs/v1`.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn webhdfs_url(&self) -> String {
        self.swebhdfs_url()
            .filter(|_| self.web_url().starts_with("https"))
            .unwrap_or_else(|| format!("webhdfs://{}", authority(self.http_address())))
    }

    /// Returns `swebhdfs://localhost:PORT`, for Hadoop's clients, if `dfs.http.policy` is
    /// `HTTPS_ONLY` or `HTTP_AND_HTTPS`. They trust the fixture's authority by
    /// `hadoop/ssl-client.xml`, others by `ca.pem`. The certificates are valid at any time, unless
    /// there is a `certificate_lifetime`.
    ///
    /// ```
    /// # #[cfg(feature = "web")] {
    /// let cluster = kerbox::Cluster::simple().set("dfs.http.policy", "HTTPS_ONLY");
    /// let cluster = cluster.start_blocking()?;
    /// assert!(cluster.swebhdfs_url().is_some_and(|url| url.starts_with("swebhdfs://localhost:")));
    /// assert!(cluster.path().join("ca.pem").exists()); // for curl --cacert
    /// # }
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    #[cfg(feature = "web")]
    #[must_use]
    pub fn swebhdfs_url(&self) -> Option<String> {
        let address = self.namenode_server().https_address()?;
        Some(format!("swebhdfs://{}", authority(address)))
    }

    /// Returns `http://localhost:PORT`, the start of the NameNode's URLs, or
    /// `https://localhost:PORT` if `dfs.http.policy` is `HTTPS_ONLY`.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn web_url(&self) -> String {
        let address = self.http_address();
        let is_secure = self.namenode_server().https_address() == Some(address);
        let scheme = if is_secure { "https" } else { "http" };
        format!("{scheme}://{}", authority(address))
    }

    /// Returns `http://localhost:PORT`, the start of HttpFS's URLs, or `https://localhost:PORT` if
    /// `dfs.http.policy` is `HTTPS_ONLY`; `None` unless the cluster was started with `httpfs()`.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn httpfs_url(&self) -> Option<String> {
        let address = self.namenode_server().httpfs_address()?;
        let web = self.web_url();
        let scheme = web.split(':').next().unwrap_or_default();
        Some(format!("{scheme}://{}", authority(address)))
    }

    /// Returns the NameNode itself, for state that no protocol exposes.
    /// After [`restart_namenode`](Self::restart_namenode) there is another one.
    #[must_use]
    pub fn namenode(&self) -> Arc<NameNode> {
        self.hdfs.namenode()
    }

    /// Returns the NameNode as a server, which can be stopped, paused, killed and restarted.
    #[must_use]
    pub fn namenode_server(&self) -> NameNodeServer<'_> {
        self.hdfs.namenode_server()
    }

    /// Ends the NameNode's process and starts another at the same address; see
    /// [`NameNodeServer::restart`].
    pub fn restart_namenode(&self) -> Result<(), Error> {
        self.namenode_server().restart()
    }

    /// Returns the DataNode with this 1-based number.
    pub fn datanode(&self, number: usize) -> Result<Datanode<'_>, Error> {
        self.hdfs.datanode(number)
    }

    /// Returns the number of DataNodes, running or not.
    #[must_use]
    pub fn datanodes(&self) -> usize {
        self.hdfs.datanodes()
    }

    /// Returns the folder of core-site.xml and hdfs-site.xml.
    #[must_use]
    pub fn hadoop_conf_dir(&self) -> PathBuf {
        self.path().join("hadoop")
    }

    /// Changes one of Hadoop's keys in the configuration files while the cluster runs. Clients that
    /// start afterwards obey it; the NameNode does so for the keys that an administrator's command
    /// reads again: groups (`hdfs dfsadmin -refreshUserToGroupsMappings`), proxy users
    /// (`-refreshSuperUserGroupsConfiguration`) and the lists of `hadoop-policy.xml`
    /// (`-refreshServiceAcl`).
    pub fn set_hadoop_key(&self, key: &str, value: &str) -> Result<(), Error> {
        let files = self.world().files();
        self.hdfs.configuration.set(files, key, value)
    }

    /// Returns the Hadoop settings that servers and clients use from the start.
    #[must_use]
    pub fn hadoop_keys(&self) -> &BTreeMap<String, String> {
        &self.hdfs.keys
    }

    /// Returns a sentence for each key that was set but that the servers ignore.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.hdfs.warnings
    }

    /// Returns the realm, if the cluster is secure and has a KDC of its own.
    #[must_use]
    pub fn realm(&self) -> Option<&Realm> {
        self.realm.as_ref()
    }

    pub(crate) fn hdfs(&self) -> &Arc<Hdfs> {
        &self.hdfs
    }

    fn secure_realm(&self) -> Result<&Realm, Error> {
        self.realm.as_ref().ok_or(Error::NoRealm)
    }

    /// Logs a user in: puts a ticket-granting ticket into a new FILE cache. A user missing from the
    /// realm is added first.
    pub async fn login(&self, user: &str) -> Result<Login, Error> {
        let env = self.env();
        self.secure_realm()?.login_elsewhere(user, env).await
    }

    /// Blocking variant of [`login`](Self::login).
    pub fn login_blocking(&self, user: &str) -> Result<Login, Error> {
        self.secure_realm()?.login_with_env(user, &self.env())
    }

    /// Returns the settings of a login from the user's keytab that never ends; see
    /// [`Realm::perpetual_login`].
    pub fn perpetual_login(&self, user: &str) -> Result<PerpetualLoginBuilder, Error> {
        let realm = self.realm().ok_or(Error::NoRealm)?;
        realm.perpetual_login_with_env(user, self.env())
    }

    /// Adds a principal and its keytab to the realm.
    pub fn add_principal(&self, principal: NewPrincipal) -> Result<Principal, Error> {
        self.secure_realm()?.add_principal(principal)
    }

    /// Returns the environment in which clients find this cluster, without a logged-in user.
    #[must_use]
    pub fn env(&self) -> ClientEnv {
        let env = match &self.realm {
            Some(realm) => realm.env(),
            None => ClientEnv::default().with("KERBOX_DIR", self.path()),
        };
        // That of `kerbox kdc` has it beside its keytabs.
        let conf = self
            .keytabs
            .as_ref()
            .map(|it| it.with_file_name("krb5.conf"));
        let env = match conf.filter(|conf| conf.exists()) {
            Some(conf) => env.with("KRB5_CONFIG", conf),
            None => env,
        };
        let env = env
            .with("HADOOP_CONF_DIR", self.hadoop_conf_dir())
            .with("NAMENODE", self.url());
        #[cfg(feature = "web")]
        let env = env.with("WEBHDFS", self.web_url());
        env
    }

    /// Returns the environment of a user in a cluster without security: `HADOOP_USER_NAME`.
    #[must_use]
    pub fn env_of(&self, user: &str) -> ClientEnv {
        self.env().with("HADOOP_USER_NAME", user)
    }

    /// Returns what a client in this process needs to act as a logged-in user, whatever other
    /// users and clusters there are in the process: tests that use it run in parallel. The first
    /// call sets `KRB5_CONFIG` for the process; see
    /// [`use_shared_krb5_conf`](crate::use_shared_krb5_conf).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cluster = kerbox::Cluster::secure().start_blocking()?;
    /// let alice = cluster.in_process(&cluster.login_blocking("alice")?);
    /// let client = hdfs_native::ClientBuilder::new()
    ///     .with_url(alice.url)
    ///     .with_config_dir(alice.config_dir)
    ///     .with_kerberos_principal(alice.principal)
    ///     .with_kerberos_cache(alice.cache)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn in_process(&self, login: &Login) -> InProcess {
        crate::use_shared_krb5_conf();
        InProcess {
            url: self.url(),
            config_dir: self.hadoop_conf_dir().display().to_string(),
            principal: login.principal().to_string(),
            cache: format!("FILE:{}", login.ccache().display()),
        }
    }

    /// Returns the allowed difference between a client's clock and the servers'.
    #[must_use]
    pub fn clock_skew(&self) -> Duration {
        self.clock_skew
    }

    /// Returns the short name of the superuser, who owns `/`.
    #[must_use]
    pub fn superuser(&self) -> &str {
        &self.hdfs.superuser
    }
}

/// Builds a [`Cluster`].
///
/// ```
/// use kerbox::{Cluster, ClusterBuilder};
///
/// let builder: ClusterBuilder = Cluster::simple().datanodes(2);
/// let clusters = [builder.clone().start_blocking()?, builder.start_blocking()?];
/// assert_ne!(clusters[0].url(), clusters[1].url()); // ports of their own
/// # Ok::<(), kerbox::Error>(())
/// ```
pub type ClusterBuilder = Builder<Cluster>;

impl HasHdfs for Cluster {}

impl Start for Cluster {
    fn start_from(builder: ClusterBuilder) -> Result<Self, Error> {
        let Spec { realm, hdfs } = &builder.spec;
        checks::cluster(&builder.spec, &builder.given)?;
        checks::places(&builder.world, hdfs)?;
        let (fixture, mut kills) = Fixture::start(builder.world)?;
        let keytabs = realm.keytabs.as_ref();
        let keytabs = keytabs.filter(|_| hdfs.security == Security::Kerberos);
        // The clients' files name them, wherever clients run.
        let keytabs = keytabs.map(std::path::absolute).transpose();
        let keytabs = keytabs.map_err(Error::io("find the working directory"))?;
        let (mut realm, logins) = match (hdfs.security, &keytabs) {
            (Security::Simple, _) => (None, None),
            (Security::Kerberos, Some(keytabs)) => (None, Some(Logins::elsewhere(realm, keytabs))),
            (Security::Kerberos, None) => {
                let realm = Realm::in_world(&fixture, realm)?;
                let logins = Logins::of(realm.core());
                (Some(realm), Some(logins))
            }
        };
        let clock_skew = logins.as_ref().map_or(Duration::ZERO, |it| it.clock_skew);
        let hdfs = Arc::new(Hdfs::start(
            &fixture,
            logins.as_ref(),
            hdfs,
            builder.read_again.clone(),
        )?);
        if let Some(realm) = &mut realm {
            realm.namenode = Some(hdfs.link());
        }
        let killed = Arc::clone(&hdfs);
        fixture.runtime.handle().spawn(async move {
            while let Some(server) = kills.recv().await {
                killed.kill(server);
            }
        });
        let served = Arc::new(Served::new(Target {
            world: Arc::clone(&fixture.world),
            realm: realm.as_ref().map(Realm::handle),
            hdfs: Some(Arc::clone(&hdfs)),
        }));
        #[cfg(feature = "web")]
        hdfs.console().attach(Arc::new(FixtureVerbs::of_cluster(
            &served,
            fixture.runtime.handle(),
        )));
        let cluster = Self {
            fixture,
            realm,
            hdfs,
            clock_skew,
            keytabs,
            served,
        };
        cluster.world().write_env(&cluster.env())?;
        Ok(cluster)
    }
}

world_methods!(Cluster, |cluster| &cluster.fixture.world);

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Cluster({} with {} DataNodes)",
            self.url(),
            self.datanodes()
        )
    }
}
