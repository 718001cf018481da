//! A realm of the drop-in tools.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{Place, Ran};

/// A folder with the four programs and the two configuration files.
pub(crate) struct Realm {
    pub(crate) place: Place,
}

impl Realm {
    pub(crate) fn new(kdc_conf: &str) -> Self {
        let place = Place::new();
        for name in ["krb5kdc", "kadmind", "kadmin.local", "kdb5_util"] {
            symlink(env!("CARGO_BIN_EXE_kerbox"), place.path().join(name)).expect("a new link");
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

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
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

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        Ran::of(
            self.command(program, arguments)
                .output()
                .expect("it starts"),
        )
    }

    pub(crate) fn created(self) -> Self {
        self.run("kdb5_util", &["create", "-W", "-s", "-P", "master"])
            .succeeded();
        self
    }

    /// Returns the output of a query, without the line about the administrator.
    pub(crate) fn query(&self, query: &str) -> (String, String) {
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
