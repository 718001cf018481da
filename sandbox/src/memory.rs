//! The allocator's settings of a process that runs for days.

/// Makes the allocator return large blocks to the system as soon as they are freed. Call it before
/// the first thread starts.
///
/// glibc's allocator keeps a freed block of megabytes for the next one, in each of its arenas, so
/// that a peer's large messages would set the size of the process for good. Such messages are rare,
/// and a system call each costs little beside their copying. The buffers of a DataNode's
/// connections are smaller than the limit: with new memory for each read, reads would take a tenth
/// more CPU. Once set, the limit no longer grows with the blocks that are freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn return_large_blocks() {
    const LARGE: libc::c_int = 512 << 10;
    const ARENAS: libc::c_int = 2;
    // SAFETY: mallopt takes two integers and changes only the allocator's settings; no other
    // thread runs yet. If it refuses, the defaults stay.
    #[allow(unsafe_code)]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

/// Does nothing: other allocators return large blocks by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn return_large_blocks() {}
