//! Programs of other languages under the fixture's clock.
//!
//! - [`page`]: the clock in a file, which such programs map
//! - [`kind`]: how a program reads the time
//! - [`crowd`]: the programs' threads, as `advance` sees them: busy, or asleep until when
//! - [`golang`]: the same for Go programs, which show nothing themselves
//! - [`pollers`]: threads whose deadlines are no steps
//! - [`threads`], [`files`], [`signal`]: what the system says about threads; how one is woken
//!
//! Programs on glibc are reached by a library for `LD_PRELOAD` (the folder `preload/`). Go programs
//! and static ones are reached by a launcher that redirects their vDSO (`launcher/`). The build
//! script compiles both, and they are written into the fixture's directory when the first program
//! needs them.

pub(crate) mod crowd;
pub(crate) mod files;
mod golang;
mod kind;
mod page;
mod pollers;
mod signal;
pub(crate) mod threads;

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kerbox_krb5::Clock;
use rustix::fs::StatVfsMountFlags;

use crate::Error;
use crate::client::environment::ClientEnv;
use crate::directory::Directory;
use kind::Kind;
use page::ClockPage;

#[cfg(kerbox_preload)]
const LIBRARY: Option<&[u8]> = Some(include_bytes!(concat!(
    env!("OUT_DIR"),
    "/libkerbox_clock.so"
)));
#[cfg(not(kerbox_preload))]
const LIBRARY: Option<&[u8]> = None;

#[cfg(kerbox_launcher)]
const LAUNCHER: Option<&[u8]> = Some(include_bytes!(concat!(
    env!("OUT_DIR"),
    "/kerbox-clock-launcher"
)));
#[cfg(not(kerbox_launcher))]
const LAUNCHER: Option<&[u8]> = None;

/// The environment variable that names the page to the preloaded library.
const PAGE: &str = "KERBOX_CLOCK_PAGE";

/// Puts programs under the clock of one fixture.
#[derive(Debug)]
pub(crate) struct Programs {
    page: ClockPage,
    library: PathBuf,
    /// `None` on targets without a launcher.
    launcher: Option<PathBuf>,
}

impl Programs {
    /// Writes the page, the library and the launcher into a fixture's directory.
    pub(crate) fn start(files: &Directory, clock: &Clock) -> Result<Self, Error> {
        let library = LIBRARY.ok_or_else(|| {
            out_of_reach(
                "programs",
                "Kerbox can do that on Linux with glibc, x86-64 and aarch64, if a linker was \
                 there when it was built",
            )
        })?;
        let path = files.path();
        // The dynamic linker splits `LD_PRELOAD` at these characters.
        if path
            .as_os_str()
            .as_bytes()
            .iter()
            .any(|byte| b" :\t\n".contains(byte))
        {
            let why = "LD_PRELOAD takes no path with a colon or white space: name a directory \
                       without, or set TMPDIR to one";
            return Err(out_of_reach(&path.display().to_string(), why));
        }
        let mount = rustix::fs::statvfs(path).map(|mount| mount.f_flag);
        if mount.is_ok_and(|flags| flags.contains(StatVfsMountFlags::NOEXEC)) {
            let why = "no program can be executed from its file system (noexec): name a directory \
                       on another, or set TMPDIR to one";
            return Err(out_of_reach(&path.display().to_string(), why));
        }
        let launcher = match LAUNCHER {
            Some(launcher) => Some(write_program(files, "clock/launcher", launcher)?),
            None => None,
        };
        Ok(Self {
            page: ClockPage::create(files, clock)?,
            library: files.write("clock/libkerbox_clock.so", library)?,
            launcher,
        })
    }

    /// Publishes the clock's present state to the programs. Their monotonic clocks move by
    /// `advanced` microseconds.
    pub(crate) fn follow(&self, clock: &Clock, advanced: i64) -> Result<(), Error> {
        self.page.show(clock, advanced.saturating_mul(1000))
    }

    /// Makes threads that wait for a moment of the wall clock look at it again: it was set.
    pub(crate) fn wake_by_wall(&self) -> Result<(), Error> {
        let waits = self.page.waits()?;
        let mut by_wall = waits.iter().filter(|wait| wait.is_by_wall());
        by_wall.try_for_each(|wait| self.page.wake(wait))
    }

    /// Returns the environment in which programs on glibc run in the fixture's time.
    pub(crate) fn env(&self, files: &Directory, env: ClientEnv) -> Result<ClientEnv, Error> {
        let preloads = self.preloads(&env);
        Ok(without_timesync(files, env)?
            .with(PAGE, self.page.path())
            .with("LD_PRELOAD", preloads))
    }

    /// Returns a command whose program runs in the fixture's time. With `follow`, so do Go and
    /// static programs that it starts.
    pub(crate) fn command(
        &self,
        files: &Directory,
        env: ClientEnv,
        program: &OsStr,
        follow: bool,
    ) -> Result<Command, Error> {
        // The library reaches those that the program starts, even if not the program itself.
        let env = self.env(files, env)?;
        if kind::of(program) == Kind::Glibc && !follow {
            return Ok(env.command(program));
        }
        let launcher = self.launcher.as_ref().ok_or_else(|| {
            let why = "it, or what it starts, asks the kernel for the time, without glibc, and the \
                       launcher for such programs was not built: build Kerbox with a linker";
            out_of_reach(&program.display().to_string(), why)
        })?;
        let mut command = env.command(launcher);
        command
            .args(follow.then_some("--follow"))
            .arg(self.page.path())
            .arg(program);
        Ok(command)
    }

    /// Puts our library in front of those that are already preloaded.
    fn preloads(&self, env: &ClientEnv) -> OsString {
        let mut list = self.library.clone().into_os_string();
        let theirs = env.get("LD_PRELOAD").map(OsStr::to_owned);
        if let Some(theirs) = theirs.or_else(|| std::env::var_os("LD_PRELOAD"))
            && !theirs.is_empty()
        {
            list.push(":");
            list.push(theirs);
        }
        list
    }
}

/// Returns a length in nanoseconds, the longest possible if there are too many.
fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn out_of_reach(program: &str, why: &str) -> Error {
    Error::ClockOutOfReach {
        program: program.to_owned(),
        why: why.to_owned(),
    }
}

/// Writes a file of our own that its owner may execute.
fn write_program(files: &Directory, name: &str, contents: &[u8]) -> Result<PathBuf, Error> {
    let path = files.write(name, contents)?;
    fs::set_permissions(&path, Permissions::from_mode(0o700))
        .map_err(Error::io(format!("let {} be executed", path.display())))?;
    Ok(path)
}

/// Points to a copy of krb5.conf that makes MIT's library ignore the time offset in credential
/// caches. The fixture sets that offset for clients in the test's own process. A program already in
/// the fixture's time would apply it a second time.
fn without_timesync(files: &Directory, env: ClientEnv) -> Result<ClientEnv, Error> {
    let Some(path) = env.get("KRB5_CONFIG").map(Path::new) else {
        return Ok(env);
    };
    let text = fs::read_to_string(path).map_err(Error::io(format!("read {}", path.display())))?;
    // Goes first in its section, because the first value of a relation counts.
    let section = "[libdefaults]\n";
    let text = text.replacen(section, &format!("{section}    kdc_timesync = 0\n"), 1);
    let copy = files.write("clock/krb5.conf", text.as_bytes())?;
    Ok(env.with("KRB5_CONFIG", copy))
}
