//! The sockets of an RPC port, the only part of RPC that depends on tokio.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Verdict};
use kerbox_krb5::Clock;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use super::endpoint::RpcEndpoint;
use super::frame::ORDINARY;
use super::session::{RpcSession, Step};
use crate::server::{Connections, Limits, Place};

/// The limits on connections and their memory. A typical call and its response take less than a
/// KiB.
const LIMITS: Limits = Limits {
    connections: 4096,
    unknown: 1024,
    unknown_bytes: 16 << 20,
    known_bytes: 64 << 20,
};
/// The total real time in which a client must identify itself.
const HANDSHAKE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 120 });
/// The time that an identified client may be idle. A client with an outstanding call pings every
/// minute.
const IDLE: Duration = Duration::from_hours(1);
/// The time in which a client must accept written data.
const WRITE: Duration = Duration::from_mins(2);
/// The time to keep reading after the last response, so that closing does not reset the connection
/// while the response is in flight.
const LINGER: Duration = Duration::from_secs(2);
/// The minimum buffer space for one read.
const READ: usize = ORDINARY;
/// The same before the client is identified. A silent client holds this memory for as long as it is
/// connected.
const FIRST_READ: usize = 4 << 10;
/// The time to pause accepting after the system has run out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves RPC on a bound socket until `shutdown` resolves or a fault kills the server. Then every
/// connection is closed.
///
/// `seed` seeds the randomness of the handshakes. Each connection has its own generator, in the
/// order in which they are accepted.
///
/// # Errors
/// Fails if the socket cannot be used.
pub async fn serve(
    endpoint: Arc<RpcEndpoint>,
    listener: std::net::TcpListener,
    clock: Clock,
    seed: u64,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let mut shutdown = pin!(shutdown);
    let mut seeds = StdRng::seed_from_u64(seed);
    let (kill, mut killed) = mpsc::channel(1);
    let aside = Arc::new(Semaphore::new(1));
    let mut connections = Connections::new(Limits {
        known_bytes: LIMITS
            .known_bytes
            .max(room_for(endpoint.max_request_length)),
        ..LIMITS
    });
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            _ = killed.recv() => return Ok(()),
            Some(()) = connections.ended() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let connection = Connection {
                        endpoint: Arc::clone(&endpoint),
                        clock: clock.clone(),
                        peer,
                        kill: kill.clone(),
                        aside: Arc::clone(&aside),
                    };
                    let rng = StdRng::from_rng(&mut seeds);
                    connections.spawn(|place| connection.run(stream, rng, place));
                }
                Err(error) => {
                    tracing::warn!(server = %endpoint.server(), %error, "a connection cannot be accepted");
                    connections.shed();
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

/// Returns the memory that a request of this length takes on arrival: its buffer grows by a
/// quarter, and the prefix and the next requests arrive with it.
const fn room_for(request: usize) -> usize {
    request.saturating_add(request / 4).saturating_add(2 * READ)
}

struct Connection {
    endpoint: Arc<RpcEndpoint>,
    clock: Clock,
    peer: SocketAddr,
    kill: mpsc::Sender<()>,
    /// Permits for serving a connection on a separate thread.
    aside: Arc<Semaphore>,
}

/// A connection whose opening was recorded in the journal. Records the end as well, however the
/// connection ends.
struct Open<'a>(&'a Connection);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.record(false);
    }
}

impl Connection {
    async fn run(self, mut stream: TcpStream, rng: StdRng, place: Place) {
        self.record(true);
        let open = Open(&self);
        if self.admitted().await
            && let Err(error) = self.serve(&mut stream, rng, &place).await
        {
            tracing::debug!(server = %self.endpoint.server(), peer = %self.peer, %error, "a connection ended");
        }
        drop(open);
    }

    fn record(&self, opened: bool) {
        self.endpoint
            .hook()
            .record(self.clock.now(), self.event(opened));
    }

    fn event(&self, opened: bool) -> Event {
        Event::Connection {
            server: self.endpoint.server(),
            peer: self.peer,
            opened,
        }
    }

    /// Lets faults decide the fate of the connection.
    async fn admitted(&self) -> bool {
        let hook = self.endpoint.hook();
        if !hook.watching() {
            return true;
        }
        match hook.ask(self.clock.now(), &self.event(true)) {
            Verdict::Delay(duration) => sleep(duration).await,
            Verdict::Drop => std::future::pending().await,
            Verdict::Disconnect => return false,
            Verdict::Kill => {
                self.kill();
                return false;
            }
            _ => {}
        }
        true
    }

