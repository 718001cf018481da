//! The file in which a fixture shows its clock to other programs, and in which these show the
//! fixture until when they wait.
//!
//! All fields are in the machine's byte order. First comes a page that only the fixture writes,
//! except for the list of processes. The writer makes `SEQUENCE` odd, writes the clock, and makes
//! it even again. A reader that sees an odd or a changed number reads again.
//!
//! Then come the waits, each written by the thread that waits. The fixture moves time to the
//! earliest deadline among them, and ends a wait that is due: it sets `WOKEN`, clears the time that
//! the kernel was given, and sends the thread a signal ([`SIGNAL`]), so that the kernel reads that
//! time again.
#![allow(
    dead_code,
    reason = "each of the programs that share this file uses a part of it"
)]

/// Size of the file in bytes.
pub(crate) const LENGTH: usize = WAITS_AT + WAITS * WAIT_LENGTH;
/// Size of its first part in bytes: one page of memory, all that a program needs to read the clock.
pub(crate) const HEADER_LENGTH: usize = 4096;
/// The first four bytes of the file: format and version.
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"kbc2");
/// `u32`: [`MAGIC`].
pub(crate) const MAGIC_AT: usize = 0;
/// `u32`: counts changes; odd while a change is being written.
pub(crate) const SEQUENCE_AT: usize = 4;
/// `i64`: nanoseconds to add to the system's wall clock.
pub(crate) const OFFSET_AT: usize = 8;
/// `i64`: the time at which the clock is frozen, in nanoseconds since 1970; 0 while it runs.
pub(crate) const FROZEN_AT: usize = 16;
/// `i64`: nanoseconds to add to the system's monotonic clocks.
pub(crate) const MONOTONIC_AT: usize = 24;

/// `u32` each: the ids of the processes that have mapped the file; 0 for a free place.
pub(crate) const PROCESSES_AT: usize = 64;
/// Number of places for processes.
pub(crate) const PROCESSES: usize = 1000;

/// The first wait.
pub(crate) const WAITS_AT: usize = HEADER_LENGTH;
/// Number of waits. Further ones at the same time are not shown.
pub(crate) const WAITS: usize = 1024;
/// Size of a wait in bytes: a cache line.
pub(crate) const WAIT_LENGTH: usize = 64;
/// `u32` in a wait: the process; 0 if the place is free.
pub(crate) const PROCESS_AT: usize = 0;
/// `u32` in a wait: the thread.
pub(crate) const THREAD_AT: usize = 4;
/// `u32` in a wait: differs from that of the place's previous wait; 0 while the other fields are
/// not valid.
pub(crate) const NUMBER_AT: usize = 8;
/// `u32` in a wait: 1 once the fixture has woken the thread, or its signal has come.
pub(crate) const WOKEN_AT: usize = 12;
/// `u32` in a wait: 1 if the deadline is on the monotonic clock, 0 if it is on the wall clock.
pub(crate) const IS_MONOTONIC_AT: usize = 16;
/// `i64` in a wait: the deadline on the program's clock, in nanoseconds.
pub(crate) const DEADLINE_AT: usize = 24;
/// `i64` in a wait: how long it was to take when it began, in nanoseconds.
pub(crate) const DURATION_AT: usize = 32;
/// Two `i64` in a wait: the time that the kernel was given, in seconds and nanoseconds.
pub(crate) const TIME_AT: usize = 40;

/// The signal that makes a waiting thread look at its deadline again: SIGURG. It is ignored by
/// default, so that it does no harm to a process that no longer expects it; Go's runtime uses it
/// among its own threads for the same reason.
pub(crate) const SIGNAL: i32 = 23;

/// A clock that the system does not have. Functions of the vDSO that the launcher has redirected
/// read it successfully; that is how the preloaded library recognises them.
pub(crate) const REDIRECTED_CLOCK: i32 = 0x6B62_6332;
