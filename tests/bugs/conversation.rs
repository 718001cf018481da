//! A Java job under the fixture's clock that takes one command at a time, so that the test can
//! move the clock between two of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kerbox::ClientEnv;

use crate::support::{hadoop_jars, peer_source, peers_dir};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The time limit for a whole conversation on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// A running job. It ends when this is dropped.
pub(super) struct Job {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: Option<JoinHandle<String>>,
    ended: Option<mpsc::Sender<()>>,
}

/// A command's answer: its result, or its exceptions, the causes last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    status: i32,
    text: String,
}

impl Answer {
    /// Returns the result; fails if the command failed.
    pub(super) fn ok(self) -> Result<String, Error> {
        match self.status {
            0 => Ok(self.text.trim_end().to_owned()),
            _ => Err(format!("it should have worked: {}", self.text).into()),
        }
    }

    /// Returns the exceptions; fails if the command succeeded.
    pub(super) fn refused(self) -> Result<String, Error> {
        match self.status {
            0 => Err(format!("it should have failed: {}", self.text).into()),
            _ => Ok(self.text),
        }
    }
}

impl Job {
    /// Starts a job in an environment that is [under the clock](kerbox::Login::env_under_clock).
    /// Settings are written `KEY=VALUE`.
    pub(super) fn start(env: &ClientEnv, settings: &[&str]) -> Result<Self, Error> {
        let conf = env
            .get("HADOOP_CONF_DIR")
            .ok_or("no HADOOP_CONF_DIR")?
            .to_string_lossy()
            .into_owned();
        let krb5 = env.get("KRB5_CONFIG").ok_or("no KRB5_CONFIG")?;
        let mut child = env
            .command("java")
            .args(["-Dpeers.level=WARN", "-Djava.net.preferIPv4Stack=true"])
            .arg("-XX:TieredStopAtLevel=1")
            .arg(format!(
                "-Djava.security.krb5.conf={}",
                krb5.to_string_lossy()
            ))
            .arg("-cp")
            .arg(format!(
                "{conf}:{}:{}/*",
                peers_dir().join("log").display(),
                hadoop_jars().display()
            ))
            .arg(peer_source("Jobs.java"))
            // The client's own repetitions only take time: each waits up to five seconds.
            .arg("ipc.client.connect.max.retries.on.sasl=0")
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut stderr = child.stderr.take().ok_or("no standard error")?;
        let errors = thread::spawn(move || {
            let mut text = String::new();
            // A JVM that is killed may leave half a character.
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let (ended, end) = mpsc::channel::<()>();
        let pid = child.id().to_string();
        thread::spawn(move || {
            if end.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = std::process::Command::new("kill")
                    .args(["-KILL", &pid])
                    .status();
            }
        });
        Ok(Self {
            child,
            input,
            output,
            errors: Some(errors),
            ended: Some(ended),
        })
    }

    /// Sends a command and returns its answer. Fails if the job has died.
    pub(super) fn ask(&mut self, words: &[&str]) -> Result<Answer, Error> {
        let input = self.input.as_mut().ok_or("the job has ended")?;
        // If the job has died, reading says so, with its errors.
        let _ = input.write_all((words.join("\t") + "\n").as_bytes());
        let _ = input.flush();
        let mut text = String::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                self.input = None;
                let errors = self.errors.take().and_then(|errors| errors.join().ok());
                return Err(format!("{words:?}: the job died: {text}{errors:?}").into());
            }
            match line.strip_prefix("=> ") {
                Some(status) => {
                    let status = status.trim().parse()?;
                    return Ok(Answer { status, text });
                }
                None => text.push_str(&line),
            }
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.input = None;
        self.ended = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
