//! Programs in other languages under the fixture's clock: their wall clock is the fixture's,
//! whatever it shows, a wait takes as long as it does without, and ends when the fixture advances
//! past it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use kerbox::{Clock, Cluster, NewPrincipal, Realm, Steps, Timestamp};

use crate::clients::java_hadoop::{class_path, java_commands};
use crate::clients::jdk::Jdk;
use crate::support::{Peer, TestResult, Text, command, peer_source, peers_dir, run, trials};

trials! {
    [Peer::Cxx] => every_wait_of_glibc_and_cxx, advance_ends_every_wait_of_glibc_and_cxx;
    [Peer::Jdk17] =>
        every_wait_of_jdk_17, advance_ends_every_wait_of_jdk_17, eight_days_of_a_schedule_in_jdk_17;
    [Peer::NewestJdk] =>
        every_wait_of_the_newest_jdk, advance_ends_every_wait_of_the_newest_jdk,
        eight_days_of_a_schedule_in_the_newest_jdk;
    [Peer::Python] =>
        every_wait_of_python, advance_ends_every_wait_of_python, a_busy_program_is_named,
        a_jump_ends_waits_for_a_moment_alone;
    [Peer::Go] =>
        every_wait_of_go, advance_ends_every_wait_of_go, a_program_that_runs_sees_the_clock_move,
        eight_days_of_a_schedule_in_go, a_shell_and_the_go_program_in_it;
    [Peer::JavaHadoop] => a_facade_refreshes_for_eight_days;
    [Peer::Mit] => mit_moves_once;
    [Peer::JavaHadoop] => java_hadoop_lists_ten_hours_later;
    [Peer::GoHdfs, Peer::Mit] => go_hdfs_lists_ten_hours_later;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Realms whose clocks run ahead, run behind, or are frozen: before 2001, when Unix time had one
/// digit fewer, in 2030, and in the next century.
fn worlds() -> Result<Vec<Realm>, Error> {
    let hours = |count: u64| Duration::from_secs(count * 3600);
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
    // There are 43 with message queues, which a container may lack.
    check(&program, &[], 40)
}

/// A program that runs while a test advances the fixture.
pub(crate) struct Playing {
    child: Child,
    output: BufReader<ChildStdout>,
    printed: String,
}

impl Playing {
    /// Starts a program and waits for its first line.
    pub(crate) fn start(mut command: Command) -> Result<Self, Error> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut printed = String::new();
        output.read_line(&mut printed)?;
        Ok(Self {
            child,
            output,
            printed,
        })
    }

    /// Advances by `hours`. If that fails, kills the program and returns what it has printed.
    pub(crate) fn advance(&mut self, realm: &Realm, hours: u64) -> TestResult {
        self.advance_in(realm, hours, &Steps::new())
    }

    /// Advances by `hours` in these steps, as [`advance`](Self::advance) does.
    pub(crate) fn advance_in(&mut self, realm: &Realm, hours: u64, steps: &Steps) -> TestResult {
        let advanced = realm.advance_in_blocking(Duration::from_secs(3600 * hours), steps);
        let Err(error) = advanced else {
            return Ok(());
        };
        self.child.kill()?;
        self.output.read_to_string(&mut self.printed)?;
        self.child.wait()?;
        Err(format!("{error}, after: {}", self.printed).into())
    }

    /// Waits for its end, and returns all that it printed. Fails if it failed.
    pub(crate) fn finish(mut self) -> Text {
        self.output.read_to_string(&mut self.printed)?;
        let status = self.child.wait()?;
        if status.success() {
            Ok(self.printed)
        } else {
            Err(format!("{status}: {}", self.printed).into())
        }
    }
}

/// Starts a program, waits for its first line, advances by `hours`, and returns all that it prints.
pub(crate) fn played(realm: &Realm, command: Command, hours: u64) -> Text {
    let mut program = Playing::start(command)?;
    program.advance(realm, hours)?;
    program.finish()
}

