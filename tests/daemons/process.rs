//! `kerbox datanode` beside `kerbox up --datanodes 0`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::under_hadoop::shell;
use crate::support::{Peer, TestResult, kerbox_program, trials};

trials! {
    [Peer::KerboxProgram, Peer::JavaHadoop] =>
        a_datanode_in_a_process_of_its_own_serves_a_secure_namenode;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A running `kerbox`, which ends with this value, and its ready line.
pub(super) struct Kerbox {
    child: Child,
    ready: Value,
}

impl Kerbox {
    pub(super) fn start(words: &[&str]) -> Result<Self, Error> {
        let mut child = Command::new(kerbox_program())
            .args(words)
            .args(["--json", "--exit-on-stdin-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("a pipe")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready = serde_json::from_str(&line);
        let ready = ready.map_err(|error| format!("{words:?} said {line:?}: {error}"))?;
        Ok(Self { child, ready })
    }

    /// Kills it by SIGKILL.
    pub(super) fn kill(mut self) -> TestResult {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Returns a text of the ready line.
    pub(super) fn text(&self, pointer: &str) -> Result<&str, Error> {
        let text = self.ready.pointer(pointer).and_then(Value::as_str);
        text.ok_or_else(|| format!("no {pointer} in {}", self.ready).into())
    }

    /// Returns the port of an address of the ready line.
    pub(super) fn port(&self, pointer: &str) -> Result<&str, Error> {
        let address = self.text(pointer)?;
        let port = address.rsplit_once(':').map(|(_, port)| port);
        port.ok_or_else(|| format!("no port in {address}").into())
    }
}

impl Drop for Kerbox {
    fn drop(&mut self) {
        // It ends when its standard input is closed.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Hadoop's client writes and reads through DataNodes that are other processes than the NameNode:
/// their data ports, and for WebHDFS their HTTP ports.
fn a_datanode_in_a_process_of_its_own_serves_a_secure_namenode() -> TestResult {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("sandbox").display().to_string();
    let privacy = ["--protection", "privacy"];
    let ports = ["--kdc-port", "0", "--namenode-port", "0"];
    let up = [
        &["up", "--datanodes", "0", "--dir", &dir][..],
        &privacy,
        &ports,
    ]
    .concat();
    let sandbox = Kerbox::start(&up)?;
    let keytab = format!("{dir}/keytabs/dn.service.keytab");
    let (kdc, namenode) = (
        sandbox.port("/endpoints/kdc")?,
        sandbox.port("/endpoints/namenode")?,
    );
    let words = ["datanode", "--keytab", &keytab, "--kdc-port", kdc];
    let words = [&words[..], &["--namenode-port", namenode], &privacy].concat();
    let (first, second) = (Kerbox::start(&words)?, Kerbox::start(&words)?);
    assert_ne!(
        first.text("/endpoints/datanodes/0")?,
        second.text("/endpoints/datanodes/0")?
    );
    let local = folder.path().join("local");
    let text = "a line of the file\n".repeat(10_000);
    std::fs::write(&local, &text)?;
    let local = local.display().to_string();
    let login = [
        "login",
        "alice@EXAMPLE.COM",
        &format!("{dir}/keytabs/alice.keytab"),
    ]
    .map(str::to_owned);
    let login: Vec<&str> = login.iter().map(String::as_str).collect();
    let conf = format!("{dir}/hadoop");
    let configure = |java: &mut Command| {
        java.env(
            "JDK_JAVA_OPTIONS",
            format!("-Djava.security.krb5.conf={dir}/krb5.conf"),
        );
    };
    let put = ["-D", "dfs.replication=2", "-put", &local, "/user/alice/f"];
    let commands: [&[&str]; 3] = [&login, &put, &["-cat", "/user/alice/f"]];
    let printed = shell(Path::new(&conf), configure, &commands)?;
    assert!(printed.contains(&text), "it came back changed");
    let web = sandbox.port("/endpoints/webhdfs")?;
    let web = format!("webhdfs://localhost:{web}/user/alice/w");
    let commands: [&[&str]; 5] = [
        &login,
        &["-put", &local, &web],
        &["-appendToFile", &local, &web],
        &["-cat", &web],
        &["-checksum", &web],
    ];
    let printed = shell(Path::new(&conf), configure, &commands)?;
    let twice = format!("{text}{text}");
    assert!(printed.contains(&twice), "it came back changed");
    assert!(printed.contains("MD5-of-0MD5-of-512CRC32C"), "{printed}");
    drop(first);
    let commands: [&[&str]; 2] = [&login, &["-cat", "/user/alice/f"]];
    let printed = shell(Path::new(&conf), configure, &commands)?;
    assert!(printed.contains(&text), "it came back changed");
    Ok(())
}
