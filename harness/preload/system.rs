//! glibc's own functions, which this library hides, and the system's clocks.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicUsize};

use crate::kernel::{self, is_error, number, system_call};
use crate::layout;

pub(crate) const CLOCK_REALTIME: c_int = 0;
pub(crate) const CLOCK_MONOTONIC: c_int = 1;
const CLOCK_MONOTONIC_RAW: c_int = 4;
pub(crate) const CLOCK_REALTIME_COARSE: c_int = 5;
const CLOCK_MONOTONIC_COARSE: c_int = 6;
const CLOCK_BOOTTIME: c_int = 7;
pub(crate) const CLOCK_REALTIME_ALARM: c_int = 8;
const CLOCK_BOOTTIME_ALARM: c_int = 9;
pub(crate) const CLOCK_TAI: c_int = 11;

/// The two ways to count time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timescale {
    /// Since 1970. It can be set, and can stand still.
    Wall,
    /// Since the machine's start. It moves when a fixture advances, never backward.
    Monotonic,
}

impl Timescale {
    /// Returns the timescale of a clock that programs can wait on; `None` for others, such as those
    /// that count a processor's time.
    pub(crate) const fn of(clock: c_int) -> Option<Self> {
        match clock {
            CLOCK_REALTIME | CLOCK_REALTIME_ALARM => Some(Self::Wall),
            CLOCK_MONOTONIC | CLOCK_BOOTTIME | CLOCK_BOOTTIME_ALARM => Some(Self::Monotonic),
            _ => None,
        }
    }
}

/// Returns whether a clock moves with the fixture's monotonic time.
pub(crate) const fn is_monotonic(clock: c_int) -> bool {
    matches!(
        clock,
        CLOCK_MONOTONIC
            | CLOCK_MONOTONIC_RAW
            | CLOCK_MONOTONIC_COARSE
            | CLOCK_BOOTTIME
            | CLOCK_BOOTTIME_ALARM
    )
}

pub(crate) const NANOS: i64 = 1_000_000_000;

/// `struct timespec` of 64-bit targets.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Timespec {
    pub(crate) seconds: i64,
    pub(crate) nanos: i64,
}

impl Timespec {
    pub(crate) const fn from_nanos(nanos: i64) -> Self {
        Self {
            seconds: nanos.div_euclid(NANOS),
            nanos: nanos.rem_euclid(NANOS),
        }
    }

    /// Adds nanoseconds. Without a division of the sum, since clocks are read often.
    pub(crate) const fn add(&mut self, nanos: i64) {
        self.seconds = self.seconds.saturating_add(nanos.div_euclid(NANOS));
        self.nanos += nanos.rem_euclid(NANOS);
        if self.nanos >= NANOS {
            self.seconds = self.seconds.saturating_add(1);
            self.nanos -= NANOS;
        }
    }

    /// Returns the nanoseconds, the nearest possible if there are too many.
    pub(crate) const fn to_nanos(self) -> i64 {
        self.seconds
            .saturating_mul(NANOS)
            .saturating_add(self.nanos)
    }

    /// Returns whether the system accepts it.
    pub(crate) const fn is_valid(self) -> bool {
        self.seconds >= 0 && 0 <= self.nanos && self.nanos < NANOS
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.seconds == 0 && self.nanos == 0
    }
}

#[link(name = "c")]
unsafe extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlvsym(handle: *mut c_void, name: *const c_char, version: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
    fn sigaction(signal: c_int, new: *const Action, old: *mut Action) -> c_int;
}

/// glibc's `struct sigaction` on these targets.
#[repr(C)]
struct Action {
    handler: usize,
    mask: [u64; 16],
    flags: c_int,
    restorer: usize,
}

/// Makes a signal call `handler` and interrupt the system calls that wait until a time, and no
/// other, unless the program itself handles the signal. `handler` runs in the thread that is
/// interrupted, and may only do what is safe in a signal handler.
pub(crate) fn let_interrupt(signal: c_int, handler: extern "C" fn(c_int)) {
    const SA_RESTART: c_int = 0x1000_0000;
    let action = |handler| Action {
        handler,
        mask: [0; 16],
        flags: SA_RESTART,
        restorer: 0,
    };
    let mut old = action(0);
    // SAFETY: the structures are glibc's and outlive the calls; the caller promises that the
    // handler is safe.
    unsafe {
        if sigaction(signal, core::ptr::null(), &mut old) == 0 && old.handler == 0 {
            sigaction(
                signal,
                &action(handler as *const () as usize),
                core::ptr::null_mut(),
            );
        }
    }
}

/// `RTLD_NEXT`: the next definition after this library's.
const NEXT: *mut c_void = usize::MAX as *mut c_void;

/// A glibc function that this library hides, looked up when it is first called.
pub(crate) struct Behind {
    name: &'static CStr,
    /// The preferred version: some functions also have an older one with another layout.
    version: &'static CStr,
    address: AtomicUsize,
}

