//! The parts that every fixture has: a clock, a journal, faults, a directory, servers with timers,
//! and the thread that they run on.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;
use std::{fmt, thread};

use kerbox_events::{Event, Hook, Server, StateChange};
use kerbox_krb5::sleep::ClockWatcher;
use kerbox_krb5::{Clock, Timestamp};
use tokio::sync::Notify;

use crate::Error;
use crate::client::environment::ClientEnv;
use crate::directory::Directory;
use crate::persistent::Persistent;
use crate::programs::Programs;
use crate::spec::checks;
use crate::spec::world::WorldSettings;
use crate::watch::faults::{FaultGuard, Rule};
use crate::watch::hook::Watch;
use crate::watch::journal::Journal;
use crate::world::captured::is_captured;
use crate::world::leaving::{Ending, Leaving};
use crate::world::runtime::{Runtime, ThreadIds};
use crate::world::watcher::Watcher;

mod captured;
mod leaving;
pub(crate) mod methods;
mod others;
pub(crate) mod runtime;
pub(crate) mod steps;
mod watcher;

/// The longest time, in real time, between two looks at the deadlines. Servers do not say so when a
/// connection becomes idle.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);

/// Number of journal lines that a failing test prints.
const LINES_ON_PANIC: usize = 35;

/// A server core with timers. The fixture calls [`tick`](Self::tick) when the deadline has passed,
/// in real time and when the clock is moved.
pub(crate) trait Timed: Send + Sync {
    /// Returns the next deadline, on the server's own clock.
    fn next_deadline(&self) -> Option<Timestamp>;

    /// Does the work that is due.
    fn tick(&self, now: Timestamp);

    /// Reports to its NameNode at once, if it is a DataNode.
    fn hurry(&self, now: Timestamp) {
        let _ = now;
    }
}

/// One server of a fixture, as seen by the timers.
struct TimedServer {
    server: Server,
    clock: Clock,
    core: Arc<dyn Timed>,
    /// True if its deadlines are steps of [`World::advance`]. Those of DataNodes, a heartbeat every
    /// 3 s, are not: all heartbeats are delivered first at every step, so that none is missed and
    /// none needs its own step.
    leads: bool,
}

impl TimedServer {
    /// Returns the deadline on the fixture's clock.
    fn deadline(&self) -> Option<Timestamp> {
        let micros = self.core.next_deadline()?.as_micros();
        Some(Timestamp::from_micros(
            micros.saturating_sub(self.clock.skew_micros()),
        ))
    }
}

/// The skews that living guards hold, the newest of each server last.
#[derive(Default)]
struct Skews {
    held: Vec<(u64, Server, i64)>,
    next: u64,
}

/// The part of a fixture that its handles share. It does not keep the servers running: [`Fixture`]
/// does.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) watch: Arc<Watch>,
    pub(crate) seed: u64,
    files: Arc<Directory>,
    persistent: Option<Arc<Persistent>>,
    leader: Option<PathBuf>,
    servers: Mutex<Vec<TimedServer>>,
    clocks: Mutex<BTreeMap<Server, Clock>>,
    skews: Mutex<Skews>,
    /// Held while time is being moved, so that two moves do not interleave.
    moving: Mutex<()>,
    /// Wakes the real-time ticker when deadlines may have changed.
    changed: Arc<Notify>,
    /// `Some` once a program has been put under the clock.
    programs: Mutex<Option<Arc<Programs>>>,
    /// The threads that work for the servers.
    threads: ThreadIds,
    /// The threads in which tasks went on after a wait for the clock.
    resumed: ThreadIds,
}

impl World {
    pub(crate) fn path(&self) -> &Path {
        self.files.path()
    }

    /// Returns its directory, which is closed when the fixture ends.
    pub(crate) fn files(&self) -> &Directory {
        &self.files
    }

    /// Returns the folder in which it keeps what it has, if there is one.
    pub(crate) fn persistent(&self) -> Option<&Arc<Persistent>> {
        self.persistent.as_ref()
    }

