//! Triple DES in CBC mode (FIPS 46-3), fast enough for a data path.
//!
//! Hadoop's default for `dfs.data.transfer.protection=privacy` is DIGEST-MD5 with `3des`, so each
//! byte of a file passes through this cipher on its way to every DataNode. The `des` crate computes
//! each substitution bit by bit. The tables here merge each substitution with the permutation that
//! follows it, so that a round takes eight loads. Table lookups leak timing through the processor's
//! cache. That is acceptable: a fixture has no secrets from other programs on the machine, and a
//! production server would not use DES.

mod tables;

pub(super) use tables::BLOCK;

use self::tables::{RoundKey, SPE, compress, expand, schedule};

/// The two halves of a block, expanded, between the initial permutation and its inverse.
#[derive(Clone, Copy)]
struct Halves {
    left: u64,
    right: u64,
}

/// Swaps the bits of `b` selected by `mask` with those of `a` selected by `mask << by`.
fn swap_bits(a: &mut u32, b: &mut u32, by: u32, mask: u32) {
    let different = (*a >> by ^ *b) & mask;
    *b ^= different;
    *a ^= different << by;
}

impl Halves {
    #[inline(always)]
    fn permuted(block: [u8; BLOCK]) -> Self {
        let block = u64::from_be_bytes(block);
        let (mut left, mut right) = ((block >> 32) as u32, block as u32);
        swap_bits(&mut left, &mut right, 4, 0x0F0F_0F0F);
        swap_bits(&mut left, &mut right, 16, 0x0000_FFFF);
        swap_bits(&mut right, &mut left, 2, 0x3333_3333);
        swap_bits(&mut right, &mut left, 8, 0x00FF_00FF);
        swap_bits(&mut left, &mut right, 1, 0x5555_5555);
        Self {
            left: expand(left),
            right: expand(right),
        }
    }

    /// Undoes [`permuted`](Self::permuted).
    #[inline(always)]
    fn block(self) -> [u8; BLOCK] {
        let (mut left, mut right) = (compress(self.left), compress(self.right));
        swap_bits(&mut left, &mut right, 1, 0x5555_5555);
        swap_bits(&mut right, &mut left, 8, 0x00FF_00FF);
        swap_bits(&mut right, &mut left, 2, 0x3333_3333);
        swap_bits(&mut left, &mut right, 16, 0x0000_FFFF);
        swap_bits(&mut left, &mut right, 4, 0x0F0F_0F0F);
        (u64::from(left) << 32 | u64::from(right)).to_be_bytes()
    }
}

/// Computes the function f of FIPS 46-3 on an expanded half.
#[inline(always)]
fn round(half: u64, key: RoundKey) -> u64 {
    let sum = half ^ key;
    let at = |table: usize| SPE[table][(sum >> (56 - 8 * table) & 63) as usize];
    // The substitutions' output bits do not overlap, so `|`, `+` and `^` are equivalent here. Using
    // three operators stops the compiler from turning this tree into a chain, whose length would
    // determine the cipher's speed.
    ((at(7) | at(6)) + (at(5) | at(4))) ^ ((at(3) | at(2)) + (at(1) | at(0)))
}

/// A triple DES key in EDE form, expanded for both directions.
///
/// ```
/// use kerbox_krb5::crypto::TripleDes;
///
/// let cipher = TripleDes::new(*b"three keys of 8 bytes...");
/// let mut data = *b"a block.another.";
/// let (mut iv, mut iv_again) = ([0; 8], [0; 8]);
/// cipher.encrypt_cbc(&mut iv, &mut data);
/// assert_ne!(&data, b"a block.another.");
/// cipher.decrypt_cbc(&mut iv_again, &mut data);
/// assert_eq!(&data, b"a block.another.");
/// ```
#[derive(Clone)]
pub struct TripleDes(Box<Rounds>);

/// The round keys of each direction, in the order in which they are used.
#[derive(Clone)]
struct Rounds {
    encrypt: [RoundKey; 48],
    decrypt: [RoundKey; 48],
}

impl TripleDes {
    /// Expands three DES keys. Parity bits are ignored and weak keys accepted, since the RFCs that
    /// use this cipher handle both.
    #[must_use]
    pub fn new(key: [u8; 24]) -> Self {
        let mut encrypt = [0; 48];
        let (keys, _) = key.as_chunks::<BLOCK>();
        for (stage, (rounds, key)) in encrypt.chunks_exact_mut(16).zip(keys).enumerate() {
            rounds.copy_from_slice(&schedule(*key));
            // Encrypt, decrypt, encrypt.
            if stage == 1 {
                rounds.reverse();
            }
        }
        let mut decrypt = encrypt;
        decrypt.reverse();
        Self(Box::new(Rounds { encrypt, decrypt }))
    }

    /// Expands two DES keys; the first is also used as the third (keying option 2).
    #[must_use]
    pub fn with_two_keys(pair: [u8; 16]) -> Self {
        let mut key = [0; 24];
        key[..16].copy_from_slice(&pair);
        key[16..].copy_from_slice(&pair[..BLOCK]);
        Self::new(key)
    }

    /// Encrypts `data` in place in CBC mode, and leaves the next message's IV in `iv`.
    ///
    /// # Panics
    /// If `data` is not a multiple of eight bytes: callers pad.
    pub fn encrypt_cbc(&self, iv: &mut [u8; BLOCK], data: &mut [u8]) {
        for block in whole_blocks(data) {
            let input = u64::from_ne_bytes(*iv) ^ u64::from_ne_bytes(*block);
            let [output] = run(&self.0.encrypt, [input.to_ne_bytes()]);
            (*iv, *block) = (output, output);
        }
    }

