//! The parts of the launcher that depend on x86-64.

mod stand_in;

/// `struct user_regs_struct`, as `PTRACE_GETREGSET` gives it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Registers {
    r15_to_r11: [u64; 7],
    r10: u64,
    r9: u64,
    r8: u64,
    rax: u64,
    rcx: u64,
    rdx: u64,
    rsi: u64,
    rdi: u64,
    orig_rax: u64,
    rip: u64,
    cs: u64,
    eflags: u64,
    rsp: u64,
    rest: [u64; 7],
}

impl Registers {
    /// Returns those of a program that has just started, from those at the end of its `execve`.
    pub(crate) fn at_start(self) -> Self {
        self
    }

    pub(crate) fn stack_pointer(&self) -> u64 {
        self.rsp
    }

    /// Returns the registers for a system call by the instruction at this address.
    pub(crate) fn for_call(self, instruction: u64, number: u64, arguments: [u64; 6]) -> Self {
        let [rdi, rsi, rdx, r10, r8, r9] = arguments;
        Self {
            rip: instruction,
            rax: number,
            // Prevents the kernel from restarting an interrupted call.
            orig_rax: u64::MAX,
            rdi,
            rsi,
            rdx,
            r10,
            r8,
            r9,
            ..self
        }
    }

    /// Returns the result of a system call: a value, or a negative error number.
    pub(crate) fn result(&self) -> i64 {
        self.rax.cast_signed()
    }
}

/// The machine's name, for messages.
pub(crate) const NAME: &str = "x86-64";

/// System call numbers.
pub(crate) const CLOSE: u64 = 3;
pub(crate) const MMAP: u64 = 9;
pub(crate) const OPENAT: u64 = 257;

/// The instruction `syscall`, and the distance of the addresses at which one can be.
pub(crate) const SYSTEM_CALL: &[u8] = &[0x0F, 0x05];
pub(crate) const ALIGNMENT: usize = 1;

/// The prefix of the names of the vDSO's functions. They also have names without it.
pub(crate) const FUNCTIONS_BEGIN_WITH: &str = "__vdso_";
