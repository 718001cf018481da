//! A server from outside: pausing it with all its tasks, and closing its connections.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

tokio::task_local! {
    /// The gate of the server that the current task belongs to.
    static GATE: Gate;
}

/// Pauses a server, as SIGSTOP does: it accepts nothing and answers nothing, and its connections
/// stay open. Clones are the same gate.
///
/// A server runs behind the gate by [`run`](Self::run), and each task that it spawns, by
/// [`inherited`]. The gate also knows the server's connections, can [cut](Self::cut) them, and
/// [closes](Self::close_idle) idle ones.
///
/// ```
/// use std::pin::pin;
/// use std::task::{Context, Waker};
/// use kerbox_net::Gate;
///
/// let gate = Gate::default();
/// let mut server = pin!(gate.clone().run(async { "served" }));
/// let mut context = Context::from_waker(Waker::noop());
/// gate.close();
/// assert!(server.as_mut().poll(&mut context).is_pending());
/// gate.open();
/// assert!(server.as_mut().poll(&mut context).is_ready());
/// ```
#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_closed: AtomicBool,
    /// The tasks to wake when the gate opens.
    waiting: Mutex<Vec<Waker>>,
    /// The connections of each port that was opened behind the gate.
    ports: Mutex<Vec<Weak<dyn Cuttable>>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_closed() {
            "Gate(closed)"
        } else {
            "Gate(open)"
        })
    }
}

/// The other end of a connection.
///
/// ```
/// use kerbox_net::{Gate, Peer};
///
/// /// Closes the connections of a user, and returns their number.
/// fn cut(gate: &Gate, user: &str) -> usize {
///     gate.cut(&|peer: &Peer<'_>| peer.user == Some(user))
/// }
/// assert_eq!(cut(&Gate::default(), "alice"), 0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// Its address.
    pub address: Option<SocketAddr>,
    /// The user that it was identified as; `None` before that.
    pub user: Option<&'a str>,
    /// What protects the connection, in its protocol's word, as in `auth-conf` or `TLS`; `None` if
    /// that is nothing, or not agreed yet.
    pub protection: Option<&'static str>,
}

