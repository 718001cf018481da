//! Where randomness comes from: the operating system's, or a number that repeats a run.

use std::fs::File;
use std::io::Read;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// A seed that nobody can guess.
pub(crate) fn seed() -> u64 {
    let mut bytes = [0; 8];
    // Without the device there is no system that this runs on; a constant then is as good as
    // `--seed`.
    let _ = File::open("/dev/urandom").and_then(|mut device| device.read_exact(&mut bytes));
    u64::from_ne_bytes(bytes)
}

/// A generator of that seed, or of one that nobody can guess.
pub(crate) fn generator(seed: Option<u64>) -> StdRng {
    let Some(seed) = seed else {
        let mut bytes = [0; 32];
        let _ = File::open("/dev/urandom").and_then(|mut device| device.read_exact(&mut bytes));
        return StdRng::from_seed(bytes);
    };
    StdRng::seed_from_u64(seed)
}
