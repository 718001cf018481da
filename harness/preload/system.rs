//! glibc's own functions, which this library hides, and raw system calls.

use core::ffi::{CStr, c_char, c_int, c_long, c_void};
use core::ptr::null_mut;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

pub(crate) const CLOCK_REALTIME: c_int = 0;
pub(crate) const CLOCK_MONOTONIC: c_int = 1;
pub(crate) const CLOCK_REALTIME_COARSE: c_int = 5;
pub(crate) const CLOCK_REALTIME_ALARM: c_int = 8;
pub(crate) const CLOCK_TAI: c_int = 11;

/// Returns whether a clock that a program can wait on is the wall clock.
pub(crate) const fn is_wall(clock: c_int) -> bool {
    matches!(clock, CLOCK_REALTIME | CLOCK_REALTIME_ALARM)
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

pub(crate) const ENOSYS: c_int = 38;

/// Returns the value of an environment variable.
pub(crate) fn environment(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: called once, before `main`, when no thread can change the environment meanwhile.
    unsafe {
        let value = getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// Maps a file's first bytes for reading; null if that is not possible.
pub(crate) fn map_read_only(path: &CStr, length: usize) -> *mut c_void {
    const O_CLOEXEC: usize = 0o2_000_000;
    const AT_FDCWD: usize = -100_isize as usize;
    const PROT_READ: usize = 1;
    const MAP_SHARED: usize = 1;
    let path = path.as_ptr() as usize;
    // SAFETY: the path ends with a NUL and outlives the call; a new mapping touches no other.
    unsafe {
        let file = system_call(number::OPENAT, [AT_FDCWD, path, O_CLOEXEC, 0, 0, 0]);
        if file < 0 {
            return null_mut();
        }
        let file = file as usize;
        let mapped = system_call(number::MMAP, [0, length, PROT_READ, MAP_SHARED, file, 0]);
        system_call(number::CLOSE, [file, 0, 0, 0, 0, 0]);
        if is_error(mapped) {
            null_mut()
        } else {
            mapped as *mut c_void
        }
    }
}

/// Writes to standard error.
pub(crate) fn complain(text: &[u8]) {
    let arguments = [2, text.as_ptr() as usize, text.len(), 0, 0, 0];
    // SAFETY: the bytes outlive the call.
    unsafe { system_call(number::WRITE, arguments) };
}

/// Returns the system's wall clock, in nanoseconds since 1970.
pub(crate) fn wall_clock() -> i64 {
    let mut time = Timespec::from_nanos(0);
    // SAFETY: `time` outlives the call.
    unsafe { clock_gettime(CLOCK_REALTIME, &mut time) };
    time.seconds
        .saturating_mul(NANOS)
        .saturating_add(time.nanos)
}

/// Calls glibc's `clock_gettime`, which reads the vDSO, or else the kernel's.
///
/// # Safety
/// `time` must be valid for writes, or a pointer that the kernel refuses.
pub(crate) unsafe fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    type Function = unsafe extern "C" fn(c_int, *mut Timespec) -> c_int;
    // SAFETY: the caller's promise is what both require.
    unsafe {
        if let Some(function) = behind!(c"clock_gettime", c"GLIBC_2.17", Function) {
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

/// Returns whether the result of a system call is a negative error number.
pub(crate) const fn is_error(result: isize) -> bool {
    -4096 < result && result < 0
}

/// System call numbers.
#[cfg(target_arch = "x86_64")]
pub(crate) mod number {
    use super::c_long;
    pub(crate) const WRITE: c_long = 1;
    pub(crate) const CLOSE: c_long = 3;
    pub(crate) const MMAP: c_long = 9;
    pub(crate) const GETTIMEOFDAY: c_long = 96;
    pub(crate) const TIME: c_long = 201;
    pub(crate) const FUTEX: c_long = 202;
    pub(crate) const CLOCK_GETTIME: c_long = 228;
    pub(crate) const OPENAT: c_long = 257;
}

/// System call numbers.
#[cfg(target_arch = "aarch64")]
pub(crate) mod number {
    use super::c_long;
    pub(crate) const OPENAT: c_long = 56;
    pub(crate) const CLOSE: c_long = 57;
    pub(crate) const WRITE: c_long = 64;
    pub(crate) const FUTEX: c_long = 98;
    pub(crate) const CLOCK_GETTIME: c_long = 113;
    pub(crate) const GETTIMEOFDAY: c_long = 169;
    pub(crate) const MMAP: c_long = 222;
    /// This architecture has no such call.
    pub(crate) const TIME: c_long = -1;
}

/// Calls the kernel without glibc.
///
/// # Safety
/// The arguments must meet the requirements of this system call.
#[cfg(target_arch = "x86_64")]
pub(crate) unsafe fn system_call(number: c_long, arguments: [usize; 6]) -> isize {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let result;
    // SAFETY: the registers follow the kernel's convention, which also clobbers rcx and r11.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            in("r8") fifth,
            in("r9") sixth,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Calls the kernel without glibc.
///
/// # Safety
/// The arguments must meet the requirements of this system call.
#[cfg(target_arch = "aarch64")]
pub(crate) unsafe fn system_call(number: c_long, arguments: [usize; 6]) -> isize {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let result;
    // SAFETY: the registers follow the kernel's convention, which preserves all others.
    unsafe {
        core::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") first => result,
            in("x1") second,
            in("x2") third,
            in("x3") fourth,
            in("x4") fifth,
            in("x5") sixth,
            options(nostack),
        );
    }
    result
}
