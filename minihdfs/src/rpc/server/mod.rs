//! The sockets of an RPC port, the only part of RPC that depends on tokio.

#[cfg(test)]
mod durability_tests;
mod unsent;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Ending, Event, Ruling, rule};
use kerbox_krb5::Clock;
use kerbox_net::{Accepted, Deadline, IdleRule, Limits, Linger, Place, Port, Stop, within};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::endpoint::RpcEndpoint;
use super::frame::ORDINARY;
use super::session::{RpcSession, Step};
use unsent::Unsent;

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
/// The time in which a client must accept written data.
const WRITE: Duration = Duration::from_secs(2 * 60);
/// The limits on reading after the last response. A client may be in the middle of a request.
const LINGER: Linger = Linger {
    time: Duration::from_secs(2),
    bytes: 128 << 20,
};
/// The limits on reading from a client to which a fault sends nothing any more.
const HALF_CLOSED: Linger = Linger {
    time: HANDSHAKE,
    bytes: LINGER.bytes,
};
/// The time between two pieces of a response that a fault chops.
const BETWEEN_PIECES: Duration = Duration::from_millis(1);
/// The minimum buffer space for one read.
const READ: usize = ORDINARY;
/// The same before the client is identified. A silent client holds this memory for as long as it is
/// connected.
const FIRST_READ: usize = 4 << 10;

/// Serves RPC on a bound socket until `shutdown` resolves or a fault kills the server. Then every
/// connection is closed.
///
/// Identified clients that are idle are closed as Hadoop's server does it, by `clock`, and whenever
/// [`Gate::close_idle`](kerbox_net::Gate::close_idle) is called.
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
    let limits = Limits {
        known_bytes: LIMITS
            .known_bytes
            .max(room_for(endpoint.max_request_length)),
        ..LIMITS
    };
    let idle = IdleRule {
        limit: endpoint.idle.max_idle_time.saturating_mul(2),
        threshold: endpoint.idle.threshold,
    };
    let mut port = Port::new(listener, endpoint.server(), limits)?.with_idle_rule(idle);
    let mut seeds = StdRng::seed_from_u64(seed);
    let stop = Stop::default();
    let aside = Arc::new(Semaphore::new(1));
    let served = port.serve(
        |Accepted {
             stream,
             peer,
             place,
         }| {
            let connection = Connection {
                endpoint: Arc::clone(&endpoint),
                clock: clock.clone(),
                peer,
                stop: stop.clone(),
                aside: Arc::clone(&aside),
            };
            connection.run(stream, StdRng::from_rng(&mut seeds), place)
        },
    );
    tokio::select! {
        () = stop.or(shutdown) => {}
        never = served => match never {},
    }
    port.shutdown().await;
    Ok(())
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
    stop: Stop,
    /// Permits for serving a connection on a separate thread.
    aside: Arc<Semaphore>,
}

