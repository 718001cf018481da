//! A sandbox that runs.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A running `kerbox up`. It is killed with this value.
#[derive(Debug)]
pub struct Up {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The ready line.
    pub ready: Value,
}

impl Up {
    /// Starts it and waits for the ready line.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
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

    /// Returns its folder.
    ///
    /// # Panics
    /// If the ready line does not name it.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        PathBuf::from(self.ready["dir"].as_str().expect("a text"))
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has ended.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process");
        kill_process(pid, signal).expect("it lives");
    }

    /// Waits for a line on standard error that contains `text`.
    ///
    /// # Panics
    /// If it ends before.
    #[track_caller]
    pub fn stderr_line_with(&mut self, text: &str) -> String {
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

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        drop(self.stdin.take());
    }

    /// Waits for its end. Returns the exit status, the rest of standard output, and standard error.
    ///
    /// # Panics
    /// If its output is not UTF-8.
    pub fn end(mut self) -> (ExitStatus, String, String) {
        let (mut rest, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).expect("readable");
        let mut errors = self.child.stderr.take().expect("piped");
        errors.read_to_string(&mut stderr).expect("readable");
        (self.child.wait().expect("ours"), rest, stderr)
    }

    /// Stops it like a user, and returns its standard error.
    ///
    /// # Panics
    /// If it fails or prints a second line.
    #[track_caller]
    pub fn stop(self) -> String {
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
