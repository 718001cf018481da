//! Puts a program under a fixture's clock: a library for `LD_PRELOAD`, for programs on glibc.
//!
//! The program's wall clock is the fixture's. Its monotonic clock stays real, so a wait of 300 ms
//! takes 300 ms wherever the fixture's clock stands; and where a program hands the kernel a moment
//! of its wall clock to wait for, the moment is translated to the kernel's own.
//!
//! - `layout`: where things stand in the page; the harness compiles the file, too
//! - `page`: the fixture's clock in a page of memory that both map
//! - `system`: glibc's own functions, behind the ones that stand here, and bare system calls
//! - `reads`: functions that read the wall clock
//! - `waits`: functions that wait until a moment of the wall clock
//! - `timers`: timers that fire at a moment of the wall clock
//! - `variadic`: `syscall`, by which C++ waits for futures
//!
//! The harness's build script compiles this folder by itself: no crate but `core`, no allocation,
//! no thread-local storage, nothing that could call back into a function that stands here.
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

/// Maps the page before `main` runs. Constructors of other libraries may run earlier: they see the
/// system's clock.
extern "C" fn start() {
    waits::find_condition_clock_bit();
    page::open();
}

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;
