//! The tracer: a process beside the program, which puts it under the clock as it starts.

use std::ffi::CStr;
use std::io::{self, PipeReader, PipeWriter, Read, Write};

use crate::kernel::{self, Change, Request};
use crate::redirect::redirect;

/// What the tracer says when the program may start.
pub(crate) const READY: &str = "ready";

/// Traces `program` until it is under the clock that `page` shows; with `follow` until it and its
/// descendants have ended. Never returns.
pub(crate) fn run(
    program: u32,
    page: &CStr,
    follow: bool,
    allowed: &mut PipeReader,
    say: &mut PipeWriter,
) -> ! {
    if let Err(error) = seize(program, follow, allowed, say) {
        // The program reads it, and does not start.
        let _ = say.write_all(text(&error).as_bytes());
        std::process::exit(1);
    }
    // A program that does not read this any more has ended.
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

/// Closes the writing end, so that the reader comes to its end.
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

/// Lets a process go on, with the signal that it was stopped by.
fn go_on(process: u32, signal: i32) {
    // It may have been killed meanwhile.
    let _ = kernel::trace(Request::Continue, process, 0, signal as usize);
}

/// Waits for the program's start, redirects it, and leaves it alone.
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

/// Redirects the program and each that it or its descendants start, until all have ended.
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
            // A group stop, as by SIGSTOP: going on at once would undo it, listening keeps it.
            kernel::EVENT_STOP if signal != kernel::SIGTRAP => {
                let _ = kernel::trace(Request::Listen, process, 0, 0);
            }
            // A child that has just been made, or the event at its parent.
            _ => go_on(process, 0),
        }
    }
    Ok(())
}

/// Takes a process from its stop amid `execve` to that call's end, where its own system calls can be
/// made, and redirects its clock there.
fn put_under_clock(process: u32, page: &CStr) -> io::Result<()> {
    const SYSTEM_CALL_STOP: i32 = kernel::SIGTRAP | 0x80;
    kernel::trace(Request::Syscall, process, 0, 0)?;
    match kernel::wait_for_change(Some(process))? {
        Some((_, Change::Stopped { signal, .. })) if signal == SYSTEM_CALL_STOP => {
            redirect(process, page)
        }
        _ => Err(io::Error::other("it ended as it started")),
    }
}
