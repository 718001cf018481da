//! A Java program of `tests/peers` that stays while a test does something else between its
//! commands.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kerbox::ClientEnv;

use super::java_hadoop::{Answer, java_program};
use crate::support::command;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A running program, which ends when this is dropped.
pub(crate) struct JavaSession {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl JavaSession {
    /// Starts the program, with these system properties (`-Dname=value`).
    pub(crate) fn start(env: &ClientEnv, program: &str) -> Result<Self, Error> {
        let words = java_program(env, program)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Self::run(command(env, "java", &words))
    }

    /// Starts a program by this command.
    pub(crate) fn run(mut java: Command) -> Result<Self, Error> {
        let mut child = java
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().ok_or("a pipe")?;
        let output = child.stdout.take().ok_or("a pipe")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// Sends a command without waiting for its answer.
    pub(crate) fn send(&mut self, words: &[&str]) -> Result<(), Error> {
        writeln!(self.input, "{}", words.join("\t"))?;
        Ok(self.input.flush()?)
    }

    /// Waits for the answer to the oldest command without one.
    pub(crate) fn answer(&mut self) -> Result<Answer, Error> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err(format!("the program has ended: {text}").into());
            }
            match line.strip_prefix("=> ") {
                Some(status) => return Ok((status.trim().parse()?, text)),
                None => text.push_str(&line),
            }
        }
    }

    /// Runs a command and returns what it printed. Fails if it did.
    pub(crate) fn ok(&mut self, words: &[&str]) -> Result<String, Error> {
        self.send(words)?;
        match self.answer()? {
            (0, text) => Ok(text),
            (status, text) => Err(format!("{words:?} ended with {status}: {text}").into()),
        }
    }
}

impl Drop for JavaSession {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
