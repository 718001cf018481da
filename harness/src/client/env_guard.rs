//! Overlays of the process's own environment, which can end in any order.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::panic::Location;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task;

use crate::Error;
use crate::client::environment::ClientEnv;

/// Time limit of [`ClientEnv::enter`] while no guard is created or dropped. A test that holds the
/// environment for longer is stuck, most likely because it waits for itself.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// The process's only environment.
static PROCESS: Environment = Environment::new();

/// Restores the process's environment when dropped, on any thread.
///
/// Guards may be dropped in any order. A variable always has the value of the newest living guard
/// that sets it, and its old value once no such guard is left.
///
/// ```
/// use kerbox::ClientEnv;
///
/// let value = || std::env::var("KERBOX_EXAMPLE").ok();
/// let alice = ClientEnv::default().with("KERBOX_EXAMPLE", "alice");
/// let bob = ClientEnv::default().with("KERBOX_EXAMPLE", "bob");
/// let mut env = alice.enter();
/// assert_eq!(value().as_deref(), Some("alice"));
/// env = bob.enter(); // alice's guard is dropped after bob's is there
/// assert_eq!(value().as_deref(), Some("bob"));
/// drop(env);
/// assert_eq!(value(), None);
/// ```
#[must_use = "the environment is restored as soon as this guard is dropped: bind it to a name, `let _env = ...`"]
#[derive(Debug)]
pub struct EnvGuard {
    id: u64,
    of: &'static Environment,
}

impl EnvGuard {
    /// Enters the process's environment, after waiting until other callers have left.
    ///
    /// # Panics
    /// If no caller enters or leaves for [`LIMIT`].
    #[track_caller]
    pub(crate) fn enter(variables: &ClientEnv) -> Self {
        match PROCESS.enter(variables, Scope::current(), LIMIT) {
            Ok(guard) => guard,
            Err(error) => panic!("{error}"),
        }
    }

    /// Enters the process's environment unless another caller is using it.
    #[track_caller]
    pub(crate) fn try_enter(variables: &ClientEnv) -> Result<Self, Error> {
        PROCESS.enter(variables, Scope::current(), Duration::ZERO)
    }
}

impl Drop for EnvGuard {
    fn drop(&mut self) {
        self.of.leave(self.id);
    }
}

impl ClientEnv {
    /// Puts the variables into this process's environment permanently. Living guards take
    /// precedence over them until they are dropped.
    pub(crate) fn set_for_good(&self) {
        let mut stack = PROCESS.lock();
        for (name, value) in self.iter() {
            match stack.base.get_mut(name) {
                Some(below) => *below = Some(value.to_owned()),
                None => set(name, Some(value)),
            }
        }
    }

    /// Puts the variables into this process's environment until the guard is dropped. For clients
    /// that live in the process and accept nothing else, such as libgssapi.
    ///
    /// A process has only one environment. Guards on one thread nest, and so do those of one tokio
    /// task, on whichever thread it runs. Other callers block their thread until the existing
    /// guards are gone. C clients must not run in other threads while a guard is created or
    /// dropped. Prefer [`command`](Self::command), or [`shared_krb5_conf`](crate::shared_krb5_conf)
    /// for clients that take a cache by name.
    ///
    /// # Panics
    /// If other callers' guards stay for five minutes without any being created or dropped. Panics
    /// at once if they belong to another task of this thread's runtime, because that task could not
    /// continue while this one waits. The message says where they were entered.
    /// [`try_enter`](Self::try_enter) does not wait.
    #[track_caller]
    pub fn enter(&self) -> EnvGuard {
        EnvGuard::enter(self)
    }

    /// Like [`enter`](Self::enter), but fails with [`Error::EnvironmentInUse`] instead of waiting.
    #[track_caller]
    pub fn try_enter(&self) -> Result<EnvGuard, Error> {
        EnvGuard::try_enter(self)
    }
}

#[derive(Debug)]
struct Environment {
    stack: Mutex<Stack>,
    left: Condvar,
}

#[derive(Debug)]
struct Stack {
    /// The values before any living guard changed them.
    base: BTreeMap<String, Option<OsString>>,
    /// Ordered from oldest to newest.
    overlays: Vec<Overlay>,
    next: u64,
}

#[derive(Debug)]
struct Overlay {
    id: u64,
    scope: Scope,
    /// The source location where it was entered, shown to callers that wait for its end.
    place: &'static Location<'static>,
    variables: ClientEnv,
}

/// The thread or task that enters. Guards of one scope nest; other scopes wait.
#[derive(Clone, Copy, Debug)]
struct Scope {
    thread: ThreadId,
    /// The tokio task, which may move between threads.
    task: Option<task::Id>,
}

impl Scope {
    fn current() -> Self {
        Self {
            thread: thread::current().id(),
            task: task::try_id(),
        }
    }

