//! The page of memory in which a fixture shows its clock to other programs.
//!
//! All fields are in the machine's byte order. The writer makes `SEQUENCE` odd, writes the other
//! fields, and makes it even again. A reader that sees an odd or a changed number reads again.

/// Size of the file in bytes: one page of memory.
pub(crate) const LENGTH: usize = 4096;
/// The first four bytes of the file: format and version.
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"kbc1");
/// `u32`: [`MAGIC`].
pub(crate) const MAGIC_AT: usize = 0;
/// `u32`: counts changes; odd while a change is being written.
pub(crate) const SEQUENCE_AT: usize = 4;
/// `i64`: nanoseconds to add to the system's wall clock.
pub(crate) const OFFSET_AT: usize = 8;
/// `i64`: the time at which the clock is frozen, in nanoseconds since 1970; 0 while it runs.
pub(crate) const FROZEN_AT: usize = 16;
