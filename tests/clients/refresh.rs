//! The `-refresh` commands of `hdfs dfsadmin`, as Hadoop's Java client sends them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use kerbox::{ClientEnv, Cluster};

use super::java_hadoop::{Answer, java_commands};
use crate::support::{Peer, TestResult, kerbox_program, trials};

trials! {
    [Peer::JavaHadoop] =>
        groups_are_read_again,
        proxy_users_are_read_again,
        lists_of_services_are_read_again;
    [Peer::JavaHadoop, Peer::KerboxProgram] =>
        a_sandbox_reads_its_file_again;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs commands of "Admin.java", written with single spaces between the words.
fn run(cluster: &Cluster, commands: &[&str]) -> Result<Vec<Answer>, Error> {
    run_in(&cluster.env_of("hdfs"), commands)
}

fn run_in(env: &ClientEnv, commands: &[&str]) -> Result<Vec<Answer>, Error> {
    let words: Vec<Vec<&str>> = commands.iter().map(|it| it.split(' ').collect()).collect();
    let words: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
    Ok(java_commands(env, "Admin.java", &words)?.0)
}

fn succeeded(answers: &[Answer]) -> Vec<bool> {
    answers.iter().map(|(status, _)| *status == 0).collect()
}

/// A user who joins a group gets its permissions once the mapping was read again; the groups of the
/// operating system count only if they are asked for.
fn groups_are_read_again() -> TestResult {
    let cluster = Cluster::simple()
        .hdfs_directory("/staff", "hdfs", "staff", 0o750)
        .hdfs_directory("/root", "hdfs", "root", 0o750)
        .start_blocking()?;
    let key = "hadoop.user.group.static.mapping.overrides";
    cluster.set_hadoop_key(key, "alice=staff")?;
    let answers = run(
        &cluster,
        &[
            "as alice fs -ls /staff",
            "dfsadmin -refreshUserToGroupsMappings",
            "as alice fs -ls /staff",
            // Every machine has this user, in the group of the same name.
            "as root fs -ls /root",
        ],
    )?;
    assert_eq!(
        succeeded(&answers),
        [false, true, true, false],
        "{answers:?}"
    );
    let mapping = "org.apache.hadoop.security.ShellBasedUnixGroupsMapping";
    cluster.set_hadoop_key("hadoop.security.group.mapping", mapping)?;
    let answers = run(
        &cluster,
        &[
            "dfsadmin -refreshUserToGroupsMappings",
            "as root fs -ls /root",
            "as alice fs -ls /staff",
            "as alice fs -ls /root",
        ],
    )?;
    assert_eq!(
        succeeded(&answers),
        [true, true, true, false],
        "{answers:?}"
    );
    let ldap = "org.apache.hadoop.security.LdapGroupsMapping";
    let refused = cluster.set_hadoop_key("hadoop.security.group.mapping", ldap);
    let refused = refused.expect_err("there is no LDAP").to_string();
    assert!(refused.contains("LDAP"), "{refused}");
    Ok(())
}

/// A proxy user is known by its name and by where it calls from: an address, a range, or a name.
fn proxy_users_are_read_again() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let list = "as oozie/alice fs -ls /user/alice";
    let (status, text) = run(&cluster, &[list])?.remove(0);
    assert!(
        status != 0 && text.contains("User: oozie is not allowed to impersonate alice"),
        "{text}"
    );
    cluster.set_hadoop_key("hadoop.proxyuser.oozie.users", "alice")?;
    for (hosts, allowed) in [
        ("10.0.0.0/8,no.such.host.invalid", false),
        ("10.0.0.0/8,127.0.0.0/8", true),
        ("localhost", true),
    ] {
        cluster.set_hadoop_key("hadoop.proxyuser.oozie.hosts", hosts)?;
        let refresh = "dfsadmin -refreshSuperUserGroupsConfiguration";
        let answers = run(&cluster, &[refresh, list])?;
        assert_eq!(succeeded(&answers), [true, allowed], "{hosts}: {answers:?}");
        let refusal = "Unauthorized connection for super-user: oozie from IP 127.0.0.1";
        assert!(allowed || answers[1].1.contains(refusal), "{answers:?}");
    }
    Ok(())
}

fn lists_of_services_are_read_again() -> TestResult {
    let off = Cluster::simple().start_blocking()?;
    let (status, text) = run(&off, &["dfsadmin -refreshServiceAcl"])?.remove(0);
    assert!(
        status != 0 && text.contains("Service Level Authorization not enabled!"),
        "{text}"
    );
    let cluster = Cluster::simple()
        .set("hadoop.security.authorization", "true")
        .start_blocking()?;
    cluster.set_hadoop_key("security.client.protocol.acl", "hdfs,bob")?;
    let answers = run(
        &cluster,
        &[
            "as alice fs -ls /",
            "dfsadmin -refreshServiceAcl",
            "as bob fs -ls /",
            "dfsadmin -refreshCallQueue",
        ],
    )?;
    assert_eq!(succeeded(&answers), [true; 4], "{answers:?}");
    // On another connection: those that are open stay.
    let (status, text) = run(&cluster, &["as alice fs -ls /"])?.remove(0);
    let refusal = "User alice (auth:SIMPLE) is not authorized for protocol interface \
                   org.apache.hadoop.hdfs.protocol.ClientProtocol: denied by configured ACL";
    assert!(status != 0 && text.contains(refusal), "{text}");
    Ok(())
}

fn a_sandbox_reads_its_file_again() -> TestResult {
    let place = tempfile::tempdir()?;
    let (file, dir) = (place.path().join("k.toml"), place.path().join("files"));
    let text = |members: &str| {
        let directory = "path = \"/staff\"\ngroup = \"staff\"\nmode = \"750\"";
        format!("[hdfs.groups]\nstaff = [{members}]\n[[hdfs.directory]]\n{directory}\n")
    };
    fs::write(&file, text("\"alice\""))?;
    let mut sandbox = Command::new(kerbox_program())
        .args(["up", "--simple", "--namenode-port", "0", "--datanodes", "0"])
        .args(["--exit-on-stdin-eof", "--dir"])
        .arg(&dir)
        .arg("--config")
        .arg(&file)
        .env("TMPDIR", place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ready = String::new();
    let stdout = sandbox.stdout.take().ok_or("no standard output")?;
    BufReader::new(stdout).read_line(&mut ready)?;
    let env = ClientEnv::default()
        .with("HADOOP_CONF_DIR", dir.join("hadoop"))
        .with("HADOOP_USER_NAME", "hdfs");
    let list = ["as alice fs -ls /staff", "as bob fs -ls /staff"];
    let before = run_in(&env, &list)?;
    fs::write(&file, text("\"bob\""))?;
    let refresh = ["dfsadmin -refreshUserToGroupsMappings", list[0], list[1]];
    let after = run_in(&env, &refresh)?;
    fs::write(&file, "[hdfs]\ngruops = {}\n")?;
    let (status, text) = run_in(&env, &refresh[..1])?.remove(0);
    drop(sandbox.stdin.take());
    sandbox.wait()?;
    assert_eq!(succeeded(&before), [true, false], "{ready} {before:?}");
    assert_eq!(succeeded(&after), [true, false, true], "{after:?}");
    assert!(status != 0 && text.contains("gruops"), "{text}");
    Ok(())
}
