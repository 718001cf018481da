//! Runs this program once more where no client can be found, to see from outside what happens to a
//! test whose client is missing.

use std::process::Command;

use crate::support::{Ran, TestResult, run, trials};

trials! {
    [] =>
        a_missing_client_is_ignored_by_name,
        a_missing_client_that_is_required_fails;
}

/// Runs one test as on a machine without clients.
fn without_clients(
    required: Option<&str>,
) -> Result<Ran, Box<dyn std::error::Error + Send + Sync>> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "mit_tools::kinit_logs_in_by_password"])
        .env("PATH", "")
        .env("KERBOX_PEERS_DIR", "/nonexistent")
        .env_remove("KERBOX_PEERS");
    if let Some(required) = required {
        command.env("KERBOX_PEERS", required);
    }
    run(&mut command, "")
}

fn a_missing_client_is_ignored_by_name() -> TestResult {
    for value in [None, Some("optional")] {
        let said = without_clients(value)?.ok()?;
        let line = said
            .lines()
            .find(|line| line.contains("kinit_logs_in_by_password"))
            .unwrap_or_default();
        assert!(
            line.contains("needs MIT kinit") && line.contains("ignored"),
            "{said}"
        );
        assert!(said.contains("0 failed; 1 ignored"), "{said}");
    }
    Ok(())
}

fn a_missing_client_that_is_required_fails() -> TestResult {
    let ran = without_clients(Some("required"))?;
    assert!(!ran.status.success(), "{ran}");
    assert!(
        ran.stdout
            .contains("MIT kinit is not installed: see .ci/peers/install.sh"),
        "{ran}"
    );
    assert!(ran.stdout.contains("1 failed; 0 ignored"), "{ran}");
    Ok(())
}