/// Connections that can be cut from outside.
pub(crate) trait Cuttable: Send + Sync {
    /// Closes the connections that match, and returns their number.
    fn cut(&self, matches: &dyn Fn(&Peer<'_>) -> bool) -> usize;

    /// Shows each connection, in order of arrival.
    fn show(&self, see: &mut dyn FnMut(&Peer<'_>));

    /// Returns the time at which the next idle connection is to be closed.
    fn next_idle_end(&self) -> Option<i64>;

    /// Closes the connections that have been idle for too long, and returns their number.
    fn close_idle(&self, now: i64) -> usize;
}

impl Gate {
    /// Pauses the server. Work that already runs on other threads may still finish.
    pub fn close(&self) {
        self.0.is_closed.store(true, SeqCst);
    }

    /// Resumes the server.
    pub fn open(&self) {
        let mut waiting = self.waiting();
        self.0.is_closed.store(false, SeqCst);
        for task in waiting.drain(..) {
            task.wake();
        }
    }

    /// Returns whether the server is paused.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed.load(SeqCst)
    }

    /// Returns the gate that the current task is behind; an open one if there is none.
    pub(crate) fn current() -> Self {
        GATE.try_with(Clone::clone).unwrap_or_default()
    }

    /// Returns `task` behind this gate.
    pub fn run<F: Future>(self, task: F) -> impl Future<Output = F::Output> {
        let gate = self.clone();
        // Moved once, to the heap: an async block would hold the task as its argument and as its
        // variable, which makes each connection two or three times as large.
        let mut task = Box::pin(task);
        let gated = poll_fn(move |context| {
            if gate.holds_up(context) {
                return Poll::Pending;
            }
            task.as_mut().poll(context)
        });
        GATE.scope(self, gated)
    }

    /// Closes the connections that match, at once, and returns their number.
    pub fn cut(&self, matches: &dyn Fn(&Peer<'_>) -> bool) -> usize {
        self.open_ports().iter().map(|port| port.cut(matches)).sum()
    }

    /// Shows each open connection, those of a port in order of arrival.
    ///
    /// ```
    /// use kerbox_net::Gate;
    ///
    /// let mut users = Vec::new();
    /// Gate::default().show(&mut |peer| users.extend(peer.user.map(str::to_owned)));
    /// assert!(users.is_empty());
    /// ```
    pub fn show(&self, see: &mut dyn FnMut(&Peer<'_>)) {
        for port in self.open_ports() {
            port.show(see);
        }
    }

    /// Returns the time at which the next idle connection is to be closed, in microseconds of the
    /// server's clock; `None` if no connection is, or the server is paused.
    #[must_use]
    pub fn next_idle_end(&self) -> Option<i64> {
        if self.is_closed() {
            return None;
        }
        let ports = self.open_ports();
        ports.iter().filter_map(|port| port.next_idle_end()).min()
    }

    /// Closes the connections that have been idle for too long by the rules of their ports, and
    /// returns their number. A server with such a rule needs this call whenever
    /// [`next_idle_end`](Self::next_idle_end) has come: it has no timer of its own for it. A paused
    /// server closes nothing.
    pub fn close_idle(&self, now: i64) -> usize {
        if self.is_closed() {
            return 0;
        }
        let ports = self.open_ports();
        ports.iter().map(|port| port.close_idle(now)).sum()
    }

    fn open_ports(&self) -> Vec<Arc<dyn Cuttable>> {
        self.ports().iter().filter_map(Weak::upgrade).collect()
    }

    fn ports(&self) -> MutexGuard<'_, Vec<Weak<dyn Cuttable>>> {
        // The list is changed in single steps, so a panic elsewhere leaves it valid.
        self.0.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        // The list is changed in single steps, so a panic elsewhere leaves it valid.
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the gate is closed; then the task will be woken when it opens.
    fn holds_up(&self, context: &Context<'_>) -> bool {
        if !self.is_closed() {
            return false;
        }
        let mut waiting = self.waiting();
        // It may have been opened meanwhile, which takes the lock.
        if !self.is_closed() {
            return false;
        }
        if !waiting.iter().any(|task| task.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        true
    }
}

/// Makes the connections of a port known to the gate of the server that calls this, if it has one.
pub(crate) fn register(connections: Weak<dyn Cuttable>) {
    // Without a gate there is nothing to do.
    let _ = GATE.try_with(|gate| {
        let mut ports = gate.ports();
        ports.retain(|port| port.strong_count() > 0);
        ports.push(connections);
    });
}

/// Returns `task` behind the gate of the server that calls this, if it has one. For tasks that a
/// server spawns.
pub fn inherited<F: Future>(task: F) -> impl Future<Output = F::Output> {
    Gate::current().run(task)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn a_closed_gate_holds_up_the_server_and_the_tasks_that_it_spawned() {
        let gate = Gate::default();
        let (heard, mut hears) = mpsc::unbounded_channel();
        let (say, mut said) = mpsc::unbounded_channel::<u8>();
        let mut server = JoinSet::new();
        server.spawn(gate.clone().run(async move {
            let mut connections = JoinSet::new();
            connections.spawn(inherited(async move {
                while let Some(byte) = said.recv().await {
                    heard.send(byte).expect("the test listens");
                }
            }));
            while connections.join_next().await.is_some() {}
        }));
        say.send(1).expect("it listens");
        assert_eq!(hears.recv().await, Some(1));
        gate.close();
        assert!(gate.is_closed());
        say.send(2).expect("its channel is open");
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(hears.try_recv().is_err(), "a paused server answers nothing");
        gate.open();
        assert_eq!(hears.recv().await, Some(2));
        gate.close();
        server.shutdown().await; // a paused server can be ended all the same
        assert!(say.send(3).is_err(), "its connections are gone");
    }
}
