//! Functions that only wait.

use core::ffi::{c_int, c_uint};
use core::ptr::null_mut;

use crate::page;
use crate::published::Wait;
use crate::system::{
    CLOCK_MONOTONIC, CLOCK_REALTIME, EINTR, ENOSYS, NANOS, Timescale, Timespec, behind, fail,
};

/// `TIMER_ABSTIME`.
pub(crate) const ABSOLUTE: c_int = 1;

type Function = unsafe extern "C" fn(c_int, c_int, *const Timespec, *mut Timespec) -> c_int;

/// glibc's `clock_nanosleep`.
fn sleeps() -> Option<Function> {
    behind!(c"clock_nanosleep", c"GLIBC_2.17", Function)
}

/// Waits; returns an error number. If a signal of the program interrupts it, `left` gets the time
/// that remains.
///
/// # Safety
/// `left` must be null or valid for writes.
unsafe fn sleep_through(mut wait: Wait, timescale: Timescale, left: *mut Timespec) -> c_int {
    let Some(function) = sleeps() else {
        return ENOSYS;
    };
    let clock = match timescale {
        Timescale::Wall => CLOCK_REALTIME,
        Timescale::Monotonic => CLOCK_MONOTONIC,
    };
    loop {
        // SAFETY: the time is valid as long as the wait.
        let result = unsafe { function(clock, ABSOLUTE, wait.time(), null_mut()) };
        if wait.is_over() {
            return 0;
        }
        if result == EINTR && !wait.is_woken() {
            // SAFETY: the caller's promise.
            if let Some(left) = unsafe { left.as_mut() } {
                *left = Timespec::from_nanos(wait.left());
            }
            return EINTR;
        }
        if result != 0 && result != EINTR {
            return result;
        }
        wait.again();
    }
}

/// # Safety
/// See `clock_nanosleep(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_nanosleep(
    clock: c_int,
    flags: c_int,
    time: *const Timespec,
    left: *mut Timespec,
) -> c_int {
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let request = time.as_ref().filter(|time| time.is_valid());
        let (Some(request), Some(timescale), true) =
            (request, Timescale::of(clock), page::is_open())
        else {
            return sleeps().map_or(ENOSYS, |function| function(clock, flags, time, left));
        };
        if flags & ABSOLUTE != 0 {
            let wait = Wait::until(timescale, request.to_nanos());
            sleep_through(wait, timescale, null_mut())
        } else {
            // The kernel counts a duration by the monotonic clock, whichever is named.
            sleep_through(
                Wait::lasting(request.to_nanos()),
                Timescale::Monotonic,
                left,
            )
        }
    }
}

/// # Safety
/// See `nanosleep(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nanosleep(time: *const Timespec, left: *mut Timespec) -> c_int {
    // SAFETY: the caller's promise is the same.
    match unsafe { clock_nanosleep(CLOCK_REALTIME, 0, time, left) } {
        0 => 0,
        error => fail(error),
    }
}

/// # Safety
/// See C11's `thrd_sleep`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn thrd_sleep(time: *const Timespec, left: *mut Timespec) -> c_int {
    // SAFETY: the caller's promise is the same.
    match unsafe { clock_nanosleep(CLOCK_REALTIME, 0, time, left) } {
        0 => 0,
        EINTR => -1,
        _ => -2,
    }
}

/// See `usleep(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn usleep(micros: c_uint) -> c_int {
    let time = Timespec::from_nanos(i64::from(micros) * 1000);
    // SAFETY: the time outlives the call.
    unsafe { nanosleep(&time, null_mut()) }
}

/// See `sleep(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn sleep(seconds: c_uint) -> c_uint {
    let time = Timespec::from_nanos(i64::from(seconds) * NANOS);
    let mut left = Timespec::from_nanos(0);
    // SAFETY: both times outlive the call.
    if unsafe { nanosleep(&time, &mut left) } == 0 {
        return 0;
    }
    // Rounds, as glibc does.
    let seconds = left.to_nanos().saturating_add(NANOS / 2) / NANOS;
    c_uint::try_from(seconds).unwrap_or(0)
}
