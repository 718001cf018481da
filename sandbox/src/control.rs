//! The asking side of the control socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use kerbox::control::{Answer, Request};
use serde_json::Value;

use crate::failure::Failure;

pub(crate) const SOCKET: &str = "control.sock";

/// Sends a request to the sandbox that serves from `dir`.
pub(crate) fn ask(dir: &Path, request: &Request) -> Result<Value, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        let dir = dir.display();
        Failure::Failed(format!(
            "no sandbox answers in {dir}: {error}; start one with `kerbox up --dir {dir}`"
        ))
    };
    let mut stream = UnixStream::connect(dir.join(SOCKET)).map_err(|error| failed(&error))?;
    let line = serde_json::to_string(request).map_err(|error| failed(&error))?;
    stream
        .write_all(format!("{line}\n").as_bytes())
        .map_err(|error| failed(&error))?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .map_err(|error| failed(&error))?;
    match serde_json::from_str(&answer).map_err(|error| failed(&error))? {
        Answer::Done(value) => Ok(value),
        Answer::Refused(why) => Err(Failure::Failed(why)),
        other => Err(Failure::Failed(format!(
            "the sandbox in {} gives an answer that this kerbox does not know: {other:?}; stop it, \
             and start it again with this one",
            dir.display()
        ))),
    }
}

/// Decodes bytes of an answer; `None` if the text is not hexadecimal.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
