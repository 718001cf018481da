//! POSIX timers, which send a signal. A moment that they are given is translated; they fire when
//! real time has passed, not when the fixture advances.

use core::ffi::{c_int, c_void};
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use crate::page::{self, to_system};
use crate::sleeps::ABSOLUTE;
use crate::system::{ENOSYS, Timescale, Timespec, behind, fail};

/// `struct itimerspec`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Setting {
    pub(crate) interval: Timespec,
    pub(crate) value: Timespec,
}

impl Setting {
    /// Returns the setting with its first expiry translated. A setting that stops the timer stays
    /// unchanged.
    fn translated(mut self, timescale: Timescale) -> Self {
        if !self.value.is_zero() {
            self.value = to_system(timescale, self.value.to_nanos());
            // Zero would stop the timer: use the first nanosecond as the earliest time.
            if self.value.is_zero() {
                self.value.nanos = 1;
            }
        }
        self
    }
}

/// Marks an unused slot; no timer has this handle.
const FREE: usize = usize::MAX;
/// The handles of timers on the wall clock, and on a monotonic one. Timers beyond these wait for
/// the system's clock.
static WALL_TIMERS: [AtomicUsize; 64] = [const { AtomicUsize::new(FREE) }; 64];
static MONOTONIC_TIMERS: [AtomicUsize; 64] = [const { AtomicUsize::new(FREE) }; 64];

fn timescale_of(timer: usize) -> Option<Timescale> {
    let is_in = |timers: &[AtomicUsize]| timers.iter().any(|slot| slot.load(Relaxed) == timer);
    if is_in(&WALL_TIMERS) {
        Some(Timescale::Wall)
    } else {
        is_in(&MONOTONIC_TIMERS).then_some(Timescale::Monotonic)
    }
}

fn forget(timer: usize) {
    for slot in WALL_TIMERS.iter().chain(&MONOTONIC_TIMERS) {
        // A slot with another value belongs to another timer.
        let _ = slot.compare_exchange(timer, FREE, Relaxed, Relaxed);
    }
}

/// # Safety
/// See `timer_create(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timer_create(
    clock: c_int,
    event: *mut c_void,
    timer: *mut usize,
) -> c_int {
    type Function = unsafe extern "C" fn(c_int, *mut c_void, *mut usize) -> c_int;
    let Some(function) = behind!(c"timer_create", c"GLIBC_2.34", Function) else {
        return fail(ENOSYS);
    };
    // SAFETY: the caller's promise is what glibc's function requires; it has written the handle if
    // it succeeds.
    let (result, handle) = unsafe {
        let result = function(clock, event, timer);
        (result, if result == 0 { *timer } else { FREE })
    };
    if result == 0 {
        forget(handle);
        let timers: &[AtomicUsize] = match Timescale::of(clock) {
            Some(Timescale::Wall) => &WALL_TIMERS,
            Some(Timescale::Monotonic) => &MONOTONIC_TIMERS,
            None => &[],
        };
        let _ = timers.iter().find(|slot| {
            let taken = slot.compare_exchange(FREE, handle, Relaxed, Relaxed);
            taken.is_ok()
        });
    }
    result
}

/// # Safety
/// See `timer_settime(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timer_settime(
    timer: usize,
    flags: c_int,
    new: *const Setting,
    old: *mut Setting,
) -> c_int {
    type Function = unsafe extern "C" fn(usize, c_int, *const Setting, *mut Setting) -> c_int;
    let Some(function) = behind!(c"timer_settime", c"GLIBC_2.34", Function) else {
        return fail(ENOSYS);
    };
    let timescale = timescale_of(timer).filter(|_| page::is_open() && flags & ABSOLUTE != 0);
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        match (new.as_ref(), timescale) {
            (Some(setting), Some(timescale)) => {
                function(timer, flags, &setting.translated(timescale), old)
            }
            _ => function(timer, flags, new, old),
        }
    }
}

/// # Safety
/// See `timer_delete(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timer_delete(timer: usize) -> c_int {
    type Function = unsafe extern "C" fn(usize) -> c_int;
    let Some(function) = behind!(c"timer_delete", c"GLIBC_2.34", Function) else {
        return fail(ENOSYS);
    };
    forget(timer);
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe { function(timer) }
}
