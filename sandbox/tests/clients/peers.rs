//! Finds the real clients that are installed.

use std::panic::UnwindSafe;

use libtest_mimic::{Failed, Trial};

pub(crate) use kerbox_testing::peers_dir as folder;

pub(crate) fn on_path(program: &str) -> bool {
    kerbox_testing::on_path(program).is_some()
}

/// Creates a test that needs clients. If one is missing, it is ignored by name, or fails if
/// `KERBOX_PEERS=required`.
pub(crate) fn trial(
    name: &str,
    needs: &[(&str, bool)],
    run: impl FnOnce() + UnwindSafe + Send + 'static,
) -> Trial {
    let missing: Vec<&str> = needs
        .iter()
        .filter(|(_, found)| !found)
        .map(|(client, _)| *client)
        .collect();
    if missing.is_empty() {
        return Trial::test(name, move || {
            run();
            Ok(())
        });
    }
    let missing = missing.join(", ");
    let required = std::env::var("KERBOX_PEERS").is_ok_and(|value| value == "required");
    let message = format!("{missing} is not installed: see .ci/peers/install.sh");
    Trial::test(name, move || Err(Failed::from(message)))
        .with_kind(format!("needs {missing}"))
        .with_ignored_flag(!required)
}
