//! The methods that both fixtures, [`Realm`](crate::Realm) and [`Cluster`](crate::Cluster), share:
//! time, faults, the journal and their files.

use std::sync::Arc;
use std::time::Duration;

use kerbox_events::Server;

use crate::Error;
use crate::world::World;

/// Undoes a skew when dropped. Several guards of one server may end in any order; the newest living
/// one determines its clock.
///
/// ```
/// use kerbox::{Realm, Server};
///
/// let realm = Realm::start_blocking()?;
/// let skew = realm.skew(Server::Kdc, 3600)?;
/// assert!(realm.login_blocking("alice").is_err(), "an hour is more than five minutes");
/// drop(skew);
/// realm.login_blocking("alice")?;
/// # Ok::<(), kerbox::Error>(())
/// ```
#[must_use = "the server's clock is set right as soon as this guard is dropped: bind it to a name, `let _skew = ...`"]
#[derive(Debug)]
pub struct SkewGuard {
    world: Arc<World>,
    server: Server,
    id: u64,
}

impl SkewGuard {
    pub(crate) fn new(world: &Arc<World>, server: Server, seconds: i64) -> Result<Self, Error> {
        let id = world.add_skew(server, seconds.saturating_mul(1_000_000))?;
        Ok(Self {
            world: Arc::clone(world),
            server,
            id,
        })
    }
}

impl Drop for SkewGuard {
    fn drop(&mut self) {
        self.world.remove_skew(self.server, self.id);
    }
}

/// Returns how far past its end a ticket is refused everywhere: the allowed skew plus one second,
/// because tickets store whole seconds.
pub(crate) fn beyond(skew: Duration) -> Duration {
    skew + Duration::from_secs(1)
}

