//! Hadoop's NameNode.

use std::path::{Path, PathBuf};
use std::process::Command;

use kerbox::{Clock, Realm};

use super::*;
use crate::support::run;

/// A running MiniDFSCluster. It stops when this is dropped.
pub(crate) struct Reference {
    directory: tempfile::TempDir,
    address: SocketAddr,
    webhdfs: String,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/peers/reference.sh")
}

impl Reference {
    pub(crate) fn start(
        arguments: &[&str],
        configure: impl FnOnce(&mut Command),
    ) -> Result<Self, Error> {
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(script());
        command
            .arg("start")
            .arg(directory.path())
            .args(arguments)
            // Without a log directory it writes into its own.
            .current_dir(directory.path())
            .env("START_SECONDS", "300");
        configure(&mut command);
        run(&mut command, "")?.ok()?;
        let environment = std::fs::read_to_string(directory.path().join("env.sh"))?;
        let address = environment
            .split_whitespace()
            .find_map(|word| word.strip_prefix("NAMENODE=hdfs://localhost:"))
            .ok_or_else(|| format!("no address: {environment}"))?;
        let webhdfs = environment
            .split_whitespace()
            .find_map(|word| word.strip_prefix("WEBHDFS=http://"))
            .map(|address| format!("webhdfs://{address}"))
            .ok_or_else(|| format!("no address: {environment}"))?;
        Ok(Self {
            webhdfs,
            address: (Ipv4Addr::LOCALHOST, address.parse()?).into(),
            directory,
        })
    }

    /// Returns the address of its NameNode.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of its WebHDFS.
    pub(crate) fn webhdfs_url(&self) -> &str {
        &self.webhdfs
    }

    /// Returns the folder with all its files.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the folder of the clients' files.
    pub(crate) fn conf(&self) -> PathBuf {
        self.directory.path().join("conf")
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let mut command = Command::new(script());
        // A process that outlives this test is the script's to report.
        let _ = command.arg("stop").arg(self.directory.path()).status();
    }
}

pub(super) fn hadoops_namenode_serves_it_without_security() -> TestResult {
    let reference = Reference::start(&[], |_| {})?;
    let target = RpcTarget {
        address: reference.address,
        protocol: CLIENT_PROTOCOL,
        identity: Identity::simple("alice"),
        settings: Arc::default(),
        tickets: None,
    };
    let client = RpcClient::new(
        target.clone(),
        Clock::system(),
        &mut StdRng::seed_from_u64(1),
    );
    block_on(async {
        calls(&client, "/user/alice/x", "alice").await?;
        let other = RpcTarget {
            protocol: ("org.apache.hadoop.NoSuchProtocol", 1),
            ..target
        };
        let client = RpcClient::new(other, Clock::system(), &mut StdRng::seed_from_u64(2));
        assert_eq!(
            refusal(&client).await.to_exception().class(),
            "org.apache.hadoop.ipc.RpcNoSuchProtocolException"
        );
        Ok(())
    })
}

pub(super) fn hadoops_namenode_serves_it_at_every_protection_and_with_a_token() -> TestResult {
    let realm = Realm::builder()
        .realm_name("EXAMPLE.COM")
        .start_blocking()?;
    // The script wants the keytabs under these names.
    let keytabs = tempfile::tempdir()?;
    for service in ["hdfs", "HTTP"] {
        let keytab = realm.keytab(&format!("{service}/localhost"))?;
        std::fs::copy(keytab, keytabs.path().join(format!("{service}.keytab")))?;
    }
    let environment = realm.env();
    let protections = "protection=authentication,integrity,privacy";
    let reference = Reference::start(&["secure=true", "kdc=external", protections], |command| {
        command
            .envs(environment.iter())
            .env("KEYTABS", keytabs.path());
    })?;
    let target = Target {
        address: reference.address,
        kdc: realm.kdc_address(),
        principal: realm.principal("hdfs/localhost")?,
        clock: realm.clock().clone(),
    };
    let alice = realm.login_blocking("alice")?;
    block_on(target.exercise(&alice))
}
