//! The places of programs.

use std::env;
use std::path::PathBuf;

/// Returns the path of `kerbox`, as cargo built it last for the profile of this test.
#[must_use]
pub fn kerbox() -> PathBuf {
    // A test is in `deps`, beside which the programs are.
    let test = env::current_exe().unwrap_or_default();
    let folder = test.ancestors().nth(2);
    folder.map_or_else(|| PathBuf::from("kerbox"), |folder| folder.join("kerbox"))
}

/// Returns the folder in which `.ci/peers/install.sh` puts clients that no package manager
/// provides: `KERBOX_PEERS_DIR`, or `~/.cache/kerbox-peers`.
#[must_use]
pub fn peers_dir() -> PathBuf {
    match env::var_os("KERBOX_PEERS_DIR") {
        Some(folder) => folder.into(),
        None => PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/kerbox-peers"),
    }
}

/// Returns the file of a program in the folders of `PATH`.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
