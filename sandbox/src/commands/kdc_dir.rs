//! The KDC of a server in another process, by its folder (`--kdc-dir`).

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::env::{read, under_clock};
use crate::failure::Failure;
use crate::settings::Settings;

/// A running `kerbox kdc`, or `kerbox up`.
pub(super) struct KdcDir {
    /// Its folder, as an absolute path.
    pub(super) dir: PathBuf,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl KdcDir {
    /// Finds the KDC of a folder, and puts this process under its clock, by which the process is
    /// replaced with another of the same arguments. Nothing must be open yet.
    ///
    /// # Errors
    /// Fails if none serves from there, or programs cannot be put under its clock.
    pub(super) fn join(dir: &Path) -> Result<Self, Failure> {
        let ready = read(dir)?;
        let address = ready.endpoints.kdc.and_then(|address| address.parse().ok());
        let dir = PathBuf::from(ready.dir);
        let Some(address) = address else {
            return Err(Failure::Failed(format!(
                "{} serves without a KDC: name the folder of `kerbox kdc` by --kdc-dir",
                dir.display()
            )));
        };
        follow_clock(&dir)?;
        Ok(Self { dir, address })
    }

    /// Returns the folder of its keytabs.
    pub(super) fn keytabs(&self) -> PathBuf {
        self.dir.join("keytabs")
    }

    /// Fails unless the settings are for the KDC's realm.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), Failure> {
        let ready = read(&self.dir)?;
        let (theirs, ours) = (ready.realm.unwrap_or_default(), settings.realm());
        if theirs == ours {
            return Ok(());
        }
        Err(Failure::Configuration(vec![format!(
            "[realm] name: the KDC in {} has the realm {theirs}, and this is {ours}: use the same \
             kerbox.toml for both",
            self.dir.display()
        )]))
    }
}

/// Has this process live by the clock of the fixture in a folder: unless it does already, it is
/// replaced by itself with the library that does so.
fn follow_clock(dir: &Path) -> Result<(), Failure> {
    const PAGE: &str = "KERBOX_CLOCK_PAGE";
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Err(Failure::Usage(String::from(
            "--kdc-dir: only a program on Linux with glibc lives by another's clock; name the \
             keytabs and ports instead, and leave the KDC's clock alone",
        )));
    }
    let variables = under_clock(dir)?;
    let own = std::env::var_os(PAGE);
    let page = variables.get(PAGE);
    if page.is_some_and(|page| own.is_some_and(|own| *own == **page)) {
        return Ok(());
    }
    let failed = |error| Failure::io("this program cannot be started again", error);
    let program = std::env::current_exe().map_err(failed)?;
    let variables = variables
        .iter()
        .filter(|(name, _)| [PAGE, "LD_PRELOAD"].contains(&name.as_str()));
    let error = Command::new(program)
        .args(std::env::args_os().skip(1))
        .envs(variables)
        .exec();
    Err(failed(error))
}
