//! A folder in which a test runs the command, and the command's output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::programs::kerbox;
use crate::up::Up;

/// A separate working directory and `TMPDIR` for one test.
#[derive(Debug)]
pub struct Place(TempDir);

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// Creates an empty folder, which is removed with this value.
    ///
    /// # Panics
    /// If that is not possible.
    #[must_use]
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns a `kerbox` command with these arguments, without any variable that could affect it.
    #[must_use]
    pub fn kerbox(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(kerbox());
        command
            .args(arguments)
            .current_dir(self.path())
            .env("TMPDIR", self.path());
        let ours = |name: &str| {
            name.starts_with("KERBOX_")
                || name.starts_with("KRB5")
                || name.starts_with("HADOOP")
                || name.starts_with("JAVA")
        };
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command
    }

    /// Runs the command until it ends.
    ///
    /// # Panics
    /// If it does not start.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(
            self.kerbox(arguments)
                .stdin(Stdio::null())
                .output()
                .expect("it starts"),
        )
    }

    /// Runs `kerbox up` with these arguments and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn up(&self, arguments: &[&str]) -> Up {
        Up::start(self.kerbox(&["up"]).args(arguments))
    }

    /// Writes a file in this place, and returns its name.
    ///
    /// # Panics
    /// If that is not possible.
    pub fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path().join(name), text).expect("the place can be written to");
        name.to_owned()
    }

    /// Returns the content of the folders of sandboxes without a name.
    ///
    /// # Panics
    /// If they cannot be read.
    #[must_use]
    pub fn left_over(&self) -> Vec<PathBuf> {
        let user = rustix::process::geteuid().as_raw();
        let folders = std::fs::read_dir(self.path().join(format!("kerbox.{user}")))
            .into_iter()
            .flatten();
        folders
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.is_dir())
            .collect()
    }
}

/// The exit status and output of a command that ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit status; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// Returns the status and the texts of an output.
    ///
    /// # Panics
    /// If the texts are not UTF-8.
    #[must_use]
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Asserts that it ended with `code` and printed each of `texts` to standard error.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn refused(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "{text:?} is missing in {self:#?}"
            );
        }
        assert_eq!(self.stdout, "", "{self:#?}");
    }

    /// Returns its standard output if it succeeded.
    ///
    /// # Panics
    /// If it failed.
    #[track_caller]
    pub fn succeeded(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:#?}");
        &self.stdout
    }
}