/// Runs the program with waits of three hours, and checks that each takes that long by its own
/// clocks while the fixture advances, running or frozen.
fn check_advance(program: &Path, arguments: &[&str], waits: usize) -> TestResult {
    for clock in [
        Clock::system(),
        Clock::frozen(Timestamp::from_secs(1_900_000_000)),
    ] {
        let realm = Realm::builder().clock(clock).start_blocking()?;
        let mut command = realm.command_under_clock(program)?;
        command.args(arguments).env("WAIT_MS", "10800000");
        let printed = played(&realm, command, 200)?;
        let waited = printed.lines().filter(|line| !line.starts_with("now "));
        let mut seen = 0;
        for line in waited {
            let (_, millis) = line.rsplit_once(' ').ok_or("a name and a number")?;
            let millis: i64 = millis.parse()?;
            let possible = 10_799_990..10_815_000;
            assert!(possible.contains(&millis), "{line} ms of {printed}");
            seen += 1;
        }
        assert!(seen >= waits, "{printed}");
    }
    Ok(())
}

fn advance_ends_every_wait_of_glibc_and_cxx() -> TestResult {
    let (_folder, program) = compiled(&["c++", "-std=c++20"], "waits.cpp")?;
    check_advance(&program, &[], 38)
}

fn advance_in_java(jdk: Jdk) -> TestResult {
    let java = jdk.java().ok_or("it was here before")?;
    let source = peer_source("clock").join("Waits.java");
    check_advance(&java, &[&source.to_string_lossy()], 9)
}

fn advance_ends_every_wait_of_jdk_17() -> TestResult {
    advance_in_java(Jdk::V17)
}

fn advance_ends_every_wait_of_the_newest_jdk() -> TestResult {
    advance_in_java(Jdk::Newest)
}

fn advance_ends_every_wait_of_python() -> TestResult {
    let source = peer_source("clock").join("waits.py");
    check_advance(Path::new("python3"), &[&source.to_string_lossy()], 7)
}

fn advance_ends_every_wait_of_go() -> TestResult {
    let (_folder, program) = compiled(&["go", "build"], "waits.go")?;
    check_advance(&program, &[], 4)
}

/// A task every six hours, four each day.
fn eight_days_of_a_schedule(program: &Path, arguments: &[&str]) -> TestResult {
    let realm = Realm::start_blocking()?;
    let mut command = realm.command_under_clock(program)?;
    command.args(arguments);
    let printed = played(&realm, command, 8 * 24 + 1)?;
    let expected: String = (1..=8)
        .map(|day| format!("day {day} {}\n", 4 * day))
        .collect();
    assert_eq!(printed, format!("ready\n{expected}"));
    Ok(())
}

fn schedule_in_java(jdk: Jdk) -> TestResult {
    let java = jdk.java().ok_or("it was here before")?;
    let source = peer_source("clock").join("Schedules.java");
    eight_days_of_a_schedule(&java, &[&source.to_string_lossy()])
}

fn eight_days_of_a_schedule_in_jdk_17() -> TestResult {
    schedule_in_java(Jdk::V17)
}

fn eight_days_of_a_schedule_in_the_newest_jdk() -> TestResult {
    schedule_in_java(Jdk::Newest)
}

fn eight_days_of_a_schedule_in_go() -> TestResult {
    let (_folder, program) = compiled(&["go", "build"], "schedules.go")?;
    eight_days_of_a_schedule(&program, &[])
}

