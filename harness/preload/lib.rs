//! Puts a program under a fixture's clock: a library for `LD_PRELOAD`, for programs on glibc.
//!
//! The program's wall clock is the fixture's, and its monotonic clock moves when the fixture
//! advances. Both otherwise run with the system's, so that a wait of 300 ms takes 300 ms whatever
//! the fixture's clock shows. Where a program passes the kernel a time to wait for, that time is
//! translated to the kernel's clock, and shown to the fixture, which ends the wait when it has
//! moved past that time.
//!
//! - `layout`: the fields of the page; the harness and the launcher compile this file, too
//! - `page`: the fixture's clock, in a page of memory that both map
//! - `slot`: the place in the page where a thread shows its wait
//! - `published`: the waits of the program's threads, shown to the fixture
//! - `system`, `kernel`: glibc's own functions, hidden by the ones defined here; raw system calls
//! - `reads`: functions that read a clock
//! - `waits`: locks, conditions and semaphores, until a time
//! - `sleeps`: functions that only wait
//! - `pollers`: functions that wait for descriptors
//! - `timer_descriptors`, `timers`: timers that fire at a time
//! - `variadic`: `syscall`, which C++ uses to wait for futures, and Rust for locks
//!
//! The harness's build script compiles this folder separately. It uses no crate but `core`, no
//! allocation, no thread-local storage, and nothing that could call back into a function defined
//! here.
#![no_std]

mod kernel;
mod layout;
mod page;
mod pollers;
mod published;
mod reads;
mod sleeps;
mod slot;
mod system;
mod timer_descriptors;
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
    system::find_redirection();
    page::open();
    if page::is_open() {
        system::let_interrupt(layout::SIGNAL, published::mark);
    }
}

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;