    /// Returns the directory of the fixture whose clock this process lives by, if there is one.
    pub(crate) fn leader(&self) -> Option<&Path> {
        self.leader.as_deref()
    }

    pub(crate) fn journal(&self) -> Journal {
        self.watch.journal.clone()
    }

    pub(crate) fn hook(&self) -> Arc<dyn Hook> {
        Arc::clone(&self.watch) as Arc<dyn Hook>
    }

    pub(crate) fn inject(&self, rule: impl Rule + 'static) -> FaultGuard {
        self.watch.faults.inject(rule)
    }

    /// Writes `env.sh`, for `. env.sh`.
    pub(crate) fn write_env(&self, env: &ClientEnv) -> Result<(), Error> {
        self.files.write("env.sh", env.to_shell().as_bytes())?;
        Ok(())
    }

    /// Records a change of a server, or of the part of it that `subject` names.
    pub(crate) fn record_state(&self, server: Server, change: StateChange, subject: &str) {
        let subject = subject.into();
        self.watch.record(
            self.clock.now(),
            Event::State {
                server,
                change,
                subject,
            },
        );
    }

    /// Registers `core` for ticking.
    pub(crate) fn add_timed(&self, server: Server, core: Arc<dyn Timed>) {
        let clock = self.new_clock(server);
        let mut servers = lock(&self.servers);
        // A restarted server replaces its old entry.
        servers.retain(|timed| timed.server != server);
        let leads = !matches!(server, Server::DataNode(_));
        servers.push(TimedServer {
            server,
            clock,
            core,
            leads,
        });
        // DataNodes come first: at every step their heartbeats are delivered before the NameNode
        // decides which nodes are silent.
        servers.sort_by_key(|timed| timed.leads);
        drop(servers);
        self.changed.notify_one();
    }

    /// Stops ticking `server`.
    pub(crate) fn remove_timed(&self, server: Server) {
        lock(&self.servers).retain(|timed| timed.server != server);
    }

    /// Returns the clock that a server must use. It moves with the fixture's and can be skewed
    /// separately. A restart gets the same clock again.
    pub(crate) fn new_clock(&self, server: Server) -> Clock {
        lock(&self.clocks)
            .entry(server)
            .or_insert_with(|| self.clock.twin())
            .clone()
    }

