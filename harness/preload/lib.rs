//! Puts a program under a fixture's clock: a library for `LD_PRELOAD`, for programs on glibc.
//!
//! The program's wall clock is the fixture's. Its monotonic clock stays real, so that a wait of 300
//! ms takes 300 ms whatever the fixture's clock shows. Where a program passes the kernel a
//! wall-clock time to wait for, that time is translated to the kernel's clock.
//!
//! - `layout`: the fields of the page; the harness compiles this file, too
//! - `page`: the fixture's clock, in a page of memory that both map
//! - `system`: glibc's own functions, hidden by the ones defined here, and raw system calls
//! - `reads`: functions that read the wall clock
//! - `waits`: functions that wait until a wall-clock time
//! - `timers`: timers that fire at a wall-clock time
//! - `variadic`: `syscall`, which C++ uses to wait for futures
//!
//! The harness's build script compiles this folder separately. It uses no crate but `core`, no
//! allocation, no thread-local storage, and nothing that could call back into a function defined
//! here.
#![no_std]

mod layout;
mod page;
mod reads;
mod system;
mod timers;
mod variadic;
mod waits;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Nothing here panics: there is no indexing, and arithmetic saturates.
    loop {}
}

/// Maps the page before `main` runs. Constructors of other libraries may run earlier and then see
/// the system's clock.
extern "C" fn start() {
    waits::find_condition_clock_bit();
    page::open();
}

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;
