//! The Java client of Hadoop 2.10, which does what that of 3.4 does.

use kerbox::{ClientEnv, Cluster, Protection};

use super::java_hadoop::{class_path_of, commands_to, java_program};
use crate::support::{Peer, TestResult, command, hadoop_jars, peer_source, peers_dir, run, trials};

trials! {
    [Peer::JavaHadoop2, Peer::Curl] =>
        the_contract_holds_over_hdfs,
        the_contract_holds_over_swebhdfs;
    [Peer::JavaHadoop2, Peer::Curl, Peer::Mit] =>
        the_contract_holds_over_hdfs_with_privacy,
        the_contract_holds_over_webhdfs_with_spnego;
    [Peer::JavaHadoop, Peer::Curl] =>
        the_contract_is_that_of_the_newer_client;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What JDK 17 keeps from this release, which asks the JDK's own classes for the realm.
const OPEN: [&str; 3] = [
    "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
];

/// Returns the arguments with which `java` runs the shell of Hadoop 2.10.
fn older_shell(env: &ClientEnv) -> Result<Vec<String>, Error> {
    let krb5 = env.get("KRB5_CONFIG");
    let krb5 = krb5.map(|path| format!("-Djava.security.krb5.conf={}", path.to_string_lossy()));
    let path = class_path_of(env, &[peers_dir().join("hadoop-2.10")])?;
    let mut words: Vec<String> = OPEN.map(str::to_owned).into();
    words.extend(["-Dpeers.level=ERROR", "-XX:TieredStopAtLevel=1"].map(str::to_owned));
    words.extend(krb5);
    words.extend(["-cp".to_owned(), path]);
    words.push(peer_source("FsShells.java").display().to_string());
    Ok(words)
}

/// Lets `/data` have snapshots, which the shell cannot.
fn allow_snapshots(cluster: &Cluster, env: &ClientEnv) -> TestResult {
    let url = format!("{}/webhdfs/v1/data?user.name=hdfs&op=", cluster.web_url());
    let put = [
        "-s",
        "-S",
        "-k",
        "-f",
        "--negotiate",
        "-u",
        ":",
        "-X",
        "PUT",
    ];
    for op in ["MKDIRS", "ALLOWSNAPSHOT"] {
        let url = format!("{url}{op}");
        run(&mut command(env, "curl", &[&put[..], &[&url]].concat()), "")?.ok()?;
    }
    Ok(())
}

fn contract(cluster: &Cluster, env: &ClientEnv, shell: &[String], fs: &str) -> TestResult {
    allow_snapshots(cluster, env)?;
    let text: String = (0..30_000).map(|i| format!("line {i}\n")).collect();
    let local = cluster.path().join("local");
    std::fs::write(&local, &text)?;
    let local = local.display().to_string();
    let commands: &[&[&str]] = &[
        &["-mkdir", "-p", "/data/a b"],
        &["-put", &local, "/data/f"],
        &["-cat", "/data/f"],
        &["-checksum", "/data/f"],
        &["-chmod", "640", "/data/f"],
        &["-chown", "alice:analysts", "/data/f"],
        &["-setfacl", "-m", "user:bob:r--", "/data/f"],
        &["-getfacl", "/data/f"],
        &["-setfattr", "-n", "user.k", "-v", "v", "/data/f"],
        &["-getfattr", "-d", "/data/f"],
        &["-createSnapshot", "/data", "s1"],
        &["-appendToFile", &local, "/data/f"],
        &["-cat", "/data/.snapshot/s1/f"],
        &["-renameSnapshot", "/data", "s1", "s2"],
        &["-ls", "/data/.snapshot"],
        &["-deleteSnapshot", "/data", "s2"],
        &["-setrep", "1", "/data/f"],
        &["-mv", "/data/f", "/data/a b/g"],
        &["-ls", "-R", "/data"],
        &["-count", "-q", "/data"],
        &["-truncate", "-w", "70", "/data/a b/g"],
        &["-cat", "/data/a b/g"],
        &["-rm", "-R", "-skipTrash", "/data/a b"],
        &["-ls", "/data"],
        &["-ls", "/no"],
    ];
    let with_fs: Vec<Vec<&str>> = commands
        .iter()
        .map(|words| [&["-fs", fs], *words].concat())
        .collect();
    let with_fs: Vec<&[&str]> = with_fs.iter().map(Vec::as_slice).collect();
    let (answers, stderr) = commands_to(env, shell, &with_fs)?;
    let last = commands.len() - 1;
    for (number, ((status, said), words)) in answers.iter().zip(commands).enumerate() {
        let wanted = i32::from(number == last);
        if *status != wanted {
            return Err(format!("{words:?} ended with {status}: {said}{stderr}").into());
        }
    }
    let said = |number: usize| answers[number].1.as_str();
    assert!(said(2) == text, "the file came back changed");
    assert!(said(3).contains("512CRC32C"), "{}", said(3));
    assert!(said(7).contains("user:bob:r--"), "{}", said(7));
    assert!(said(9).contains("user.k=\"v\""), "{}", said(9));
    assert!(said(12) == text, "the snapshot's file came back changed");
    assert!(said(14).contains("/data/.snapshot/s2"), "{}", said(14));
    let length = (2 * text.len()).to_string();
    assert!(said(18).contains(&length), "{}", said(18));
    assert!(said(18).contains("-rw-r-----+"), "{}", said(18));
    assert_eq!(said(21), &text[..70]);
    assert_eq!(said(23), "");
    assert!(
        stderr.contains("`/no': No such file or directory"),
        "{stderr}"
    );
    Ok(())
}

fn the_contract_holds_over_hdfs() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let env = cluster.env_of("hdfs");
    contract(&cluster, &env, &older_shell(&env)?, &cluster.url())
}

fn the_contract_holds_over_hdfs_with_privacy() -> TestResult {
    let cluster = Cluster::secure().datanodes(2);
    let cluster = cluster.protection(Protection::Privacy).start_blocking()?;
    let env = cluster.login_blocking("hdfs")?.env();
    contract(&cluster, &env, &older_shell(&env)?, &cluster.url())
}

fn the_contract_holds_over_webhdfs_with_spnego() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).start_blocking()?;
    let env = cluster.login_blocking("hdfs")?.env();
    contract(&cluster, &env, &older_shell(&env)?, &cluster.webhdfs_url())
}

fn the_contract_holds_over_swebhdfs() -> TestResult {
    let cluster = Cluster::simple().datanodes(2);
    let cluster = cluster
        .set("dfs.http.policy", "HTTPS_ONLY")
        .start_blocking()?;
    let env = cluster.env_of("hdfs");
    contract(&cluster, &env, &older_shell(&env)?, &cluster.webhdfs_url())
}

fn the_contract_is_that_of_the_newer_client() -> TestResult {
    assert!(hadoop_jars().exists());
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let env = cluster.env_of("hdfs");
    let shell = java_program(&env, "FsShells.java")?;
    contract(&cluster, &env, &shell, &cluster.url())
}
