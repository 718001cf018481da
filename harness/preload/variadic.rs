//! `syscall`: libstdc++ waits for futures, and Rust's library for locks, by a futex that they reach
//! through this function.

use core::ffi::{c_int, c_long};

use crate::kernel::{is_error, number, system_call};
use crate::published::Wait;
use crate::system::{EINTR, ETIMEDOUT, Timescale, Timespec, fail};
use crate::{page, reads, sleeps};

const FUTEX_WAIT: usize = 0;
const FUTEX_LOCK_PI: usize = 6;
const FUTEX_WAIT_BITSET: usize = 9;
const FUTEX_WAIT_REQUEUE_PI: usize = 11;
const FUTEX_LOCK_PI2: usize = 13;
const FUTEX_OPERATION: usize = 127;
const FUTEX_CLOCK_REALTIME: usize = 256;

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
    let arguments = [first, second, third, fourth, fifth, sixth];
    // SAFETY: the caller's promise is what each of these requires.
    let result = unsafe {
        match call {
            _ if !page::is_open() => system_call(call, arguments),
            number::CLOCK_GETTIME => {
                return reads::clock_gettime(first as c_int, second as *mut Timespec).into();
            }
            number::GETTIMEOFDAY => {
                return reads::gettimeofday(first as *mut _, second as *mut _).into();
            }
            number::TIME => return reads::time(first as *mut i64),
            number::NANOSLEEP => {
                return sleeps::nanosleep(first as *const _, second as *mut _).into();
            }
            number::CLOCK_NANOSLEEP => {
                let (clock, flags) = (first as c_int, second as c_int);
                let time = third as *const Timespec;
                -sleeps::clock_nanosleep(clock, flags, time, fourth as *mut _) as isize
            }
            number::FUTEX => futex(arguments),
            _ => system_call(call, arguments),
        }
    };
    if is_error(result) {
        fail(-result as c_int).into()
    } else {
        result as c_long
    }
}

/// Makes a futex call, whose time to wait for is shown to the fixture.
///
/// # Safety
/// The arguments must meet the requirements of this system call.
unsafe fn futex(mut arguments: [usize; 6]) -> isize {
    let [_, operation, _, time, ..] = arguments;
    let by_wall = operation & FUTEX_CLOCK_REALTIME != 0;
    let is_relative = operation & FUTEX_OPERATION == FUTEX_WAIT;
    let timescale = match operation & FUTEX_OPERATION {
        FUTEX_WAIT if !by_wall => Some(Timescale::Monotonic),
        FUTEX_LOCK_PI => Some(Timescale::Wall),
        FUTEX_WAIT_BITSET | FUTEX_WAIT_REQUEUE_PI | FUTEX_LOCK_PI2 => Some(if by_wall {
            Timescale::Wall
        } else {
            Timescale::Monotonic
        }),
        // The other operations do not wait, and use this argument otherwise.
        _ => None,
    };
    // SAFETY: the caller's promise; the time of a wait is null or valid for reads.
    unsafe {
        let time = timescale.and_then(|_| (time as *const Timespec).as_ref());
        let (Some(timescale), Some(time)) = (timescale, time.filter(|time| time.is_valid())) else {
            return system_call(number::FUTEX, arguments);
        };
        let mut wait = if is_relative {
            // The same wait by a moment: all bits of the set match.
            arguments[1] = operation | FUTEX_WAIT_BITSET;
            arguments[5] = u32::MAX as usize;
            Wait::lasting(time.to_nanos())
        } else {
            Wait::until(timescale, time.to_nanos())
        };
        arguments[3] = wait.time() as usize;
        loop {
            let result = system_call(number::FUTEX, arguments);
            match -result as c_int {
                ETIMEDOUT if !wait.is_over() => wait.again(),
                EINTR if wait.is_woken() => {
                    // If it is over, the next call finds the time passed.
                    if !wait.is_over() {
                        wait.again();
                    }
                }
                _ => return result,
            }
        }
    }
}