    /// Returns the clock of an existing server.
    pub(crate) fn clock_of(&self, server: Server) -> Result<Clock, Error> {
        let clocks = lock(&self.clocks);
        clocks
            .get(&server)
            .cloned()
            .ok_or_else(|| Error::NoSuchServer {
                server: server.to_string(),
                has: clocks
                    .keys()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// Skews a server's clock; returns the id that undoes it.
    pub(crate) fn add_skew(&self, server: Server, micros: i64) -> Result<u64, Error> {
        let clock = self.clock_of(server)?;
        let mut skews = lock(&self.skews);
        let id = skews.next;
        skews.next += 1;
        skews.held.push((id, server, micros));
        clock.set_skew_micros(micros);
        drop(skews);
        self.changed.notify_one();
        Ok(id)
    }

    /// Undoes a skew. The newest remaining one applies, if there are any.
    pub(crate) fn remove_skew(&self, server: Server, id: u64) {
        let mut skews = lock(&self.skews);
        skews.held.retain(|(held, ..)| *held != id);
        let newest = skews.held.iter().rev().find(|(_, of, _)| *of == server);
        if let Ok(clock) = self.clock_of(server) {
            clock.set_skew_micros(newest.map_or(0, |(.., micros)| *micros));
        }
        drop(skews);
        self.changed.notify_one();
    }

    /// Returns a command whose program runs in the fixture's time. With `follow`, so do Go and
    /// static programs that it starts.
    pub(crate) fn command_under_clock(
        &self,
        env: ClientEnv,
        program: &OsStr,
        follow: bool,
    ) -> Result<Command, Error> {
        self.programs()?.command(&self.files, env, program, follow)
    }

    /// Returns a command whose program runs in the fixture's time, if that is possible.
    pub(crate) fn command(&self, env: ClientEnv, program: &OsStr) -> Command {
        let plain = env.command(program);
        self.command_under_clock(env, program, false)
            .unwrap_or_else(|error| {
                tracing::warn!("{error}; it runs by the system's clock");
                plain
            })
    }

    /// Returns the environment in which programs on glibc run in the fixture's time.
    pub(crate) fn env_under_clock(&self, env: ClientEnv) -> Result<ClientEnv, Error> {
        self.programs()?.env(&self.files, env)
    }

    fn programs(&self) -> Result<Arc<Programs>, Error> {
        let mut programs = lock(&self.programs);
        let programs = match &mut *programs {
            Some(programs) => Arc::clone(programs),
            none => Arc::clone(none.insert(Arc::new(Programs::start(&self.files, &self.clock)?))),
        };
        // A caller may have moved or frozen the clock directly through its handle.
        programs.follow(&self.clock, 0)?;
        Ok(programs)
    }

    fn tick_all(&self) {
        self.watch.delays.tick();
        let cores: Vec<(Clock, Arc<dyn Timed>)> = lock(&self.servers)
            .iter()
            .map(|timed| (timed.clock.clone(), Arc::clone(&timed.core)))
            .collect();
        for (clock, core) in cores {
            core.tick(clock.now());
        }
    }

    /// Has every DataNode that runs send a heartbeat at once, as when the NameNode can be reached
    /// again.
    pub(crate) fn hurry_datanodes(&self) {
        let datanodes: Vec<(Clock, Arc<dyn Timed>)> = lock(&self.servers)
            .iter()
            .filter(|timed| !timed.leads)
            .map(|timed| (timed.clock.clone(), Arc::clone(&timed.core)))
            .collect();
        for (clock, core) in datanodes {
            core.hurry(clock.now());
        }
    }

    /// Ticks whatever is due, and wakes the tasks whose time has come; returns the time until the
    /// next deadline.
    fn tick_due(&self) -> Option<Duration> {
        // While time is being moved, the mover ticks, in its order; it notifies at the end.
        let _moving = match self.moving.try_lock() {
            Err(TryLockError::WouldBlock) => return None,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Ok(moving) => moving,
        };
        self.clock.wake_due();
        self.watch.delays.tick();
        if let Some(programs) = &*lock(&self.programs) {
            // The clock may have been set or frozen through its handle. The next move reports a
            // page that cannot be written.
            let _ = programs.follow(&self.clock, 0);
        }
        self.follow_clock();
        let due: Vec<(Clock, Arc<dyn Timed>)> = {
            let now = self.clock.now();
            let servers = lock(&self.servers);
            let due = servers
                .iter()
                .filter(|timed| timed.deadline().is_some_and(|deadline| deadline <= now));
            due.map(|timed| (timed.clock.clone(), Arc::clone(&timed.core)))
                .collect()
        };
        for (clock, core) in due {
            core.tick(clock.now());
        }
        let now = self.clock.now();
        let servers = lock(&self.servers);
        let next = servers
            .iter()
            .filter_map(TimedServer::deadline)
            .chain(self.watch.delays.next_deadline())
            .chain(self.clock.next_deadline())
            .min()?;
        // If a tick leaves its deadline due, wait a little instead of spinning.
        Some(next.since(now).max(Duration::from_millis(1)))
    }

    /// Keeps the clock in the persistent folder, if it was moved by its handle or has run on.
    fn follow_clock(&self) {
        let followed = self.persistent.as_ref().map(|it| it.follow(&self.clock));
        if let Some(Err(error)) = followed {
            tracing::warn!("the clock is kept as it was before: {error}");
        }
    }

    /// Ticks the servers in real time. With a frozen clock, deadlines pass only when it is moved.
    async fn keep_time(self: Arc<Self>) {
        loop {
            let wait = self.tick_due();
            let changed = self.changed.notified();
            match wait {
                Some(wait) if !self.clock.is_frozen() => {
                    tokio::select! {
                        () = tokio::time::sleep(wait.min(BETWEEN_LOOKS)) => {}
                        () = changed => {}
                        () = self.watch.delays.added.notified() => {}
                    }
                }
                _ => {
                    tokio::select! {
                        () = changed => {}
                        () = self.watch.delays.added.notified() => {}
                    }
                }
            }
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World in {}", self.path().display())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The guarded values change in single steps, so a panic elsewhere leaves them valid.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a world running: its thread and its directory. Dropping it ends both.
pub(crate) struct Fixture {
    // Fields drop in order: first the servers, then their files.
    pub(crate) runtime: Runtime,
    _persistent: Option<Leaving>,
    pub(crate) world: Arc<World>,
    /// `None` once the fixture ends.
    watcher: Option<Arc<dyn ClockWatcher>>,
    _directory: Ending,
}

impl Fixture {
    /// Creates a world without servers. `on_kill` receives servers that a fault has killed.
    pub(crate) fn start(
        settings: WorldSettings,
    ) -> Result<(Self, tokio::sync::mpsc::UnboundedReceiver<Server>), Error> {
        checks::world(&settings)?;
        let leaving = Leaving::open(&settings)?;
        let persistent = leaving.as_ref().map(|it| Arc::clone(&it.persistent));
        let seed = persistent
            .as_ref()
            .map_or(settings.seed, |it| it.seed(settings.seed));
        let is_ours = settings.opened.is_none();
        let directory = match (settings.opened, &settings.directory) {
            (Some(opened), _) => opened,
            (None, Some(path)) => Arc::new(Directory::at(path)?),
            (None, None) => Arc::new(Directory::temporary()?),
        };
        let threads = ThreadIds::default();
        let runtime = Runtime::start(settings.workers, &threads)
            .map_err(Error::io("start the fixture's thread"))?;
        let journal = Journal::new(settings.clock.clone(), runtime.handle().clone());
        let (watch, kills) = Watch::new(journal, seed);
        let world = Arc::new(World {
            clock: settings.clock,
            watch,
            seed,
            files: Arc::clone(&directory),
            persistent,
            leader: settings.leader,
            servers: Mutex::default(),
            clocks: Mutex::default(),
            skews: Mutex::default(),
            moving: Mutex::default(),
            changed: Arc::default(),
            programs: Mutex::default(),
            threads,
            resumed: ThreadIds::default(),
        });
        let watcher: Arc<dyn ClockWatcher> = Arc::new(Watcher {
            changed: Arc::clone(&world.changed),
            resumed: world.resumed.clone(),
        });
        world.clock.watch(&watcher);
        runtime.handle().spawn(Arc::clone(&world).keep_time());
        let fixture = Self {
            runtime,
            _persistent: leaving,
            world,
            watcher: Some(watcher),
            _directory: Ending { directory, is_ours },
        };
        Ok((fixture, kills))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Tasks that wait for the clock would wait forever.
        drop(self.watcher.take());
        self.world.clock.unwatch();
        let failing = thread::panicking();
        // An error that the test returns cannot be seen from here; see `is_captured`.
        if failing || is_captured() {
            let kept = if self.world.files.is_kept(failing) {
                "kept"
            } else if failing {
                "removed; KERBOX_KEEP=on-failure keeps it"
            } else {
                "removed; KERBOX_KEEP=on-failure keeps it if the test returns kerbox::TestResult"
            };
            eprintln!(
                "--- what the servers saw last (seed {}, files in {}, {kept}):\n{}---",
                self.world.seed,
                self.world.path().display(),
                self.world.journal().last(LINES_ON_PANIC)
            );
        }
    }
}
