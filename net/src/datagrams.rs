//! A socket of datagrams. Each client's datagrams are answered in their order, and different
//! clients' at the same time.
//!
//! An answer that is computed for long holds up no datagram that arrived before it began, but those
//! that arrive later: a datagram that is alone is answered where it was received. A task for it
//! would cost a sixth of an exchange, and to wake a second thread for it a fourth. A runtime with a
//! single thread answers all of them there, since tasks would take turns.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinSet;

use crate::{Gate, inherited};

/// The maximum number of clients that are answered, and of answers that come later. Further
/// datagrams are lost, as datagrams may be.
const MAX_TASKS: usize = 4096;

/// The maximum number of bytes of datagrams that wait for an earlier one of their client.
const MAX_BYTES: usize = 4 << 20;

/// The bytes that a waiting datagram takes besides its own: even an empty one has its place.
const OVERHEAD: usize = 64;

/// The largest datagram.
const MAX_DATAGRAM: usize = 65_536;

/// The answer to a datagram.
///
/// ```
/// use kerbox_net::Answer;
///
/// /// Echoes requests at once, but for empty ones.
/// fn echo(request: &[u8]) -> Answer {
///     match request {
///         [] => Answer::None,
///         request => Answer::Now(request.to_vec()),
///     }
/// }
/// ```
pub enum Answer {
    /// No answer.
    None,
    /// This datagram, at once.
    Now(Vec<u8>),
    /// An answer that comes later, if at all. Meanwhile the client's next datagrams are answered.
    Later(Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>>),
}

/// A bound UDP port. Dropping it closes it, and the answers that are still to come are lost.
///
/// ```
/// use kerbox_net::{Answer, Datagrams};
/// use tokio::net::UdpSocket;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let port = Datagrams::new(std::net::UdpSocket::bind("127.0.0.1:0")?)?;
/// let address = port.local_addr()?;
/// let client = async {
///     let socket = UdpSocket::bind("127.0.0.1:0").await?;
///     socket.send_to(b"hello", address).await?;
///     let mut answer = [0; 5];
///     socket.recv(&mut answer).await?;
///     Ok::<_, std::io::Error>(answer)
/// };
/// tokio::select! {
///     _ = port.serve(|request, _from| Answer::Now(request.to_ascii_uppercase())) => {}
///     answer = client => assert_eq!(&answer?, b"HELLO"),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Datagrams(Arc<Shared>);

/// The parts that the clients' tasks share.
struct Shared {
    socket: UdpSocket,
    waiting: Mutex<Waiting>,
    /// `None` once the port is closed.
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl Datagrams {
    /// Takes over a bound socket.
    ///
    /// # Errors
    /// Fails if the socket cannot be used.
    pub fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self(Arc::new(Shared {
            socket: UdpSocket::from_std(socket)?,
            waiting: Mutex::default(),
            tasks: Mutex::new(Some(JoinSet::new())),
        })))
    }

    /// Returns the address that it is bound to.
    ///
    /// # Errors
    /// Fails if the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.socket.local_addr()
    }

    /// Answers datagrams until it is dropped.
    pub async fn serve<A>(&self, answer: A) -> Infallible
    where
        A: Fn(&[u8], SocketAddr) -> Answer + Send + Sync + 'static,
    {
        let answer = Arc::new(answer);
        let gate = Gate::current();
        // On a single thread, tasks would only answer one after another.
        let is_parallel = Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread;
        let mut buffer = vec![0; MAX_DATAGRAM];
        let mut after = is_parallel.then(|| vec![0; MAX_DATAGRAM]);
        let mut received = None;
        loop {
            let (length, from) = match received.take() {
                Some(received) => received,
                // An error is about an earlier answer that could not be delivered; the socket
                // still works.
                None => match self.0.socket.recv_from(&mut buffer).await {
                    Ok(received) => received,
                    Err(_) => continue,
                },
            };
            let datagram = &buffer[..length];
            if let Some(after) = &mut after {
                received = self.0.receive_now(after).await;
            }
            // A closed gate holds up tasks; this one only when it waits.
            if received.is_none() && !gate.is_closed() && self.0.waiting().is_empty() {
                self.0.give(answer(datagram, from), from).await;
            } else if self.0.waiting().add(from, datagram) {
                let turn = Turn {
                    shared: Arc::clone(&self.0),
                    client: from,
                    is_over: false,
                };
                self.0.spawn(turn.answer(Arc::clone(&answer)));
            }
            if let Some(after) = &mut after {
                std::mem::swap(&mut buffer, after);
            }
        }
    }

    /// Closes the port. When this returns, its socket is closed.
    pub async fn shutdown(self) {
        let tasks = self.0.tasks().take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        // The tasks hold the set that they are in, and one that runs may be about to add another.
        let tasks = self.0.tasks().take();
        drop(tasks);
    }
}

