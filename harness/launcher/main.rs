//! Starts a program under a fixture's clock by redirecting its vDSO. For programs that read the
//! time from the kernel without glibc: Go programs and static ones.
//!
//! `kerbox-clock-launcher [--follow] PAGE PROGRAM [ARGUMENT...]`
//!
//! The program runs in the launcher's own process: same process id, same parent. A separate process
//! traces the start, maps the fixture's page, and redirects the clock functions of the vDSO to code
//! that reads it. Then it leaves the program alone. With `--follow` it stays, and does the same
//! whenever a descendant starts another program, unless the preloaded library reaches that.
//!
//! If that is impossible, the program is not started, or is killed: it never runs under the wrong
//! clock. Exit code 125 means that the launcher failed. 126 and 127 mean, as in a shell, that the
//! program could not be started or found.

mod kernel;
#[allow(dead_code, reason = "the harness uses more of it")]
#[path = "../src/programs/kind.rs"]
mod kind;
#[path = "../preload/layout.rs"]
mod layout;
#[cfg(target_arch = "aarch64")]
#[path = "aarch64/mod.rs"]
mod machine;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64/mod.rs"]
mod machine;
mod redirect;
mod stand_in;
mod trace;
mod vdso;

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: kerbox-clock-launcher [--follow] PAGE PROGRAM [ARGUMENT...]";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let follow = arguments.next_if(|first| first == "--follow").is_some();
    let (Some(page), Some(program)) = (arguments.next(), arguments.next()) else {
        eprintln!("{USAGE}");
        return ExitCode::from(125);
    };
    if let Err(error) = be_traced(page, follow) {
        eprintln!("kerbox: the program cannot be put under the fixture's clock: {error}");
        return ExitCode::from(125);
    }
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("kerbox: {} cannot be started: {error}", program.display());
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound {
        127
    } else {
        126
    })
}

/// Starts the tracer and waits until it traces this process. The tracer is a grandchild, so that
/// the program has no child that it did not create.
fn be_traced(page: OsString, follow: bool) -> io::Result<()> {
    check(&page)?;
    let page = CString::new(page.into_vec()).map_err(io::Error::other)?;
    let program = std::process::id();
    let (mut said, mut say) = io::pipe()?;
    let (mut allowed, mut allow) = io::pipe()?;
    // SAFETY: this process has one thread, so the child may continue like any program.
    match unsafe { kernel::fork() }? {
        None => {
            drop((said, allow));
            // SAFETY: as above.
            let tracer = unsafe { kernel::fork() };
            if let Ok(None) = tracer {
                trace::run(program, &page, follow, &mut allowed, &mut say);
            }
            std::process::exit(if tracer.is_ok() { 0 } else { 1 });
        }
        Some(child) => {
            drop((say, allowed));
            kernel::wait_for_exit(child)?;
        }
    }
    // The tracer first sends its process id: where Linux's Yama lets only parents trace, the
    // program must permit it by id.
    let mut tracer = [0; 4];
    said.read_exact(&mut tracer)?;
    kernel::permit_tracer(u32::from_ne_bytes(tracer));
    allow.write_all(b".")?;
    drop(allow);
    let mut answer = String::new();
    said.read_to_string(&mut answer)?;
    if answer == trace::READY {
        Ok(())
    } else {
        Err(io::Error::other(answer))
    }
}

/// Fails unless the file is a clock page.
fn check(page: &OsStr) -> io::Result<()> {
    let cannot = |error| format!("the clock page {} cannot be read: {error}", page.display());
    let mut magic = [0; 4];
    let read =
        File::open(page).and_then(|file| file.read_exact_at(&mut magic, layout::MAGIC_AT as u64));
    read.map_err(|error| io::Error::other(cannot(error)))?;
    if u32::from_ne_bytes(magic) == layout::MAGIC {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{} is no clock page",
        page.display()
    )))
}
