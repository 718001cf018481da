//! Functions that wait until a wall-clock time.
//!
//! glibc passes such a time to the kernel unchanged, and the kernel compares it with its own wall
//! clock. Without translation, a program in the future would wait for the whole offset.

use core::ffi::{c_int, c_uint, c_void};
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use crate::page::to_system;
use crate::system::{self, CLOCK_MONOTONIC, CLOCK_REALTIME, ENOSYS, Timespec, behind, fail};

/// `TIMER_ABSTIME`.
pub(crate) const ABSOLUTE: c_int = 1;

type Object = *mut c_void;
type Deadline = *const Timespec;

/// Translates a time behind a pointer; null, for "no timeout", stays null.
///
/// # Safety
/// `deadline` must be null or valid for reads.
unsafe fn translated(deadline: Deadline) -> Option<Timespec> {
    // SAFETY: the caller's promise.
    unsafe { deadline.as_ref() }.map(|moment| to_system(*moment))
}

fn pointer(deadline: Option<&Timespec>) -> Deadline {
    deadline.map_or(core::ptr::null(), |moment| moment)
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

/// Returns whether a condition variable uses the wall clock.
///
/// # Safety
/// `condition` must be an initialised `pthread_cond_t`.
unsafe fn waits_by_wall(condition: Object) -> bool {
    let at = CLOCK_WORD.load(Relaxed) as usize;
    if at >= CONDITION_WORDS {
        // The default clock of a condition variable.
        return true;
    }
    // SAFETY: the word lies within the structure. glibc counts waiters in its other bits with
    // atomic instructions, so it is read atomically.
    let word = unsafe { (*condition.cast::<AtomicU32>().add(at)).load(Relaxed) };
    word & CLOCK_BIT.load(Relaxed) == 0
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
        if waits_by_wall(condition) {
            let deadline = translated(deadline);
            function(condition, mutex, pointer(deadline.as_ref()))
        } else {
            function(condition, mutex, deadline)
        }
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
        if clock == CLOCK_REALTIME {
            let deadline = translated(deadline);
            function(condition, mutex, clock, pointer(deadline.as_ref()))
        } else {
            function(condition, mutex, clock, deadline)
        }
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
    /// `thrd_error`.
    const ERROR: c_int = 2;
    // SAFETY: the caller's promise is what glibc's function requires. It calls glibc's own waiting
    // function, not the one above.
    unsafe {
        let Some(function) = behind!(c"cnd_timedwait", c"GLIBC_2.28", Function) else {
            return ERROR;
        };
        let deadline = translated(deadline);
        function(condition, mutex, pointer(deadline.as_ref()))
    }
}

/// Defines functions of an object and a wall-clock time, and what each returns where glibc lacks
/// it.
macro_rules! timed {
    ($($name:ident $symbol:literal $version:literal or $missing:expr;)*) => {$(
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
                let deadline = translated(deadline);
                function(object, pointer(deadline.as_ref()))
            }
        }
    )*};
}

timed! {
    pthread_mutex_timedlock c"pthread_mutex_timedlock" c"GLIBC_2.34" or ENOSYS;
    pthread_rwlock_timedrdlock c"pthread_rwlock_timedrdlock" c"GLIBC_2.34" or ENOSYS;
    pthread_rwlock_timedwrlock c"pthread_rwlock_timedwrlock" c"GLIBC_2.34" or ENOSYS;
    sem_timedwait c"sem_timedwait" c"GLIBC_2.34" or fail(ENOSYS);
    mtx_timedlock c"mtx_timedlock" c"GLIBC_2.34" or 2;
}

/// Defines functions of an object, a clock and a time on that clock.
macro_rules! clocked {
    ($($name:ident $symbol:literal $version:literal or $missing:expr;)*) => {$(
        /// # Safety
        /// See glibc's function of this name.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(object: Object, clock: c_int, deadline: Deadline) -> c_int {
            type Function = unsafe extern "C" fn(Object, c_int, Deadline) -> c_int;
            // SAFETY: the caller's promise is what glibc's function requires.
            unsafe {
                let Some(function) = behind!($symbol, $version, Function) else {
                    return $missing;
                };
                if clock == CLOCK_REALTIME {
                    let deadline = translated(deadline);
                    function(object, clock, pointer(deadline.as_ref()))
                } else {
                    function(object, clock, deadline)
                }
            }
        }
    )*};
}

clocked! {
    pthread_mutex_clocklock c"pthread_mutex_clocklock" c"GLIBC_2.34" or ENOSYS;
    pthread_rwlock_clockrdlock c"pthread_rwlock_clockrdlock" c"GLIBC_2.34" or ENOSYS;
    pthread_rwlock_clockwrlock c"pthread_rwlock_clockwrlock" c"GLIBC_2.34" or ENOSYS;
    sem_clockwait c"sem_clockwait" c"GLIBC_2.34" or fail(ENOSYS);
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
        let deadline = translated(deadline);
        function(thread, result, pointer(deadline.as_ref()))
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
        if clock == CLOCK_REALTIME {
            let deadline = translated(deadline);
            function(thread, result, clock, pointer(deadline.as_ref()))
        } else {
            function(thread, result, clock, deadline)
        }
    }
}

/// # Safety
/// See `clock_nanosleep(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_nanosleep(
    clock: c_int,
    flags: c_int,
    time: Deadline,
    left: *mut Timespec,
) -> c_int {
    type Function = unsafe extern "C" fn(c_int, c_int, Deadline, *mut Timespec) -> c_int;
    // SAFETY: the caller's promise is what glibc's function requires.
    unsafe {
        let Some(function) = behind!(c"clock_nanosleep", c"GLIBC_2.17", Function) else {
            return ENOSYS;
        };
        if system::is_wall(clock) && flags & ABSOLUTE != 0 {
            let moment = translated(time);
            function(clock, flags, pointer(moment.as_ref()), left)
        } else {
            function(clock, flags, time, left)
        }
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
        let deadline = translated(deadline);
        function(queue, buffer, length, priority, pointer(deadline.as_ref()))
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
        let deadline = translated(deadline);
        function(queue, message, length, priority, pointer(deadline.as_ref()))
    }
}
