//! Hadoop's SecondaryNameNode and CheckpointNode make checkpoints of Kerbox's NameNode.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kerbox::{ClientEnv, Cluster, Event};

use super::daemon::{Daemon, java};
use crate::storage::exchange::{assert_same, newest_image, served, tree};
use crate::storage::hadoop;
use crate::support::{Peer, Ran, TestResult, command, run, trials};
use crate::web::curl::{curl, has};

trials! {
    [Peer::Reference] =>
        a_secondary_namenode_makes_an_image_of_every_feature,
        a_secondary_namenode_comes_over_https_after_many_changes,
        a_checkpoint_node_makes_checkpoints;
    [Peer::Reference, Peer::Curl, Peer::Mit] =>
        a_secondary_namenode_logs_in_and_images_that_do_not_fit_are_refused;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

const SECONDARY: &str = "org.apache.hadoop.hdfs.server.namenode.SecondaryNameNode";
const NAMENODE: &str = "org.apache.hadoop.hdfs.server.namenode.NameNode";

/// A minute of real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// The checkpoints of a SecondaryNameNode, in a folder of their own.
struct Checkpoints(tempfile::TempDir);

impl Checkpoints {
    fn new() -> Result<Self, Error> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// Returns the keys that say where they are, with others.
    fn keys<'a>(&self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
        let place = format!("file://{}", self.0.path().join("checkpoints").display());
        let own = [
            "dfs.namenode.checkpoint.dir",
            "dfs.namenode.checkpoint.edits.dir",
        ];
        let own = own.map(|key| (key, place.clone()));
        let more = more.iter().map(|(key, value)| (*key, (*value).to_owned()));
        own.into_iter().chain(more).collect()
    }

    /// Has a SecondaryNameNode make one, whether one is due or not.
    fn force(&self, env: &ClientEnv) -> Result<Ran, Error> {
        let keys = self.keys(&[]);
        let keys: Vec<_> = keys.iter().map(|(key, value)| (*key, &**value)).collect();
        let mut java = java(env, SECONDARY, self.0.path(), &keys)?;
        run(java.args(["-checkpoint", "force"]), "")
    }

    /// Returns the newest image of the SecondaryNameNode's own.
    fn newest(&self) -> Result<PathBuf, Error> {
        newest_in(&self.0.path().join("checkpoints/current"))
    }
}

fn newest_in(current: &Path) -> Result<PathBuf, Error> {
    let mut images = Vec::new();
    for entry in std::fs::read_dir(current)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("fsimage_") && !name.ends_with(".md5") {
            images.push(path);
        }
    }
    images.sort();
    images.pop().ok_or_else(|| "there is no image".into())
}

/// Returns the last transaction of an image, by its name.
fn last_of(image: &Path) -> Result<i64, Error> {
    let name = image.file_name().unwrap_or_default().to_string_lossy();
    let digits = name.strip_prefix("fsimage_").ok_or("no image")?;
    Ok(digits.parse()?)
}

/// Returns the last transaction of the NameNode's newest image.
fn newest_of(cluster: &Cluster) -> Result<i64, Error> {
    let namenode = cluster.namenode();
    let files = namenode.storage().ok_or("a NameNode without files")?;
    Ok(files.most_recent_checkpoint())
}

/// Makes directories `PREFIX0`, `PREFIX1`, ….
fn make(cluster: &Cluster, prefix: &str, count: usize) -> TestResult {
    let namenode = cluster.namenode();
    for number in 0..count {
        let now = cluster.clock().now();
        namenode.make_directory(now, &format!("{prefix}{number}"), "alice", "alice", 0o750)?;
    }
    Ok(())
}

/// Waits until the NameNode has an image of a later transaction.
fn wait_for_image(cluster: &Cluster, daemon: &Daemon, after: i64) -> Result<i64, Error> {
    let clock = cluster.clock();
    let until = clock.real_now() + PATIENCE;
    loop {
        let newest = newest_of(cluster)?;
        if newest > after {
            return Ok(newest);
        }
        if clock.real_now() > until {
            return Err(daemon.explain("no image has come"));
        }
        // It comes with a request over HTTP.
        let uploaded = |event: &Event| event.to_string().contains("/imagetransfer");
        let _ = cluster
            .journal()
            .from_here()
            .wait_blocking(uploaded, Duration::from_millis(200));
    }
}