fn a_busy_program_is_named() -> TestResult {
    let realm = Realm::start_blocking()?;
    let mut child = realm
        .command_under_clock("python3")?
        .args(["-c", "print(flush=True)\nwhile True: pass"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let steps = Steps::new().limit(Duration::from_millis(100));
    let refused = realm.advance_in_blocking(Duration::from_secs(3600), &steps);
    child.kill()?;
    let process = child.wait_with_output()?;
    drop(process);
    let error = refused.err().ok_or("it never rests")?.to_string();
    assert!(error.contains("(python3)"), "{error}");
    assert!(error.contains("Steps::limit"), "{error}");
    // The dead are forgotten.
    realm.advance_in_blocking(Duration::from_secs(3600), &steps)?;
    Ok(())
}

/// A jump is a step of the wall clock, as by NTP: it ends waits for a moment, and no timeouts.
fn a_jump_ends_waits_for_a_moment_alone() -> TestResult {
    let realm = Realm::start_blocking()?;
    let script = "import ctypes, threading, time
class Timespec(ctypes.Structure): _fields_ = [('s', ctypes.c_long), ('ns', ctypes.c_long)]
def until():
    moment = Timespec(int(time.time()) + 3600, 0)
    ctypes.CDLL(None).clock_nanosleep(0, 1, ctypes.byref(moment), None)
    print('moment', flush=True)
def span():
    time.sleep(3600)
    print('span', flush=True)
threads = [threading.Thread(target=run) for run in (until, span)]
for thread in threads: thread.start()
print('ready', flush=True)
for thread in threads: thread.join()
";
    let mut child = realm
        .command_under_clock("python3")?
        .args(["-c", script])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut line = || -> Result<String, Error> {
        let mut line = String::new();
        output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    };
    assert_eq!(line()?, "ready");
    // Both threads sleep when an advance returns.
    realm.advance_blocking(Duration::from_secs(60))?;
    realm.jump_blocking(realm.clock().now() + Duration::from_secs(2 * 3600))?;
    assert_eq!(line()?, "moment");
    realm.advance_blocking(Duration::from_secs(3600))?;
    assert_eq!(line()?, "span");
    assert!(child.wait()?.success());
    Ok(())
}

/// The launcher stays and follows the shell's children; the library reaches those on glibc.
fn a_shell_and_the_go_program_in_it() -> TestResult {
    let (_folder, go) = compiled(&["go", "build"], "ticks.go")?;
    let realm = Realm::start_blocking()?;
    realm.advance_blocking(Duration::from_secs(24 * 365 * 3600))?;
    let mut shell = realm.command_and_children_under_clock("sh")?;
    let script = format!("date +%s; echo | {}; date +%s", go.display());
    let printed = text(&shell.args(["-c", &script]).output()?)?;
    let now = realm.clock().now().as_secs();
    assert_eq!(printed.lines().count(), 3, "{printed}");
    for line in printed.lines() {
        let seconds: i64 = line.parse()?;
        assert!((now - 60..=now).contains(&seconds), "{printed}");
    }
    Ok(())
}

/// The facade of a service that logs in again every six hours, with tickets of ten hours.
fn a_facade_refreshes_for_eight_days() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let realm = cluster.realm().ok_or("it is secure")?;
    let alice = realm.principal("alice")?.to_string();
    let keytab = realm.keytab("alice")?;
    let mut command = cluster.command_under_clock("java")?;
    let class_path = class_path(&cluster.env())?;
    let conf = cluster.path().join("krb5.conf");
    command
        .arg(format!("-Djava.security.krb5.conf={}", conf.display()))
        .args(["-Dpeers.level=WARN", "-Djava.net.preferIPv4Stack=true"])
        .args(["-XX:TieredStopAtLevel=1", "-cp", &class_path])
        .arg(peer_source("clock").join("KerberosFacade.java"))
        .args([&*alice, &keytab.to_string_lossy(), &(cluster.url() + "/")]);
    let printed = played(realm, command, 8 * 24 + 1)?;
    assert_eq!(printed, "ready\nrefreshes 32 jobs 96 failures 0\n");
    Ok(())
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
        realm.advance_blocking(Duration::from_secs(24 * 3600))?;
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
    realm.advance_blocking(Duration::from_secs(6 * 3600))?;
    let kvno = |env| run(&mut command(&env, "kvno", &["host/a.example.com"]), "");
    let ran = kvno(env()?)?;
    assert!(ran.status.success(), "{ran}");
    realm.advance_blocking(Duration::from_secs(5 * 3600))?;
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
    cluster.advance_blocking(Duration::from_secs(10 * 3600))?;
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
    cluster.advance_blocking(Duration::from_secs(11 * 3600))?;
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
        cluster.advance_blocking(Duration::from_secs(11 * 3600))?;
        let alice = cluster.login_blocking("alice")?;
        let mut list = alice.command_under_clock(&go_hdfs)?;
        let ran = run(list.args(["ls", "/user"]), "")?;
        assert!(ran.stdout.contains("alice"), "{ran}");
    }
    Ok(())
}