impl Shared {
    /// Runs a task of the port's server, unless there are too many or the port is closed.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        let Some(tasks) = &mut *tasks else {
            return;
        };
        while tasks.try_join_next().is_some() {}
        if tasks.len() < MAX_TASKS {
            tasks.spawn(inherited(task));
        }
    }

    /// Receives a datagram if one is there.
    async fn receive_now(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let mut buffer = ReadBuf::new(buffer);
        let from = poll_fn(|context| {
            let received = self.socket.poll_recv_from(context, &mut buffer);
            Poll::Ready(match received {
                Poll::Ready(received) => received.ok(),
                Poll::Pending => None,
            })
        });
        let from = from.await?;
        Some((buffer.filled().len(), from))
    }

    /// Sends an answer, now or later.
    async fn give(self: &Arc<Self>, answer: Answer, client: SocketAddr) {
        match answer {
            Answer::None => {}
            Answer::Now(message) => self.send(&message, client).await,
            Answer::Later(answer) => {
                let shared = Arc::clone(self);
                self.spawn(async move {
                    if let Some(message) = answer.await {
                        shared.send(&message, client).await;
                    }
                });
            }
        }
    }

    async fn send(&self, message: &[u8], to: SocketAddr) {
        // A datagram that cannot be sent is lost, as it may be on its way.
        let _ = self.socket.send_to(message, to).await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Each change is complete when the lock is released, so a panic elsewhere does no harm.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The datagrams that are not answered yet, by client. A client has an entry as long as it has a
/// task.
#[derive(Default)]
struct Waiting {
    clients: HashMap<SocketAddr, VecDeque<Vec<u8>>>,
    bytes: usize,
}

impl Waiting {
    /// Returns whether no client has a task.
    fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Adds a datagram, unless too many wait. Returns true if its client has no task yet.
    fn add(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let bytes = self.bytes.saturating_add(size(datagram));
        if bytes > MAX_BYTES {
            return false;
        }
        self.bytes = bytes;
        match self.clients.entry(from) {
            Entry::Occupied(mut queue) => {
                queue.get_mut().push_back(datagram.to_vec());
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(VecDeque::from([datagram.to_vec()]));
                true
            }
        }
    }

    /// Returns the client's next datagram. If there is none, its task must end.
    fn next(&mut self, client: SocketAddr) -> Option<Vec<u8>> {
        let next = self.clients.get_mut(&client)?.pop_front();
        match &next {
            Some(datagram) => self.bytes -= size(datagram),
            None => drop(self.clients.remove(&client)),
        }
        next
    }

    /// Forgets a client whose task ends before its time.
    fn forget(&mut self, client: SocketAddr) {
        let queue = self.clients.remove(&client).unwrap_or_default();
        self.bytes -= queue.iter().map(|datagram| size(datagram)).sum::<usize>();
    }
}

/// Returns the bytes that a waiting datagram takes.
fn size(datagram: &[u8]) -> usize {
    datagram.len() + OVERHEAD
}

/// A client's task.
struct Turn {
    shared: Arc<Shared>,
    client: SocketAddr,
    /// True once none of the client's datagrams is left. It may have a new task by now.
    is_over: bool,
}

impl Turn {
    /// Answers the client's datagrams, until none is left.
    async fn answer<A>(mut self, answer: Arc<A>)
    where
        A: Fn(&[u8], SocketAddr) -> Answer,
    {
        loop {
            // In a statement of its own, so that the lock is released before the answer is made.
            let next = self.shared.waiting().next(self.client);
            let Some(datagram) = next else {
                self.is_over = true;
                return;
            };
            let answer = answer(&datagram, self.client);
            self.shared.give(answer, self.client).await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.waiting().forget(self.client);
        }
    }
}

#[cfg(test)]
mod tests;
