//! Programs in other languages under the fixture's clock: their wall clock is the fixture's,
//! whatever it shows, and a wait takes as long as it does without.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use kerbox::{Clock, Cluster, NewPrincipal, Realm, Timestamp};

use crate::clients::java_hadoop::java_commands;
use crate::clients::jdk::Jdk;
use crate::support::{Peer, TestResult, Text, command, peer_source, peers_dir, run, trials};

trials! {
    [Peer::Cxx] => every_wait_of_glibc_and_cxx;
    [Peer::Jdk17] => every_wait_of_jdk_17;
    [Peer::NewestJdk] => every_wait_of_the_newest_jdk;
    [Peer::Python] => every_wait_of_python;
    [Peer::Go] => every_wait_of_go, a_program_that_runs_sees_the_clock_move;
    [Peer::Mit] => mit_moves_once;
    [Peer::JavaHadoop] => java_hadoop_lists_ten_hours_later;
    [Peer::GoHdfs, Peer::Mit] => go_hdfs_lists_ten_hours_later;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Realms whose clocks run ahead, run behind, or are frozen: before 2001, when Unix time had one
/// digit fewer, in 2030, and in the next century.
fn worlds() -> Result<Vec<Realm>, Error> {
    let hours = |count| Duration::from_hours(count);
    let ahead = Realm::start_blocking()?;
    ahead.advance_blocking(hours(10))?;
    let behind = Realm::start_blocking()?;
    behind.jump_blocking(behind.clock().now() - hours(10))?;
    let mut worlds = vec![ahead, behind];
    for year in [
        "1995-06-01T00:00:00Z",
        "2030-01-01T00:00:00Z",
        "2104-12-31T00:00:00Z",
    ] {
        let at = Timestamp::from_secs(seconds(year)?);
        worlds.push(Realm::builder().clock(Clock::frozen(at)).start_blocking()?);
    }
    Ok(worlds)
}

/// Seconds since 1970, computed by `date`.
fn seconds(time: &str) -> Result<i64, Error> {
    let output = Command::new("date").args(["-d", time, "+%s"]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Compiles a source of `tests/peers/clock`; returns the temporary folder and the program in it.
fn compiled(compiler: &[&str], source: &str) -> Result<(tempfile::TempDir, PathBuf), Error> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("waits");
    let [compiler, arguments @ ..] = compiler else {
        return Err("no compiler".into());
    };
    let mut command = Command::new(compiler);
    command.args(arguments).arg("-o").arg(&program);
    text(&command.arg(peer_source("clock").join(source)).output()?)?;
    Ok((folder, program))
}

fn text(output: &Output) -> Text {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {text}{errors}", output.status).into())
}

/// Runs the program in each world and checks its lines: `now SECONDS`, and at least `waits` lines
/// `NAME MILLISECONDS`, each a wait of 300 ms.
fn check(program: &Path, arguments: &[&str], waits: usize) -> TestResult {
    for realm in worlds()? {
        let before = realm.clock().now();
        let mut command = realm.command_under_clock(program)?;
        command.args(arguments);
        if realm.clock().is_frozen() {
            command.arg("--standing");
        }
        let output = text(&command.output()?)?;
        let after = realm.clock().now();
        let mut seen = 0;
        for line in output.lines() {
            let (name, number) = line.rsplit_once(' ').ok_or("a name and a number")?;
            let number: i64 = number.parse()?;
            if name == "now" {
                let possible = before.as_secs()..=after.as_secs();
                assert!(
                    possible.contains(&number),
                    "{number} is not in {possible:?}"
                );
            } else {
                // If a wait passes the kernel a time of the wrong clock, it ends at once or hours
                // later; on a busy machine it only takes a little longer.
                assert!((290..20_000).contains(&number), "at {before}: {line} ms");
                seen += 1;
            }
        }
        assert!(seen >= waits, "{output}");
    }
    Ok(())
}

fn every_wait_of_glibc_and_cxx() -> TestResult {
    let (_folder, program) = compiled(&["c++", "-std=c++20"], "waits.cpp")?;
    // There are 32 with message queues, which a container may lack.
    check(&program, &[], 30)
}

fn java(jdk: Jdk) -> TestResult {
    let java = jdk.java().ok_or("it was here before")?;
    let source = peer_source("clock").join("Waits.java");
    check(
        &java,
        &["-XX:TieredStopAtLevel=1", &source.to_string_lossy()],
        8,
    )
}

fn every_wait_of_jdk_17() -> TestResult {
    java(Jdk::V17)
}

fn every_wait_of_the_newest_jdk() -> TestResult {
    java(Jdk::Newest)
}

fn every_wait_of_python() -> TestResult {
    let source = peer_source("clock").join("waits.py");
    check(Path::new("python3"), &[&source.to_string_lossy()], 7)
}

fn every_wait_of_go() -> TestResult {
    let (_folder, program) = compiled(&["go", "build"], "waits.go")?;
    check(&program, &[], 4)
}

/// Programs that print the wall clock for each line of their input.
fn a_program_that_runs_sees_the_clock_move() -> TestResult {
    let (_folder, go) = compiled(&["go", "build"], "ticks.go")?;
    let realm = Realm::start_blocking()?;
    let python = "import sys, time\nfor _ in sys.stdin: print(int(time.time()), flush=True)";
    let mut on_glibc = realm.command_under_clock("python3")?;
    on_glibc.args(["-c", python]);
    for mut command in [on_glibc, realm.command_under_clock(&go)?] {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().ok_or("no input")?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut now = || -> Result<i64, Error> {
            input.write_all(b"\n")?;
            let mut line = String::new();
            output.read_line(&mut line)?;
            Ok(line.trim().parse()?)
        };
        let before = now()?;
        realm.advance_blocking(Duration::from_hours(24))?;
        let after = now()?;
        drop(input);
        child.wait()?;
        let moved = after - before;
        assert!((86_400..86_500).contains(&moved), "{before}, then {after}");
    }
    Ok(())
}

/// Both the offset in the credential cache and the clock could move MIT's library; only one may.
fn mit_moves_once() -> TestResult {
    let realm = Realm::start_blocking()?;
    realm.add_principal(NewPrincipal::new("host/a.example.com"))?;
    let alice = realm.login_blocking("alice")?;
    let env = || alice.env_under_clock();
    realm.advance_blocking(Duration::from_hours(6))?;
    let kvno = |env| run(&mut command(&env, "kvno", &["host/a.example.com"]), "");
    let ran = kvno(env()?)?;
    assert!(ran.status.success(), "{ran}");
    realm.advance_blocking(Duration::from_hours(5))?;
    let ran = kvno(env()?)?;
    assert!(ran.stderr.contains("Ticket expired"), "{ran}");
    let ran = run(&mut command(&env()?, "kinit", &["alice"]), "alice\n")?;
    assert!(ran.status.success(), "{ran}");
    let ran = kvno(env()?)?;
    assert!(ran.status.success(), "{ran}");
    Ok(())
}

/// A JVM that only knows the system's clock says "Clock skew too great (37)" here.
fn java_hadoop_lists_ten_hours_later() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    cluster.advance_blocking(Duration::from_hours(10))?;
    let alice = cluster.login_blocking("alice")?;
    let url = cluster.url();
    let list = |env| java_commands(&env, "FsShells.java", &[&["-ls", &url]]);
    let (answers, stderr) = list(alice.env_under_clock()?)?;
    assert_eq!(answers[0].0, 0, "{stderr}");
    let (answers, stderr) = list(alice.env())?;
    assert_ne!(
        answers[0].0, 0,
        "the system's clock is ten hours behind: {stderr}"
    );
    // Past the ticket's end, Java refuses without asking a server.
    cluster.advance_blocking(Duration::from_hours(11))?;
    let (answers, stderr) = list(alice.env_under_clock()?)?;
    assert_ne!(answers[0].0, 0, "the ticket has ended: {stderr}");
    alice.login_again_blocking()?;
    let (answers, stderr) = list(alice.env_under_clock()?)?;
    assert_eq!(answers[0].0, 0, "{stderr}");
    Ok(())
}

fn go_hdfs_lists_ten_hours_later() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let go_hdfs = peers_dir().join("bin/hdfs-go");
    for _ in 0..2 {
        cluster.advance_blocking(Duration::from_hours(11))?;
        let alice = cluster.login_blocking("alice")?;
        let mut list = alice.command_under_clock(&go_hdfs)?;
        let ran = run(list.args(["ls", "/user"]), "")?;
        assert!(ran.stdout.contains("alice"), "{ran}");
    }
    Ok(())
}
