//! The code that replaces the vDSO's clock functions in another program.
//!
//! It is position-independent: the launcher copies the bytes from [`start`] to its end into the
//! program and fills in the three words at their beginning: the page's address, the address of the
//! vDSO's own `clock_gettime`, and 1 if monotonic clocks move, too. The code reads the page in the
//! format of `layout`, and calls the vDSO's own function for the system's time. Each kind of
//! machine has its own instructions: `x86_64/stand_in.rs`, `aarch64/stand_in.rs`.

use crate::machine::FUNCTIONS_BEGIN_WITH;

unsafe extern "C" {
    static kerbox_stand_in_start: u8;
    static kerbox_stand_in_clock_gettime: u8;
    static kerbox_stand_in_gettimeofday: u8;
    static kerbox_stand_in_time: u8;
    static kerbox_stand_in_end: u8;
}

/// Returns the bytes to copy, with the two addresses filled in. Monotonic clocks move with the
/// fixture's only if `moves_monotonic` is set.
pub(crate) fn code(page: u64, original: u64, moves_monotonic: bool) -> Vec<u8> {
    let start = &raw const kerbox_stand_in_start;
    let length = &raw const kerbox_stand_in_end as usize - start as usize;
    // SAFETY: the two labels enclose the assembly above, in this program's text.
    let mut code = unsafe { std::slice::from_raw_parts(start, length) }.to_vec();
    code[..8].copy_from_slice(&page.to_ne_bytes());
    code[8..16].copy_from_slice(&original.to_ne_bytes());
    code[16..24].copy_from_slice(&u64::from(moves_monotonic).to_ne_bytes());
    code
}

/// Returns the offset in [`code`] of the function that replaces the vDSO function of this name.
pub(crate) fn replacement(name: &[u8]) -> Option<u64> {
    let prefix = FUNCTIONS_BEGIN_WITH.as_bytes();
    let function = match name.strip_prefix(prefix).unwrap_or(name) {
        b"clock_gettime" => &raw const kerbox_stand_in_clock_gettime,
        b"gettimeofday" => &raw const kerbox_stand_in_gettimeofday,
        b"time" => &raw const kerbox_stand_in_time,
        _ => return None,
    };
    Some(function as u64 - &raw const kerbox_stand_in_start as u64)
}
