//! Timers that fire at a wall-clock time.

use core::ffi::{c_int, c_void};
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU32, AtomicUsize};

use crate::page::to_system;
use crate::system::{self, ENOSYS, Timespec, behind, fail};
use crate::waits::ABSOLUTE;

/// `struct itimerspec`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Setting {
    interval: Timespec,
    value: Timespec,
}

impl Setting {
    /// Returns the setting with its first expiry translated. A setting that stops the timer stays
    /// unchanged.
    fn translated(mut self) -> Self {
        if !self.value.is_zero() {
            self.value = to_system(self.value);
            // Zero would stop the timer: use the first nanosecond as the earliest time.
            if self.value.is_zero() {
                self.value.nanos = 1;
            }
        }
        self
    }
}

/// A bit for each of the first descriptors, set if it is a timer on the wall clock. A process
/// rarely has more; timers beyond these wait for the system's clock.
static WALL_DESCRIPTORS: [AtomicU32; 128] = [const { AtomicU32::new(0) }; 128];

/// Returns the word and the bit of a descriptor.
fn descriptor_bit(descriptor: c_int) -> Option<(&'static AtomicU32, u32)> {
    let descriptor = usize::try_from(descriptor).ok()?;
    let word = WALL_DESCRIPTORS.get(descriptor / 32)?;
    Some((word, 1 << (descriptor % 32)))
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
    if let Some((word, bit)) = descriptor_bit(descriptor) {
        // The descriptor may have belonged to another timer before, so update its bit either way.
        if system::is_wall(clock) {
            word.fetch_or(bit, Relaxed);
        } else {
            word.fetch_and(!bit, Relaxed);
        }
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
    type Function = unsafe extern "C" fn(c_int, c_int, *const Setting, *mut Setting) -> c_int;
    let Some(function) = behind!(c"timerfd_settime", c"GLIBC_2.8", Function) else {
        return fail(ENOSYS);
    };
    let by_wall =
        descriptor_bit(descriptor).is_some_and(|(word, bit)| word.load(Relaxed) & bit != 0);
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        match new.as_ref() {
            Some(setting) if by_wall && flags & ABSOLUTE != 0 => {
                function(descriptor, flags, &setting.translated(), old)
            }
            _ => function(descriptor, flags, new, old),
        }
    }
}

/// Marks an unused slot; no timer has this handle.
const FREE: usize = usize::MAX;
/// The handles of POSIX timers on the wall clock. Timers beyond these wait for the system's clock.
static WALL_TIMERS: [AtomicUsize; 64] = [const { AtomicUsize::new(FREE) }; 64];

fn forget(timer: usize) {
    for slot in &WALL_TIMERS {
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
        if system::is_wall(clock) {
            let _ = WALL_TIMERS.iter().find(|slot| {
                slot.compare_exchange(FREE, handle, Relaxed, Relaxed)
                    .is_ok()
            });
        }
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
    let by_wall = WALL_TIMERS.iter().any(|slot| slot.load(Relaxed) == timer);
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        match new.as_ref() {
            Some(setting) if by_wall && flags & ABSOLUTE != 0 => {
                function(timer, flags, &setting.translated(), old)
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
