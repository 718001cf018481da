//! Sources of randomness: the operating system, or a seed that makes a run repeatable.

use std::fs::File;
use std::io::Read;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// Returns an unpredictable seed.
pub(crate) fn seed() -> u64 {
    let mut bytes = [0; 8];
    // Every supported system has this device. Without it, a constant is as good as `--seed`.
    let _ = File::open("/dev/urandom").and_then(|mut device| device.read_exact(&mut bytes));
    u64::from_ne_bytes(bytes)
}

/// Returns a generator with this seed, or with an unpredictable one.
pub(crate) fn generator(seed: Option<u64>) -> StdRng {
    let Some(seed) = seed else {
        let mut bytes = [0; 32];
        let _ = File::open("/dev/urandom").and_then(|mut device| device.read_exact(&mut bytes));
        return StdRng::from_seed(bytes);
    };
    StdRng::seed_from_u64(seed)
}