impl Behind {
    pub(crate) const fn new(name: &'static CStr, version: &'static CStr) -> Self {
        Self {
            name,
            version,
            address: AtomicUsize::new(0),
        }
    }

    /// Returns its address; 0 if this glibc has no such function. In that case programs can only
    /// have called our function through `dlsym`.
    pub(crate) fn address(&self) -> usize {
        let mut address = self.address.load(Relaxed);
        if address == 0 {
            // SAFETY: both strings end with a NUL; the functions keep neither.
            address = unsafe {
                let versioned = dlvsym(NEXT, self.name.as_ptr(), self.version.as_ptr());
                if versioned.is_null() {
                    dlsym(NEXT, self.name.as_ptr())
                } else {
                    versioned
                }
            } as usize;
            self.address.store(address, Relaxed);
        }
        address
    }
}

/// `behind!(NAME, VERSION, TYPE)`: glibc's function of that name as a value of type `Option<TYPE>`.
macro_rules! behind {
    ($name:literal, $version:literal, $type:ty) => {{
        static BEHIND: $crate::system::Behind = $crate::system::Behind::new($name, $version);
        fn function() -> Option<$type> {
            // SAFETY: a null pointer is `None`; any other is glibc's function of this name, whose
            // signature according to its manual is `$type`.
            unsafe { core::mem::transmute::<usize, Option<$type>>(BEHIND.address()) }
        }
        function()
    }};
}
pub(crate) use behind;

/// Sets `errno` and returns the failure value of a C function.
pub(crate) fn fail(error: c_int) -> c_int {
    // SAFETY: the address of the calling thread's `errno` is always valid.
    unsafe { *__errno_location() = error };
    -1
}

/// Returns the calling thread's `errno`.
pub(crate) fn errno() -> c_int {
    // SAFETY: as above.
    unsafe { *__errno_location() }
}

pub(crate) const EINTR: c_int = 4;
pub(crate) const ENOSYS: c_int = 38;
pub(crate) const ETIMEDOUT: c_int = 110;

/// Returns the value of an environment variable.
pub(crate) fn environment(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: called once, before `main`, when no thread can change the environment meanwhile.
    unsafe {
        let value = getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// Set if the launcher has redirected the vDSO of this program, a Go program that also uses glibc.
static IS_REDIRECTED: AtomicBool = AtomicBool::new(false);

/// Finds out whether the vDSO is redirected. Then its functions answer in the fixture's time, and
/// the system's is read by system calls.
pub(crate) fn find_redirection() {
    let mut time = Timespec::from_nanos(0);
    // SAFETY: `time` outlives the call.
    let answer = unsafe { clock_gettime(layout::REDIRECTED_CLOCK, &mut time) };
    IS_REDIRECTED.store(answer == 0, Relaxed);
}

/// Reads one of the system's clocks.
pub(crate) fn read(clock: c_int) -> Timespec {
    let mut time = Timespec::from_nanos(0);
    // SAFETY: `time` outlives the call.
    unsafe { clock_gettime(clock, &mut time) };
    time
}

/// Returns the system's wall clock, in nanoseconds since 1970.
pub(crate) fn wall_clock() -> i64 {
    read(CLOCK_REALTIME).to_nanos()
}

/// Returns the system's monotonic clock, in nanoseconds.
pub(crate) fn monotonic_clock() -> i64 {
    read(CLOCK_MONOTONIC).to_nanos()
}

/// Reads one of the system's clocks, by glibc's `clock_gettime` and the vDSO if possible.
///
/// # Safety
/// `time` must be valid for writes, or a pointer that the kernel refuses.
pub(crate) unsafe fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    type Function = unsafe extern "C" fn(c_int, *mut Timespec) -> c_int;
    // SAFETY: the caller's promise is what both require.
    unsafe {
        if !IS_REDIRECTED.load(Relaxed)
            && let Some(function) = behind!(c"clock_gettime", c"GLIBC_2.17", Function)
        {
            return function(clock, time);
        }
        let arguments = [clock as usize, time as usize, 0, 0, 0, 0];
        let result = system_call(number::CLOCK_GETTIME, arguments);
        if is_error(result) {
            fail(-result as c_int)
        } else {
            0
        }
    }
}

/// Returns the id of this process.
pub(crate) fn process() -> u32 {
    kernel::plain(number::GETPID) as u32
}

/// Returns the id of the calling thread.
pub(crate) fn thread() -> u32 {
    kernel::plain(number::GETTID) as u32
}

/// Lets the calling thread receive a signal; returns whether it was blocked.
pub(crate) fn unblock(signal: c_int) -> bool {
    kernel::change_mask(kernel::UNBLOCK, 1 << (signal - 1)) & 1 << (signal - 1) != 0
}

/// Blocks a signal for the calling thread.
pub(crate) fn block(signal: c_int) {
    kernel::change_mask(kernel::BLOCK, 1 << (signal - 1));
}
