//! The fixture's clock, in a page of memory that both map.

use core::ptr::null_mut;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, fence};

use crate::layout;
use crate::system::{self, NANOS};

#[repr(C)]
struct Page {
    magic: AtomicU32,
    sequence: AtomicU32,
    offset: AtomicI64,
    frozen: AtomicI64,
}

const _: () = {
    assert!(core::mem::offset_of!(Page, magic) == layout::MAGIC_AT);
    assert!(core::mem::offset_of!(Page, sequence) == layout::SEQUENCE_AT);
    assert!(core::mem::offset_of!(Page, offset) == layout::OFFSET_AT);
    assert!(core::mem::offset_of!(Page, frozen) == layout::FROZEN_AT);
};

/// Null while the program uses the system's clock.
static PAGE: AtomicPtr<Page> = AtomicPtr::new(null_mut());

/// Maximum number of read attempts, after which a reader takes what it finds. A writer killed in
/// the middle of a change leaves the sequence odd forever.
const TRIES: usize = 100_000;

/// The fixture's clock relative to the system's.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    /// Equal to the system's clock.
    Real,
    /// Runs ahead by this many nanoseconds.
    Offset(i64),
    /// Frozen at this time, in nanoseconds since 1970.
    Frozen(i64),
}

/// Maps the page that the environment names. Prints to standard error if it cannot be used.
pub(crate) fn open() {
    let Some(path) = system::environment(c"KERBOX_CLOCK_PAGE") else {
        return;
    };
    let page = system::map_read_only(path, layout::LENGTH).cast::<Page>();
    // SAFETY: a mapping is at least as long and as aligned as `Page`, whose fields allow any bits;
    // it is never unmapped.
    match unsafe { page.as_ref() } {
        Some(mapped) if mapped.magic.load(Relaxed) == layout::MAGIC => PAGE.store(page, Release),
        _ => system::complain(
            b"kerbox: the clock page that KERBOX_CLOCK_PAGE names cannot be read; \
              this program runs by the system's clock\n",
        ),
    }
}

/// Returns whether the program uses a fixture's clock.
pub(crate) fn is_open() -> bool {
    !PAGE.load(Relaxed).is_null()
}

/// Reads the page.
pub(crate) fn clock() -> Clock {
    // SAFETY: the pointer is null or the mapping of `open`, which lives as long as the program.
    let Some(page) = (unsafe { PAGE.load(Acquire).as_ref() }) else {
        return Clock::Real;
    };
    let mut read = (0, 0);
    for _ in 0..TRIES {
        let sequence = page.sequence.load(Acquire);
        read = (page.offset.load(Relaxed), page.frozen.load(Relaxed));
        fence(Acquire);
        if sequence & 1 == 0 && page.sequence.load(Relaxed) == sequence {
            break;
        }
        core::hint::spin_loop();
    }
    match read {
        (offset, 0) => Clock::Offset(offset),
        (_, frozen) => Clock::Frozen(frozen),
    }
}

/// Returns the program's wall clock, in nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    match clock() {
        Clock::Real => system::wall_clock(),
        Clock::Offset(offset) => system::wall_clock().saturating_add(offset),
        Clock::Frozen(at) => at,
    }
}

/// Translates a time on the program's wall clock to the system's.
pub(crate) fn to_system(moment: system::Timespec) -> system::Timespec {
    let nanos = moment
        .seconds
        .saturating_mul(NANOS)
        .saturating_add(moment.nanos);
    match clock() {
        Clock::Real => moment,
        // The kernel refuses negative times. Such a time is long past, and so is 0.
        Clock::Offset(offset) => system::Timespec::from_nanos(nanos.saturating_sub(offset).max(0)),
        // A frozen clock never reaches the time, so wait for as long as it seems to be away.
        Clock::Frozen(at) => {
            let wait = nanos.saturating_sub(at).max(0);
            system::Timespec::from_nanos(system::wall_clock().saturating_add(wait))
        }
    }
}
