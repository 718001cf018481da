//! The parts of the launcher that depend on aarch64.

mod stand_in;

/// `struct user_pt_regs`, as `PTRACE_GETREGSET` gives it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Registers {
    /// `x0` to `x30`.
    x: [u64; 31],
    sp: u64,
    pc: u64,
    pstate: u64,
}

impl Registers {
    /// Returns those of a program that has just started, from those at the end of its `execve`.
    /// While a process is stopped there, the kernel shows in `x7` which end of the call it is.
    pub(crate) fn at_start(mut self) -> Self {
        self.x[7] = 0;
        self
    }

    pub(crate) fn stack_pointer(&self) -> u64 {
        self.sp
    }

    /// Returns the registers for a system call by the instruction at this address.
    pub(crate) fn for_call(mut self, instruction: u64, number: u64, arguments: [u64; 6]) -> Self {
        self.x[..6].copy_from_slice(&arguments);
        self.x[8] = number;
        self.pc = instruction;
        self
    }

    /// Returns the result of a system call: a value, or a negative error number.
    pub(crate) fn result(&self) -> i64 {
        self.x[0].cast_signed()
    }
}

/// The machine's name, for messages.
pub(crate) const NAME: &str = "aarch64";

/// System call numbers.
pub(crate) const OPENAT: u64 = 56;
pub(crate) const CLOSE: u64 = 57;
pub(crate) const MMAP: u64 = 222;

/// The instruction `svc #0`, and the distance of the addresses at which one can be.
pub(crate) const SYSTEM_CALL: &[u8] = &[0x01, 0x00, 0x00, 0xD4];
pub(crate) const ALIGNMENT: usize = 4;

/// The prefix of the names of the vDSO's functions.
pub(crate) const FUNCTIONS_BEGIN_WITH: &str = "__kernel_";