    fn kill(&self) {
        // A full channel already contains a kill.
        let _ = self.kill.try_send(());
    }

    async fn serve(
        &self,
        stream: &mut TcpStream,
        mut rng: StdRng,
        place: &Place,
    ) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut session = RpcSession::new(Arc::clone(&self.endpoint), self.peer);
        let mut handshake = pin!(sleep(HANDSHAKE));
        loop {
            let step;
            (session, rng, step) = self.advance(session, rng).await?;
            if step == Step::Kill {
                self.kill();
                return Ok(());
            }
            if let Some(caller) = session.caller() {
                place.known(&caller.user.short);
            }
            place.holds(session.held());
            let output = session.output();
            if !output.is_empty() {
                timeout(WRITE, stream.write_all(output)).await??;
                session.written();
                place.holds(session.held());
            }
            match step {
                // Lets other tasks run before the remaining work.
                Step::Write | Step::Kill => tokio::task::yield_now().await,
                Step::Wait(duration) => sleep(duration).await,
                Step::Close => return close(stream).await,
                Step::Read => {
                    let known = session.caller().is_some();
                    let input = session.input();
                    let room = if known { READ } else { FIRST_READ };
                    // Memory for a long request grows by a quarter instead of doubling.
                    input.reserve_exact(room.max(input.len() / 4));
                    let read = stream.read_buf(input);
                    let length = if known {
                        timeout(IDLE, read).await??
                    } else {
                        tokio::select! {
                            read = read => read?,
                            () = &mut handshake => return Err(io::ErrorKind::TimedOut.into()),
                        }
                    };
                    if length == 0 {
                        return Ok(());
                    }
                    place.is_active();
                    place.holds(session.held());
                }
            }
        }
    }

    /// Processes the received input. Long input is processed on a separate thread, one session at a
    /// time, so that the other servers of this thread are not blocked meanwhile.
    async fn advance(
        &self,
        mut session: RpcSession,
        mut rng: StdRng,
    ) -> io::Result<(RpcSession, StdRng, Step)> {
        let now = self.clock.now();
        if !session.is_costly() {
            let step = session.advance(now, &mut rng);
            return Ok((session, rng, step));
        }
        let turn = Arc::clone(&self.aside).acquire_owned().await;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let step = session.advance(now, &mut rng);
            (session, rng, step)
        })
        .await
        .map_err(io::Error::other)
    }
}

