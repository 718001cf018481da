//! Runs this program once more with tests that fail: they leave neither processes nor files behind.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kerbox::{Clock, Cluster};
use libtest_mimic::Trial;

use crate::mit_kdc::Mit;
use crate::support::{Peer, TestResult, run, trial, trials};

trials! {
    [Peer::MitKdc] =>
        a_trial_that_fails_leaves_no_process_and_no_folder;
}

/// Makes this binary run the tests that fail.
const FAIL: &str = "KERBOX_TESTS_FAIL";

/// Returns the tests that fail, if this process was started for them.
pub(crate) fn failing_trials() -> Vec<Trial> {
    if std::env::var_os(FAIL).is_none() {
        return Vec::new();
    }
    vec![
        trial(module_path!(), "panics", &[], panics),
        trial(module_path!(), "returns", &[], returns),
    ]
}

fn panics() -> TestResult {
    let (_mit, _cluster) = (Mit::start()?, Cluster::secure().start_blocking()?);
    panic!("as asked");
}

fn returns() -> TestResult {
    let (_mit, _cluster) = (Mit::start()?, Cluster::secure().start_blocking()?);
    Err("as asked".into())
}

/// Finds the processes whose environment or command line names a folder.
fn processes_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let folder = folder.display().to_string();
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc")?.flatten() {
        // Processes that end meanwhile, and other users' processes, cannot be read.
        let read = |file| std::fs::read(process.path().join(file)).unwrap_or_default();
        let said = [read("environ"), read("cmdline")].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if said.contains(&folder) {
            let command = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
            found.push(command);
        }
    }
    Ok(found)
}

fn a_trial_that_fails_leaves_no_process_and_no_folder() -> TestResult {
    for name in ["panics", "returns"] {
        let parent = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["--exact", &format!("leftovers::{name}")])
            .env(FAIL, "1")
            .env("TMPDIR", parent.path())
            .env_remove("KERBOX_KEEP");
        let said = run(&mut command, "")?;
        assert!(said.stdout.contains("1 failed"), "{said}");
        assert!(said.to_string().contains("as asked"), "{said}");
        let left: Vec<_> = std::fs::read_dir(parent.path())?.flatten().collect();
        assert!(left.is_empty(), "{name}: {left:?}");
        // The system takes a moment to remove a process that was killed.
        let until = Clock::system().now() + Duration::from_secs(60);
        let mut running = processes_in(parent.path())?;
        while !running.is_empty() && Clock::system().now() < until {
            running = processes_in(parent.path())?;
        }
        assert!(running.is_empty(), "{name}: {running:?}");
    }
    Ok(())
}
