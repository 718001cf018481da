//! Functions that wait until a time for something in memory: locks, conditions, semaphores,
//! threads, message queues.
//!
//! glibc passes such a time to the kernel unchanged, and the kernel compares it with its own clock.
//! Without translation, a program in the future would wait for the whole offset. glibc passes a
//! pointer to the time again whenever a signal has interrupted it, so that the fixture can end such
//! a wait by changing the time.

use core::ffi::{c_int, c_uint, c_void};
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use crate::page;
use crate::published::Wait;
use crate::system::{
    self, CLOCK_MONOTONIC, CLOCK_REALTIME, EINTR, ENOSYS, ETIMEDOUT, Timescale, Timespec, behind,
    fail,
};

/// `thrd_error` and `thrd_timedout` of C11.
const THREAD_ERROR: c_int = 2;
const THREAD_TIMED_OUT: c_int = 4;

type Object = *mut c_void;
type Deadline = *const Timespec;

/// Returns the deadline to wait for; `None` if glibc must get it as it is: for "no timeout", or to
/// refuse it.
///
/// # Safety
/// `deadline` must be null or valid for reads.
unsafe fn moment(deadline: Deadline) -> Option<i64> {
    // SAFETY: the caller's promise.
    let deadline = unsafe { deadline.as_ref() }?;
    (page::is_open() && deadline.is_valid()).then(|| deadline.to_nanos())
}

/// Waits by a function that returns an error number, or `timed_out` if the time that it is given
/// has passed.
///
/// # Safety
/// `deadline` must be null or valid for reads.
unsafe fn wait(
    timescale: Option<Timescale>,
    deadline: Deadline,
    timed_out: c_int,
    function: impl Fn(Deadline) -> c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    let (Some(timescale), Some(moment)) = (timescale, unsafe { moment(deadline) }) else {
        return function(deadline);
    };
    let mut wait = Wait::until(timescale, moment);
    loop {
        let result = function(wait.time());
        if result != timed_out || wait.is_over() {
            return result;
        }
        wait.again();
    }
}

