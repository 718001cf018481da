//! Saying that everything serves: the line, the file, the descriptor.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::failure::Failure;

/// The ready line. Its keys are relied on by test suites in other languages.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Always true: there is no line before.
    pub(crate) ready: bool,
    /// The process that serves.
    pub(crate) pid: u32,
    /// Of `kerbox`.
    pub(crate) version: String,
    /// The folder with the files.
    pub(crate) dir: String,
    /// The realm's name; null without Kerberos.
    pub(crate) realm: Option<String>,
    /// Where the servers listen.
    pub(crate) endpoints: Endpoints,
    /// What clients need in their environment.
    pub(crate) env: Environment,
}

/// Where the servers listen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// UDP and TCP; null without Kerberos.
    pub(crate) kdc: Option<String>,
    /// A URL; null with the KDC alone.
    pub(crate) namenode: Option<String>,
    /// The data ports, in the nodes' order.
    pub(crate) datanodes: Vec<String>,
}

impl Ready {
    /// The line, with its end.
    pub(crate) fn line(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON") + "\n"
    }

    /// What stands in the folder's `ready.json`.
    pub(crate) fn read(dir: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(dir.join("ready.json"))?;
        serde_json::from_str(&text).map_err(io::Error::other)
    }
}

/// The process that last said that it serves from `dir`.
pub(crate) fn pid(dir: &Path) -> Option<u32> {
    Ready::read(dir).ok().map(|ready| ready.pid)
}

/// The descriptor of `--ready-fd`.
#[derive(Debug)]
pub(crate) struct ReadyFd(File);

impl ReadyFd {
    /// Takes the descriptor over. Call it before anything else is opened, which might get the same
    /// number.
    pub(crate) fn take(number: Option<i32>) -> Result<Option<Self>, Failure> {
        let Some(number) = number else {
            return Ok(None);
        };
        if fs::symlink_metadata(format!("/dev/fd/{number}")).is_err() {
            return Err(Failure::Usage(format!(
                "--ready-fd {number}: no such descriptor is open; the parent must leave it open for us, as in `kerbox up --ready-fd {number} {number}>FILE`"
            )));
        }
        #[expect(
            unsafe_code,
            reason = "a descriptor that was inherited has no owner in this process but the one made here"
        )]
        // SAFETY: it is open, as was just seen, it is none of the standard streams, and this
        // process has opened nothing yet.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        // The commands of `exec` must not hold it open.
        rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)
            .map_err(|error| Failure::io(format_args!("--ready-fd {number}"), error))?;
        Ok(Some(Self(File::from(descriptor))))
    }

    /// Writes the line and closes the descriptor.
    pub(crate) fn write(mut self, line: &str) -> io::Result<()> {
        self.0.write_all(line.as_bytes())
    }
}
