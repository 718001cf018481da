//! `syscall`: libstdc++ implements its own futex wait for futures and reaches it through this
//! function.

use core::ffi::{c_int, c_long};

use crate::page::{self, to_system};
use crate::reads;
use crate::system::{self, Timespec, fail, number};

const FUTEX_LOCK_PI: usize = 6;
const FUTEX_WAIT_BITSET: usize = 9;
const FUTEX_WAIT_REQUEUE_PI: usize = 11;
const FUTEX_LOCK_PI2: usize = 13;
const FUTEX_OPERATION: usize = 127;
const FUTEX_CLOCK_REALTIME: usize = 256;

/// Returns whether a futex operation waits until a wall-clock time.
const fn waits_by_wall(operation: usize) -> bool {
    match operation & FUTEX_OPERATION {
        FUTEX_LOCK_PI => true,
        FUTEX_WAIT_BITSET | FUTEX_WAIT_REQUEUE_PI | FUTEX_LOCK_PI2 => {
            operation & FUTEX_CLOCK_REALTIME != 0
        }
        _ => false,
    }
}

/// glibc's function is variadic. On these targets variable arguments arrive in the same registers
/// as six ordinary ones. Those that a caller omitted hold arbitrary values, which the kernel
/// ignores.
///
/// # Safety
/// The arguments must meet the requirements of this system call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syscall(
    call: c_long,
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    sixth: usize,
) -> c_long {
    let mut arguments = [first, second, third, fourth, fifth, sixth];
    // SAFETY: the caller's promise is what each of these requires.
    unsafe {
        if page::is_open() {
            match call {
                number::CLOCK_GETTIME => {
                    return reads::clock_gettime(first as c_int, second as *mut Timespec).into();
                }
                number::GETTIMEOFDAY => {
                    return reads::gettimeofday(first as *mut _, second as *mut _).into();
                }
                number::TIME => return reads::time(first as *mut i64),
                _ => {}
            }
        }
        // Declared outside the `if`: the kernel reads it through a pointer during the call below.
        let moment;
        if call == number::FUTEX
            && waits_by_wall(second)
            && let Some(deadline) = (fourth as *const Timespec).as_ref()
        {
            moment = to_system(*deadline);
            arguments[3] = (&raw const moment) as usize;
        }
        let result = system::system_call(call, arguments);
        if system::is_error(result) {
            fail(-result as c_int).into()
        } else {
            result as c_long
        }
    }
}
