//! The setters of every fixture that has an HDFS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::spec::builder::Builder;
use crate::spec::{Layout, NewDirectory, Protection};

/// A fixture with an HDFS: a [`Cluster`](crate::Cluster).
#[doc(hidden)]
pub trait HasHdfs {}

impl<K: HasHdfs> Builder<K> {
    /// Sets the number of DataNodes; with 0 nothing can be written. Each takes two of the process's
    /// descriptors (`ulimit -n`). Default: 1, which starts fastest.
    pub fn datanodes(mut self, number: usize) -> Self {
        self.spec.hdfs.datanodes = number;
        self
    }

    /// Sets the racks of the DataNodes, in their order. Replicas are spread over them as Hadoop
    /// does. By default all are on `/default-rack`.
    ///
    /// ```
    /// let racks = ["/rack1", "/rack1", "/rack2"];
    /// let cluster = kerbox::Cluster::simple().datanodes(3).racks(racks).start_blocking()?;
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn racks(mut self, racks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.spec.hdfs.racks = racks.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the address of the NameNode's RPC server. Default: a random port on 127.0.0.1.
    pub fn namenode_listen(mut self, address: SocketAddr) -> Self {
        self.spec.hdfs.listen = address;
        self
    }

    /// Sets the protection of RPC and data transfer. Default: [`Protection::Authentication`].
    pub fn protection(mut self, protection: Protection) -> Self {
        self.give("protection");
        let keys = protection.keys();
        let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.spec.hdfs.keys.extend(keys);
        self
    }

    /// Leaves the KDC to another process, such as `kerbox kdc` or MIT's krb5kdc. The servers have
    /// their keys from the keytabs in this folder (`*.keytab`): nn/localhost, dn/localhost and
    /// HTTP/localhost, or those that the Hadoop keys name, of the realm that
    /// [`realm_name`](Self::realm_name) names. A [`Realm`](crate::Realm) can be the other, too:
    ///
    /// ```
    /// use kerbox::{Cluster, Realm};
    ///
    /// let realm = Realm::builder().realm_name("EXAMPLE.COM").start_blocking()?;
    /// let cluster = Cluster::secure()
    ///     .realm_name("EXAMPLE.COM")
    ///     .keytabs(realm.path().join("keytabs"))
    ///     .start_blocking()?;
    /// let alice = realm.login_blocking("alice")?;
    /// let listing = cluster.env().with("KRB5CCNAME", alice.ccache()); // for `hdfs dfs -ls /`
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn keytabs(mut self, folder: impl Into<PathBuf>) -> Self {
        self.give("keytabs");
        self.spec.realm.keytabs = Some(folder.into());
        self
    }

    /// Sets one of Hadoop's keys, for servers and clients.
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.spec.hdfs.keys.insert(key.to_owned(), value.into());
        self
    }

    /// Sets the short name of the superuser, who owns `/`. Default: `hdfs`.
    pub fn superuser(mut self, name: &str) -> Self {
        self.spec.hdfs.set_superuser(name);
        self
    }

