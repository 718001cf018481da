//! The announcements that everything serves: the line, the file, the descriptor.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::failure::Failure;

/// The ready line. Test suites in other languages rely on its keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Always true: no line is printed before.
    pub(crate) ready: bool,
    /// The process id of the sandbox.
    pub(crate) pid: u32,
    /// The version of `kerbox`.
    pub(crate) version: String,
    /// The folder with the files.
    pub(crate) dir: String,
    /// The realm's name; null without Kerberos.
    pub(crate) realm: Option<String>,
    /// The addresses of the servers.
    pub(crate) endpoints: Endpoints,
    /// The environment variables that clients need.
    pub(crate) env: Environment,
}

/// The addresses of the servers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// The KDC's address for UDP and TCP; null without Kerberos.
    pub(crate) kdc: Option<String>,
    /// The NameNode's URL; null with the KDC alone.
    pub(crate) namenode: Option<String>,
    /// The data ports, in the order of the nodes.
    pub(crate) datanodes: Vec<String>,
    /// The URL of the NameNode's HTTP port, below which is `/webhdfs/v1`; null with the KDC alone.
    #[serde(default)]
    pub(crate) webhdfs: Option<String>,
    /// The URL of the NameNode's HTTPS port, whose authority is in `ca.pem`; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) swebhdfs: Option<String>,
    /// The URL of HttpFS, below which is `/webhdfs/v1`; absent if it is not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) httpfs: Option<String>,
    /// The URL of the console; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) console: Option<String>,
}

impl Ready {
    /// Returns the line, including the newline.
    pub(crate) fn line(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON") + "\n"
    }

    /// Reads the folder's `ready.json`.
    pub(crate) fn read(dir: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(dir.join("ready.json"))?;
        serde_json::from_str(&text).map_err(io::Error::other)
    }
}

/// Returns the process that last announced itself in `dir`.
pub(crate) fn pid(dir: &Path) -> Option<u32> {
    Ready::read(dir).ok().map(|ready| ready.pid)
}

/// The descriptor of `--ready-fd`.
#[derive(Debug)]
pub(crate) struct ReadyFd(File);

impl ReadyFd {
    /// Takes ownership of the descriptor. Call it before opening anything else, which could get the
    /// same number.
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
        // SAFETY: it was just found to be open, it is not a standard stream, and this process has
        // opened nothing yet.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        // The commands of `exec` must not inherit it.
        rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)
            .map_err(|error| Failure::io(format_args!("--ready-fd {number}"), error))?;
        Ok(Some(Self(File::from(descriptor))))
    }

    /// Writes the line and closes the descriptor.
    pub(crate) fn write(mut self, line: &str) -> io::Result<()> {
        self.0.write_all(line.as_bytes())
    }
}
