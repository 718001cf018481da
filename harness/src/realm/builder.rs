//! The setters of a realm alone: its console.

use std::net::SocketAddr;

use crate::realm::Realm;
use crate::spec::ConsoleSpec;
use crate::spec::builder::Builder;

impl Builder<Realm> {
    /// Serves a console, as a cluster has one at its NameNode: the realm, its principals and their
    /// tickets, connections, the live journal, and buttons for the clock, faults and the KDC's
    /// servers. It needs the feature `web`.
    ///
    /// A browser shows it a ticket for `HTTP/localhost` (SPNEGO), at the name `localhost`. It
    /// speaks plain HTTP, on a free port of the KDC's interface unless
    /// [`console_listen`](Self::console_listen) names another. Only its
    /// [administrators](Self::console_administrators) see tickets and change anything. No fault
    /// strikes it. Default: none.
    ///
    /// ```
    /// # #[cfg(feature = "web")] {
    /// let realm = kerbox::Realm::builder().console().start_blocking()?;
    /// let hdfs = realm.login_blocking("hdfs")?;
    /// let url = realm.console_url().expect("it was asked for"); // for a browser
    /// let asked = hdfs
    ///     .command("curl")
    ///     .args(["-s", "--negotiate", "-u", ":"])
    ///     .arg(format!("{url}/console/api/tickets"))
    ///     .output();
    /// # }
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn console(mut self) -> Self {
        self.described();
        self
    }

    /// Serves a [console](Self::console) at this address.
    pub fn console_listen(mut self, address: SocketAddr) -> Self {
        self.described().listen = Some(address);
        self
    }

    /// Serves a [console](Self::console) whose administrators are these principals. Their names
    /// count as they are: `alice/admin` is not `alice`. Default: `hdfs`.
    pub fn console_administrators(
        mut self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.described().administrators = names.into_iter().map(Into::into).collect();
        self
    }

    fn described(&mut self) -> &mut ConsoleSpec {
        self.spec.realm.console.get_or_insert_default()
    }
}