macro_rules! world_methods {
    ($fixture:ident, |$this:ident| $world:expr) => {
        impl $fixture {
            pub(crate) fn world(&self) -> &std::sync::Arc<$crate::world::World> {
                let $this = self;
                $world
            }

            /// Returns the fixture's directory: krb5.conf, keytabs, caches, Hadoop's XML files and
            /// blocks.
            #[must_use]
            pub fn path(&self) -> &std::path::Path {
                self.world().path()
            }

            /// Returns a command that runs in the fixture's environment and, where possible, in its
            /// time; [`command_under_clock`](Self::command_under_clock) says how, and fails where
            /// that is not possible. `env().command(…)` runs by the system's clock.
            #[must_use]
            pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
                self.world().command(self.env(), program.as_ref())
            }

            /// Returns a command that runs in the fixture's environment and in its time. The
            /// program's wall clock is the fixture's [`Clock`](crate::Clock): it moves with it, and
            /// stands still while that is frozen. Its monotonic clock moves by each
            /// [`advance`](Self::advance), which lets its timers fire; otherwise it stays real, so
            /// that a wait takes as long as ever. Files get real times.
            ///
            /// This reaches programs on glibc (the JVM, Python, node, C and C++, kinit) including
            /// their child processes. It also reaches Go and static programs, without their
            /// children; timers of static programs go by real time. Fails with
            /// [`ClockOutOfReach`](crate::Error::ClockOutOfReach) where that is not possible.
            /// That is everywhere but on Linux with glibc, on x86-64 or aarch64. Go and static
            /// programs also need ptrace, and print what is missing if it is not allowed.
            ///
            /// ```
            /// # use std::time::Duration;
            /// # fn main() -> Result<(), kerbox::Error> {
            /// let realm = kerbox::Realm::start_blocking()?;
            /// realm.advance_blocking(Duration::from_secs(24 * 365 * 3600))?;
            /// # if cfg!(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")) {
            /// let year = realm.command_under_clock("date")?.arg("+%Y").output();
            /// # let _ = year;
            /// # }
            /// # Ok(())
            /// # }
            /// ```
            pub fn command_under_clock(
                &self,
                program: impl AsRef<std::ffi::OsStr>,
            ) -> Result<std::process::Command, $crate::Error> {
                let program = program.as_ref();
                let world = self.world();
                world.command_under_clock(self.env(), program, false)
            }

            /// Like [`command_under_clock`](Self::command_under_clock), and Go and static programs
            /// that the program starts follow, too: for shells, or for `go test`. A second process
            /// stays and traces all of them, so that no debugger can.
            pub fn command_and_children_under_clock(
                &self,
                program: impl AsRef<std::ffi::OsStr>,
            ) -> Result<std::process::Command, $crate::Error> {
                let program = program.as_ref();
                let world = self.world();
                world.command_under_clock(self.env(), program, true)
            }

            /// Returns the environment in which programs on glibc, and their child processes, run
            /// in the fixture's time; see [`command_under_clock`](Self::command_under_clock).
            pub fn env_under_clock(&self) -> Result<$crate::ClientEnv, $crate::Error> {
                self.world().env_under_clock(self.env())
            }

            /// Returns the clock that all servers share.
            #[must_use]
            pub fn clock(&self) -> &$crate::Clock {
                &self.world().clock
            }

            /// Returns the seed of all randomness.
            #[must_use]
            pub fn seed(&self) -> u64 {
                self.world().seed
            }

            /// Returns the journal of the servers' events.
            #[must_use]
            pub fn journal(&self) -> $crate::Journal {
                self.world().journal()
            }

            /// Installs a fault until the guard is dropped: a closure over
            /// [`&Event`](crate::Event), or a [`Fault`](crate::Fault).
            pub fn inject(&self, rule: impl $crate::Rule + 'static) -> $crate::FaultGuard {
                self.world().inject(rule)
            }

            /// Moves the clock forward. The servers' timers run in order on the way, as if the time
            /// had passed without requests. Returns the timers that fired. Credential caches in the
            /// fixture's directory are updated.
            ///
            /// Timers of programs under the clock, and of tasks that wait by [`Clock::sleep`] and
            /// the like, run on the way, too: time goes on to the next deadline when all of them
            /// sleep. Fails with [`StillBusy`](crate::Error::StillBusy) if they do not come to
            /// rest.
            ///
            /// [`Clock::sleep`]: crate::Clock::sleep
            pub async fn advance(
                &self,
                by: std::time::Duration,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                self.advance_in(by, &$crate::Steps::default()).await
            }

            /// Blocking variant of [`advance`](Self::advance).
            pub fn advance_blocking(
                &self,
                by: std::time::Duration,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                self.advance_in_blocking(by, &$crate::Steps::default())
            }

            /// [Advances](Self::advance) in steps of another granularity, or with another limit.
            pub async fn advance_in(
                &self,
                by: std::time::Duration,
                steps: &$crate::Steps,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                let target = self.clock().now() + by;
                $crate::world::steps::advance(self.world(), target, steps).await
            }

            /// Blocking variant of [`advance_in`](Self::advance_in).
            pub fn advance_in_blocking(
                &self,
                by: std::time::Duration,
                steps: &$crate::Steps,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                self.world().advance_to(self.clock().now() + by, steps)
            }

            /// [Advances](Self::advance) until a ticket that ends at `end` is refused everywhere:
            /// past the allowed clock skew. Does nothing if that time has already passed.
            pub async fn advance_past(
                &self,
                end: $crate::Timestamp,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                let target = end + $crate::world::methods::beyond(self.clock_skew());
                let steps = $crate::Steps::default();
                $crate::world::steps::advance(self.world(), target, &steps).await
            }

            /// Blocking variant of [`advance_past`](Self::advance_past).
            pub fn advance_past_blocking(
                &self,
                end: $crate::Timestamp,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                let target = end + $crate::world::methods::beyond(self.clock_skew());
                self.world().advance_to(target, &$crate::Steps::default())
            }

            /// Sets the clock at once, forward or backward, like an NTP step, a suspended laptop or
            /// a migrated machine. Everything that became due in between is due at once.
            pub async fn jump(&self, to: $crate::Timestamp) -> Result<(), $crate::Error> {
                let world = self.world().clone();
                $crate::elsewhere::elsewhere(move || world.jump_to(to)).await
            }

            /// Blocking variant of [`jump`](Self::jump).
            pub fn jump_blocking(&self, to: $crate::Timestamp) -> Result<(), $crate::Error> {
                self.world().jump_to(to)
            }

            /// Sets one server's clock this many seconds ahead of the others, until the guard is
            /// dropped.
            pub fn skew(
                &self,
                server: $crate::Server,
                seconds: i64,
            ) -> Result<$crate::SkewGuard, $crate::Error> {
                $crate::world::methods::SkewGuard::new(self.world(), server, seconds)
            }
        }
    };
}
pub(crate) use world_methods;

#[cfg(test)]
mod tests {
    use crate::{Realm, Server};

    #[test]
    fn skews_end_in_any_order() {
        let realm = Realm::start_blocking().expect("it starts");
        let world = &realm.core().world;
        let clock = world.clock_of(Server::Kdc).expect("it has one");
        let skew = |seconds| realm.skew(Server::Kdc, seconds).expect("it has one");
        let (first, second) = (skew(10), skew(20));
        drop(first);
        assert_eq!(clock.skew_micros(), 20_000_000);
        let third = skew(30);
        drop(second);
        assert_eq!(clock.skew_micros(), 30_000_000);
        drop(third);
        assert_eq!(clock.skew_micros(), 0);
    }
}
