//! Functions that read a clock.

use core::ffi::c_int;

use crate::page;
use crate::system::{
    self, CLOCK_REALTIME, CLOCK_REALTIME_ALARM, CLOCK_REALTIME_COARSE, CLOCK_TAI, NANOS, Timespec,
};

/// `struct timeval` of 64-bit targets.
#[repr(C)]
pub struct Timeval {
    seconds: i64,
    micros: i64,
}

impl Timeval {
    pub(crate) const fn from_nanos(nanos: i64) -> Self {
        Self {
            seconds: nanos.div_euclid(NANOS),
            micros: nanos.rem_euclid(NANOS) / 1000,
        }
    }

    pub(crate) const fn to_nanos(&self) -> i64 {
        let micros = self.seconds.saturating_mul(1_000_000);
        micros.saturating_add(self.micros).saturating_mul(1000)
    }
}

/// # Safety
/// See `clock_gettime(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    // The wall clock is read only once, because this function is called often.
    if matches!(clock, CLOCK_REALTIME | CLOCK_REALTIME_COARSE) && page::is_open() {
        // SAFETY: the caller's pointer is valid for writes: the vDSO would write to it as well.
        unsafe { *time = page::now_as_timespec() };
        return 0;
    }
    // SAFETY: the caller's promise is what the system's function requires.
    let result = unsafe { system::clock_gettime(clock, time) };
    if result != 0 || !page::is_open() {
        return result;
    }
    // SAFETY: the kernel has written to it.
    let time = unsafe { &mut *time };
    match clock {
        CLOCK_REALTIME_ALARM => *time = page::now_as_timespec(),
        // TAI is a whole number of seconds ahead of the wall clock.
        CLOCK_TAI => {
            let ahead = time.to_nanos().saturating_sub(system::wall_clock());
            let seconds = ahead.saturating_add(NANOS / 2).div_euclid(NANOS);
            *time = Timespec::from_nanos(page::now().saturating_add(seconds * NANOS));
        }
        _ if system::is_monotonic(clock) => time.add(page::monotonic_offset()),
        _ => {}
    }
    0
}

/// glibc's other name for `clock_gettime`.
///
/// # Safety
/// See `clock_gettime(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { clock_gettime(clock, time) }
}

/// # Safety
/// See `gettimeofday(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(time: *mut Timeval, zone: *mut [c_int; 2]) -> c_int {
    // SAFETY: the caller gives pointers that are null or valid for writes.
    unsafe {
        if let Some(time) = time.as_mut() {
            *time = Timeval::from_nanos(page::now());
        }
        if let Some(zone) = zone.as_mut() {
            *zone = [0, 0];
        }
    }
    0
}

/// # Safety
/// See `time(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(seconds: *mut i64) -> i64 {
    let now = Timespec::from_nanos(page::now()).seconds;
    // SAFETY: the caller gives a pointer that is null or valid for writes.
    if let Some(seconds) = unsafe { seconds.as_mut() } {
        *seconds = now;
    }
    now
}

/// # Safety
/// See C11's `timespec_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timespec_get(time: *mut Timespec, base: c_int) -> c_int {
    type Function = unsafe extern "C" fn(*mut Timespec, c_int) -> c_int;
    const TIME_UTC: c_int = 1;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        if base == TIME_UTC {
            *time = Timespec::from_nanos(page::now());
            return base;
        }
        match system::behind!(c"timespec_get", c"GLIBC_2.16", Function) {
            Some(function) => function(time, base),
            None => 0,
        }
    }
}
