//! Functions that wait for descriptors, for a limited time.

use core::ffi::{c_int, c_ulong, c_void};
use core::ptr::null;

use crate::layout::SIGNAL;
use crate::page;
use crate::published::Wait;
use crate::reads::Timeval;
use crate::system::{self, EINTR, ENOSYS, Timescale, Timespec, behind, fail};
use crate::timer_descriptors;

const MILLI: i64 = 1_000_000;

type Pointer = *mut c_void;
/// The part of glibc's `sigset_t` that the kernel knows.
type Mask = *const u64;

/// Waits by a function of a number of nanoseconds, negative for no limit, that returns -1 and sets
/// `errno` when a signal interrupts it, and 0 when the time has passed.
fn poll_for(duration: i64, function: impl Fn(i64) -> c_int) -> c_int {
    let now = || page::now_on(Timescale::Monotonic);
    let end = (duration >= 0).then(|| now().saturating_add(duration));
    let left = || end.map(|end| end.saturating_sub(now()).max(0));
    loop {
        // A timer makes a descriptor readable: its deadline is this wait's, too.
        let wait = match (left(), timer_descriptors::next()) {
            (None, None) => return function(-1),
            (Some(left), None) => Wait::lasting(left),
            (Some(left), Some(expiry)) if left <= expiry.left => Wait::lasting(left),
            (_, Some(expiry)) => Wait::until(expiry.timescale, expiry.deadline),
        };
        let result = function(left().unwrap_or(-1));
        let is_interrupted = result < 0 && system::errno() == EINTR;
        if result > 0 || (result < 0 && !is_interrupted) {
            return result;
        }
        if left() == Some(0) {
            // The fixture's signal may have come before a descriptor was looked at.
            return if is_interrupted { function(0) } else { result };
        }
        if is_interrupted && !wait.is_woken() {
            return result;
        }
    }
}

/// Copies a mask of signals without the fixture's. A null pointer stays null.
///
/// # Safety
/// `mask` must be null or a `sigset_t`.
unsafe fn without_ours(mask: Mask) -> Option<[u64; 16]> {
    // SAFETY: glibc's type has 16 words.
    let mut mask = unsafe { mask.cast::<[u64; 16]>().as_ref() }.copied()?;
    if let Some(first) = mask.first_mut() {
        *first &= !(1 << (SIGNAL - 1));
    }
    Some(mask)
}

/// Returns the nanoseconds of a wait, negative for no limit; `None` if glibc must get the time as
/// it is: for no wait, or to refuse it.
///
/// # Safety
/// `time` must be null or valid for reads.
unsafe fn duration(time: *const Timespec) -> Option<i64> {
    if !page::is_open() {
        return None;
    }
    // SAFETY: the caller's promise.
    match unsafe { time.as_ref() } {
        None => Some(-1),
        Some(time) => (time.is_valid() && !time.is_zero()).then(|| time.to_nanos()),
    }
}

fn pointer(mask: Option<&[u64; 16]>) -> Mask {
    mask.map_or(null(), |mask| mask.as_ptr())
}

/// # Safety
/// See `poll(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poll(descriptors: Pointer, count: c_ulong, millis: c_int) -> c_int {
    type Function = unsafe extern "C" fn(Pointer, c_ulong, c_int) -> c_int;
    let Some(function) = behind!(c"poll", c"GLIBC_2.17", Function) else {
        return fail(ENOSYS);
    };
    if millis != 0 && page::is_open() {
        let nanos = i64::from(millis).saturating_mul(MILLI);
        // SAFETY: as the caller promises.
        return unsafe { timed_poll(descriptors, count, nanos, null()) };
    }
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe { function(descriptors, count, millis) }
}

/// # Safety
/// See `ppoll(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ppoll(
    descriptors: Pointer,
    count: c_ulong,
    time: *const Timespec,
    mask: Mask,
) -> c_int {
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        match duration(time) {
            Some(nanos) => timed_poll(descriptors, count, nanos, mask),
            None => match next_ppoll() {
                Some(function) => function(descriptors, count, time, mask),
                None => fail(ENOSYS),
            },
        }
    }
}

type Ppoll = unsafe extern "C" fn(Pointer, c_ulong, *const Timespec, Mask) -> c_int;

fn next_ppoll() -> Option<Ppoll> {
    behind!(c"ppoll", c"GLIBC_2.17", Ppoll)
}

/// # Safety
/// See `ppoll(2)`.
unsafe fn timed_poll(descriptors: Pointer, count: c_ulong, nanos: i64, mask: Mask) -> c_int {
    let Some(function) = next_ppoll() else {
        return fail(ENOSYS);
    };
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let mask = without_ours(mask);
        poll_for(nanos, |nanos| {
            let time = (nanos >= 0).then(|| Timespec::from_nanos(nanos));
            let time = time.as_ref().map_or(null(), |time| time);
            function(descriptors, count, time, pointer(mask.as_ref()))
        })
    }
}

/// The same with a check of the array's size, for programs compiled with `_FORTIFY_SOURCE`.
///
/// # Safety
/// See `poll(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __poll_chk(
    descriptors: Pointer,
    count: c_ulong,
    millis: c_int,
    size: usize,
) -> c_int {
    type Function = unsafe extern "C" fn(Pointer, c_ulong, c_int, usize) -> c_int;
    const ENTRY: usize = 8;
    // SAFETY: the caller's promise is what glibc's functions require.
    unsafe {
        if size / ENTRY >= count as usize {
            return poll(descriptors, count, millis);
        }
        // It ends the program.
        match behind!(c"__poll_chk", c"GLIBC_2.17", Function) {
            Some(function) => function(descriptors, count, millis, size),
            None => fail(ENOSYS),
        }
    }
}

