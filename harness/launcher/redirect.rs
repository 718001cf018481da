//! Maps the page into another process and redirects its vDSO's clock functions to the code that
//! reads the page. The program itself is not changed.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

use crate::kernel::{self, Change, Request};
use crate::kind;
use crate::layout;
use crate::machine::{CLOSE, FUNCTIONS_BEGIN_WITH, MMAP, NAME, OPENAT, Registers};
use crate::stand_in;
use crate::vdso::Image;

/// System call arguments.
const WORKING_DIRECTORY: u64 = (-100_i64).cast_unsigned();
const READ_ONLY_CLOSE_ON_EXEC: u64 = 0o2_000_000;
const PROT_READ: u64 = 1;
const PROT_EXEC: u64 = 4;
const MAP_SHARED: u64 = 1;
const MAP_PRIVATE: u64 = 2;
const MAP_ANONYMOUS: u64 = 0x20;
/// Number of bytes of a vDSO to inspect; Linux's have 4 to 8 KiB.
const LONGEST_VDSO: usize = 16 << 10;
/// Bytes below the stack pointer that a program may use without moving it, with some to spare.
const RED_ZONE: u64 = 4096;

/// A process stopped where it can make system calls for us.
struct Stopped {
    process: u32,
    memory: File,
    /// Address of an instruction in the process that makes a system call.
    instruction: u64,
    registers: Registers,
}

/// Redirects the clock functions of a process that is stopped at the end of a system call.
pub(crate) fn redirect(process: u32, page: &CStr) -> io::Result<()> {
    let base = vdso_base(process)?;
    let memory = File::open(format!("/proc/{process}/mem"))?;
    let mut bytes = vec![0; LONGEST_VDSO];
    let length = memory.read_at(&mut bytes, base)?;
    bytes.truncate(length);
    let image = Image(&bytes);
    let unknown = || io::Error::other(format!("its vDSO is not as Linux's on {NAME}"));
    let symbols = image.symbols().ok_or_else(unknown)?;
    let name = format!("{FUNCTIONS_BEGIN_WITH}clock_gettime");
    let original = symbols
        .iter()
        .find(|symbol| symbol.name == name.as_bytes())
        .ok_or_else(unknown)?;
    let instruction = image.system_call_instruction().ok_or_else(unknown)?;
    let stopped = Stopped {
        process,
        memory,
        instruction: base + instruction as u64,
        registers: kernel::registers(process)?.at_start(),
    };
    let page = stopped.map_page(page)?;
    // A fixture can wake Go's runtime when monotonic time has moved, but no other program that
    // shows no waits.
    let is_go = kind::is_go_process(process);
    let code = stand_in::code(page, base.wrapping_add(original.value), is_go);
    let code_at = stopped.map_code(&code)?;
    for symbol in &symbols {
        if let Some(function) = stand_in::replacement(&symbol.name) {
            let value = (code_at + function).wrapping_sub(base);
            stopped
                .write(base + symbol.value_at as u64, &value.to_ne_bytes())
                .map_err(|error| {
                    io::Error::other(format!(
                        "its vDSO cannot be changed, perhaps because the kernel seals it \
                         (CONFIG_MSEAL_SYSTEM_MAPPINGS): {error}"
                    ))
                })?;
        }
    }
    // Restore the registers, so that the program continues after its own system call.
    kernel::set_registers(process, stopped.registers)
}

/// Returns the address of the vDSO, from the auxiliary vector that the kernel gave the program.
fn vdso_base(process: u32) -> io::Result<u64> {
    const AT_SYSINFO_EHDR: u64 = 33;
    let vector = fs::read(format!("/proc/{process}/auxv"))?;
    let (words, _) = vector.as_chunks::<8>();
    let words: Vec<u64> = words.iter().map(|word| u64::from_ne_bytes(*word)).collect();
    let (pairs, _) = words.as_chunks::<2>();
    pairs
        .iter()
        .find(|[key, _]| *key == AT_SYSINFO_EHDR)
        .map(|[_, base]| *base)
        .ok_or_else(|| io::Error::other("it has no vDSO (the kernel was started with vdso=0)"))
}

impl Stopped {
    /// Writes whole words, even where the program itself may only read.
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let words = words.iter().chain((!rest.is_empty()).then_some(&last));
        for (index, word) in words.enumerate() {
            let word = usize::from_ne_bytes(*word);
            kernel::trace(Request::PokeData, self.process, at + 8 * index as u64, word)?;
        }
        Ok(())
    }

    /// Makes a system call in the process.
    fn system_call(&self, number: u64, arguments: [u64; 6]) -> io::Result<u64> {
        let call = self.registers.for_call(self.instruction, number, arguments);
        kernel::set_registers(self.process, call)?;
        kernel::trace(Request::SingleStep, self.process, 0, 0)?;
        match kernel::wait_for_change(Some(self.process))? {
            Some((_, Change::Stopped { signal, event: 0 })) if signal == kernel::SIGTRAP => {}
            _ => return Err(io::Error::other("it did not make a system call for us")),
        }
        let result = kernel::registers(self.process)?.result();
        if (-4095..0).contains(&result) {
            return Err(io::Error::from_raw_os_error(-result as i32));
        }
        Ok(result as u64)
    }

    /// Maps the page read-only into the process and returns its address.
    fn map_page(&self, path: &CStr) -> io::Result<u64> {
        let path = path.to_bytes_with_nul();
        // Borrow space below the stack for the file name.
        let below = self
            .registers
            .stack_pointer()
            .wrapping_sub(RED_ZONE + path.len() as u64);
        let at = below & !15;
        let mut kept = vec![0; path.len().next_multiple_of(8)];
        self.memory.read_exact_at(&mut kept, at)?;
        self.write(at, path)?;
        let open = [WORKING_DIRECTORY, at, READ_ONLY_CLOSE_ON_EXEC, 0, 0, 0];
        let opened = self.system_call(OPENAT, open);
        self.write(at, &kept)?;
        let file = opened.map_err(|error| {
            io::Error::other(format!("the clock page cannot be opened: {error}"))
        })?;
        let length = layout::HEADER_LENGTH as u64;
        let page = self.system_call(MMAP, [0, length, PROT_READ, MAP_SHARED, file, 0]);
        self.system_call(CLOSE, [file, 0, 0, 0, 0, 0])?;
        let page = page?;
        let mut magic = [0; 4];
        self.memory
            .read_exact_at(&mut magic, page + layout::MAGIC_AT as u64)?;
        if u32::from_ne_bytes(magic) != layout::MAGIC {
            return Err(io::Error::other("the clock page is not a fixture's"));
        }
        Ok(page)
    }

    /// Maps the code executable into the process and returns its address.
    fn map_code(&self, code: &[u8]) -> io::Result<u64> {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS;
        let length = (code.len() as u64).next_multiple_of(4096);
        let arguments = [0, length, PROT_READ | PROT_EXEC, flags, u64::MAX, 0];
        let at = self.system_call(MMAP, arguments)?;
        self.write(at, code)?;
        Ok(at)
    }
}