    /// Decrypts `data` in place in CBC mode, and leaves the next message's IV in `iv`.
    ///
    /// # Panics
    /// If `data` is not a multiple of eight bytes: callers check the length.
    pub fn decrypt_cbc(&self, iv: &mut [u8; BLOCK], data: &mut [u8]) {
        // In CBC decryption, blocks do not depend on each other, so several go through the rounds
        // at once.
        let (lanes, rest) = whole_blocks(data).as_chunks_mut::<LANES>();
        for blocks in lanes {
            let outputs = run(&self.0.decrypt, *blocks);
            unchain(iv, blocks, outputs);
        }
        for block in rest {
            let outputs = run(&self.0.decrypt, [*block]);
            unchain(iv, std::array::from_mut(block), outputs);
        }
    }
}

/// The number of blocks decrypted side by side. More would run out of registers.
const LANES: usize = 3;

fn whole_blocks(data: &mut [u8]) -> &mut [[u8; BLOCK]] {
    let (blocks, rest) = data.as_chunks_mut();
    assert!(rest.is_empty(), "a block cipher works on whole blocks");
    blocks
}

/// Replaces `blocks`, the ciphertext, with the plaintext computed from their `outputs`.
fn unchain<const N: usize>(
    iv: &mut [u8; BLOCK],
    blocks: &mut [[u8; BLOCK]; N],
    outputs: [[u8; BLOCK]; N],
) {
    for (block, output) in blocks.iter_mut().zip(outputs) {
        let plain = u64::from_ne_bytes(output) ^ u64::from_ne_bytes(*iv);
        *iv = std::mem::replace(block, plain.to_ne_bytes());
    }
}

/// Runs blocks through three times sixteen rounds.
#[inline(always)]
fn run<const N: usize>(keys: &[RoundKey; 48], blocks: [[u8; BLOCK]; N]) -> [[u8; BLOCK]; N] {
    let mut halves = blocks.map(Halves::permuted);
    for stage in keys.as_chunks::<16>().0 {
        for [first, second] in stage.as_chunks().0 {
            for lane in &mut halves {
                lane.left ^= round(lane.right, *first);
            }
            for lane in &mut halves {
                lane.right ^= round(lane.left, *second);
            }
        }
        // DES ends with its halves swapped; the permutations between two stages cancel out.
        for lane in &mut halves {
            std::mem::swap(&mut lane.left, &mut lane.right);
        }
    }
    halves.map(Halves::block)
}

#[cfg(test)]
mod tests {
    use des::TdesEde3;
    use des::cipher::array::Array;
    use des::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn it_computes_the_example_of_nist() {
        // NIST's example for SP 800-67, each block on its own.
        let keys: [u64; 3] = [0x0123456789ABCDEF, 0x23456789ABCDEF01, 0x456789ABCDEF0123];
        let mut key = [0; 24];
        for (part, word) in key.chunks_exact_mut(BLOCK).zip(keys) {
            part.copy_from_slice(&word.to_be_bytes());
        }
        let cipher = TripleDes::new(key);
        let ciphertext = [
            0xA826FD8CE53B855F,
            0xCCE21C8112256FE6,
            0x68D5C05DD9B6B900_u64,
        ];
        for (plain, expected) in b"The qufck brown fox jump"
            .chunks_exact(BLOCK)
            .zip(ciphertext)
        {
            let mut block = plain.to_vec();
            cipher.encrypt_cbc(&mut [0; BLOCK], &mut block);
            assert_eq!(block, expected.to_be_bytes());
            cipher.decrypt_cbc(&mut [0; BLOCK], &mut block);
            assert_eq!(block, plain);
        }
    }

    #[test]
    fn it_agrees_with_the_des_crate_on_every_length_and_across_messages() {
        let mut rng = StdRng::seed_from_u64(1);
        for blocks in 0..20 {
            let (mut key, mut iv) = ([0; 24], [0; BLOCK]);
            rng.fill_bytes(&mut key);
            rng.fill_bytes(&mut iv);
            let ours = TripleDes::new(key);
            let mut theirs = cbc::Encryptor::<TdesEde3>::new(&key.into(), &iv.into());
            let mut back = cbc::Decryptor::<TdesEde3>::new(&key.into(), &iv.into());
            let (mut encrypt_iv, mut decrypt_iv) = (iv, iv);
            // A second message continues with the IV that the first one left.
            for _ in 0..2 {
                let mut plain = vec![0; blocks * BLOCK];
                rng.fill_bytes(&mut plain);
                let (mut mine, mut expected) = (plain.clone(), plain.clone());
                ours.encrypt_cbc(&mut encrypt_iv, &mut mine);
                theirs.encrypt_blocks(Array::slice_as_chunks_mut(&mut expected).0);
                assert_eq!(mine, expected);
                ours.decrypt_cbc(&mut decrypt_iv, &mut mine);
                back.decrypt_blocks(Array::slice_as_chunks_mut(&mut expected).0);
                assert_eq!(mine, plain);
                assert_eq!(expected, plain);
            }
        }
    }

    #[test]
    fn two_keys_are_three_of_which_the_last_is_the_first() {
        let pair: [u8; 16] = std::array::from_fn(|at| at as u8 * 11);
        let three: [u8; 24] = std::array::from_fn(|at| pair[at % 16]);
        let mut by_two = [5; 24];
        let mut by_three = by_two;
        TripleDes::with_two_keys(pair).encrypt_cbc(&mut [1; BLOCK], &mut by_two);
        TripleDes::new(three).encrypt_cbc(&mut [1; BLOCK], &mut by_three);
        assert_eq!(by_two, by_three);
    }
}