/// # Safety
/// See `epoll_wait(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_wait(
    epoll: c_int,
    events: Pointer,
    count: c_int,
    millis: c_int,
) -> c_int {
    // SAFETY: the caller's promise is what this function requires.
    unsafe { epoll_pwait(epoll, events, count, millis, null()) }
}

/// # Safety
/// See `epoll_pwait(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_pwait(
    epoll: c_int,
    events: Pointer,
    count: c_int,
    millis: c_int,
    mask: Mask,
) -> c_int {
    type Function = unsafe extern "C" fn(c_int, Pointer, c_int, c_int, Mask) -> c_int;
    let Some(function) = behind!(c"epoll_pwait", c"GLIBC_2.17", Function) else {
        return fail(ENOSYS);
    };
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        if millis == 0 || !page::is_open() {
            return function(epoll, events, count, millis, mask);
        }
        let mask = without_ours(mask);
        poll_for(i64::from(millis).saturating_mul(MILLI), |nanos| {
            // Rounds up, so that it does not end early.
            let millis = match nanos {
                ..0 => -1,
                _ => c_int::try_from(nanos.saturating_add(MILLI - 1) / MILLI).unwrap_or(c_int::MAX),
            };
            function(epoll, events, count, millis, pointer(mask.as_ref()))
        })
    }
}

/// # Safety
/// See `epoll_pwait2(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn epoll_pwait2(
    epoll: c_int,
    events: Pointer,
    count: c_int,
    time: *const Timespec,
    mask: Mask,
) -> c_int {
    type Function = unsafe extern "C" fn(c_int, Pointer, c_int, *const Timespec, Mask) -> c_int;
    let Some(function) = behind!(c"epoll_pwait2", c"GLIBC_2.35", Function) else {
        return fail(ENOSYS);
    };
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        match duration(time) {
            Some(nanos) => {
                let mask = without_ours(mask);
                poll_for(nanos, |nanos| {
                    let time = (nanos >= 0).then(|| Timespec::from_nanos(nanos));
                    let time = time.as_ref().map_or(null(), |time| time);
                    function(epoll, events, count, time, pointer(mask.as_ref()))
                })
            }
            None => function(epoll, events, count, time, mask),
        }
    }
}

/// The three sets of `select`, which the kernel changes.
type Sets = [*mut [u64; 16]; 3];

type Pselect = unsafe extern "C" fn(
    c_int,
    *mut [u64; 16],
    *mut [u64; 16],
    *mut [u64; 16],
    *const Timespec,
    Mask,
) -> c_int;

fn next_pselect() -> Option<Pselect> {
    behind!(c"pselect", c"GLIBC_2.17", Pselect)
}

/// # Safety
/// See `pselect(2)`.
unsafe fn timed_select(count: c_int, sets: Sets, nanos: i64, mask: Mask) -> c_int {
    let Some(function) = next_pselect() else {
        return fail(ENOSYS);
    };
    // SAFETY: the caller's promise is what glibc's function requires. An interrupted call leaves
    // the sets as they were.
    unsafe {
        let mask = without_ours(mask);
        let [read, write, except] = sets;
        poll_for(nanos, |nanos| {
            let time = (nanos >= 0).then(|| Timespec::from_nanos(nanos));
            let time = time.as_ref().map_or(null(), |time| time);
            function(count, read, write, except, time, pointer(mask.as_ref()))
        })
    }
}

/// # Safety
/// See `select(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn select(
    count: c_int,
    read: *mut [u64; 16],
    write: *mut [u64; 16],
    except: *mut [u64; 16],
    time: *mut Timeval,
) -> c_int {
    type Function = unsafe extern "C" fn(
        c_int,
        *mut [u64; 16],
        *mut [u64; 16],
        *mut [u64; 16],
        *mut Timeval,
    ) -> c_int;
    let Some(function) = behind!(c"select", c"GLIBC_2.17", Function) else {
        return fail(ENOSYS);
    };
    // SAFETY: the caller's promise is what glibc's functions require.
    unsafe {
        let sets = [read, write, except];
        let nanos = match time.as_ref() {
            None if page::is_open() => return timed_select(count, sets, -1, null()),
            Some(time) if page::is_open() => time.to_nanos(),
            _ => 0,
        };
        if nanos <= 0 {
            return function(count, read, write, except, time);
        }
        let end = page::now_on(Timescale::Monotonic).saturating_add(nanos);
        let result = timed_select(count, sets, nanos, null());
        // Linux writes the time that is left.
        let left = end.saturating_sub(page::now_on(Timescale::Monotonic));
        *time = Timeval::from_nanos(if result == 0 { 0 } else { left.max(0) });
        result
    }
}

/// # Safety
/// See `pselect(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pselect(
    count: c_int,
    read: *mut [u64; 16],
    write: *mut [u64; 16],
    except: *mut [u64; 16],
    time: *const Timespec,
    mask: Mask,
) -> c_int {
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        match duration(time) {
            Some(nanos) => timed_select(count, [read, write, except], nanos, mask),
            None => match next_pselect() {
                Some(function) => function(count, read, write, except, time, mask),
                None => fail(ENOSYS),
            },
        }
    }
}
