//! Tests what a failing test prints and leaves behind: this program runs itself again, as cargo
//! runs it.

use std::process::Command;

use kerbox::{Realm, TestResult};

/// A run of one of the failing tests below, in its own temporary directory.
struct Run {
    output: String,
    /// Number of directories left behind.
    left: usize,
}

fn run(test: &str, variables: &[(&str, &str)]) -> Run {
    let parent = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", test, "--ignored", "--test-threads=2"])
        .env("TMPDIR", parent.path())
        .env_remove("KERBOX_KEEP")
        .env_remove("NEXTEST")
        .env_remove("RUST_TEST_NOCAPTURE")
        .envs(variables.iter().copied());
    let output = command.output().expect("it runs");
    let entries = std::fs::read_dir(parent.path()).expect("it is there");
    Run {
        output: [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat(),
        left: entries
            .flatten()
            .filter(|entry| entry.path().join("keytabs").exists())
            .count(),
    }
}

const KEEP: (&str, &str) = ("KERBOX_KEEP", "on-failure");

/// Returns a fixture's error, once the journal has something to show.
fn fail(realm: &Realm) -> Result<(), kerbox::Error> {
    realm.login_blocking("alice")?;
    realm.kdc_server(7).map(drop)
}

#[test]
#[ignore = "fails: run by the others"]
fn returns_a_test_result() -> TestResult {
    let realm = Realm::start_blocking()?;
    fail(&realm)?;
    Ok(())
}

#[test]
#[ignore = "fails: run by the others"]
fn returns_a_boxed_error() -> Result<(), Box<dyn std::error::Error>> {
    let realm = Realm::start_blocking()?;
    fail(&realm)?;
    Ok(())
}

#[test]
#[ignore = "fails: run by the others"]
fn panics() {
    let realm = Realm::start_blocking().expect("it starts");
    fail(&realm).expect("it fails");
}

#[test]
#[ignore = "run by the others"]
fn passes() -> TestResult {
    let realm = Realm::start_blocking()?;
    realm.login_blocking("alice")?;
    Ok(())
}

fn shows_the_journal(run: &Run) -> bool {
    run.output.contains("what the servers saw last") && run.output.contains("AS alice@")
}

#[test]
fn a_failing_test_shows_the_journal_and_keeps_its_files_if_asked() {
    for test in ["returns_a_test_result", "panics"] {
        let plain = run(test, &[]);
        assert!(shows_the_journal(&plain), "{}", plain.output);
        assert!(plain.output.contains("KDC 7"), "{}", plain.output);
        assert!(
            plain.output.contains("on-failure keeps it"),
            "{}",
            plain.output
        );
        assert_eq!(plain.left, 0);
        let kept = run(test, &[KEEP]);
        assert!(kept.output.contains(", kept):"), "{}", kept.output);
        assert_eq!(kept.left, 1, "{test}");
    }
    let place = run("returns_a_test_result", &[]).output;
    assert!(place.contains("failing.rs:"), "{place}");
}

#[test]
fn a_test_that_returns_another_error_shows_the_journal_too() {
    let plain = run("returns_a_boxed_error", &[KEEP]);
    assert!(shows_the_journal(&plain), "{}", plain.output);
    assert!(
        plain
            .output
            .contains("if the test returns kerbox::TestResult"),
        "{}",
        plain.output
    );
    assert_eq!(plain.left, 0);
}

#[test]
fn a_passing_test_prints_and_leaves_nothing() {
    let run = run("passes", &[KEEP]);
    assert!(run.output.contains("1 passed"), "{}", run.output);
    assert!(!shows_the_journal(&run), "{}", run.output);
    assert_eq!(run.left, 0);
}

#[test]
fn an_unknown_value_of_kerbox_keep_is_warned_of_and_keeps() {
    let kept = run("panics", &[("KERBOX_KEEP", "on-faliure")]);
    assert!(
        kept.output
            .contains("KERBOX_KEEP=on-faliure is none of 0, 1 and on-failure"),
        "{}",
        kept.output
    );
    assert_eq!(kept.left, 1);
}
