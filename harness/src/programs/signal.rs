//! The signal that makes a thread of another process look at its deadline again.

use std::ffi::c_int;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
use std::ffi::c_long;

/// Sends a signal to one thread. A thread that has ended needs none.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(super) fn send(process: u32, thread: u32, signal: c_int) {
    #[cfg(target_arch = "x86_64")]
    const TGKILL: c_long = 234;
    #[cfg(target_arch = "aarch64")]
    const TGKILL: c_long = 131;
    #[expect(unsafe_code, reason = "rustix can only signal whole processes")]
    unsafe extern "C" {
        fn syscall(number: c_long, ...) -> c_long;
    }
    let (process, thread) = (process.cast_signed(), thread.cast_signed());
    #[expect(unsafe_code, reason = "rustix can only signal whole processes")]
    // SAFETY: the call takes numbers.
    unsafe {
        syscall(TGKILL, process, thread, signal);
    }
}

/// No program is under the clock on other systems.
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(super) fn send(_process: u32, _thread: u32, _signal: c_int) {}
