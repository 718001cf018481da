//! System calls without glibc.

use core::ffi::{CStr, c_long, c_void};
use core::ptr::null_mut;

/// Maps a file's first bytes, shared with all others that map it; null if that is not possible.
pub(crate) fn map_shared(path: &CStr, length: usize, is_writable: bool) -> *mut c_void {
    const O_CLOEXEC: usize = 0o2_000_000;
    const O_RDWR: usize = 2;
    const AT_FDCWD: usize = -100_isize as usize;
    const PROT_READ: usize = 1;
    const PROT_WRITE: usize = 2;
    const MAP_SHARED: usize = 1;
    let path = path.as_ptr() as usize;
    let (access, protection) = if is_writable {
        (O_RDWR, PROT_READ | PROT_WRITE)
    } else {
        (0, PROT_READ)
    };
    // SAFETY: the path ends with a NUL and outlives the call; a new mapping touches no other.
    unsafe {
        let open = [AT_FDCWD, path, access | O_CLOEXEC, 0, 0, 0];
        let file = system_call(number::OPENAT, open);
        if file < 0 {
            return null_mut();
        }
        let file = file as usize;
        let mapped = system_call(number::MMAP, [0, length, protection, MAP_SHARED, file, 0]);
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

/// Makes a system call without arguments.
pub(crate) fn plain(number: c_long) -> isize {
    // SAFETY: it accesses no memory.
    unsafe { system_call(number, [0; 6]) }
}

/// Changes of [`change_mask`].
pub(crate) const BLOCK: usize = 0;
pub(crate) const UNBLOCK: usize = 1;

/// Adds signals to those that the calling thread blocks, or removes them; returns the mask before.
pub(crate) fn change_mask(change: usize, signals: u64) -> u64 {
    let mut old = 0_u64;
    let (new, before) = (&raw const signals as usize, &raw mut old as usize);
    let size = size_of::<u64>();
    // SAFETY: both masks outlive the call.
    unsafe { system_call(number::RT_SIGPROCMASK, [change, new, before, size, 0, 0]) };
    old
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
    pub(crate) const RT_SIGPROCMASK: c_long = 14;
    pub(crate) const NANOSLEEP: c_long = 35;
    pub(crate) const GETPID: c_long = 39;
    pub(crate) const GETTIMEOFDAY: c_long = 96;
    pub(crate) const TIME: c_long = 201;
    pub(crate) const FUTEX: c_long = 202;
    pub(crate) const GETTID: c_long = 186;
    pub(crate) const CLOCK_GETTIME: c_long = 228;
    pub(crate) const CLOCK_NANOSLEEP: c_long = 230;
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
    pub(crate) const NANOSLEEP: c_long = 101;
    pub(crate) const CLOCK_GETTIME: c_long = 113;
    pub(crate) const CLOCK_NANOSLEEP: c_long = 115;
    pub(crate) const RT_SIGPROCMASK: c_long = 135;
    pub(crate) const GETTIMEOFDAY: c_long = 169;
    pub(crate) const GETPID: c_long = 172;
    pub(crate) const GETTID: c_long = 178;
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
