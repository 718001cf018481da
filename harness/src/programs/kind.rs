//! Determines from a program's file how it reads the time.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A program's way of reading the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Through glibc. This includes scripts, whose interpreters are such programs. A file that is
    /// not a program counts as this too, and the system refuses it.
    Glibc,
    /// Through the kernel's vDSO: a static program, a Go program, or one on another C library.
    Kernel,
}

/// Inspects the program that `name` starts.
pub(super) fn of(name: &OsStr) -> Kind {
    let found = find(name).and_then(|path| File::open(path).ok());
    match found.map(|file| Elf { file }.asks_the_kernel()) {
        Some(Ok(true)) => Kind::Kernel,
        _ => Kind::Glibc,
    }
}

/// Returns whether a process runs a program that Go's compiler has built.
pub(super) fn is_go_process(process: u32) -> bool {
    let file = File::open(format!("/proc/{process}/exe"));
    file.is_ok_and(|file| {
        let elf = Elf { file };
        let header = elf.read(0, 64);
        header.is_ok_and(|header| elf.is_gos(&header).unwrap_or(false))
    })
}

/// Finds the file of a command through `PATH`, as a shell does.
fn find(name: &OsStr) -> Option<PathBuf> {
    let path = Path::new(name);
    if path.components().count() > 1 {
        return Some(path.to_owned());
    }
    let directories = std::env::var_os("PATH")?;
    std::env::split_paths(&directories)
        .map(|directory| directory.join(path))
        .find(|file| file.is_file())
}

/// A file that may be a 64-bit ELF program in the machine's byte order.
struct Elf {
    file: File,
}

/// Upper limit for the size of a table or name. No program has longer ones.
const LONGEST: usize = 1 << 20;
const PT_INTERP: u32 = 3;

impl Elf {
    /// Fails if the file is not a 64-bit ELF program.
    fn asks_the_kernel(&self) -> io::Result<bool> {
        let header = self.read(0, 64)?;
        // Magic number and the class for 64 bits.
        if !header.starts_with(b"\x7FELF\x02") {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let interpreter = self.interpreter(&header)?;
        let on_glibc = interpreter.is_some_and(|name| contains(&name, b"/ld-linux"));
        Ok(!on_glibc || self.is_gos(&header)?)
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        if length > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// Reads the table whose offset, entry size and entry count are at these places in the header.
    fn table(&self, header: &[u8], place: usize, size: usize) -> io::Result<(Vec<u8>, usize)> {
        let entry = usize::from(u16_at(header, size)?);
        let length = entry.saturating_mul(usize::from(u16_at(header, size + 2)?));
        Ok((self.read(u64_at(header, place)?, length)?, entry.max(1)))
    }

    /// Returns the dynamic linker that the program names.
    fn interpreter(&self, header: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let (segments, entry) = self.table(header, 32, 54)?;
        for segment in segments.chunks_exact(entry) {
            if u32_at(segment, 0)? == PT_INTERP {
                let length = usize::try_from(u64_at(segment, 32)?).unwrap_or(usize::MAX);
                return self.read(u64_at(segment, 8)?, length).map(Some);
            }
        }
        Ok(None)
    }

    /// Returns whether Go's compiler built it. Such a program reads the vDSO even if it also links
    /// glibc.
    fn is_gos(&self, header: &[u8]) -> io::Result<bool> {
        let (sections, entry) = self.table(header, 40, 58)?;
        let names = usize::from(u16_at(header, 62)?);
        let Some(names) = sections.chunks_exact(entry).nth(names) else {
            return Ok(false);
        };
        let length = usize::try_from(u64_at(names, 32)?).unwrap_or(usize::MAX);
        let names = self.read(u64_at(names, 24)?, length)?;
        Ok(contains(&names, b".go.buildinfo\0"))
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> io::Result<[u8; N]> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn u16_at(bytes: &[u8], at: usize) -> io::Result<u16> {
    bytes_at(bytes, at).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> io::Result<u32> {
    bytes_at(bytes, at).map(u32::from_ne_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> io::Result<u64> {
    bytes_at(bytes, at).map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_on_glibc_scripts_and_nothing_at_all_are_told_apart_from_the_rest() {
        // This test program uses glibc if the harness was built for it.
        let this = std::env::current_exe().expect("its path");
        let expected = if cfg!(target_env = "gnu") {
            Kind::Glibc
        } else {
            Kind::Kernel
        };
        assert_eq!(of(this.as_os_str()), expected);
        assert_eq!(of(OsStr::new("no-such-program")), Kind::Glibc);
        let directory = tempfile::tempdir().expect("a directory");
        let script = directory.path().join("script");
        std::fs::write(&script, "#!/bin/sh\n").expect("it can be written");
        assert_eq!(of(script.as_os_str()), Kind::Glibc);
        // A header without tables: a static program.
        let mut header = [0; 64];
        header[..5].copy_from_slice(b"\x7FELF\x02");
        let program = directory.path().join("static");
        std::fs::write(&program, header).expect("it can be written");
        assert_eq!(of(program.as_os_str()), Kind::Kernel);
        // If the tables lie outside the file, the system refuses it.
        header[32..40].copy_from_slice(&u64::MAX.to_ne_bytes());
        header[54..58].copy_from_slice(&[56, 0, 1, 0]);
        std::fs::write(&program, header).expect("it can be written");
        assert_eq!(of(program.as_os_str()), Kind::Glibc);
    }
}
