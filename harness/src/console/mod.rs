//! The fixture's part of a console (feature `web`): its clock, journal, faults, tickets and
//! connections, and what is known of its realm. The verbs are those of the control socket;
//! `/console/api/control` takes the same requests, as far as no answer has a key in it.
//!
//! - `files`: the views
//! - `stream`: the journal as server-sent events

mod files;
mod stream;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Weak};
use std::thread;

use minihdfs::web::{ConsoleAccess, ConsoleAnswer, ConsoleCall, ConsoleFile, ConsoleVerbs};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::control::request::{ClockRequest, Request};
use crate::control::served::Served;
use stream::Streams;

/// The verb that takes changes.
const CONTROL: &str = "control";
/// The verb that shows the clock, which everyone may see.
const CLOCK: &str = "clock";
/// The verb that shows the realm, which everyone may see.
const REALM: &str = "realm";
/// The verb that follows the journal as it grows.
const EVENTS: &str = "events";

/// The verbs of a fixture. They do not keep it running.
pub(crate) struct FixtureVerbs {
    served: Weak<Served>,
    files: &'static [ConsoleFile],
    streams: Streams,
}

impl FixtureVerbs {
    /// Creates the verbs for a NameNode's console.
    pub(crate) fn of_cluster(served: &Arc<Served>, runtime: &Handle) -> Self {
        Self::new(served, &files::OF_CLUSTER, runtime)
    }

    /// Creates the verbs for the console of a realm alone.
    pub(crate) fn of_realm(served: &Arc<Served>, runtime: &Handle) -> Self {
        Self::new(served, &files::OF_REALM, runtime)
    }

    fn new(served: &Arc<Served>, files: &'static [ConsoleFile], runtime: &Handle) -> Self {
        Self {
            served: Arc::downgrade(served),
            files,
            streams: Streams {
                open: Arc::new(AtomicUsize::new(0)),
                runtime: runtime.clone(),
            },
        }
    }
}

impl ConsoleVerbs for FixtureVerbs {
    fn files(&self) -> &'static [ConsoleFile] {
        self.files
    }

    fn access(&self, verb: &str, is_change: bool) -> Option<ConsoleAccess> {
        match (verb, is_change) {
            (CLOCK | REALM, false) => Some(ConsoleAccess::Everyone),
            (CONTROL, true) | (EVENTS, false) => Some(ConsoleAccess::Administrators),
            (verb, false) => reading(verb).map(|_| ConsoleAccess::Administrators),
            _ => None,
        }
    }

    fn answer(&self, call: ConsoleCall) -> Pin<Box<dyn Future<Output = ConsoleAnswer> + Send>> {
        let ends = |why: &str| ConsoleAnswer::Busy(why.to_owned());
        let Some(served) = self.served.upgrade() else {
            return Box::pin(async move { ends("The fixture is ending") });
        };
        if call.verb == EVENTS {
            let answer = self.streams.begin(served.journal(), call.from);
            return Box::pin(async move { answer });
        }
        let request = match call.change {
            None => reading(&call.verb).ok_or_else(|| "there is no such verb".to_owned()),
            Some(change) => wanted(change),
        };
        match request {
            Ok(request) => Box::pin(carried_out(served, request)),
            Err(why) => Box::pin(async move { ConsoleAnswer::Refused(why) }),
        }
    }
}

/// Returns the request that a verb without a change makes.
fn reading(verb: &str) -> Option<Request> {
    Some(match verb {
        CLOCK => Request::Clock(ClockRequest::Show),
        REALM => Request::ShowRealm,
        "principals" => Request::ShowPrincipals,
        "tickets" => Request::ListTickets,
        "tokens" => Request::ListTokens,
        "connections" => Request::ListConnections,
        "faults" => Request::ListFaults,
        "nodes" => Request::ListNodes,
        _ => return None,
    })
}

/// Returns the request for a change. Those whose answers have keys, and those that change who is
/// who, have the control socket alone: only the fixture's owner opens it.
fn wanted(change: Value) -> Result<Request, String> {
    let request: Request = serde_json::from_value(change)
        .map_err(|error| format!("the change is no request of the control socket: {error}"))?;
    match request {
        Request::Clock(_)
        | Request::AddFault(_)
        | Request::RemoveFault(_)
        | Request::ChangeNode { .. } => Ok(request),
        _ => Err(String::from(
            "only the clock, faults and servers are changed here; the kerbox command does the \
             rest over the control socket",
        )),
    }
}

/// Carries out a request on a thread of its own: it may move the clock, which the servers' threads
/// must not wait for.
async fn carried_out(served: Arc<Served>, request: Request) -> ConsoleAnswer {
    let Some(turn) = served.turn() else {
        return ConsoleAnswer::Busy("Too many requests are under way; try again".to_owned());
    };
    drop(served);
    let (tell, told) = oneshot::channel();
    let spawned = thread::Builder::new()
        .name("kerbox-console".to_owned())
        .spawn(move || {
            // A client that has left needs no answer.
            let _ = tell.send(turn.answer(request));
        });
    if let Err(error) = spawned {
        return ConsoleAnswer::Busy(format!("No thread is left for the request: {error}"));
    }
    match told.await {
        Ok(Ok(value)) => ConsoleAnswer::Done(value),
        Ok(Err(why)) => ConsoleAnswer::Refused(why),
        Err(_) => ConsoleAnswer::Refused("The request has ended without an answer".to_owned()),
    }
}
