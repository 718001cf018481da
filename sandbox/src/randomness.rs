//! Sources of randomness: the operating system, or a seed that makes a run repeatable.
//!
//! A server without random numbers would issue keys that anyone can compute, so what asks the
//! system panics if it gives none.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Returns an unpredictable seed.
pub(crate) fn seed() -> u64 {
    generator(None).next_u64()
}

/// Returns a generator with this seed, or with an unpredictable one.
pub(crate) fn generator(seed: Option<u64>) -> StdRng {
    seed.map_or_else(rand::make_rng, StdRng::seed_from_u64)
}
