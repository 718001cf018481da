//! Starts the command and reads its output.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A separate working directory and `TMPDIR` for one test.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns a `kerbox` command with these arguments, without any variable that could affect it.
    pub(crate) fn kerbox(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerbox"));
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
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(
            self.kerbox(arguments)
                .stdin(Stdio::null())
                .output()
                .expect("it starts"),
        )
    }

    /// Runs `kerbox up` with these arguments and waits until it serves.
    pub(crate) fn up(&self, arguments: &[&str]) -> Up {
        Up::start(self.kerbox(&["up"]).args(arguments))
    }

    /// Writes a file in this place.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path().join(name), text).expect("the place can be written to");
        name.to_owned()
    }

    /// Returns the content of the folders of sandboxes without a name.
    pub(crate) fn left_over(&self) -> Vec<PathBuf> {
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
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Asserts that it ended with `code` and printed each of `texts` to standard error.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "{text:?} is missing in {self:#?}"
            );
        }
        assert_eq!(self.stdout, "", "{self:#?}");
    }

    #[track_caller]
    pub(crate) fn succeeded(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:#?}");
        &self.stdout
    }
}

/// A running `kerbox up`.
pub(crate) struct Up {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) ready: Value,
}

impl Up {
    /// Starts it and waits for the ready line.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("readable");
        let Ok(ready) = serde_json::from_str(&line) else {
            let mut stderr = String::new();
            let _ = child
                .stderr
                .take()
                .expect("piped")
                .read_to_string(&mut stderr);
            panic!("no ready line but {line:?}, and on stderr:\n{stderr}");
        };
        Self {
            child,
            stdin,
            stdout,
            ready,
        }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        PathBuf::from(self.ready["dir"].as_str().expect("a text"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process");
        kill_process(pid, signal).expect("it lives");
    }

    /// Waits for a line on standard error that contains `text`.
    #[track_caller]
    pub(crate) fn stderr_line_with(&mut self, text: &str) -> String {
        let errors = self.child.stderr.take().expect("piped");
        let mut errors = BufReader::new(errors);
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(
                errors.read_line(&mut line).expect("readable"),
                0,
                "it ended without a line on {text:?}"
            );
        }
        // The reader may have buffered text beyond that line, which `end` then misses. Tests that
        // ask for one line do not need it.
        self.child.stderr = Some(errors.into_inner());
        line
    }

    pub(crate) fn close_stdin(&mut self) {
        drop(self.stdin.take());
    }

    /// Waits for its end. Returns the exit status, the rest of standard output, and standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, String, String) {
        let (mut rest, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).expect("readable");
        let mut errors = self.child.stderr.take().expect("piped");
        errors.read_to_string(&mut stderr).expect("readable");
        (self.child.wait().expect("ours"), rest, stderr)
    }

    /// Stops it like a user, and returns its standard error.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (status, rest, stderr) = self.end();
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert_eq!(rest, "", "one line and no more");
        stderr
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
