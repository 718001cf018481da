//! WebHDFS clients that keep what has expired.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use kerbox::{Cluster, Login};

use super::conversation::Job;
use crate::support::{Peer, TestResult, Text, peer_source, python, trials};

trials! {
    [Peer::JavaHadoop] => bug_14_a_file_system_keeps_its_expired_token;
    [Peer::PythonWebHdfs] => bug_20_a_ticket_expires_under_spnego;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

const HOUR: Duration = Duration::from_secs(3600);

/// In the bug, an open WebHDFS file system went on with the token that it took first, although its
/// user had a new one. Hadoop 3.4's client looks for another, if the NameNode says in
/// Hadoop's words that the token has expired. `web/curl.rs` has a client that does not look.
fn bug_14_a_file_system_keeps_its_expired_token() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let realm = cluster.realm().ok_or("it is secure")?;
    let url = cluster.webhdfs_url();
    let over_http = format!("fs.defaultFS={url}");
    let env = cluster.env_under_clock()?;
    let mut alice = Job::start(&env, &[&over_http])?;
    let principal = realm.principal("alice")?.to_string();
    let keytab = realm.keytab("alice")?.display().to_string();
    let mut issue = |name: &str| -> Text {
        let file = cluster.path().join(name).display().to_string();
        alice.ask(&["login", &principal, &keytab])?.ok()?;
        alice.ask(&["get", "yarn", &file])?.ok()?;
        Ok(file)
    };
    let mut job = Job::start(&env, &[&over_http])?;
    job.ask(&["token", "alice", &issue("first")?])?.ok()?;
    job.ask(&["list-again", "/"])?.ok()?;
    cluster.advance_blocking(23 * HOUR)?;
    let second = issue("second")?;
    cluster.advance_blocking(HOUR + Duration::from_secs(1))?;
    let refused = job.ask(&["list-again", "/"])?.refused()?;
    assert!(
        refused.contains("SecretManager$InvalidToken") && refused.contains("has expired"),
        "{refused}"
    );
    assert_eq!(job.ask(&["more-tokens", &second])?.ok()?, "1");
    job.ask(&["list-again", "/"])?.ok()?;
    Ok(())
}

/// A service in Python that lists a directory whenever it is asked.
struct Service {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Service {
    fn start(login: &Login, url: &str) -> Result<Self, Error> {
        let mut child = login
            .command_under_clock(python())?
            .arg(peer_source("listings.py"))
            .arg(url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self {
            input: child.stdin.take().ok_or("no input")?,
            output: BufReader::new(child.stdout.take().ok_or("no output")?),
            child,
        })
    }

    fn list(&mut self) -> Text {
        self.input.write_all(b"\n")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nobody renews the ticket of a service: ten hours later GSSAPI refuses. `kinit` beside the
/// service is enough, since it looks into its cache for each exchange.
fn bug_20_a_ticket_expires_under_spnego() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let mut service = Service::start(&alice, &cluster.web_url())?;
    assert_eq!(service.list()?, "listed");
    cluster.advance_past_blocking(alice.ticket().end_time)?;
    let refused = service.list()?;
    assert!(
        refused.starts_with("refused") && refused.contains("Ticket expired"),
        "{refused}"
    );
    alice.login_again_blocking()?;
    assert_eq!(service.list()?, "listed");
    Ok(())
}
