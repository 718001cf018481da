//! Tests of `kerbox exec`: its environment, its exit codes, its end.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use kerbox_testing::{Place, Ran};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

#[test]
fn the_commands_exit_code_is_passed_on() {
    let place = Place::new();
    for (command, code) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 7"], 7),
        (&["sh", "-c", "kill -TERM $$"], 128 + 15),
        (&["sh", "-c", "kill -KILL $$"], 128 + 9),
        (&["/no/such/command"], 127),
        (&["/etc/passwd"], 126),
    ] {
        let ran = place.run(&[&["exec", "--kdc-only", "--"], command].concat());
        assert_eq!(ran.code, Some(code), "{command:?}: {ran:#?}");
        assert!(place.left_over().is_empty());
    }
}

#[test]
fn the_command_gets_the_environment_and_standard_output_is_its_own() {
    let place = Place::new();
    let script = r#"
        test -f "$KRB5_CONFIG" && test -f "$HADOOP_CONF_DIR/core-site.xml" && test -f "$KEYTABS/alice.keytab" || exit 9
        case "$NAMENODE" in hdfs://127.0.0.1:*) ;; *) exit 10;; esac
        case "$KRB5CCNAME" in FILE:"$KERBOX_DIR"/ccache/krb5cc) ;; *) exit 11;; esac
        echo "$JAVA_TOOL_OPTIONS"; echo "$HADOOP_OPTS"; echo "$KRB5_CONFIG"
    "#;
    let output = place
        .kerbox(&["exec", "--json", "--", "sh", "-c", script])
        .env("JAVA_TOOL_OPTIONS", "-Xmx1g")
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let ran = Ran::of(output);
    let lines: Vec<&str> = ran.succeeded().lines().collect();
    let option = format!("-Djava.security.krb5.conf={}", lines[2]);
    assert_eq!(lines[..2], [format!("-Xmx1g {option}"), option]);
    assert!(ran.stderr.contains(r#"{"ready":true,"#), "{ran:#?}");
}

#[test]
fn the_files_are_kept_if_asked_for() {
    for (keep, command, kept) in [
        ("on-failure", "false", true),
        ("on-failure", "true", false),
        ("1", "true", true),
        ("0", "false", false),
    ] {
        let place = Place::new();
        let output = place
            .kerbox(&["exec", "--kdc-only", "--", command])
            .env("KERBOX_KEEP", keep)
            .output()
            .expect("it starts");
        let ran = Ran::of(output);
        assert_eq!(ran.code, Some(i32::from(command == "false")), "{ran:#?}");
        assert_eq!(
            place.left_over().len(),
            usize::from(kept),
            "{keep} {command}"
        );
        assert_eq!(ran.stderr.contains("kept in"), kept, "{ran:#?}");
        // A later run must not remove it as a dead run's folder.
        place.run(&["exec", "--kdc-only", "--", "true"]).succeeded();
        assert_eq!(place.left_over().len(), usize::from(kept));
    }
}

#[test]
fn encryption_alone_and_security_without_protection_start() {
    let place = Place::new();
    for pair in [
        "dfs.encrypt.data.transfer=true",
        "dfs.data.transfer.protection=",
    ] {
        place.run(&["exec", "-D", pair, "--", "true"]).succeeded();
    }
}

#[test]
fn it_takes_a_sandbox_of_its_own_inside_another() {
    let place = Place::new();
    let kerbox = env!("CARGO_BIN_EXE_kerbox");
    let script = format!(
        "outer=$KERBOX_DIR; {kerbox} exec --kdc-only -- sh -c 'echo $KERBOX_DIR'; echo $outer"
    );
    let ran = place.run(&["exec", "--kdc-only", "--", "sh", "-c", &script]);
    let lines: Vec<&str> = ran.succeeded().lines().collect();
    assert_eq!(lines.len(), 2);
    assert_ne!(lines[0], lines[1]);
}

#[test]
fn a_signal_is_passed_on_and_the_command_decides() {
    let place = Place::new();
    let script = "trap 'echo caught; exit 3' TERM; echo started; while :; do read line; done";
    let mut child = place
        .kerbox(&["exec", "--kdc-only", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("readable");
    assert_eq!(line, "started\n");
    kill_process(
        Pid::from_raw(child.id().cast_signed()).expect("a process"),
        Signal::TERM,
    )
    .expect("it lives");
    // The shell runs its trap when `read` is interrupted or gets a line.
    drop(child.stdin.take());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("readable");
    assert_eq!(rest, "caught\n");
    assert_eq!(child.wait().expect("ours").code(), Some(3));
    assert!(place.left_over().is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn the_command_dies_with_a_killed_kerbox() {
    let place = Place::new();
    let mut child = place
        .kerbox(&[
            "exec",
            "--kdc-only",
            "--",
            "sh",
            "-c",
            "echo $$; exec sleep 1000",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("readable");
    let pid = Pid::from_raw(line.trim().parse().expect("a number")).expect("a process");
    test_kill_process(pid).expect("the command lives");
    child.kill().expect("ours");
    child.wait().expect("ours");
    // Its end of the pipe closes when it has ended.
    stdout.read_to_string(&mut line).expect("readable");
}

#[test]
fn a_closed_standard_input_ends_the_command_if_asked_for() {
    let place = Place::new();
    let ran = place.run(&[
        "exec",
        "--exit-on-stdin-eof",
        "--kdc-only",
        "--",
        "sleep",
        "1000",
    ]);
    assert_eq!(ran.code, Some(128 + 15), "{ran:#?}");
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
fn the_command_and_its_children_run_under_the_clock_if_asked() {
    let place = Place::new();
    let script = r#"
        echo "$KERBOX_CLOCK_PAGE"; echo "$LD_PRELOAD"; grep -c kdc_timesync "$KRB5_CONFIG"
        grep -c libkerbox_clock /proc/self/maps > /dev/null && echo mapped
    "#;
    for flag in ["--clock", "--clock-children"] {
        let output = place
            .kerbox(&["exec", "--kdc-only", flag, "--", "sh", "-c", script])
            .env("LD_PRELOAD", "/no/such/library.so")
            .output()
            .expect("it starts");
        let ran = Ran::of(output);
        let lines: Vec<&str> = ran.succeeded().lines().collect();
        assert!(lines[0].ends_with("/clock/page"), "{ran:#?}");
        assert!(
            lines[1].ends_with("/clock/libkerbox_clock.so:/no/such/library.so"),
            "{ran:#?}"
        );
        assert_eq!(lines[2..], ["1", "mapped"], "{ran:#?}");
    }
}
