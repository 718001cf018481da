//! The tracer: a separate process that puts the program under the clock as it starts.

use std::ffi::CStr;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};

use crate::kernel::{self, Change, Request};
use crate::kind;
use crate::redirect::redirect;

/// The tracer's message that the program may start.
pub(crate) const READY: &str = "ready";

/// Traces `program` until it is under the clock shown by `page`. With `follow`, traces it and its
/// descendants until they have ended. Never returns.
pub(crate) fn run(
    program: u32,
    page: &CStr,
    follow: bool,
    allowed: &mut PipeReader,
    say: &mut PipeWriter,
) -> ! {
    if let Err(error) = seize(program, follow, allowed, say) {
        // The program reads this and does not start.
        let _ = say.write_all(text(&error).as_bytes());
        std::process::exit(1);
    }
    // If the program no longer reads this, it has ended.
    let _ = say.write_all(READY.as_bytes());
    close(say);
    let result = if follow {
        follow_all(program, page)
    } else {
        first_start(program, page)
    };
    if let Err(error) = result {
        eprintln!(
            "kerbox: the program cannot be put under the fixture's clock, and is killed: {error}"
        );
        kernel::kill_process(program);
        std::process::exit(1);
    }
    std::process::exit(0);
}

/// Closes the writing end, so that the reader sees the end of the stream.
fn close(say: &mut PipeWriter) {
    if let Ok((_, other)) = io::pipe() {
        *say = other;
    }
}

fn text(error: &io::Error) -> String {
    const NOT_PERMITTED: i32 = 1;
    if error.raw_os_error() == Some(NOT_PERMITTED) {
        return "tracing is not permitted here (ptrace): in a container allow it by \
                --cap-add=SYS_PTRACE; on a machine with Yama set kernel.yama.ptrace_scope to 1 or 0"
            .to_owned();
    }
    format!("it cannot be traced: {error}")
}

fn seize(
    program: u32,
    follow: bool,
    allowed: &mut PipeReader,
    say: &mut PipeWriter,
) -> io::Result<()> {
    say.write_all(&std::process::id().to_ne_bytes())?;
    allowed.read_exact(&mut [0])?;
    let mut options = kernel::TRACE_EXEC | kernel::TRACE_SYSTEM_CALLS_GOOD;
    if follow {
        options |= kernel::TRACE_FORK | kernel::TRACE_VFORK | kernel::TRACE_CLONE;
    }
    kernel::trace(Request::Seize, program, 0, options)
}

/// Resumes a process, delivering the signal that stopped it.
fn go_on(process: u32, signal: i32) {
    // The process may have been killed meanwhile.
    let _ = kernel::trace(Request::Continue, process, 0, signal as usize);
}

/// Waits for the program's start, redirects it, and detaches.
fn first_start(program: u32, page: &CStr) -> io::Result<()> {
    while let Some((_, change)) = kernel::wait_for_change(Some(program))? {
        match change {
            Change::Ended => break,
            Change::Stopped { event, .. } if event == kernel::EVENT_EXEC => {
                put_under_clock(program, page)?;
                return kernel::trace(Request::Detach, program, 0, 0);
            }
            Change::Stopped { signal, event } => {
                go_on(program, if event == 0 { signal } else { 0 })
            }
        }
    }
    Ok(())
}

/// Redirects the program and every program that it or its descendants start, until all have ended.
fn follow_all(program: u32, page: &CStr) -> io::Result<()> {
    while let Some((process, change)) = kernel::wait_for_change(None)? {
        let Change::Stopped { signal, event } = change else {
            continue;
        };
        match event {
            0 => go_on(process, signal),
            kernel::EVENT_EXEC => {
                match put_under_clock(process, page) {
                    Err(error) if process == program => return Err(error),
                    Err(error) => {
                        eprintln!("kerbox: process {process} is killed: {error}");
                        kernel::kill_process(process);
                    }
                    Ok(()) => {}
                }
                go_on(process, 0);
            }
            // A group stop, for example by SIGSTOP: continuing at once would undo it, listening
            // keeps it.
            kernel::EVENT_STOP if signal != kernel::SIGTRAP => {
                let _ = kernel::trace(Request::Listen, process, 0, 0);
            }
            // A new child, or the corresponding event in its parent.
            _ => go_on(process, 0),
        }
    }
    Ok(())
}

/// Takes a process from its stop inside `execve` to the end of that call, where it can make system
/// calls, and redirects its clock there. A program that the preloaded library will reach stays as
/// it is: its time would be moved twice.
fn put_under_clock(process: u32, page: &CStr) -> io::Result<()> {
    const SYSTEM_CALL_STOP: i32 = kernel::SIGTRAP | 0x80;
    kernel::trace(Request::Syscall, process, 0, 0)?;
    match kernel::wait_for_change(Some(process))? {
        Some((_, Change::Stopped { signal, .. })) if signal == SYSTEM_CALL_STOP => {
            if is_preloaded(process) {
                Ok(())
            } else {
                redirect(process, page)
            }
        }
        _ => Err(io::Error::other("it ended as it started")),
    }
}

/// Returns whether a program that has just started is one on glibc, and has the library in its
/// environment.
fn is_preloaded(process: u32) -> bool {
    let program = format!("/proc/{process}/exe");
    if kind::of(program.as_ref()) != kind::Kind::Glibc {
        return false;
    }
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    let has = |name: &[u8]| {
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable.starts_with(name))
    };
    has(b"KERBOX_CLOCK_PAGE=") && has(b"LD_PRELOAD=")
}
