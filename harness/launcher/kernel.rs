//! Safe wrappers for the kernel functions that the launcher uses.

use std::ffi::{c_int, c_long, c_uint, c_ulong, c_void};
use std::io;

use crate::machine::Registers;

unsafe extern "C" {
    #[link_name = "fork"]
    fn c_fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn ptrace(request: c_uint, process: c_int, address: *mut c_void, data: *mut c_void) -> c_long;
    fn prctl(option: c_int, first: c_ulong, ...) -> c_int;
    fn kill(process: c_int, signal: c_int) -> c_int;
}

/// Waits for children of any kind, including those of other threads.
const WALL: c_int = 0x4000_0000;

/// Requests of ptrace(2).
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Request {
    PokeData = 5,
    Continue = 7,
    SingleStep = 9,
    Detach = 17,
    Syscall = 24,
    GetRegisterSet = 0x4204,
    SetRegisterSet = 0x4205,
    Seize = 0x4206,
    Listen = 0x4208,
}

/// Options of `PTRACE_SEIZE`.
pub(crate) const TRACE_SYSTEM_CALLS_GOOD: usize = 1;
pub(crate) const TRACE_FORK: usize = 1 << 1;
pub(crate) const TRACE_VFORK: usize = 1 << 2;
pub(crate) const TRACE_CLONE: usize = 1 << 3;
pub(crate) const TRACE_EXEC: usize = 1 << 4;
/// Event codes of a stop.
pub(crate) const EVENT_EXEC: c_int = 4;
pub(crate) const EVENT_STOP: c_int = 128;
pub(crate) const SIGTRAP: c_int = 5;
const SIGKILL: c_int = 9;

/// A change of a traced process's state.
pub(crate) enum Change {
    /// The process has ended.
    Ended,
    /// The process is stopped by this signal and for this event; 0 means no event.
    Stopped { signal: c_int, event: c_int },
}

fn checked(result: c_long) -> io::Result<c_long> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Forks this process. Returns `None` in the child.
///
/// # Safety
/// This process must have only one thread.
pub(crate) unsafe fn fork() -> io::Result<Option<u32>> {
    // SAFETY: there is no other thread whose locks the child would inherit as held.
    let child = checked(unsafe { c_fork() }.into())?;
    Ok((child != 0).then_some(child as u32))
}

/// Waits for a child's end; fails if the child was not successful.
pub(crate) fn wait_for_exit(child: u32) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    checked(unsafe { waitpid(child as c_int, &mut status, 0) }.into())?;
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::other("no second process can be made"))
    }
}

/// Waits for a change of one traced process, or of any if `process` is `None`. Returns `None` once
/// there are no more.
pub(crate) fn wait_for_change(process: Option<u32>) -> io::Result<Option<(u32, Change)>> {
    let mut status = 0;
    let wanted = process.map_or(-1, |process| process as c_int);
    // SAFETY: `status` outlives the call.
    let changed = unsafe { waitpid(wanted, &mut status, WALL) };
    if changed < 0 {
        let error = io::Error::last_os_error();
        const NO_CHILD: i32 = 10;
        return match error.raw_os_error() {
            Some(NO_CHILD) => Ok(None),
            _ => Err(error),
        };
    }
    let change = if status & 0xFF == 0x7F {
        Change::Stopped {
            signal: status >> 8 & 0xFF,
            event: status >> 16,
        }
    } else {
        Change::Ended
    };
    Ok(Some((changed as u32, change)))
}

/// Lets a process trace this one where only parents may (Yama). Without Yama the call fails and is
/// not needed.
pub(crate) fn permit_tracer(process: u32) {
    const PR_SET_PTRACER: c_int = 0x5961_6D61;
    // SAFETY: the call takes numbers.
    unsafe { prctl(PR_SET_PTRACER, process.into(), 0, 0, 0) };
}

pub(crate) fn kill_process(process: u32) {
    // SAFETY: the call takes numbers.
    unsafe { kill(process as c_int, SIGKILL) };
}

/// Makes a request of ptrace(2) whose arguments are numbers or addresses in the other process.
pub(crate) fn trace(request: Request, process: u32, address: u64, data: usize) -> io::Result<()> {
    let (address, data) = (address as *mut c_void, data as *mut c_void);
    // SAFETY: only the requests for registers access this process's memory, and the functions below
    // make those.
    checked(unsafe { ptrace(request as c_uint, process as c_int, address, data) })?;
    Ok(())
}

/// `struct iovec`.
#[repr(C)]
struct Area {
    base: *mut c_void,
    length: usize,
}

/// Reads or writes the general registers.
fn exchange(request: Request, process: u32, registers: &mut Registers) -> io::Result<()> {
    /// `NT_PRSTATUS`: the general registers.
    const GENERAL: usize = 1;
    let mut area = Area {
        base: (&raw mut *registers).cast(),
        length: size_of::<Registers>(),
    };
    let (set, area_at) = (GENERAL as *mut c_void, (&raw mut area).cast());
    // SAFETY: the area is the structure of the kernel for this machine, and both outlive the call.
    checked(unsafe { ptrace(request as c_uint, process as c_int, set, area_at) })?;
    if area.length == size_of::<Registers>() {
        return Ok(());
    }
    // A 32-bit program on a 64-bit kernel has others.
    Err(io::Error::other(format!(
        "it is no program for {}",
        crate::machine::NAME
    )))
}

pub(crate) fn registers(process: u32) -> io::Result<Registers> {
    let mut registers = Registers::default();
    exchange(Request::GetRegisterSet, process, &mut registers)?;
    Ok(registers)
}

pub(crate) fn set_registers(process: u32, mut registers: Registers) -> io::Result<()> {
    exchange(Request::SetRegisterSet, process, &mut registers)
}
