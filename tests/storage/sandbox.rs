//! `kerbox up --data-dir`, killed and started again, as real clients see it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kerbox::ClientEnv;
use serde_json::Value;

use super::Error;
use crate::clients::java_hadoop::java_commands;
use crate::support::{TestResult, Text, command, kerbox_program, run};

/// A running `kerbox up`.
struct Sandbox {
    child: Child,
    dir: PathBuf,
    ready: Value,
}

impl Sandbox {
    /// Starts it with the data in `place`, and its NameNode on a port, or on any by 0.
    fn start(place: &Path, namenode_port: &str) -> Result<Self, Error> {
        let dir = place.join("files");
        let mut child = Command::new(kerbox_program())
            .args(["up", "--kdc-port", "0", "--namenode-port", namenode_port])
            .args(["--datanodes", "1", "-D", "dfs.replication=1"])
            .args(["--exit-on-stdin-eof", "--data-dir"])
            .arg(place.join("data"))
            .arg("--dir")
            .arg(&dir)
            .env("TMPDIR", place)
            .env_remove("KERBOX_KEEP")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).map_err(|_| format!("not ready: {line:?}"))?;
        Ok(Self { child, dir, ready })
    }

    fn namenode_port(&self) -> Result<String, Error> {
        let url = self.ready["endpoints"]["namenode"].as_str();
        let port = url.and_then(|url| url.rsplit(':').next());
        Ok(port.ok_or("no NameNode")?.to_owned())
    }

    /// Runs `kerbox` for this sandbox.
    fn kerbox(&self, arguments: &[&str]) -> Text {
        let mut command = Command::new(kerbox_program());
        run(command.args(arguments).env("KERBOX_DIR", &self.dir), "")?.ok()
    }

    /// Returns an environment of programs in the sandbox's time, with a cache of this name.
    fn env(&self, cache: &str) -> Result<ClientEnv, Error> {
        let variables = self.kerbox(&["env", "--clock", "--shell", "json"])?;
        let variables: Value = serde_json::from_str(&variables)?;
        let variables = variables.as_object().ok_or("no variables")?.iter();
        let env = variables.fold(ClientEnv::default(), |env, (name, value)| {
            env.with(name, value.as_str().unwrap_or_default())
        });
        let cache = self.dir.join("ccache").join(cache);
        Ok(env.with("KRB5CCNAME", format!("FILE:{}", cache.display())))
    }

    /// Kills it by SIGKILL.
    fn kill(mut self) -> TestResult {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

/// Returns the time that the last line of a `kerbox clock` prints.
fn time(printed: &str) -> String {
    let line = printed.lines().last().unwrap_or_default();
    line.chars().take("2026-11-29T00:00:00".len()).collect()
}

/// Runs Hadoop's commands as the holder of the cache.
fn java(env: &ClientEnv, commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    let (answers, stderr) = java_commands(env, "Tokens.java", commands)?;
    let mut texts = Vec::new();
    for ((status, text), command) in answers.into_iter().zip(commands) {
        if status != 0 {
            return Err(format!("{command:?} ended with {status}: {text}{stderr}").into());
        }
        texts.push(text);
    }
    Ok(texts)
}

fn kinit(env: &ClientEnv, arguments: &[&str], input: &str) -> Text {
    run(&mut command(env, "kinit", arguments), input)?.ok()
}

/// A keytab, a changed password, a token and a file are as good after a kill as before, and the
/// clock has gone on.
pub(super) fn what_clients_have_survives_a_kill() -> TestResult {
    let place = tempfile::tempdir()?;
    let file = |name: &str| place.path().join(name).display().to_string();
    let (keytab, token, local) = (file("alice.keytab"), file("token"), file("local"));
    std::fs::write(&local, "kept\n")?;
    let by_keytab = ["-k", "-t", &keytab, "alice"];

    let first = Sandbox::start(place.path(), "0")?;
    let port = first.namenode_port()?;
    std::fs::copy(first.dir.join("keytabs/alice.keytab"), &keytab)?;
    let alice = first.env("alice")?;
    kinit(&alice, &by_keytab, "")?;
    let written: [&[&str]; 2] = [
        &["get", "alice", &token, "PROTOBUF"],
        &["-put", &local, "/user/alice/kept"],
    ];
    java(&alice, &written)?;
    let mut kpasswd = command(&first.env("bob")?, "kpasswd", &["bob"]);
    run(&mut kpasswd, "bob\nother-pw\nother-pw\n")?.ok()?;
    first.kerbox(&["principal", "add", "carol", "--password", "carols"])?;
    let left = time(&first.kerbox(&["clock", "advance", "9h"])?);
    first.kill()?;

    let second = Sandbox::start(place.path(), &port)?;
    let found = time(&second.kerbox(&["clock", "show"])?);
    assert!(found >= left, "{found} is before {left}");
    let alice = second.env("alice-again")?;
    kinit(&alice, &by_keytab, "")?;
    let read: [&[&str]; 2] = [&["renew", &token], &["-cat", "/user/alice/kept"]];
    assert_eq!(java(&alice, &read)?[1], "kept\n");
    let bob = second.env("bob-again")?;
    kinit(&bob, &["bob"], "other-pw\n")?;
    let refused = run(&mut command(&bob, "kinit", &["bob"]), "bob\n")?.refused()?;
    assert!(refused.contains("Password incorrect"), "{refused}");
    kinit(&second.env("carol")?, &["carol"], "carols\n")?;
    second.kill()
}
