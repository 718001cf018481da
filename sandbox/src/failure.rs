//! Why a command ended without success, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// The end of a command that did not succeed. The text says what was wrong, with which value, and
/// how to mend it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Exit code 1.
    Failed(String),
    /// The command line asks for something that cannot be: exit code 2.
    Usage(String),
    /// A value in the configuration cannot be used: exit code 3. Each line is one problem.
    Configuration(Vec<String>),
    /// A port or an address cannot be had: exit code 4.
    Bind(String),
}

impl Failure {
    /// The exit code, as the manual lists them.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Configuration(_) => 3,
            Self::Bind(_) => 4,
        })
    }

    /// Exit code 1: `what` could not be done, because of `why`.
    pub(crate) fn io(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::Failed(format!("{what}: {why}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(text) | Self::Usage(text) | Self::Bind(text) => f.write_str(text),
            Self::Configuration(problems) => f.write_str(&problems.join("\n")),
        }
    }
}