    /// Adds the users, groups, directories and services of a [`Layout`]. What is set afterwards
    /// replaces single ones.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.spec.lay_out(layout);
        self
    }

    /// Enables symbolic links. Hadoop's servers refuse them by default, and clients must enable
    /// them too (`FileSystem.enableSymlinks()` in Java).
    pub fn symlinks(mut self) -> Self {
        self.spec.hdfs.symlinks = true;
        self
    }

    /// Serves HttpFS: all operations of WebHDFS at one address, without redirections to DataNodes.
    /// It authenticates as the NameNode's HTTP port does, obeys `hadoop.proxyuser.*`, and hands out
    /// the NameNode's delegation tokens. It is on a free port, or on the one that
    /// `httpfs.http.port` names, and has TLS if `dfs.http.policy` is `HTTPS_ONLY`.
    ///
    /// ```
    /// # #[cfg(feature = "web")] {
    /// let cluster = kerbox::Cluster::simple().httpfs().start_blocking()?;
    /// let url = cluster.httpfs_url().expect("it was asked for"); // for curl: url + "/webhdfs/v1/"
    /// assert!(url.starts_with("http://localhost:"));
    /// # }
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn httpfs(mut self) -> Self {
        self.spec.hdfs.httpfs = true;
        self
    }

    /// Sets the life of the servers' HTTPS certificates, on the fixture's clock. Default: they are
    /// valid whatever the clock says. The authority that has signed them always is.
    ///
    /// Afterwards clients refuse the servers until
    /// [`roll_keys(&KeyKind::Certificates)`](crate::Cluster::roll_keys).
    ///
    /// ```
    /// # #[cfg(feature = "web")]
    /// # fn main() -> Result<(), kerbox::Error> {
    /// use std::time::Duration;
    /// use kerbox::Cluster;
    ///
    /// let cluster = Cluster::simple()
    ///     .set("dfs.http.policy", "HTTPS_ONLY")
    ///     .certificate_lifetime(Duration::from_secs(90 * 24 * 3600))
    ///     .start_blocking()?;
    /// cluster.advance_blocking(Duration::from_secs(91 * 24 * 3600))?;
    /// // Now `curl --cacert ca.pem` says: certificate has expired.
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "web"))]
    /// # fn main() {}
    /// ```
    pub fn certificate_lifetime(mut self, lifetime: Duration) -> Self {
        self.spec.hdfs.certificate_lifetime = Some(lifetime);
        self
    }

    /// Adds a group with its members.
    pub fn group(
        mut self,
        name: &str,
        members: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.spec.hdfs.groups.insert(
            name.to_owned(),
            members.into_iter().map(Into::into).collect(),
        );
        self
    }

    /// Adds an HDFS directory that exists from the start, or replaces the one of the same path. By
    /// default there are `/tmp` and `/user/NAME` for the default users.
    pub fn hdfs_directory(mut self, path: &str, owner: &str, group: &str, mode: u16) -> Self {
        self.spec.hdfs.add_directory(NewDirectory {
            path: path.to_owned(),
            owner: owner.to_owned(),
            group: group.to_owned(),
            mode,
        });
        self
    }

    /// Sets the directory in which the DataNodes make their folders `dn1`, `dn2`, …. It must be
    /// new, empty, or an earlier fixture's, whose replicas are removed. Default: `blocks` in the
    /// fixture's directory.
    pub fn blocks_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.spec.hdfs.blocks = Some(path.into());
        self
    }

    /// Upgrades the name directory in `persistent`, as Hadoop does with `-upgrade`: that of Hadoop
    /// 2.10 or 3.3 is refused otherwise. The NameNode and the DataNodes keep what there was in
    /// folders called `previous` until `hdfs dfsadmin -finalizeUpgrade`. Give it for one start.
    pub fn upgrade(mut self) -> Self {
        self.spec.hdfs.upgrade = true;
        self
    }

    /// Shows the namespace of an image (`fsimage_N`) of Hadoop 2.10 to 3.5 or of a persistent
    /// fixture. It has no DataNodes and stays in safe mode: listings, attributes and summaries are
    /// answered, changes are refused, and blocks are nowhere. The file is only read.
    ///
    /// ```
    /// use kerbox::Cluster;
    ///
    /// let folder = tempfile::tempdir()?;
    /// drop(Cluster::simple().persistent(folder.path()).start_blocking()?);
    /// let image = folder.path().join("name/current/fsimage_0000000000000000000");
    /// let cluster = Cluster::simple().fsimage(image).start_blocking()?;
    /// assert!(cluster.namenode().has("/")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fsimage(mut self, file: impl Into<PathBuf>) -> Self {
        self.spec.hdfs.fsimage = Some(file.into());
        self.spec.hdfs.datanodes = 0;
        self
    }
}
