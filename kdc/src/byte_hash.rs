//! A hash of long byte strings, such as requests and tickets: it reads 32 bytes at a time.
//!
//! Only whoever knows the key can choose two byte strings with the same hash, as with the standard
//! library's hash, which takes five times as long.

use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// The hash of a byte string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Hash(u64);

/// The random key of the hashes in one table.
pub(crate) struct HashKey([u64; 2]);

/// The hasher of a table whose keys are hashes.
pub(crate) type Hashed = BuildHasherDefault<AsItIs>;

/// Takes a [`Hash`] as it is.
#[derive(Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        // Not reached: a hash is one number.
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(8) ^ number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for HashKey {
    fn default() -> Self {
        Self([0, 1].map(|number: u64| RandomState::new().hash_one(number)))
    }
}

impl HashKey {
    pub(crate) fn hash(&self, bytes: &[u8]) -> Hash {
        let [first, second] = self.0;
        // The product of two factors that depend on the key, folded: each bit of a piece changes
        // half of the bits.
        let fold = |state: u64, piece: u64| {
            let product = u128::from(state ^ piece).wrapping_mul(u128::from(second | 1));
            (product as u64) ^ (product >> 64) as u64 ^ first
        };
        // Four states, since a product takes longer than it takes to begin the next one.
        let mut states = [0, 1, 2, 3].map(|lane| fold(first, lane));
        let (pieces, rest) = bytes.as_chunks::<32>();
        for piece in pieces {
            for (state, part) in states.iter_mut().zip(piece.as_chunks().0) {
                *state = fold(*state, u64::from_le_bytes(*part));
            }
        }
        let mut last = [0; 32];
        last[..rest.len()].copy_from_slice(rest);
        for (state, part) in states.iter_mut().zip(last.as_chunks().0) {
            *state = fold(*state, u64::from_le_bytes(*part));
        }
        let length = fold(first, bytes.len() as u64);
        Hash(states.into_iter().fold(length, fold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_strings_that_differ_in_a_bit_or_in_length_have_other_hashes() {
        let key = HashKey::default();
        let request = [0_u8; 61];
        let mut hashes = vec![key.hash(&request)];
        for length in 0..request.len() {
            hashes.push(key.hash(&request[..length]));
        }
        for bit in 0..8 * request.len() {
            let mut changed = request;
            changed[bit / 8] ^= 1 << (bit % 8);
            hashes.push(key.hash(&changed));
        }
        let mut numbers: Vec<u64> = hashes.iter().map(|hash| hash.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), hashes.len());
        assert_ne!(HashKey::default().hash(&request), hashes[0], "another key");
    }
}
