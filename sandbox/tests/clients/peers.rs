//! Finds the real clients that are installed.

use std::panic::UnwindSafe;
use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};

/// Returns the folder where `.ci/peers/install.sh` puts clients that no package manager offers.
pub(crate) fn folder() -> PathBuf {
    let home =
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/kerbox-peers");
    std::env::var_os("KERBOX_PEERS_DIR").map_or_else(home, PathBuf::from)
}

pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
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