    fn nests_in(self, other: Self) -> bool {
        match (self.task, other.task) {
            (Some(own), Some(others)) => own == others,
            _ => self.thread == other.thread,
        }
    }

    /// Returns whether waiting for `other` would keep it from ever running, because both are tasks
    /// on one thread.
    fn blocks(self, other: Self) -> bool {
        self.thread == other.thread
            && Handle::try_current()
                .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread)
    }
}

impl Environment {
    const fn new() -> Self {
        Self {
            stack: Mutex::new(Stack {
                base: BTreeMap::new(),
                overlays: Vec::new(),
                next: 0,
            }),
            left: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stack> {
        // Overlays are pushed and removed whole, so a panic leaves the stack intact.
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn enter(
        &'static self,
        variables: &ClientEnv,
        scope: Scope,
        limit: Duration,
    ) -> Result<EnvGuard, Error> {
        let place = Location::caller();
        let mut stack = self.lock();
        let mut over = limit.is_zero();
        while let Some(holder) = stack.stranger_to(scope) {
            if over || scope.blocks(holder.scope) {
                return Err(Error::EnvironmentInUse {
                    holder: holder.place.to_string(),
                });
            }
            // Each guard that leaves meanwhile restarts the time limit.
            let (woken, timeout) = self
                .left
                .wait_timeout(stack, limit)
                .unwrap_or_else(PoisonError::into_inner);
            stack = woken;
            over = timeout.timed_out();
        }
        let id = stack.next;
        stack.next += 1;
        for (name, _) in variables.iter() {
            let before = || std::env::var_os(name);
            stack.base.entry(name.to_owned()).or_insert_with(before);
        }
        stack.overlays.push(Overlay {
            id,
            scope,
            place,
            variables: variables.clone(),
        });
        stack.show(variables);
        Ok(EnvGuard { id, of: self })
    }

    fn leave(&self, id: u64) {
        let mut stack = self.lock();
        if let Some(at) = stack.overlays.iter().position(|overlay| overlay.id == id) {
            let gone = stack.overlays.remove(at);
            stack.show(&gone.variables);
        }
        drop(stack);
        self.left.notify_all();
    }
}

impl Stack {
    fn stranger_to(&self, scope: Scope) -> Option<&Overlay> {
        self.overlays
            .iter()
            .find(|overlay| !scope.nests_in(overlay.scope))
    }

    /// Sets these variables to their values under the current overlays.
    fn show(&mut self, variables: &ClientEnv) {
        for (name, _) in variables.iter() {
            let newest = self
                .overlays
                .iter()
                .rev()
                .find_map(|overlay| overlay.variables.get(name));
            match newest {
                Some(value) => set(name, Some(value)),
                None => {
                    if let Some(before) = self.base.remove(name) {
                        set(name, before.as_deref());
                    }
                }
            }
        }
    }
}

/// Changes the process's environment; no other code does.
#[expect(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "what `enter` exists for; see the safety comment"
)]
fn set(name: &str, value: Option<&OsStr>) {
    if std::env::var_os(name).as_deref() == value {
        return;
    }
    // SAFETY: While this runs, no other thread may write the environment, or read it except through
    // `std::env`.
    // - Writers: all callers hold `PROCESS`'s lock (or a test's), so two calls never overlap.
    //   `std::env`'s own functions share a lock of the standard library.
    // - Readers through `std::env`, in any thread, take that lock too.
    // - Readers in C (`getenv` in libgssapi and the like) take no lock before glibc 2.41. Those of
    //   the scope that enters or leaves are not running, because that scope is running this.
    //   Clients in other threads meanwhile are forbidden by the documentation of
    //   `ClientEnv::enter`.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn value(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn env(pairs: &[(&str, &str)]) -> ClientEnv {
        let empty = ClientEnv::default();
        pairs
            .iter()
            .fold(empty, |env, (name, value)| env.with(name, value))
    }

    #[test]
    fn guards_end_in_any_order_and_leave_what_was() {
        // Every order in which three guards can end.
        let orders = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        let layers = [
            env(&[("KERBOX_TEST_A", "1"), ("KERBOX_TEST_B", "1")]),
            env(&[("KERBOX_TEST_A", "2")]),
            env(&[("KERBOX_TEST_B", "3"), ("KERBOX_TEST_C", "3")]),
        ];
        let names = ["KERBOX_TEST_A", "KERBOX_TEST_B", "KERBOX_TEST_C"];
        for order in orders {
            let mut guards: Vec<Option<EnvGuard>> =
                layers.iter().map(|layer| Some(layer.enter())).collect();
            for gone in order {
                guards[gone] = None;
                for name in names {
                    let newest = (0..3)
                        .rev()
                        .filter(|at| guards[*at].is_some())
                        .find_map(|at| layers[at].get(name));
                    assert_eq!(value(name).as_deref(), newest.and_then(OsStr::to_str));
                }
            }
        }
    }

