//! The waits of this program's threads, shown to the fixture.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::layout;
use crate::page;
use crate::slot::Slot;
use crate::system::{self, Timescale, Timespec};

/// Numbers the waits of this program.
static NUMBER: AtomicU32 = AtomicU32::new(1);

/// A wait of the calling thread until a moment of the program's time.
pub(crate) struct Wait {
    timescale: Timescale,
    deadline: i64,
    /// The end on the system's monotonic clock if the fixture's clock is not moved.
    real_end: i64,
    slot: Option<&'static Slot>,
    /// The kernel's time if there is no slot.
    own_time: UnsafeCell<Timespec>,
    has_unblocked: bool,
}

impl Wait {
    /// Shows a wait until `deadline` until it is dropped.
    pub(crate) fn until(timescale: Timescale, deadline: i64) -> Self {
        let duration = deadline.saturating_sub(page::now_on(timescale));
        let slot = if duration > 0 { claim() } else { None };
        let mut wait = Self {
            timescale,
            deadline,
            real_end: 0,
            slot,
            own_time: UnsafeCell::new(Timespec::from_nanos(0)),
            has_unblocked: slot.is_some() && system::unblock(layout::SIGNAL),
        };
        wait.again();
        if let Some(slot) = slot {
            let is_monotonic = matches!(timescale, Timescale::Monotonic);
            slot.is_monotonic.store(is_monotonic.into(), Relaxed);
            slot.deadline.store(deadline, Relaxed);
            slot.duration.store(duration, Relaxed);
            let number = NUMBER.fetch_add(1, Relaxed).max(1);
            slot.number.store(number, Release);
        }
        wait
    }

    /// Shows a wait of this many nanoseconds.
    pub(crate) fn lasting(nanos: i64) -> Self {
        let now = page::now_on(Timescale::Monotonic);
        Self::until(Timescale::Monotonic, now.saturating_add(nanos))
    }

    /// Translates the deadline anew: the wait goes on after it has been interrupted.
    pub(crate) fn again(&mut self) {
        let real = system::monotonic_clock();
        self.real_end = real.saturating_add(self.left());
        let end = match self.timescale {
            Timescale::Monotonic => self.real_end,
            // If the clock is frozen, it never reaches the deadline: wait for as long as that seems
            // to be away.
            Timescale::Wall => system::wall_clock().saturating_add(self.left()),
        };
        let time = Timespec::from_nanos(end.max(0));
        match self.slot {
            Some(slot) => {
                slot.woken.store(0, Relaxed);
                let [seconds, nanos] = &slot.time;
                nanos.store(time.nanos, Relaxed);
                seconds.store(time.seconds, Relaxed);
            }
            None => *self.own_time.get_mut() = time,
        }
    }

    /// Returns the time for the kernel, on the system's clock. The fixture may change what is
    /// behind the pointer.
    pub(crate) fn time(&self) -> *const Timespec {
        match self.slot {
            Some(slot) => slot.time.as_ptr().cast(),
            None => self.own_time.get(),
        }
    }

    /// Returns the nanoseconds until the deadline, at least 0.
    pub(crate) fn left(&self) -> i64 {
        let now = page::now_on(self.timescale);
        self.deadline.saturating_sub(now).max(0)
    }

    /// Returns whether the deadline has passed, or the time that it was away has.
    pub(crate) fn is_over(&self) -> bool {
        self.left() == 0 || system::monotonic_clock() >= self.real_end
    }

    /// Returns whether the fixture has interrupted it.
    pub(crate) fn is_woken(&self) -> bool {
        self.slot.is_some_and(|slot| slot.woken.load(Acquire) != 0)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            slot.number.store(0, Release);
            slot.process.store(0, Release);
        }
        if self.has_unblocked {
            system::block(layout::SIGNAL);
        }
    }
}

/// Notes in the thread's place that the fixture's signal has come. The one for an earlier wait may
/// come late, when the fixture's note has gone with that wait: without this, the program would see
/// its next wait interrupted. Handles the signal, so it makes nothing but system calls.
pub(crate) extern "C" fn mark(_signal: c_int) {
    let (own, thread) = (system::process(), system::thread());
    let is_ours =
        |slot: &&Slot| slot.process.load(Relaxed) == own && slot.thread.load(Relaxed) == thread;
    for slot in page::slots().iter().filter(is_ours) {
        slot.woken.store(1, Relaxed);
    }
}

/// Finds a free place. Threads start at different ones, so that they rarely meet.
fn claim() -> Option<&'static Slot> {
    let slots = page::slots();
    let thread = system::thread();
    let (before, from) = slots.split_at_checked(thread as usize % layout::WAITS)?;
    let own = system::process();
    let free = |slot: &&Slot| {
        let taken = slot.process.compare_exchange(0, own, Acquire, Relaxed);
        taken.is_ok()
    };
    let slot = from.iter().chain(before).find(free)?;
    slot.thread.store(thread, Relaxed);
    Some(slot)
}
