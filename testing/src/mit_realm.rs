//! A realm of the drop-in tools.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::place::{Place, Ran};
use crate::programs::kerbox;

/// A folder with the four programs and the two configuration files.
#[derive(Debug)]
pub struct MitRealm {
    /// The folder.
    pub place: Place,
}

impl MitRealm {
    /// Creates the folder; `kdc_conf` is what the realm's section of `kdc.conf` says besides.
    ///
    /// # Panics
    /// If that is not possible.
    #[must_use]
    pub fn new(kdc_conf: &str) -> Self {
        let place = Place::new();
        for name in ["krb5kdc", "kadmind", "kadmin.local", "kdb5_util"] {
            symlink(kerbox(), place.path().join(name)).expect("a new link");
        }
        place.file("krb5.conf", "[libdefaults]\n default_realm = KRBTEST.COM\n");
        let database = place.path().join("db");
        place.file(
            "kdc.conf",
            &format!(
                "[realms]\n KRBTEST.COM = {{\n  database_name = {}\n  max_renewable_life = 7d\n{kdc_conf}\n }}\n",
                database.display()
            ),
        );
        Self { place }
    }

    /// Returns the path of a file in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Returns a command of one of the programs, with the two files.
    #[must_use]
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path(program));
        command
            .args(arguments)
            .current_dir(self.place.path())
            .env("KRB5_CONFIG", self.path("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.path("kdc.conf"))
            .env("KRB5_KTNAME", self.path("keytab"))
            .stdin(Stdio::null());
        command
    }

    /// Runs one of the programs until it ends.
    ///
    /// # Panics
    /// If it does not start.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        Ran::of(
            self.command(program, arguments)
                .output()
                .expect("it starts"),
        )
    }

    /// Creates the database, with the master password `master` and a stash file.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn created(self) -> Self {
        self.run("kdb5_util", &["create", "-W", "-s", "-P", "master"])
            .succeeded();
        self
    }

    /// Returns the output of a query of `kadmin.local`, without the line about the administrator.
    ///
    /// # Panics
    /// If it fails.
    pub fn query(&self, query: &str) -> (String, String) {
        let ran = self.run("kadmin.local", &["-q", query]);
        let greeting = "Authenticating as principal root/admin@KRBTEST.COM with password.\n";
        let printed = ran
            .succeeded()
            .strip_prefix(greeting)
            .expect("it greets")
            .to_owned();
        (printed, ran.stderr)
    }
}