    #[test]
    fn others_wait_until_the_guard_is_gone_wherever_it_is_dropped() {
        fn is_send<T: Send>(_: &T) {}
        let guard = env(&[("KERBOX_TEST_D", "here")]).enter();
        is_send(&guard);
        let other = thread::spawn(|| {
            let _guard = env(&[("KERBOX_TEST_E", "x")]).enter();
            value("KERBOX_TEST_D")
        });
        thread::spawn(move || drop(guard)).join().expect("no panic");
        assert_eq!(other.join().expect("no panic"), None);
    }

    #[test]
    fn concurrent_tests_never_see_each_other() {
        let entered = AtomicUsize::new(0);
        thread::scope(|scope| {
            for thread in 0..8 {
                let entered = &entered;
                scope.spawn(move || {
                    for round in 0..50 {
                        let text = format!("{thread}-{round}");
                        let mut guard = env(&[("KERBOX_TEST_F", &text)]).enter();
                        assert_eq!(entered.fetch_add(1, Ordering::SeqCst), 0);
                        assert_eq!(value("KERBOX_TEST_F").as_deref(), Some(&*text));
                        let next = format!("{text}, replaced");
                        guard = replace(guard, &env(&[("KERBOX_TEST_F", &next)]));
                        thread::yield_now();
                        assert_eq!(value("KERBOX_TEST_F"), Some(next));
                        entered.fetch_sub(1, Ordering::SeqCst);
                        drop(guard);
                    }
                });
            }
        });
        assert_eq!(value("KERBOX_TEST_F"), None);
    }

    fn replace(old: EnvGuard, new: &ClientEnv) -> EnvGuard {
        let new = new.enter();
        drop(old);
        new
    }

    #[test]
    fn a_task_that_moves_between_threads_goes_on_entering() {
        static LOCAL: Environment = Environment::new();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .expect("a thread");
        let scope = || async { Scope::current() };
        let here = runtime.block_on(runtime.spawn(scope())).expect("no panic");
        let other = runtime.block_on(runtime.spawn(scope())).expect("no panic");
        let moved = Scope {
            thread: thread::current().id(),
            ..here
        };
        let (old, new) = (
            env(&[("KERBOX_TEST_G", "1")]),
            env(&[("KERBOX_TEST_G", "2")]),
        );
        let enter = |env, scope| LOCAL.enter(env, scope, Duration::ZERO);
        let first = enter(&old, here).expect("free");
        assert!(enter(&old, other).is_err(), "another task of that thread");
        let second = enter(&new, moved).expect("the same task's");
        drop(first);
        assert_eq!(value("KERBOX_TEST_G").as_deref(), Some("2"));
        drop(second);
        assert_eq!(value("KERBOX_TEST_G"), None);
        assert!(enter(&old, other).is_ok());
    }

    #[test]
    fn who_would_wait_for_itself_is_refused_and_hears_where_the_guard_is() {
        static LOCAL: Environment = Environment::new();
        let variables = env(&[("KERBOX_TEST_H", "1")]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a thread");
        let enter = move || LOCAL.enter(&variables, Scope::current(), LIMIT);
        let first = enter.clone();
        let refused = runtime.block_on(async move {
            let held = tokio::spawn(async move { first().expect("free") });
            let held = held.await.expect("no panic");
            let second = tokio::spawn(async move { enter().map(drop) });
            let refused = second.await.expect("no panic").expect_err("in use");
            drop(held);
            refused.to_string()
        });
        assert!(refused.contains("env_guard.rs:"), "{refused}");
    }

    #[test]
    fn a_wait_ends_with_the_limit() {
        static LOCAL: Environment = Environment::new();
        let variables = env(&[("KERBOX_TEST_I", "1")]);
        let _held = LOCAL
            .enter(&variables, Scope::current(), LIMIT)
            .expect("free");
        let other = thread::spawn(move || {
            LOCAL
                .enter(&variables, Scope::current(), Duration::from_millis(5))
                .map(drop)
        });
        assert!(matches!(
            other.join().expect("no panic"),
            Err(Error::EnvironmentInUse { .. })
        ));
    }

    #[test]
    fn what_is_set_for_good_appears_when_the_guards_are_gone() {
        let guard = env(&[("KERBOX_TEST_J", "guard")]).enter();
        env(&[("KERBOX_TEST_J", "good"), ("KERBOX_TEST_K", "good")]).set_for_good();
        assert_eq!(value("KERBOX_TEST_J").as_deref(), Some("guard"));
        assert_eq!(value("KERBOX_TEST_K").as_deref(), Some("good"));
        drop(guard);
        assert_eq!(value("KERBOX_TEST_J").as_deref(), Some("good"));
    }
}
