//! The side of the control socket that answers.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use kerbox::Realm;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{Answer, Request, SOCKET, principals, tickets};
use crate::commands::note;

/// No request is longer.
const LONGEST: u64 = 1 << 20;

/// Makes the socket; nobody needs it who does not change principals.
pub(crate) fn bind(directory: &Path) -> Option<UnixListener> {
    let path = directory.join(SOCKET);
    // A killed run has left its own.
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

/// Answers for as long as it is polled. Requests are answered one after another.
pub(crate) async fn serve(listener: &UnixListener, realm: &Realm) -> Infallible {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            // Whoever hangs up early needs no answer.
            let _ = converse(stream, realm).await;
        }
    }
}

async fn converse(stream: UnixStream, realm: &Realm) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(LONGEST))
        .read_line(&mut line)
        .await?;
    let answer = serde_json::from_str(&line)
        .map_err(|error| error.to_string())
        .and_then(|request| answer(realm, request));
    let answer = match answer {
        Ok(value) => Answer::Done(value),
        Err(why) => Answer::Refused(why),
    };
    let text = serde_json::to_string(&answer).map_err(io::Error::other)?;
    writer.write_all(format!("{text}\n").as_bytes()).await
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
