//! The fixture's clock, in a page of memory that both map.

use core::ptr::null_mut;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, fence};

use crate::kernel;
use crate::layout;
use crate::slot::Slot;
use crate::system::{self, Timescale};

#[repr(C)]
struct Page {
    magic: AtomicU32,
    sequence: AtomicU32,
    offset: AtomicI64,
    frozen: AtomicI64,
    monotonic: AtomicI64,
    _reserved: [u64; 4],
    processes: [AtomicU32; layout::PROCESSES],
}

const _: () = {
    assert!(core::mem::offset_of!(Page, magic) == layout::MAGIC_AT);
    assert!(core::mem::offset_of!(Page, sequence) == layout::SEQUENCE_AT);
    assert!(core::mem::offset_of!(Page, offset) == layout::OFFSET_AT);
    assert!(core::mem::offset_of!(Page, frozen) == layout::FROZEN_AT);
    assert!(core::mem::offset_of!(Page, monotonic) == layout::MONOTONIC_AT);
    assert!(core::mem::offset_of!(Page, processes) == layout::PROCESSES_AT);
    assert!(size_of::<Page>() <= layout::HEADER_LENGTH);
};

/// Null while the program uses the system's clock.
static PAGE: AtomicPtr<Page> = AtomicPtr::new(null_mut());
/// Null if the program cannot show its waits: the page is not writable for it.
static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(null_mut());

/// Maximum number of read attempts, after which a reader takes what it finds. A writer killed in
/// the middle of a change leaves the sequence odd forever.
const TRIES: usize = 100_000;

/// Maps the page that the environment names. Prints to standard error if it cannot be used.
pub(crate) fn open() {
    let Some(path) = system::environment(c"KERBOX_CLOCK_PAGE") else {
        return;
    };
    let mut memory = kernel::map_shared(path, layout::LENGTH, true);
    let is_writable = !memory.is_null();
    if !is_writable {
        memory = kernel::map_shared(path, layout::HEADER_LENGTH, false);
    }
    let page = memory.cast::<Page>();
    // SAFETY: a mapping is at least as long and as aligned as `Page`, whose fields allow any bits;
    // it is never unmapped.
    match unsafe { page.as_ref() } {
        Some(mapped) if mapped.magic.load(Relaxed) == layout::MAGIC => {
            if is_writable {
                // SAFETY: the mapping is this long.
                let slots = unsafe { memory.byte_add(layout::WAITS_AT) };
                SLOTS.store(slots.cast(), Release);
                enter(&mapped.processes);
            }
            PAGE.store(page, Release);
        }
        _ => kernel::complain(
            b"kerbox: the clock page that KERBOX_CLOCK_PAGE names cannot be read; \
              this program runs by the system's clock\n",
        ),
    }
}

/// Adds this process to the list, unless it is there: a program that replaces another by `exec`
/// keeps its id.
fn enter(processes: &[AtomicU32]) {
    let own = system::process();
    if processes.iter().any(|place| place.load(Relaxed) == own) {
        return;
    }
    // If the list is full, the fixture does not wait for this process.
    let _ = processes
        .iter()
        .find(|place| place.compare_exchange(0, own, Relaxed, Relaxed).is_ok());
}

/// Returns whether the program uses a fixture's clock.
pub(crate) fn is_open() -> bool {
    !PAGE.load(Relaxed).is_null()
}

fn page() -> Option<&'static Page> {
    // SAFETY: the pointer is null or the mapping of `open`, which lives as long as the program.
    unsafe { PAGE.load(Acquire).as_ref() }
}

/// Returns the places in which threads show their waits.
pub(crate) fn slots() -> &'static [Slot] {
    let slots = SLOTS.load(Acquire);
    if slots.is_null() {
        return &[];
    }
    // SAFETY: the mapping of `open` has room for this many, whose fields allow any bits.
    unsafe { core::slice::from_raw_parts(slots, layout::WAITS) }
}

/// The fixture's clock: running ahead by a number of nanoseconds, or frozen.
enum Clock {
    Ahead(i64),
    Frozen(i64),
}

fn clock() -> Clock {
    let Some(page) = page() else {
        return Clock::Ahead(0);
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
        (offset, 0) => Clock::Ahead(offset),
        (_, frozen) => Clock::Frozen(frozen),
    }
}

/// Returns the program's wall clock, in nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    match clock() {
        Clock::Ahead(offset) => system::wall_clock().saturating_add(offset),
        Clock::Frozen(at) => at,
    }
}

/// Returns the program's wall clock as the system's functions do.
pub(crate) fn now_as_timespec() -> system::Timespec {
    match clock() {
        Clock::Ahead(offset) => {
            let mut now = system::read(system::CLOCK_REALTIME);
            now.add(offset);
            now
        }
        Clock::Frozen(at) => system::Timespec::from_nanos(at),
    }
}

/// Returns how far the program's monotonic clocks are ahead of the system's, in nanoseconds.
pub(crate) fn monotonic_offset() -> i64 {
    page().map_or(0, |page| page.monotonic.load(Relaxed))
}

/// Returns the program's time on this timescale, in nanoseconds.
pub(crate) fn now_on(timescale: Timescale) -> i64 {
    match timescale {
        Timescale::Wall => now(),
        Timescale::Monotonic => system::monotonic_clock().saturating_add(monotonic_offset()),
    }
}

/// Translates a moment of the program's time to the system's clock.
pub(crate) fn to_system(timescale: Timescale, moment: i64) -> system::Timespec {
    let left = moment.saturating_sub(now_on(timescale)).max(0);
    let system = match timescale {
        Timescale::Wall => system::wall_clock(),
        Timescale::Monotonic => system::monotonic_clock(),
    };
    system::Timespec::from_nanos(system.saturating_add(left))
}