/// Waits by a function that returns -1 and sets `errno`, also if a signal interrupts it.
///
/// # Safety
/// `deadline` must be null or valid for reads.
unsafe fn interruptible_wait(
    timescale: Option<Timescale>,
    deadline: Deadline,
    function: impl Fn(Deadline) -> isize,
) -> isize {
    // SAFETY: the caller's promise.
    let (Some(timescale), Some(moment)) = (timescale, unsafe { moment(deadline) }) else {
        return function(deadline);
    };
    let mut wait = Wait::until(timescale, moment);
    loop {
        let result = function(wait.time());
        if result >= 0 {
            return result;
        }
        match system::errno() {
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

/// Waits for a condition. If the wait ends early, the caller must look at the condition again, as
/// after any spurious wake-up: it may have been signalled in between.
///
/// # Safety
/// `deadline` must be null or valid for reads.
unsafe fn wait_for_condition(
    timescale: Option<Timescale>,
    deadline: Deadline,
    timed_out: c_int,
    function: impl Fn(Deadline) -> c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    let (Some(timescale), Some(moment)) = (timescale, unsafe { moment(deadline) }) else {
        return function(deadline);
    };
    let wait = Wait::until(timescale, moment);
    let result = function(wait.time());
    if result == timed_out && !wait.is_over() {
        return 0;
    }
    result
}

/// Number of words in a `pthread_cond_t`.
const CONDITION_WORDS: usize = 12;
/// The word of a condition variable in which glibc stores its clock; an out-of-range index if the
/// layout is unknown.
static CLOCK_WORD: AtomicU32 = AtomicU32::new(u32::MAX);
/// The bit of that word which is set for the monotonic clock.
static CLOCK_BIT: AtomicU32 = AtomicU32::new(0);

#[link(name = "c")]
unsafe extern "C" {
    fn pthread_condattr_init(attributes: Object) -> c_int;
    fn pthread_condattr_setclock(attributes: Object, clock: c_int) -> c_int;
    fn pthread_cond_init(condition: Object, attributes: Object) -> c_int;
}

/// Finds where a condition variable stores its clock. glibc has moved that within the structure
/// (2.25, 2.41), so this compares two variables, one for each clock.
pub(crate) fn find_condition_clock_bit() {
    let make = |clock| {
        let mut attributes = [0_u64; 8];
        let mut condition = [0_u32; CONDITION_WORDS];
        let attributes = attributes.as_mut_ptr().cast();
        // SAFETY: both are larger and no less aligned than glibc's structures. Neither owns
        // anything that must be destroyed.
        unsafe {
            pthread_condattr_init(attributes);
            pthread_condattr_setclock(attributes, clock);
            pthread_cond_init(condition.as_mut_ptr().cast(), attributes);
        }
        condition
    };
    let words = make(CLOCK_REALTIME).into_iter().zip(make(CLOCK_MONOTONIC));
    for (at, (wall, monotonic)) in words.enumerate() {
        let different = wall ^ monotonic;
        if different.is_power_of_two() && monotonic & different != 0 {
            CLOCK_WORD.store(at as u32, Relaxed);
            CLOCK_BIT.store(different, Relaxed);
            return;
        }
    }
}

/// Returns the timescale of a condition variable.
///
/// # Safety
/// `condition` must be an initialised `pthread_cond_t`.
unsafe fn timescale_of(condition: Object) -> Timescale {
    let at = CLOCK_WORD.load(Relaxed) as usize;
    if at >= CONDITION_WORDS {
        // The default clock of a condition variable.
        return Timescale::Wall;
    }
    // SAFETY: the word lies within the structure. glibc counts waiters in its other bits with
    // atomic instructions, so it is read atomically.
    let word = unsafe { (*condition.cast::<AtomicU32>().add(at)).load(Relaxed) };
    if word & CLOCK_BIT.load(Relaxed) == 0 {
        Timescale::Wall
    } else {
        Timescale::Monotonic
    }
}

/// # Safety
/// See `pthread_cond_timedwait(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_timedwait(
    condition: Object,
    mutex: Object,
    deadline: Deadline,
) -> c_int {
    type Function = unsafe extern "C" fn(Object, Object, Deadline) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        // The older version, 2.2.5, expects a structure that no current program uses.
        let Some(function) = behind!(c"pthread_cond_timedwait", c"GLIBC_2.3.2", Function) else {
            return ENOSYS;
        };
        let timescale = Some(timescale_of(condition));
        wait_for_condition(timescale, deadline, ETIMEDOUT, |deadline| {
            function(condition, mutex, deadline)
        })
    }
}

/// # Safety
/// See `pthread_cond_clockwait(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_clockwait(
    condition: Object,
    mutex: Object,
    clock: c_int,
    deadline: Deadline,
) -> c_int {
    type Function = unsafe extern "C" fn(Object, Object, c_int, Deadline) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let Some(function) = behind!(c"pthread_cond_clockwait", c"GLIBC_2.30", Function) else {
            return ENOSYS;
        };
        wait_for_condition(Timescale::of(clock), deadline, ETIMEDOUT, |deadline| {
            function(condition, mutex, clock, deadline)
        })
    }
}

/// # Safety
/// See C11's `cnd_timedwait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cnd_timedwait(
    condition: Object,
    mutex: Object,
    deadline: Deadline,
) -> c_int {
    type Function = unsafe extern "C" fn(Object, Object, Deadline) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires. It calls glibc's own waiting
    // function, not the one above.
    unsafe {
        let Some(function) = behind!(c"cnd_timedwait", c"GLIBC_2.28", Function) else {
            return THREAD_ERROR;
        };
        let timescale = Some(Timescale::Wall);
        wait_for_condition(timescale, deadline, THREAD_TIMED_OUT, |deadline| {
            function(condition, mutex, deadline)
        })
    }
}

/// Defines functions of an object and a wall-clock time: what each returns when that has passed,
/// and where glibc lacks it.
macro_rules! timed {
    ($($name:ident $symbol:literal $version:literal $timed_out:ident or $missing:expr;)*) => {$(
        /// # Safety
        /// See glibc's function of this name.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(object: Object, deadline: Deadline) -> c_int {
            type Function = unsafe extern "C" fn(Object, Deadline) -> c_int;
            // SAFETY: the caller's promise is what glibc's function requires.
            unsafe {
                let Some(function) = behind!($symbol, $version, Function) else {
                    return $missing;
                };
                wait(Some(Timescale::Wall), deadline, $timed_out, |deadline| {
                    function(object, deadline)
                })
            }
        }
    )*};
}

timed! {
    pthread_mutex_timedlock c"pthread_mutex_timedlock" c"GLIBC_2.34" ETIMEDOUT or ENOSYS;
    pthread_rwlock_timedrdlock c"pthread_rwlock_timedrdlock" c"GLIBC_2.34" ETIMEDOUT or ENOSYS;
    pthread_rwlock_timedwrlock c"pthread_rwlock_timedwrlock" c"GLIBC_2.34" ETIMEDOUT or ENOSYS;
    mtx_timedlock c"mtx_timedlock" c"GLIBC_2.34" THREAD_TIMED_OUT or THREAD_ERROR;
}

