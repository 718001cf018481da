//! The failures of commands and their exit codes.

use std::fmt;
use std::process::ExitCode;

/// A command's failure. The text says what was wrong, with which value, and how to fix it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Exit code 1.
    Failed(String),
    /// The command line asks for something impossible: exit code 2.
    Usage(String),
    /// A value in the configuration cannot be used: exit code 3. Each line is one problem.
    Configuration(Vec<String>),
    /// A port or an address cannot be bound: exit code 4.
    Bind(String),
}

impl Failure {
    /// Returns the exit code, as documented in the manual.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Configuration(_) => 3,
            Self::Bind(_) => 4,
        })
    }

    /// Returns a failure with exit code 1: `what` failed because of `why`.
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
