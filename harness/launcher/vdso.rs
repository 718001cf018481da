//! Finds the parts of a vDSO that must be changed: symbols of clock functions, and an instruction
//! that makes a system call.

use crate::machine::{ALIGNMENT, SYSTEM_CALL};

/// A function's symbol.
pub(crate) struct Symbol {
    pub(crate) name: Vec<u8>,
    /// Offset of the symbol's eight-byte value in the vDSO, relative to its base.
    pub(crate) value_at: usize,
    /// The value of the symbol.
    pub(crate) value: u64,
}

/// Size of an `Elf64_Sym`, and of an `Elf64_Phdr`.
const SYMBOL: usize = 24;
const SEGMENT: usize = 56;
/// Types of segments and of entries in the dynamic segment.
const PT_DYNAMIC: u32 = 2;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;

/// The bytes of a vDSO, an ELF image whose file offsets equal those in memory.
pub(crate) struct Image<'a>(pub(crate) &'a [u8]);

impl Image<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let end = at.checked_add(N)?;
        self.0.get(at..end)?.try_into().ok()
    }

    fn u16(&self, at: usize) -> Option<usize> {
        self.bytes(at).map(u16::from_ne_bytes).map(usize::from)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_ne_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.bytes(at).map(u64::from_ne_bytes)
    }

    fn offset(&self, at: usize) -> Option<usize> {
        self.u64(at)?.try_into().ok()
    }

    /// Returns the value of an entry in the dynamic segment.
    fn dynamic(&self, wanted: u64) -> Option<usize> {
        let (segments, count) = (self.offset(32)?, self.u16(56)?);
        let mut entry = (0..count).find_map(|segment| {
            let at = segments.checked_add(segment * SEGMENT)?;
            (self.u32(at)? == PT_DYNAMIC).then(|| self.offset(at + 8))?
        })?;
        loop {
            match self.u64(entry)? {
                0 => return None,
                tag if tag == wanted => return self.offset(entry + 8),
                _ => entry = entry.checked_add(16)?,
            }
        }
    }

    /// Returns all symbols; `None` if the image does not have Linux's usual form.
    pub(crate) fn symbols(&self) -> Option<Vec<Symbol>> {
        let (table, names) = (self.dynamic(DT_SYMTAB)?, self.dynamic(DT_STRTAB)?);
        let count = match self.dynamic(DT_HASH) {
            Some(hash) => usize::try_from(self.u32(hash.checked_add(4)?)?).ok()?,
            // New kernels omit this entry. The names follow the symbols, so their distance gives
            // the size.
            None => names.checked_sub(table)? / SYMBOL,
        };
        (0..count.min(1024))
            .map(|index| {
                let at = table.checked_add(index * SYMBOL)?;
                let name = names.checked_add(usize::try_from(self.u32(at)?).ok()?)?;
                let rest = self.0.get(name..)?;
                let length = rest.iter().position(|byte| *byte == 0)?;
                Some(Symbol {
                    name: rest[..length].to_vec(),
                    value_at: at + 8,
                    value: self.u64(at + 8)?,
                })
            })
            .collect()
    }

    /// Returns the offset of an instruction that makes a system call, which the vDSO functions use
    /// as their fallback.
    pub(crate) fn system_call_instruction(&self) -> Option<usize> {
        /// Skips headers and tables, whose data could look like one.
        const HEADERS: usize = 0x200;
        let mut places = (HEADERS..self.0.len()).step_by(ALIGNMENT);
        places.find(|at| {
            let rest = self.0.get(*at..);
            rest.is_some_and(|rest| rest.starts_with(SYSTEM_CALL))
        })
    }
}
