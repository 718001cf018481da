//! DES and two-key triple DES in CBC mode (FIPS 46-3), fast enough to carry blocks.
//!
//! Substitution and permutation of a round are one look-up in tables that the compiler makes; the three passes of triple DES share one
//! initial and one final permutation; and what does not depend on what comes before, which is all of decryption, is done four blocks at a time.

/// The substitution boxes, each of four rows of sixteen.
const S: [[u8; 64]; 8] = [
    [
        14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8, //
        4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
    ],
    [
        15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5, //
        0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
    ],
    [
        10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1, //
        13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
    ],
    [
        7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9, //
        10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
    ],
    [
        2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6, //
        4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
    ],
    [
        12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8, //
        9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
    ],
    [
        4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6, //
        1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
    ],
    [
        13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2, //
        7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
    ],
];

/// The permutation after substitution: which bit, counted from 1 at the top, comes first, second, ….
const P: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
];

/// The choice of 56 key bits.
const PC1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15,
    7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];

/// The choice of 48 of them for a round.
const PC2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48,
    44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];

/// By how much the key's halves are rotated before each round.
const SHIFTS: [u8; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

/// Substitution and permutation together. Both halves of a block are kept rotated right by one, so that the six bits of the boxes 0, 2, 4 and 6
/// stand at the top of its bytes, and those of the others do after four more bits.
static SP: [[u32; 64]; 8] = substitution_and_permutation();

const fn substitution_and_permutation() -> [[u32; 64]; 8] {
    let mut tables = [[0; 64]; 8];
    let mut at = 0;
    while at < 8 * 64 {
        let (number, six) = (at / 64, at % 64);
        let row = (six >> 4) & 2 | six & 1;
        let nibble = S[number][row * 16 + (six >> 1 & 15)] as u32;
        let before = nibble << (28 - 4 * number);
        let mut after = 0u32;
        let mut bit = 0;
        while bit < 32 {
            after = after << 1 | (before >> (32 - P[bit])) & 1;
            bit += 1;
        }
        tables[number][six] = after.rotate_right(1);
        at += 1;
    }
    tables
}

/// A round's key: the bits for the even boxes and for the odd ones, each at the top of a byte.
type RoundKeys = [[u32; 2]; 16];

fn round_keys(key: [u8; 8]) -> RoundKeys {
    let key = u64::from_be_bytes(key);
    let chosen = PC1.iter().fold(0u64, |bits, bit| bits << 1 | key >> (64 - bit) & 1);
    let (mut left, mut right) = (chosen >> 28, chosen & 0x0fff_ffff);
    SHIFTS.map(|shift| {
        let rotate = |half: u64| (half << shift | half >> (28 - shift)) & 0x0fff_ffff;
        (left, right) = (rotate(left), rotate(right));
        let both = left << 28 | right;
        let mut words = [0u32; 2];
        for (number, six) in PC2.chunks_exact(6).enumerate() {
            let six = six.iter().fold(0, |bits, bit| bits << 1 | (both >> (56 - bit) & 1) as u32);
            words[number % 2] |= six << (26 - 8 * (number / 2));
        }
        words
    })
}

fn reversed(keys: &RoundKeys) -> RoundKeys {
    let mut reversed = *keys;
    reversed.reverse();
    reversed
}

#[inline]
fn look_up(half: u32, [even, odd]: [u32; 2]) -> u32 {
    let (even, odd) = (half ^ even, half.rotate_left(4) ^ odd);
    SP[0][(even >> 26) as usize]
        ^ SP[1][(odd >> 26) as usize]
        ^ SP[2][(even >> 18 & 63) as usize]
        ^ SP[3][(odd >> 18 & 63) as usize]
        ^ SP[4][(even >> 10 & 63) as usize]
        ^ SP[5][(odd >> 10 & 63) as usize]
        ^ SP[6][(even >> 2 & 63) as usize]
        ^ SP[7][(odd >> 2 & 63) as usize]
}

/// The passes of one direction: one of DES, three of triple DES.
#[derive(Clone)]
struct Passes {
    keys: [RoundKeys; 3],
    count: usize,
}

impl Passes {
    fn encryption(keys: &[[u8; 8]]) -> Self {
        match keys {
            [first, second] => {
                let (first, second) = (round_keys(*first), round_keys(*second));
                Self {
                    keys: [first, reversed(&second), first],
                    count: 3,
                }
            }
            [only, ..] => Self {
                keys: [round_keys(*only); 3],
                count: 1,
            },
            [] => unreachable!("there is a key"),
        }
    }

    fn decryption(keys: &[[u8; 8]]) -> Self {
        let encryption = Self::encryption(keys);
        // Two-key triple DES reads the same from both ends but for the order of rounds.
        Self {
            keys: encryption.keys.map(|keys| reversed(&keys)),
            ..encryption
        }
    }

    /// Encrypts or decrypts `N` blocks that do not depend on each other.
    #[inline]
    fn apply<const N: usize>(&self, blocks: [u64; N]) -> [u64; N] {
        let mut halves = blocks.map(initial_permutation);
        for keys in &self.keys[..self.count] {
            for pair in keys.chunks_exact(2) {
                for (left, right) in &mut halves {
                    *left ^= look_up(*right, pair[0]);
                    *right ^= look_up(*left, pair[1]);
                }
            }
            for (left, right) in &mut halves {
                std::mem::swap(left, right);
            }
        }
        halves.map(final_permutation)
    }
}

/// Exchanges the bits of `a` under `mask << shift` with those of `b` under `mask`.
#[inline]
fn exchange(a: &mut u32, b: &mut u32, shift: u32, mask: u32) {
    let different = (*a >> shift ^ *b) & mask;
    *b ^= different;
    *a ^= different << shift;
}

#[inline]
fn initial_permutation(block: u64) -> (u32, u32) {
    let (mut left, mut right) = ((block >> 32) as u32, block as u32);
    exchange(&mut left, &mut right, 4, 0x0f0f_0f0f);
    exchange(&mut left, &mut right, 16, 0x0000_ffff);
    exchange(&mut right, &mut left, 2, 0x3333_3333);
    exchange(&mut right, &mut left, 8, 0x00ff_00ff);
    exchange(&mut left, &mut right, 1, 0x5555_5555);
    (left.rotate_right(1), right.rotate_right(1))
}

#[inline]
fn final_permutation((left, right): (u32, u32)) -> u64 {
    let (mut left, mut right) = (left.rotate_left(1), right.rotate_left(1));
    exchange(&mut left, &mut right, 1, 0x5555_5555);
    exchange(&mut right, &mut left, 8, 0x00ff_00ff);
    exchange(&mut right, &mut left, 2, 0x3333_3333);
    exchange(&mut left, &mut right, 16, 0x0000_ffff);
    exchange(&mut left, &mut right, 4, 0x0f0f_0f0f);
    u64::from(left) << 32 | u64::from(right)
}

/// Encrypts in CBC mode; the chain runs on from call to call.
pub(super) struct CbcEncryptor {
    passes: Passes,
    last: u64,
}

impl CbcEncryptor {
    /// DES with one key, two-key triple DES with two. The low bit of each byte, the parity, is not looked at.
    pub(super) fn new(keys: &[[u8; 8]], iv: [u8; 8]) -> Self {
        Self {
            passes: Passes::encryption(keys),
            last: u64::from_be_bytes(iv),
        }
    }

    /// Encrypts whole blocks in place.
    pub(super) fn apply(&mut self, data: &mut [u8]) {
        let (blocks, rest) = data.as_chunks_mut::<8>();
        debug_assert!(rest.is_empty(), "whole blocks");
        for block in blocks {
            [self.last] = self.passes.apply([self.last ^ u64::from_be_bytes(*block)]);
            *block = self.last.to_be_bytes();
        }
    }
}

/// Decrypts in CBC mode.
pub(super) struct CbcDecryptor {
    passes: Passes,
    last: u64,
}

impl CbcDecryptor {
    /// As [`CbcEncryptor::new`].
    pub(super) fn new(keys: &[[u8; 8]], iv: [u8; 8]) -> Self {
        Self {
            passes: Passes::decryption(keys),
            last: u64::from_be_bytes(iv),
        }
    }

    /// Decrypts whole blocks in place.
    pub(super) fn apply(&mut self, data: &mut [u8]) {
        let (blocks, rest) = data.as_chunks_mut::<8>();
        debug_assert!(rest.is_empty(), "whole blocks");
        let (fours, ones) = blocks.as_chunks_mut::<4>();
        for four in fours {
            self.decrypt(four);
        }
        for one in ones {
            self.decrypt(std::array::from_mut(one));
        }
    }

    #[inline]
    fn decrypt<const N: usize>(&mut self, blocks: &mut [[u8; 8]; N]) {
        let ciphertexts = blocks.map(u64::from_be_bytes);
        let opened = self.passes.apply(ciphertexts);
        for at in 0..N {
            blocks[at] = (opened[at] ^ self.last).to_be_bytes();
            self.last = ciphertexts[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use cbc::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn a_known_answer_holds() {
        let key = 0x1334_5779_9bbc_dff1_u64.to_be_bytes();
        let mut data = 0x0123_4567_89ab_cdef_u64.to_be_bytes();
        CbcEncryptor::new(&[key], [0; 8]).apply(&mut data);
        assert_eq!(u64::from_be_bytes(data), 0x85e8_1354_0f0a_b405);
        CbcDecryptor::new(&[key], [0; 8]).apply(&mut data);
        assert_eq!(u64::from_be_bytes(data), 0x0123_4567_89ab_cdef);
    }

    #[test]
    fn another_implementation_agrees() {
        let mut rng = StdRng::seed_from_u64(1);
        for blocks in (0..40).chain([1000]) {
            let (mut keys, mut iv) = ([0; 16], [0; 8]);
            rng.fill_bytes(&mut keys);
            rng.fill_bytes(&mut iv);
            let mut plain = vec![0; 8 * blocks];
            rng.fill_bytes(&mut plain);
            let (pair, _) = keys.as_chunks::<8>();

            let mut theirs = plain.clone();
            cbc::Encryptor::<des::TdesEde2>::new(&keys.into(), &iv.into()).encrypt_blocks(Array::slice_as_chunks_mut(&mut theirs).0);
            let mut ours = plain.clone();
            let (first, second) = ours.split_at_mut(8 * (blocks / 3));
            let mut encryptor = CbcEncryptor::new(pair, iv);
            encryptor.apply(first);
            encryptor.apply(second);
            assert_eq!(ours, theirs, "{blocks} blocks");
            let (first, second) = ours.split_at_mut(8 * (blocks / 3));
            let mut decryptor = CbcDecryptor::new(pair, iv);
            decryptor.apply(first);
            decryptor.apply(second);
            assert_eq!(ours, plain, "{blocks} blocks");

            let mut theirs = plain.clone();
            cbc::Decryptor::<des::Des>::new(&pair[0].into(), &iv.into()).decrypt_blocks(Array::slice_as_chunks_mut(&mut theirs).0);
            let mut ours = plain.clone();
            CbcDecryptor::new(&pair[..1], iv).apply(&mut ours);
            assert_eq!(ours, theirs, "{blocks} blocks");
        }
    }
}
