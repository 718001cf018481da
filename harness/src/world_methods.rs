//! What both fixtures, [`Realm`](crate::Realm) and [`Cluster`](crate::Cluster), can do: time,
//! faults, the journal, their files.

use std::sync::Arc;
use std::time::Duration;

use kerbox_events::Server;

use crate::Error;
use crate::world::World;

/// Undoes a skew when dropped. Several of one server may end in any order: its clock is wrong by the
/// newest that lives.
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

/// How long past a ticket's end it is refused by everybody: the skew that is allowed, and a second,
/// since tickets tell whole ones.
pub(crate) fn beyond(skew: Duration) -> Duration {
    skew + Duration::from_secs(1)
}

macro_rules! world_methods {
    ($fixture:ident, |$this:ident| $world:expr) => {
        impl $fixture {
            fn world(&self) -> &std::sync::Arc<$crate::world::World> {
                let $this = self;
                $world
            }

            /// The fixture's directory: krb5.conf, keytabs, caches, Hadoop's xml, blocks.
            #[must_use]
            pub fn path(&self) -> &std::path::Path {
                self.world().path()
            }

            /// A command in the fixture's environment.
            #[must_use]
            pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
                self.env().command(program)
            }

            /// A command in the fixture's environment, whose program lives in the fixture's time:
            /// its wall clock is the fixture's [`Clock`](crate::Clock), moves with it, and stands
            /// while it stands. Its monotonic clock stays real, so sleeps and timeouts take as long
            /// as ever, and files get real times.
            ///
            /// Programs on glibc are reached (the JVM, Python, node, C and C++, kinit), with those
            /// that they start; so are Go's and static ones, alone. Fails with
            /// [`ClockOutOfReach`](crate::Error::ClockOutOfReach) where that is not possible:
            /// elsewhere than on Linux with glibc on x86-64 and aarch64, for the latter kind
            /// elsewhere than on x86-64.
            ///
            /// ```
            /// # use std::time::Duration;
            /// # fn main() -> Result<(), kerbox::Error> {
            /// let realm = kerbox::Realm::start_blocking()?;
            /// realm.advance_blocking(Duration::from_hours(24 * 365))?;
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
                self.world().command_under_clock(self.env(), program)
            }

            /// The environment in which programs on glibc, and what they start, live in the
            /// fixture's time; see [`command_under_clock`](Self::command_under_clock).
            pub fn env_under_clock(&self) -> Result<$crate::ClientEnv, $crate::Error> {
                self.world().env_under_clock(self.env())
            }

            /// The clock that all servers share.
            #[must_use]
            pub fn clock(&self) -> &$crate::Clock {
                &self.world().clock
            }

            /// The seed of everything random.
            #[must_use]
            pub fn seed(&self) -> u64 {
                self.world().seed
            }

            /// What the servers saw.
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
            /// had passed in silence; answers those that fired. Credential caches in the
            /// fixture's directory follow.
            pub async fn advance(
                &self,
                by: std::time::Duration,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                self.advance_blocking(by)
            }

            /// As [`advance`](Self::advance), outside of async code.
            pub fn advance_blocking(
                &self,
                by: std::time::Duration,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                self.world().advance_to(self.clock().now() + by)
            }

            /// [Advances](Self::advance) until a ticket that ends at `end` is refused by everybody:
            /// past the allowed clock skew. Does nothing if that is over already.
            pub async fn advance_past(
                &self,
                end: $crate::Timestamp,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                self.advance_past_blocking(end)
            }

            /// As [`advance_past`](Self::advance_past), outside of async code.
            pub fn advance_past_blocking(
                &self,
                end: $crate::Timestamp,
            ) -> Result<Vec<$crate::Entry>, $crate::Error> {
                self.world()
                    .advance_to(end + $crate::world_methods::beyond(self.clock_skew()))
            }

            /// Sets the clock at once, forward or backward, as an NTP step, a suspended laptop or a
            /// migrated machine does: whatever became due meanwhile is due at once.
            pub async fn jump(&self, to: $crate::Timestamp) -> Result<(), $crate::Error> {
                self.jump_blocking(to)
            }

            /// As [`jump`](Self::jump), outside of async code.
            pub fn jump_blocking(&self, to: $crate::Timestamp) -> Result<(), $crate::Error> {
                self.world().jump_to(to)
            }

            /// Lets the clock of one server go wrong, by so many seconds ahead of the others, until
            /// the guard is dropped.
            pub fn skew(
                &self,
                server: $crate::Server,
                seconds: i64,
            ) -> Result<$crate::SkewGuard, $crate::Error> {
                $crate::world_methods::SkewGuard::new(self.world(), server, seconds)
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
