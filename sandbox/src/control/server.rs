//! The answering side of the control socket.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use kerbox::Realm;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Answer, Request, SOCKET, principals, tickets};
use crate::commands::note;

/// Maximum size of a request in bytes.
const LONGEST: u64 = 1 << 20;
/// Maximum number of clients read from at once; more wait to be accepted.
const MOST: usize = 32;
/// Time limit for reading a client's request, and for writing its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause before the next accept when the system has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Creates the socket. Failure is only a warning, because a sandbox can run without changes to its
/// principals.
pub(crate) fn bind(directory: &Path) -> Option<UnixListener> {
    let path = directory.join(SOCKET);
    // A killed run may have left its socket.
    let _ = std::fs::remove_file(&path);
    UnixListener::bind(&path)
        .inspect_err(|error| {
            note(format_args!(
                "warning: {}: {error}; principals cannot be changed from outside",
                path.display()
            ));
        })
        .ok()
}

/// Answers requests as long as it is polled. They are answered one after another, once each is
/// complete, so that a slow client does not block others.
pub(crate) async fn serve(listener: &UnixListener, realm: &Realm) -> Infallible {
    let mut asking = JoinSet::new();
    let mut answering = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if asking.len() < MOST => match accepted {
                Ok((stream, _)) => {
                    asking.spawn(question(stream));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(asked) = asking.join_next() => {
                if let Ok(Some((line, writer))) = asked {
                    answering.spawn(tell(reply(realm, &line), writer));
                }
            }
            Some(_) = answering.join_next() => {}
        }
    }
}

/// Reads a client's request; `None` if it does not arrive in time.
async fn question(stream: UnixStream) -> Option<(String, OwnedWriteHalf)> {
    let (reader, writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LONGEST));
    timeout(PATIENCE, reader.read_line(&mut line))
        .await
        .ok()?
        .ok()?;
    Some((line, writer))
}

fn reply(realm: &Realm, line: &str) -> String {
    let answer = serde_json::from_str(line)
        .map_err(|error| error.to_string())
        .and_then(|request| answer(realm, request));
    let answer = match answer {
        Ok(value) => Answer::Done(value),
        Err(why) => Answer::Refused(why),
    };
    serde_json::to_string(&answer).unwrap_or_default() + "\n"
}

async fn tell(answer: String, mut writer: OwnedWriteHalf) {
    // A client that hangs up early or does not read needs no answer.
    let _ = timeout(PATIENCE, writer.write_all(answer.as_bytes())).await;
}

fn answer(realm: &Realm, request: Request) -> Result<serde_json::Value, String> {
    match request {
        Request::AddPrincipal(args) => principals::add(realm, &args),
        Request::ListPrincipals => Ok(principals::list(realm)),
        Request::ShowPrincipal(name) => principals::show(realm, &name.name),
        Request::ChangePrincipal(args) => principals::change(realm, &args),
        Request::RemovePrincipal(name) => principals::remove(realm, &name.name),
        Request::Keytab(args) => tickets::keytab(realm, &args),
        Request::Ccache(args) => tickets::ccache(realm, &args),
    }
}