/// Ends the connection so that the client can read the last response. Closing with unread input
/// would reset it.
async fn close(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = vec![0; READ];
    let drained = async {
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    };
    // A client that keeps sending is disconnected.
    timeout(LINGER, drained).await.unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net;
    use std::sync::Mutex;

    use kerbox_events::{Hook, Outcome};
    use kerbox_krb5::Timestamp;

    use super::super::session::tests::client::{SIMPLE, call, call_with, context, replies};
    use super::super::session::tests::{endpoint, security};
    use super::*;
    use crate::sasl::QualityOfProtection;

    /// Answers every question by a rule and stores the recorded events.
    struct Rule(fn(&Event) -> Verdict, Mutex<Vec<Event>>);

    impl Hook for Rule {
        fn ask(&self, _now: Timestamp, event: &Event) -> Verdict {
            (self.0)(event)
        }

        fn record(&self, _now: Timestamp, event: Event) {
            self.1.lock().expect("not poisoned").push(event);
        }

        fn watching(&self) -> bool {
            true
        }
    }

    /// Runs `client` against a served port until both have ended. The server is shut down once the
    /// client has ended.
    fn served<T: Send + 'static>(
        secure: bool,
        rule: fn(&Event) -> Verdict,
        client: impl FnOnce(net::TcpStream) -> T + Send + 'static,
    ) -> (T, Vec<Event>) {
        let hook = Arc::new(Rule(rule, Mutex::default()));
        let security = secure.then(|| security(QualityOfProtection::Authentication));
        let endpoint = Arc::new(endpoint(security, &[], hook.clone()));
        let listener = net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let outcome = runtime.block_on(async {
            let client = tokio::task::spawn_blocking(move || {
                client(net::TcpStream::connect(address).expect("connected"))
            });
            let server = serve(
                endpoint,
                listener,
                Clock::system(),
                1,
                std::future::pending(),
            );
            let mut client = pin!(client);
            tokio::select! {
                outcome = &mut client => outcome,
                ended = server => {
                    ended.expect("the socket can be used");
                    client.await
                }
            }
        });
        let events = hook.1.lock().expect("not poisoned").clone();
        (outcome.expect("the client does not panic"), events)
    }

    fn read_all(mut stream: net::TcpStream) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        stream.read_to_end(&mut output).map(|_| output)
    }

    fn greeting() -> Vec<u8> {
        [
            SIMPLE,
            &context(Some("alice"), None),
            &call(1, "getGroupsForUser"),
        ]
        .concat()
    }

    #[test]
    fn a_refusal_reaches_a_client_that_goes_on_sending() {
        let (output, events) = served(
            true,
            |_| Verdict::Pass,
            |mut stream| {
                stream.write_all(&greeting()).expect("written");
                stream.write_all(&[0; 200_000]).expect("written");
                stream.shutdown(net::Shutdown::Write).expect("shut down");
                read_all(stream)
            },
        );
        let replies = replies(&output.expect("no reset"));
        assert!(
            replies[0]
                .exception()
                .1
                .starts_with("SIMPLE authentication is not enabled.")
        );
        assert!(matches!(events[0], Event::Connection { opened: true, .. }));
    }

    #[test]
    fn calls_are_answered_until_the_client_leaves() {
        let (output, events) = served(
            false,
            |_| Verdict::Pass,
            |mut stream| {
                stream.write_all(&greeting()).expect("written");
                stream.shutdown(net::Shutdown::Write).expect("shut down");
                read_all(stream)
            },
        );
        assert_eq!(
            replies(&output.expect("read"))[0].groups(),
            ["?", "alice", "alice"]
        );
        assert!(
            events
                .iter()
                .any(|event| event.outcome() == Some(&Outcome::Ok))
        );
    }

    #[test]
    fn a_fault_that_kills_the_server_cuts_every_connection() {
        let (output, _) = served(
            false,
            |event| match event {
                Event::RpcCall { .. } => Verdict::Kill,
                _ => Verdict::Pass,
            },
            |mut stream| {
                stream.write_all(&greeting()).expect("written");
                read_all(stream)
            },
        );
        assert!(output.is_err() || output.is_ok_and(|output| output.is_empty()));
    }

    #[test]
    fn a_client_that_trickles_has_one_deadline_for_all() {
        let (taken, _) = served(
            true,
            |_| Verdict::Pass,
            |mut stream| {
                let pause = Some(Duration::from_millis(50));
                stream.set_read_timeout(pause).expect("a timeout");
                let frame = [&b"hrpc\x09\x00\xdf\x00\x00\x04\x00"[..], &[0; 1_000]].concat();
                frame
                    .iter()
                    .take_while(|byte| {
                        stream.write_all(&[**byte]).is_ok()
                            && !matches!(stream.read(&mut [0]), Ok(0))
                    })
                    .count()
            },
        );
        assert!((2..200).contains(&taken), "{taken} bytes were taken");
    }

    #[test]
    fn a_long_request_is_served_aside_and_the_next_ones_after_it() {
        let (output, _) = served(
            false,
            |_| Verdict::Pass,
            |mut stream| {
                let long = call_with(1, "getGroupsForUser", &"u".repeat(1 << 20));
                let calls = [greeting(), long, call(2, "getGroupsForUser")].concat();
                stream.write_all(&calls).expect("written");
                stream.shutdown(net::Shutdown::Write).expect("shut down");
                read_all(stream)
            },
        );
        let replies = replies(&output.expect("read"));
        assert_eq!(replies[1].groups()[0].len(), 1 << 20);
        assert_eq!(replies[2].groups(), ["?", "alice", "alice"]);
    }

    #[test]
    fn a_request_of_exactly_the_limit_is_served() {
        let (output, _) = served(
            false,
            |_| Verdict::Pass,
            |mut stream| {
                let limit = 32 << 20;
                let user = limit - (call_with(1, "fail", &"u".repeat(limit - 100)).len() - 4);
                let longest = call_with(1, "fail", &"u".repeat(limit - 100 + user));
                assert_eq!(longest.len(), 4 + limit);
                stream.write_all(&greeting()).expect("written");
                stream.write_all(&longest).expect("written");
                stream.shutdown(net::Shutdown::Write).expect("shut down");
                read_all(stream)
            },
        );
        let replies = replies(&output.expect("read"));
        assert_eq!(replies[1].exception().1, "not now");
        assert!(room_for(usize::MAX) == usize::MAX && room_for(100) > 125);
    }

    #[test]
    fn a_fault_can_answer_a_connection() {
        let (output, events) = served(
            false,
            |event| match event {
                Event::Connection { .. } => Verdict::Disconnect,
                _ => Verdict::Pass,
            },
            read_all,
        );
        assert_eq!(output.expect("closed"), b"");
        assert!(matches!(events[0], Event::Connection { opened: true, .. }));
    }
}
