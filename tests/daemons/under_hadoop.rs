//! Kerbox's DataNode under Hadoop's NameNode.

use std::path::Path;
use std::time::Duration;

use kerbox::{DatanodeDaemon, DatanodeDaemonBuilder, Event, Operation, Outcome, Realm};

use crate::rpc_client::reference::Reference;
use crate::support::{Peer, TestResult, hadoop_jars, peer_source, peers_dir, run, trials};

trials! {
    [Peer::Reference, Peer::JavaHadoop] =>
        our_datanodes_serve_hadoops_namenode,
        our_datanodes_serve_hadoops_namenode_with_kerberos;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A minute of real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs commands of Hadoop's shell, one JVM for all, and returns what they printed.
pub(super) fn shell(
    conf: &Path,
    configure: impl FnOnce(&mut std::process::Command),
    commands: &[&[&str]],
) -> Result<String, Error> {
    let class_path = format!(
        "{}:{}:{}/*",
        conf.display(),
        peers_dir().join("log").display(),
        hadoop_jars().display()
    );
    let mut java = std::process::Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"])
        .args(["-cp", &class_path])
        .arg(peer_source("FsShells.java"));
    configure(&mut java);
    let input: String = commands
        .iter()
        .map(|words| words.join("\t") + "\n")
        .collect();
    let ran = run(&mut java, &input)?;
    let failed = ran
        .stdout
        .lines()
        .any(|line| line.starts_with("=> ") && line != "=> 0");
    if failed || ran.stdout.lines().filter(|line| *line == "=> 0").count() != commands.len() {
        return Err(format!("{ran}").into());
    }
    Ok(ran.stdout)
}

/// Two DataNodes of Kerbox hold the replicas of Hadoop's NameNode. One dies, and the NameNode has
/// what it held copied to a third; then the file is deleted.
fn serves(
    reference: &Reference,
    datanode: &dyn Fn() -> DatanodeDaemonBuilder,
    configure: &dyn Fn(&mut std::process::Command),
) -> TestResult {
    let first = datanode().start_blocking()?;
    let second = datanode().start_blocking()?;
    let local = tempfile::NamedTempFile::new()?;
    let text = "a line of the file\n".repeat(10_000);
    std::fs::write(local.path(), &text)?;
    let local = local.path().display().to_string();
    let twice = format!("{text}{text}");
    let written = shell(
        &reference.conf(),
        configure,
        &[
            &["-put", &local, "/user/hdfs-f"],
            &["-appendToFile", &local, "/user/hdfs-f"],
            &["-cat", "/user/hdfs-f"],
        ],
    )?;
    assert!(written.contains(&twice), "it came back changed");
    for node in [&first, &second] {
        let journal = node.journal();
        assert_eq!(journal.count(has_written), 2, "{}", journal.last(40));
    }
    is_reached_by_web(reference, configure, &local, &twice)?;
    drop(first);
    let third = datanode().start_blocking()?;
    second.journal().wait_blocking(has_copied, PATIENCE)?;
    third.journal().wait_blocking(has_written, PATIENCE)?;
    drop(second);
    let commands: [&[&str]; 2] = [
        &["-cat", "/user/hdfs-f"],
        &["-rm", "-skipTrash", "/user/hdfs-f"],
    ];
    let read = shell(&reference.conf(), configure, &commands)?;
    assert!(read.contains(&twice), "it came back changed");
    Ok(())
}

fn has_written(event: &Event) -> bool {
    matches!(
        event,
        Event::WriteBlock {
            outcome: Outcome::Ok,
            ..
        }
    )
}

fn has_copied(event: &Event) -> bool {
    matches!(
        event,
        Event::DataTransfer {
            operation: Operation::ReplicateBlock,
            outcome: Outcome::Ok,
            ..
        }
    )
}

/// The NameNode sends clients of WebHDFS to the HTTP ports that it has learnt. They read the file,
/// and write another one of twice the local file.
fn is_reached_by_web(
    reference: &Reference,
    configure: &dyn Fn(&mut std::process::Command),
    local: &str,
    twice: &str,
) -> TestResult {
    let web = format!("{}/user/hdfs-f", reference.webhdfs_url());
    let new = format!("{}/user/hdfs-w", reference.webhdfs_url());
    let commands: [&[&str]; 4] = [
        &["-cat", &web],
        &["-put", local, &new],
        &["-appendToFile", local, &new],
        &["-cat", &new],
    ];
    let by_web = shell(&reference.conf(), configure, &commands)?;
    assert_eq!(by_web.matches(twice).count(), 2, "it came back changed");
    Ok(())
}

/// The keys by which Hadoop's NameNode soon notices that a DataNode is dead.
const SOON: [&str; 5] = [
    "datanodes=0",
    "dfs.replication=2",
    "dfs.heartbeat.interval=1",
    "dfs.namenode.heartbeat.recheck-interval=1000",
    "dfs.namenode.redundancy.interval.seconds=1",
];

fn our_datanodes_serve_hadoops_namenode() -> TestResult {
    let reference = Reference::start(&SOON, |command| {
        command.env("HADOOP_USER_NAME", "hdfs");
    })?;
    let datanode = || DatanodeDaemon::of(reference.address()).set("dfs.heartbeat.interval", "1");
    serves(&reference, &datanode, &|java| {
        java.env("HADOOP_USER_NAME", "hdfs");
    })
}

fn our_datanodes_serve_hadoops_namenode_with_kerberos() -> TestResult {
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
    let mut arguments = vec!["secure=true", "kdc=external", "protection=privacy"];
    arguments.extend(SOON);
    let reference = Reference::start(&arguments, |command| {
        command
            .envs(environment.iter())
            .env("KEYTABS", keytabs.path());
    })?;
    let principal = realm.principal("hdfs/localhost")?;
    let keytab = keytabs.path().join("hdfs.keytab");
    let datanode = || {
        DatanodeDaemon::of(reference.address())
            .kerberos(principal.clone(), &keytab, realm.kdc_address())
            .set("dfs.heartbeat.interval", "1")
            .set("hadoop.security.authentication", "kerberos")
            .set("hadoop.rpc.protection", "privacy")
            .set("dfs.data.transfer.protection", "privacy")
            .set("dfs.block.access.token.enable", "true")
            .set("dfs.namenode.kerberos.principal", principal.to_string())
            .set("dfs.datanode.kerberos.principal", principal.to_string())
            .set(
                "hadoop.security.auth_to_local",
                "RULE:[2:$1@$0](hdfs@EXAMPLE.COM)s/.*/hdfs/\nDEFAULT",
            )
    };
    let login = realm.login_blocking("hdfs")?;
    serves(&reference, &datanode, &|java| {
        java.envs(login.env().iter());
        let krb5 = login
            .env()
            .get("KRB5_CONFIG")
            .unwrap_or_default()
            .to_owned();
        java.env(
            "JDK_JAVA_OPTIONS",
            format!("-Djava.security.krb5.conf={}", krb5.display()),
        );
        java.env("HADOOP_CONF_DIR", reference.conf());
    })
}