/// The fate of a new connection.
enum Admission {
    Serve,
    Close,
    /// Sends nothing, and reads on.
    HalfClose,
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
    async fn run(self, stream: TcpStream, rng: StdRng, place: Place) {
        self.record(true);
        let open = Open(&self);
        match self.admitted().await {
            Admission::Serve => {
                if let Err(error) = self.serve(stream, rng, &place).await {
                    tracing::debug!(server = %self.endpoint.server(), peer = %self.peer, %error, "a connection ended");
                }
            }
            Admission::HalfClose => HALF_CLOSED.close(stream).await,
            Admission::Close => {}
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
    async fn admitted(&self) -> Admission {
        match rule::<Infallible>(&**self.endpoint.hook(), self.clock.now(), |_| {
            self.event(true)
        }) {
            Ruling::Go(changes) => {
                if !changes.delay.is_zero() {
                    sleep(changes.delay).await;
                }
            }
            Ruling::Hold(latch) => latch.await,
            Ruling::Refuse(never) => match never {},
            Ruling::End(Ending::Silent) => std::future::pending().await,
            Ruling::End(Ending::Close) => return Admission::Close,
            Ruling::End(Ending::HalfClose) => return Admission::HalfClose,
            Ruling::End(Ending::Kill) => {
                self.stop.stop();
                return Admission::Close;
            }
        }
        Admission::Serve
    }

    async fn serve(&self, mut stream: TcpStream, mut rng: StdRng, place: &Place) -> io::Result<()> {
        // It moves between threads below, which is cheap only for a pointer.
        let mut session = Box::new(RpcSession::new(Arc::clone(&self.endpoint), self.peer));
        let mut handshake = Deadline::after(HANDSHAKE);
        let mut unsent = Unsent::default();
        loop {
            let step;
            (session, rng, step) = self.advance(session, rng).await?;
            if step == Step::Kill {
                send_all(&mut unsent, &mut stream).await?;
                self.stop.stop();
                return Ok(());
            }
            identify(&session, place);
            place.holds(session.held().saturating_add(unsent.held()));
            if !session.output().is_empty() {
                self.answer(&mut session, &mut unsent, &mut stream).await?;
                place.holds(session.held().saturating_add(unsent.held()));
            }
            let goes_on = matches!(step, Step::Read | Step::Write) && session.caller().is_some();
            if !goes_on || unsent.is_full() {
                send_all(&mut unsent, &mut stream).await?;
            }
            match step {
                // Lets other tasks run before the remaining work.
                Step::Write | Step::Kill => tokio::task::yield_now().await,
                Step::HalfClose => {
                    HALF_CLOSED.close(stream).await;
                    return Ok(());
                }
                Step::Wait(duration) => sleep(duration).await,
                Step::Hold => session.latch().await,
                Step::Close => {
                    LINGER.close(stream).await;
                    return Ok(());
                }
                Step::Read if unsent.is_empty() => {
                    let read = self.read(&mut session, &mut stream, &mut handshake, place);
                    if read.await? == 0 {
                        return Ok(());
                    }
                    place.is_active();
                    place.holds(session.held());
                }
                Step::Read => {
                    let read = read_beside(&mut session, &mut unsent, &mut stream);
                    if !read.await? {
                        return send_all(&mut unsent, &mut stream).await;
                    }
                    place.is_active();
                    place.holds(session.held().saturating_add(unsent.held()));
                }
            }
        }
    }

    /// Sends a session's output, or puts it where it waits for changes to be durable.
    async fn answer(
        &self,
        session: &mut RpcSession,
        unsent: &mut Unsent,
        stream: &mut TcpStream,
    ) -> io::Result<()> {
        let durable = self.endpoint.durable();
        if durable.is_some() || !unsent.is_empty() {
            unsent.push(session, durable);
            return Ok(());
        }
        let piece = session.piece();
        within(WRITE, write(stream, session.output(), piece)).await?;
        session.written();
        Ok(())
    }

    /// Reads input, and returns its length; 0 at its end.
    async fn read(
        &self,
        session: &mut RpcSession,
        stream: &mut TcpStream,
        handshake: &mut Deadline,
        place: &Place,
    ) -> io::Result<usize> {
        let known = session.caller().is_some();
        let input = session.input();
        let room = if known { READ } else { FIRST_READ };
        // Memory for a long request grows by a quarter instead of doubling.
        input.reserve_exact(room.max(input.len() / 4));
        let read = stream.read_buf(input);
        if !known {
            return handshake.within(read).await;
        }
        // Hadoop's `Connection.isIdle`: no call is being served.
        place.idle_since(self.clock.now().as_micros());
        read.await
    }

    /// Processes the received input. Long input is processed on a separate thread, one session at a
    /// time, so that the other servers of this thread are not blocked meanwhile.
    async fn advance(
        &self,
        mut session: Box<RpcSession>,
        mut rng: StdRng,
    ) -> io::Result<(Box<RpcSession>, StdRng, Step)> {
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

/// Says who the client is, once that is known.
fn identify(session: &RpcSession, place: &Place) {
    if let Some(caller) = session.caller() {
        place.known(&caller.user.short);
        if let Some(protection) = session.protection() {
            place.protected(protection);
        }
    }
}

/// Sends all output, each part once it may be sent.
async fn send_all(unsent: &mut Unsent, stream: &mut TcpStream) -> io::Result<()> {
    while let Some(output) = unsent.next().await? {
        within(WRITE, write(stream, &output.bytes, output.piece)).await?;
    }
    Ok(())
}

/// Sends the next output once it may be sent, or reads input if some comes first, whose changes
/// then become durable together. Returns false at the end of the input.
async fn read_beside(
    session: &mut RpcSession,
    unsent: &mut Unsent,
    stream: &mut TcpStream,
) -> io::Result<bool> {
    let input = session.input();
    input.reserve_exact(READ.max(input.len() / 4));
    let output = tokio::select! {
        biased;
        output = unsent.next() => output?,
        read = stream.read_buf(input) => return Ok(read? > 0),
    };
    if let Some(output) = output {
        within(WRITE, write(stream, &output.bytes, output.piece)).await?;
    }
    Ok(true)
}

/// Writes output, for a fault in pieces that arrive one by one.
async fn write(stream: &mut TcpStream, output: &[u8], piece: usize) -> io::Result<()> {
    for part in output.chunks(piece) {
        stream.write_all(part).await?;
        if part.len() < output.len() {
            sleep(BETWEEN_PIECES).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
