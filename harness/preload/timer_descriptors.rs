//! Timers that make a descriptor readable. A thread that waits for descriptors shows the fixture
//! the earliest of them as its own deadline, and sets them anew when the fixture has moved past it.

use core::ffi::c_int;
use core::ptr::null_mut;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicI64};

use crate::page;
use crate::sleeps::ABSOLUTE;
use crate::system::{ENOSYS, Timescale, Timespec, behind, fail};
use crate::timers::Setting;

/// A timer, while it has a descriptor.
struct Timer {
    /// -1 for a free place.
    descriptor: AtomicI32,
    is_monotonic: AtomicBool,
    /// The next expiry on the program's clock; 0 while it is stopped.
    deadline: AtomicI64,
    /// The time between further expiries; 0 for none.
    interval: AtomicI64,
}

/// Timers beyond these go by the system's clock.
static TIMERS: [Timer; 64] = [const {
    Timer {
        descriptor: AtomicI32::new(-1),
        is_monotonic: AtomicBool::new(false),
        deadline: AtomicI64::new(0),
        interval: AtomicI64::new(0),
    }
}; 64];

impl Timer {
    fn timescale(&self) -> Timescale {
        if self.is_monotonic.load(Relaxed) {
            Timescale::Monotonic
        } else {
            Timescale::Wall
        }
    }

    /// Returns the nanoseconds until the next expiry, not positive if it has passed; `None` if the
    /// timer is stopped.
    fn left(&self) -> Option<i64> {
        let deadline = self.deadline.load(Acquire);
        (deadline != 0).then(|| deadline.saturating_sub(page::now_on(self.timescale())))
    }

    /// Lets it fire if its time has passed because the clock was moved.
    fn catch_up(&self) {
        let deadline = self.deadline.load(Acquire);
        if self.left().is_none_or(|left| left > 0) {
            return;
        }
        let interval = self.interval.load(Relaxed);
        let next = match interval {
            0 => 0,
            _ => page::now_on(self.timescale()).saturating_add(interval),
        };
        // Only one thread sets it.
        let taken = self
            .deadline
            .compare_exchange(deadline, next, AcqRel, Relaxed);
        if taken.is_ok() {
            let setting = Setting {
                interval: Timespec::from_nanos(interval),
                value: Timespec::from_nanos(1),
            };
            if let Some(function) = set_time() {
                let descriptor = self.descriptor.load(Relaxed);
                // SAFETY: the setting outlives the call. A descriptor that is no timer any more is
                // refused.
                if unsafe { function(descriptor, 0, &setting, null_mut()) } != 0 {
                    self.deadline.store(0, Release);
                }
            }
        }
    }
}

/// An expiry, on the timescale of its timer.
pub(crate) struct Expiry {
    pub(crate) left: i64,
    pub(crate) timescale: Timescale,
    pub(crate) deadline: i64,
}

/// Lets each timer fire whose time has passed because the clock was moved; returns the next expiry.
pub(crate) fn next() -> Option<Expiry> {
    TIMERS.iter().for_each(Timer::catch_up);
    let expiries = TIMERS.iter().filter_map(|timer| {
        Some(Expiry {
            left: timer.left()?,
            timescale: timer.timescale(),
            deadline: timer.deadline.load(Acquire),
        })
    });
    expiries.min_by_key(|expiry| expiry.left)
}

type SetTime = unsafe extern "C" fn(c_int, c_int, *const Setting, *mut Setting) -> c_int;

fn set_time() -> Option<SetTime> {
    behind!(c"timerfd_settime", c"GLIBC_2.8", SetTime)
}

/// # Safety
/// See `timerfd_create(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timerfd_create(clock: c_int, flags: c_int) -> c_int {
    type Function = unsafe extern "C" fn(c_int, c_int) -> c_int;
    let Some(function) = behind!(c"timerfd_create", c"GLIBC_2.8", Function) else {
        return fail(ENOSYS);
    };
    // SAFETY: the caller's promise is what glibc's function requires.
    let descriptor = unsafe { function(clock, flags) };
    if descriptor < 0 || !page::is_open() {
        return descriptor;
    }
    // The descriptor may have belonged to a timer that has been closed.
    let old = TIMERS
        .iter()
        .find(|timer| timer.descriptor.load(Relaxed) == descriptor);
    let place = old.or_else(|| {
        TIMERS.iter().find(|timer| {
            let place = &timer.descriptor;
            let taken = place.compare_exchange(-1, descriptor, AcqRel, Relaxed);
            taken.is_ok()
        })
    });
    if let Some(timer) = place {
        timer.deadline.store(0, Relaxed);
        let is_monotonic = !matches!(Timescale::of(clock), Some(Timescale::Wall));
        timer.is_monotonic.store(is_monotonic, Relaxed);
    }
    descriptor
}

/// # Safety
/// See `timerfd_settime(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timerfd_settime(
    descriptor: c_int,
    flags: c_int,
    new: *const Setting,
    old: *mut Setting,
) -> c_int {
    let Some(function) = set_time() else {
        return fail(ENOSYS);
    };
    let timer = TIMERS
        .iter()
        .find(|timer| page::is_open() && timer.descriptor.load(Relaxed) == descriptor);
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let (Some(timer), Some(setting)) = (timer, new.as_ref()) else {
            return function(descriptor, flags, new, old);
        };
        let value = setting.value;
        let now = page::now_on(timer.timescale());
        let deadline = if value.is_zero() {
            0
        } else if flags & ABSOLUTE != 0 {
            value.to_nanos().max(1)
        } else {
            now.saturating_add(value.to_nanos()).max(1)
        };
        // The other flag, TFD_TIMER_CANCEL_ON_SET, only goes with a moment of the wall clock, which
        // the kernel does not get.
        let left = Setting {
            interval: setting.interval,
            value: match deadline {
                0 => value,
                _ => Timespec::from_nanos(deadline.saturating_sub(now).max(1)),
            },
        };
        timer.deadline.store(0, Release);
        let result = function(descriptor, 0, &left, old);
        if result == 0 {
            timer.interval.store(setting.interval.to_nanos(), Relaxed);
            timer.deadline.store(deadline, Release);
        }
        result
    }
}
