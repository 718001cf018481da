//! Hadoop's Java client over `webhdfs://`.

use std::time::Duration;

use kerbox::{ClientEnv, Cluster, KeyKind};

use crate::clients::java_hadoop::java_commands;
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::JavaHadoop] =>
        fs_shell_works_over_webhdfs_without_security,
        fs_shell_works_over_webhdfs_with_spnego_and_tokens,
        fs_shell_works_over_swebhdfs_without_security,
        fs_shell_works_over_swebhdfs_with_spnego_and_tokens,
        certificates_from_a_pkcs12_store_are_trusted_until_they_end;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs FsShell commands on a file system; returns what each prints. All of them must succeed.
fn shells(env: &ClientEnv, fs: &str, commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    shells_with(env, &["-fs", fs], commands)
}

/// Runs FsShell commands with these options before each.
pub(super) fn shells_with(
    env: &ClientEnv,
    options: &[&str],
    commands: &[&[&str]],
) -> Result<Vec<String>, Error> {
    let with_fs: Vec<Vec<&str>> = commands
        .iter()
        .map(|words| [options, *words].concat())
        .collect();
    let with_fs: Vec<&[&str]> = with_fs.iter().map(Vec::as_slice).collect();
    let (answers, stderr) = java_commands(env, "FsShells.java", &with_fs)?;
    let mut texts = Vec::new();
    for ((status, text), command) in answers.into_iter().zip(commands) {
        if status != 0 {
            return Err(format!("{command:?} ended with {status}: {text}{stderr}").into());
        }
        texts.push(text);
    }
    Ok(texts)
}

fn workflow(cluster: &Cluster, env: &ClientEnv, url: &str) -> TestResult {
    let local = cluster.path().join("local");
    let text: String = (0..30_000).map(|i| format!("line {i}\n")).collect();
    std::fs::write(&local, &text)?;
    let local = local.display().to_string();
    let back = cluster.path().join("back").display().to_string();
    let answers = shells(
        env,
        url,
        &[
            &["-mkdir", "-p", "/data/a/b c"],
            &["-put", &local, "/data/a/f"],
            &["-cat", "/data/a/f"],
            &["-appendToFile", &local, "/data/a/f"],
            &["-chmod", "750", "/data/a"],
            &["-chown", "alice:analysts", "/data/a"],
            &["-setfacl", "-m", "user:bob:r-x", "/data/a"],
            &["-getfacl", "/data/a"],
            &["-setfattr", "-n", "user.k", "-v", "v", "/data/a/f"],
            &["-getfattr", "-d", "/data/a/f"],
            &["-setrep", "1", "/data/a/f"],
            &["-mv", "/data/a/f", "/data/a/b c/g"],
            &["-count", "-q", "/data"],
            &["-ls", "-R", "/data"],
            &["-get", "/data/a/b c/g", &back],
            &["-checksum", "/data/a/b c/g"],
            &["-truncate", "0", "/data/a/b c/g"],
            &["-rm", "-R", "-skipTrash", "/data/a"],
            &["-ls", "/data"],
        ],
    )?;
    assert!(answers[2] == text, "the file came back changed");
    assert!(answers[7].contains("user:bob:r-x"), "{}", answers[7]);
    assert!(answers[9].contains("user.k=\"v\""), "{}", answers[9]);
    let whole = text.clone() + &text;
    assert!(
        answers[13].contains(&format!("{} ", whole.len())),
        "{}",
        answers[13]
    );
    assert!(
        std::fs::read_to_string(&back)? == whole,
        "the file came back changed"
    );
    assert!(
        answers[15].contains("MD5-of-0MD5-of-512CRC32C"),
        "{}",
        answers[15]
    );
    assert_eq!(answers[18], "");
    Ok(())
}

fn fs_shell_works_over_webhdfs_without_security() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    workflow(&cluster, &cluster.env_of("hdfs"), &cluster.webhdfs_url())
}

fn fs_shell_works_over_webhdfs_with_spnego_and_tokens() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).start_blocking()?;
    let hdfs = cluster.login_blocking("hdfs")?;
    workflow(&cluster, &hdfs.env(), &cluster.webhdfs_url())
}

fn fs_shell_works_over_swebhdfs_without_security() -> TestResult {
    let cluster = Cluster::simple()
        .datanodes(2)
        .set("dfs.http.policy", "HTTP_AND_HTTPS")
        .start_blocking()?;
    let url = cluster.swebhdfs_url().ok_or("no HTTPS port")?;
    workflow(&cluster, &cluster.env_of("hdfs"), &url)
}

/// As Hadoop demands it of DataNodes without privileged ports.
fn fs_shell_works_over_swebhdfs_with_spnego_and_tokens() -> TestResult {
    let cluster = Cluster::secure()
        .datanodes(2)
        .set("dfs.http.policy", "HTTPS_ONLY")
        .set("ignore.secure.ports.for.testing", "false")
        .start_blocking()?;
    let hdfs = cluster.login_blocking("hdfs")?;
    workflow(&cluster, &hdfs.env(), &cluster.webhdfs_url())
}

fn certificates_from_a_pkcs12_store_are_trusted_until_they_end() -> TestResult {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let cluster = Cluster::simple()
        .set("dfs.http.policy", "HTTPS_ONLY")
        .set("ssl.client.truststore.type", "pkcs12")
        .certificate_lifetime(30 * DAY)
        .start_blocking()?;
    let env = cluster.env_under_clock()?.with("HADOOP_USER_NAME", "hdfs");
    let url = cluster.webhdfs_url();
    let list: &[&str] = &["-fs", &url, "-ls", "/"];
    cluster.advance_blocking(31 * DAY)?;
    let (answers, stderr) = java_commands(&env, "FsShells.java", &[list])?;
    assert_ne!(answers[0].0, 0, "{stderr}");
    let said = format!("{}{stderr}", answers[0].1);
    assert!(said.contains("validity check failed"), "{said}");
    cluster.roll_keys(&KeyKind::Certificates)?;
    let listed = shells(&env, &url, &[&["-ls", "/"]])?;
    assert!(listed[0].contains("/user"), "{}", listed[0]);
    Ok(())
}
