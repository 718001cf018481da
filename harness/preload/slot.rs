//! A thread's place in the page.

use core::sync::atomic::{AtomicI64, AtomicU32};

use crate::layout;

/// A place in which a thread shows its wait.
#[repr(C)]
pub(crate) struct Slot {
    pub(crate) process: AtomicU32,
    pub(crate) thread: AtomicU32,
    pub(crate) number: AtomicU32,
    pub(crate) woken: AtomicU32,
    pub(crate) is_monotonic: AtomicU32,
    _reserved: u32,
    pub(crate) deadline: AtomicI64,
    pub(crate) duration: AtomicI64,
    pub(crate) time: [AtomicI64; 2],
    _rest: u64,
}

const _: () = {
    assert!(core::mem::offset_of!(Slot, process) == layout::PROCESS_AT);
    assert!(core::mem::offset_of!(Slot, thread) == layout::THREAD_AT);
    assert!(core::mem::offset_of!(Slot, number) == layout::NUMBER_AT);
    assert!(core::mem::offset_of!(Slot, woken) == layout::WOKEN_AT);
    assert!(core::mem::offset_of!(Slot, is_monotonic) == layout::IS_MONOTONIC_AT);
    assert!(core::mem::offset_of!(Slot, deadline) == layout::DEADLINE_AT);
    assert!(core::mem::offset_of!(Slot, duration) == layout::DURATION_AT);
    assert!(core::mem::offset_of!(Slot, time) == layout::TIME_AT);
    assert!(size_of::<Slot>() == layout::WAIT_LENGTH);
};