/// The image of a SecondaryNameNode becomes the NameNode's. Hadoop's viewer reads it, and the tree
/// that is loaded from it is the same.
fn a_secondary_namenode_makes_an_image_of_every_feature() -> TestResult {
    let folder = tempfile::tempdir()?;
    served(folder.path(), &[&["script"]], 1)?;
    let before = tree(folder.path())?;
    assert!(before.lines().count() > 10, "{before}");
    let old = last_of(&newest_image(folder.path())?)?;
    let cluster = Cluster::simple()
        .persistent(folder.path())
        .datanodes(0)
        // No DataNode reports the blocks, and in safe mode the log is not rolled.
        .set("dfs.namenode.safemode.threshold-pct", "0")
        .start_blocking()?;
    let checkpoints = Checkpoints::new()?;
    let said = checkpoints.force(&cluster.env_of("hdfs"))?;
    let new = newest_of(&cluster)?;
    assert!(
        new > old && said.status.success(),
        "{new} after {old}: {said}"
    );
    drop(cluster);
    let image = newest_image(folder.path())?;
    assert_eq!(last_of(&image)?, new);
    assert_eq!(
        std::fs::read(&image)?,
        std::fs::read(checkpoints.newest()?)?
    );
    let path = image.display().to_string();
    let viewed = hadoop(&[&["oiv", &path]])?;
    assert!(
        viewed[0].contains(&format!("<txid>{new}</txid>")),
        "{}",
        viewed[0]
    );
    assert_same(&tree(folder.path())?, &before)
}

/// A SecondaryNameNode logs in as sn/localhost with its keytab. Its second image comes too soon;
/// with that one the NameNode shows what else it refuses, and takes it in the end.
fn a_secondary_namenode_logs_in_and_images_that_do_not_fit_are_refused() -> TestResult {
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::secure()
        .persistent(folder.path())
        .datanodes(0)
        .start_blocking()?;
    assert_eq!(cluster.warnings(), [""; 0]);
    make(&cluster, "/first", 3)?;
    let checkpoints = Checkpoints::new()?;
    // Where no thread has logged in, Hadoop's client of HTTP wants a cache, too.
    let logged_in = cluster.login_blocking("sn/localhost")?.env();
    let said = checkpoints.force(&logged_in)?;
    let first = newest_of(&cluster)?;
    assert!(
        first > 0 && said.status.success(),
        "{said}\n{}",
        cluster.journal().last(40)
    );
    make(&cluster, "/second", 3)?;
    checkpoints.force(&logged_in)?.ok()?;
    assert_eq!(newest_of(&cluster)?, first, "Hadoop's refuses it, too");
    let image = checkpoints.newest()?;
    let second = last_of(&image)?;
    assert!(second > first);
    // The time after which another image is welcome, and before the NameNode's own.
    cluster.advance_blocking(Duration::from_secs(46 * 60))?;

    let info = storage_info(folder.path())?;
    let bytes = std::fs::read(&image)?;
    let path = image.display().to_string();
    let tampered = folder.path().join("tampered");
    let mut changed = bytes.clone();
    *changed.last_mut().ok_or("an empty image")? ^= 1;
    std::fs::write(&tampered, changed)?;
    let tampered = tampered.display().to_string();
    let digest = std::fs::read_to_string(format!("{path}.md5"))?;
    let digest = format!(
        "X-MD5-Digest: {}",
        digest.split(' ').next().unwrap_or_default()
    );
    let put = |env: &ClientEnv, file: &str, query: &str| {
        let base = format!("{}/imagetransfer?storageInfo={info}", cluster.web_url());
        let length = bytes.len();
        let url = format!("{base}&File-Length={length}&{query}");
        let words = [
            "-i",
            "--negotiate",
            "-u",
            ":",
            "-H",
            &digest,
            "-T",
            file,
            &url,
        ];
        curl(env, &words)
    };
    let login = |user: &str| Ok::<_, Error>(cluster.login_blocking(user)?.env());
    let (alice, secondary) = (login("alice")?, login("sn/localhost")?);
    let own = format!("txid={second}&imageFile=IMAGE");
    has(
        &put(&cluster.env(), &path, &own)?,
        "HTTP/1.1 401 Unauthorized",
    )?;
    let refused = put(&alice, &path, &own)?;
    has(&refused, "HTTP/1.1 403 Forbidden")?;
    has(
        &refused,
        "Only Namenode, Secondary Namenode, and administrators may access this",
    )?;
    for (file, query, status, reason) in [
        (&tampered, &*own, "410 Gone", "but that of its contents is"),
        (
            &path,
            "txid=1",
            "409 Conflict",
            "There is an image up to txid ",
        ),
        (
            &path,
            "txid=77777",
            "410 Gone",
            "No segment of the edit log ends with txid 77777",
        ),
        (
            &path,
            "txid=0&imageFile=IMAGE_ROLLBACK",
            "410 Gone",
            "imageFile is IMAGE",
        ),
    ] {
        let refused = put(&secondary, file, query)?;
        has(&refused, &format!("HTTP/1.1 {status}"))?;
        has(&refused, reason)?;
    }
    assert_eq!(newest_of(&cluster)?, first);
    has(&put(&secondary, &path, &own)?, "HTTP/1.1 200 OK")?;
    assert_eq!(newest_of(&cluster)?, second);
    let again = put(&secondary, &path, &own)?;
    has(&again, "HTTP/1.1 409 Conflict")?;
    has(
        &again,
        "Rejecting a fsimage due to small time delta and txnid delta.",
    )?;
    cluster.restart_namenode()?;
    assert_eq!(newest_of(&cluster)?, second);
    for path in ["/first0", "/second2"] {
        assert!(cluster.namenode().has(path)?, "{path}");
    }
    Ok(())
}