/// Defines functions of an object, a clock and a time on that clock.
macro_rules! clocked {
    ($($name:ident $symbol:literal;)*) => {$(
        /// # Safety
        /// See glibc's function of this name.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(object: Object, clock: c_int, deadline: Deadline) -> c_int {
            type Function = unsafe extern "C" fn(Object, c_int, Deadline) -> c_int;
            // SAFETY: the caller's promise is what glibc's function requires.
            unsafe {
                let Some(function) = behind!($symbol, c"GLIBC_2.34", Function) else {
                    return ENOSYS;
                };
                wait(Timescale::of(clock), deadline, ETIMEDOUT, |deadline| {
                    function(object, clock, deadline)
                })
            }
        }
    )*};
}

clocked! {
    pthread_mutex_clocklock c"pthread_mutex_clocklock";
    pthread_rwlock_clockrdlock c"pthread_rwlock_clockrdlock";
    pthread_rwlock_clockwrlock c"pthread_rwlock_clockwrlock";
}

/// # Safety
/// See `sem_timedwait(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_timedwait(semaphore: Object, deadline: Deadline) -> c_int {
    type Function = unsafe extern "C" fn(Object, Deadline) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let Some(function) = behind!(c"sem_timedwait", c"GLIBC_2.34", Function) else {
            return fail(ENOSYS);
        };
        interruptible_wait(Some(Timescale::Wall), deadline, |deadline| {
            function(semaphore, deadline) as isize
        }) as c_int
    }
}

/// # Safety
/// See `sem_clockwait(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_clockwait(
    semaphore: Object,
    clock: c_int,
    deadline: Deadline,
) -> c_int {
    type Function = unsafe extern "C" fn(Object, c_int, Deadline) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let Some(function) = behind!(c"sem_clockwait", c"GLIBC_2.34", Function) else {
            return fail(ENOSYS);
        };
        interruptible_wait(Timescale::of(clock), deadline, |deadline| {
            function(semaphore, clock, deadline) as isize
        }) as c_int
    }
}

/// # Safety
/// See `pthread_timedjoin_np(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_timedjoin_np(
    thread: usize,
    result: *mut Object,
    deadline: Deadline,
) -> c_int {
    type Function = unsafe extern "C" fn(usize, *mut Object, Deadline) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let Some(function) = behind!(c"pthread_timedjoin_np", c"GLIBC_2.34", Function) else {
            return ENOSYS;
        };
        wait(Some(Timescale::Wall), deadline, ETIMEDOUT, |deadline| {
            function(thread, result, deadline)
        })
    }
}

/// # Safety
/// See `pthread_clockjoin_np(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_clockjoin_np(
    thread: usize,
    result: *mut Object,
    clock: c_int,
    deadline: Deadline,
) -> c_int {
    type Function = unsafe extern "C" fn(usize, *mut Object, c_int, Deadline) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let Some(function) = behind!(c"pthread_clockjoin_np", c"GLIBC_2.34", Function) else {
            return ENOSYS;
        };
        wait(Timescale::of(clock), deadline, ETIMEDOUT, |deadline| {
            function(thread, result, clock, deadline)
        })
    }
}

/// # Safety
/// See `mq_timedreceive(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_timedreceive(
    queue: c_int,
    buffer: Object,
    length: usize,
    priority: *mut c_uint,
    deadline: Deadline,
) -> isize {
    type Function = unsafe extern "C" fn(c_int, Object, usize, *mut c_uint, Deadline) -> isize;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let Some(function) = behind!(c"mq_timedreceive", c"GLIBC_2.34", Function) else {
            return fail(ENOSYS) as isize;
        };
        interruptible_wait(Some(Timescale::Wall), deadline, |deadline| {
            function(queue, buffer, length, priority, deadline)
        })
    }
}

/// # Safety
/// See `mq_timedsend(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mq_timedsend(
    queue: c_int,
    message: *const c_void,
    length: usize,
    priority: c_uint,
    deadline: Deadline,
) -> c_int {
    type Function = unsafe extern "C" fn(c_int, *const c_void, usize, c_uint, Deadline) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let Some(function) = behind!(c"mq_timedsend", c"GLIBC_2.34", Function) else {
            return fail(ENOSYS);
        };
        interruptible_wait(Some(Timescale::Wall), deadline, |deadline| {
            function(queue, message, length, priority, deadline) as isize
        }) as c_int
    }
}
