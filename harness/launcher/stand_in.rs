//! The code that replaces the vDSO's clock functions in another program.
//!
//! It is position-independent: the launcher copies the bytes from [`start`] to its end into the
//! program and fills in the three words at their beginning. It reads the page in the format of
//! `layout`, and calls the vDSO's own function for the system's time.

use std::arch::global_asm;

use crate::layout::{FROZEN_AT, MONOTONIC_AT, OFFSET_AT, REDIRECTED_CLOCK, SEQUENCE_AT};

global_asm!(
    // Numeric labels of only the digits 0 and 1 would be read as binary numbers.
    ".pushsection .text.kerbox_stand_in, \"ax\", @progbits",
    ".balign 16",
    ".globl kerbox_stand_in_start",
    "kerbox_stand_in_start:",
    "20: .quad 0", // the page's address
    "22: .quad 0", // the vDSO's own clock_gettime
    "26: .quad 0", // 1 if monotonic clocks move, too
    // int clock_gettime(clockid_t clock, struct timespec *time)
    ".globl kerbox_stand_in_clock_gettime",
    "kerbox_stand_in_clock_gettime:",
    "test edi, edi", // CLOCK_REALTIME
    "jz 2f",
    "cmp edi, 5", // CLOCK_REALTIME_COARSE
    "je 2f",
    "cmp edi, {redirected}",
    "je 28f",
    "cmp qword ptr [rip + 26b], 0",
    "je 27f",
    "cmp edi, 9",
    "ja 27f",
    "mov eax, 0x2D2", // a bit for each monotonic clock: 1, 4, 6, 7 and 9
    "bt eax, edi",
    "jc 29f",
    "27: jmp qword ptr [rip + 22b]",
    "28: xor eax, eax",
    "ret",
    "29: push rsi",
    "call qword ptr [rip + 22b]",
    "pop rsi",
    "test eax, eax",
    "jnz 32f",
    "mov rdx, [rip + 20b]",
    "mov r8, [rdx + {monotonic}]",
    "imul rax, [rsi], 1000000000",
    "add rax, [rsi + 8]",
    "add rax, r8",
    "cqo",
    "mov ecx, 1000000000",
    "idiv rcx",
    "mov [rsi], rax",
    "mov [rsi + 8], rdx",
    "xor eax, eax",
    "32: ret",
    "2: push rsi",
    "call 7f",
    "pop rsi",
    "mov [rsi], rax",
    "mov [rsi + 8], rdx",
    "xor eax, eax",
    "ret",
    // int gettimeofday(struct timeval *time, struct timezone *zone)
    ".globl kerbox_stand_in_gettimeofday",
    "kerbox_stand_in_gettimeofday:",
    "push rdi",
    "push rsi",
    "sub rsp, 8",
    "call 7f",
    "add rsp, 8",
    "pop rsi",
    "pop rdi",
    "test rdi, rdi",
    "jz 3f",
    "mov [rdi], rax",
    "mov eax, edx",
    "xor edx, edx",
    "mov ecx, 1000",
    "div ecx",
    "mov [rdi + 8], rax",
    "3: test rsi, rsi",
    "jz 4f",
    "mov qword ptr [rsi], 0",
    "4: xor eax, eax",
    "ret",
    // time_t time(time_t *seconds)
    ".globl kerbox_stand_in_time",
    "kerbox_stand_in_time:",
    "push rdi",
    "call 7f",
    "pop rdi",
    "test rdi, rdi",
    "jz 5f",
    "mov [rdi], rax",
    "5: ret",
    // Returns the program's wall clock: seconds in rax, nanoseconds in rdx.
    "7: push rbx",
    "sub rsp, 32",
    "mov rbx, [rip + 20b]",
    // Limits the retries: a writer killed in the middle of a change must not block the program
    // forever.
    "mov ecx, 100000",
    "8: mov eax, [rbx + {sequence}]",
    "mov r8, [rbx + {offset}]",
    "mov r9, [rbx + {frozen}]",
    "test al, 1",
    "jnz 9f",
    "cmp eax, [rbx + {sequence}]",
    "je 23f",
    "9: pause",
    "dec ecx",
    "jnz 8b",
    "23: mov rax, r9",
    "test r9, r9",
    "jnz 24f",
    "mov [rsp + 16], r8",
    "xor edi, edi",
    "mov rsi, rsp",
    "call qword ptr [rip + 22b]",
    "imul rax, [rsp], 1000000000",
    "add rax, [rsp + 8]",
    "add rax, [rsp + 16]",
    "24: cqo",
    "mov ecx, 1000000000",
    "idiv rcx",
    // Before 1970 the remainder is negative.
    "test rdx, rdx",
    "jns 25f",
    "add rdx, rcx",
    "dec rax",
    "25: add rsp, 32",
    "pop rbx",
    "ret",
    ".globl kerbox_stand_in_end",
    "kerbox_stand_in_end:",
    ".popsection",
    sequence = const SEQUENCE_AT,
    offset = const OFFSET_AT,
    frozen = const FROZEN_AT,
    monotonic = const MONOTONIC_AT,
    redirected = const REDIRECTED_CLOCK,
);

unsafe extern "C" {
    static kerbox_stand_in_start: u8;
    static kerbox_stand_in_clock_gettime: u8;
    static kerbox_stand_in_gettimeofday: u8;
    static kerbox_stand_in_time: u8;
    static kerbox_stand_in_end: u8;
}

/// Returns the bytes to copy, with the two addresses filled in. Monotonic clocks move with the
/// fixture's only if `moves_monotonic` is set.
pub(crate) fn code(page: u64, original: u64, moves_monotonic: bool) -> Vec<u8> {
    let start = &raw const kerbox_stand_in_start;
    let length = &raw const kerbox_stand_in_end as usize - start as usize;
    // SAFETY: the two labels enclose the assembly above, in this program's text.
    let mut code = unsafe { std::slice::from_raw_parts(start, length) }.to_vec();
    code[..8].copy_from_slice(&page.to_ne_bytes());
    code[8..16].copy_from_slice(&original.to_ne_bytes());
    code[16..24].copy_from_slice(&u64::from(moves_monotonic).to_ne_bytes());
    code
}

/// Returns the offset in [`code`] of the function that replaces the vDSO function of this name.
pub(crate) fn replacement(name: &[u8]) -> Option<u64> {
    let function = match name.strip_prefix(b"__vdso_").unwrap_or(name) {
        b"clock_gettime" => &raw const kerbox_stand_in_clock_gettime,
        b"gettimeofday" => &raw const kerbox_stand_in_gettimeofday,
        b"time" => &raw const kerbox_stand_in_time,
        _ => return None,
    };
    Some(function as u64 - &raw const kerbox_stand_in_start as u64)
}