/// A SecondaryNameNode that runs brings an image over HTTPS whenever twenty transactions are new.
fn a_secondary_namenode_comes_over_https_after_many_changes() -> TestResult {
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::secure()
        .persistent(folder.path())
        .datanodes(0)
        .set("dfs.http.policy", "HTTPS_ONLY")
        .set("dfs.namenode.checkpoint.txns", "20")
        .start_blocking()?;
    let checkpoints = Checkpoints::new()?;
    write_own_certificate(checkpoints.0.path())?;
    let keys = checkpoints.keys(&[("dfs.namenode.checkpoint.check.period", "1")]);
    let keys: Vec<_> = keys.iter().map(|(key, value)| (*key, &**value)).collect();
    make(&cluster, "/first", 20)?;
    let daemon = Daemon::start(&cluster.env(), SECONDARY, checkpoints.0.path(), &keys)?;
    let first = wait_for_image(&cluster, &daemon, 0)?;
    make(&cluster, "/second", 20)?;
    let second = wait_for_image(&cluster, &daemon, first)?;
    assert!(second - first >= 20, "{first}, {second}");
    daemon.kill()?;
    cluster.restart_namenode()?;
    assert!(cluster.namenode().has("/first19")? && cluster.namenode().has("/second19")?);
    Ok(())
}

/// Makes a certificate for the SecondaryNameNode's own HTTPS port, which it does not start without.
fn write_own_certificate(folder: &Path) -> TestResult {
    let conf = folder.join("conf");
    std::fs::create_dir_all(&conf)?;
    let store = folder.join("keystore.jks").display().to_string();
    let made = [
        "-genkeypair",
        "-alias",
        "sn",
        "-keyalg",
        "RSA",
        "-dname",
        "CN=localhost",
    ];
    let where_to = ["-keystore", &store, "-storetype", "JKS"];
    let passwords = ["-storepass", "changeit", "-keypass", "changeit"];
    let words = [&made[..], &where_to, &passwords].concat();
    run(&mut command(&ClientEnv::default(), "keytool", &words), "")?.ok()?;
    let property = |name: &str, value: &str| {
        format!(
            "<property><name>ssl.server.keystore.{name}</name><value>{value}</value></property>"
        )
    };
    let text = [
        ("location", &*store),
        ("password", "changeit"),
        ("keypassword", "changeit"),
        ("type", "jks"),
    ]
    .map(|(name, value)| property(name, value));
    let text = format!("<configuration>{}</configuration>", text.concat());
    Ok(std::fs::write(conf.join("ssl-server.xml"), text)?)
}

/// A CheckpointNode registers, and makes the checkpoints that it is ordered to make.
fn a_checkpoint_node_makes_checkpoints() -> TestResult {
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::simple()
        .persistent(folder.path())
        .datanodes(0)
        .start_blocking()?;
    make(&cluster, "/first", 3)?;
    let own = tempfile::tempdir()?;
    // It serves only a NameNode of the same build, and takes the name of that from its class path.
    let conf = own.path().join("conf");
    std::fs::create_dir_all(&conf)?;
    std::fs::create_dir(own.path().join("name"))?;
    let build = concat!(
        "version=3.4.3\nrevision=kerbox-",
        env!("CARGO_PKG_VERSION"),
        "\n"
    );
    std::fs::write(conf.join("common-version-info.properties"), build)?;
    let names = format!("file://{}", own.path().join("name").display());
    let keys = [
        ("dfs.namenode.name.dir", &*names),
        ("dfs.namenode.edits.dir", &*names),
        ("dfs.namenode.backup.address", "localhost:0"),
        ("dfs.namenode.backup.http-address", "localhost:0"),
        ("dfs.namenode.checkpoint.period", "2"),
    ];
    let env = cluster.env_of("hdfs");
    let daemon = Daemon::start_with(&env, NAMENODE, own.path(), &keys, &["-checkpoint"])?;
    let last = wait_for_image(&cluster, &daemon, 0)?;
    let calls = |method: &'static str| {
        move |event: &Event| event.to_string().contains(&format!("{method} by hdfs"))
    };
    for method in [
        "registerSubordinateNamenode",
        "startCheckpoint",
        "endCheckpoint",
    ] {
        let seen = cluster.journal().wait_blocking(calls(method), PATIENCE);
        seen.map_err(|error| daemon.explain(error))?;
    }
    daemon.kill()?;
    cluster.restart_namenode()?;
    assert!(newest_of(&cluster)? >= last && cluster.namenode().has("/first2")?);
    Ok(())
}

/// Returns the identity of the namespace in a folder, as Hadoop's nodes tell it each other.
fn storage_info(folder: &Path) -> Result<String, Error> {
    let version = std::fs::read_to_string(folder.join("name/current/VERSION"))?;
    let values = ["layoutVersion", "namespaceID", "cTime", "clusterID"].map(|key| {
        let line = version
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().to_owned()
    });
    Ok(values.join(":"))
}
