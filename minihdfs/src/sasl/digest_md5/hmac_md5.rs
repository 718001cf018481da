//! HMAC-MD5 of several numbered messages at once.
//!
//! Each step of MD5 waits for the one before, so a processor that works on one digest is idle most
//! of the time. Two digests in one loop take little longer than one. At `integrity` a DataNode
//! spends most of its time here, and its packets come and go in batches. The `md-5` crate computes
//! one digest at a time.

/// The message's number, which is hashed before it.
const NUMBER: usize = 4;
const BLOCK: usize = 64;
/// The bytes at the end of the last block that hold the length in bits.
const LENGTH: usize = 8;

type State = [u32; 4];

/// A key of HMAC, with the first block of both hashes done (RFC 2104).
pub(super) struct HmacMd5 {
    inner: State,
    outer: State,
}

/// A message to sign: the key, the message's number and the message.
pub(super) type Lane<'a> = (&'a HmacMd5, u32, &'a [u8]);

impl HmacMd5 {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        let padded = |pad: u8| {
            let mut block = [pad; BLOCK];
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            let [state] = compressed([INITIAL], [&block]);
            state
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }
}

/// Computes the HMAC-MD5 of number and message in each lane.
pub(super) fn macs<const N: usize>(lanes: [Lane<'_>; N]) -> [[u8; 16]; N] {
    let mut states = lanes.map(|(key, ..)| key.inner);
    let messages = lanes.map(|(_, number, message)| Blocks::new(number, message));
    // The lanes run side by side as far as the shortest message goes, then each to its own end.
    let together = messages.each_ref().map(Blocks::count).into_iter().min();
    let together = together.unwrap_or_default();
    for at in 0..together {
        states = compressed(states, std::array::from_fn(|lane| messages[lane].at(at)));
    }
    for (state, message) in states.iter_mut().zip(&messages) {
        for at in together..message.count() {
            [*state] = compressed([*state], [message.at(at)]);
        }
    }
    let outer = lanes.map(|(key, ..)| key.outer);
    let digests = states.map(|state| {
        let mut block = [0; BLOCK];
        block[..16].copy_from_slice(&bytes_of(state));
        finish(&mut block, 16, BLOCK + 16);
        block
    });
    compressed(outer, digests.each_ref()).map(bytes_of)
}

/// The blocks of a message with its number before it and its length behind it.
struct Blocks<'a> {
    first: [u8; BLOCK],
    middle: &'a [[u8; BLOCK]],
    last: [[u8; BLOCK]; 2],
    lasts: usize,
}

impl<'a> Blocks<'a> {
    fn new(number: u32, message: &'a [u8]) -> Self {
        // HMAC's first block is hashed too.
        let length = BLOCK + NUMBER + message.len();
        let mut first = [0; BLOCK];
        first[..NUMBER].copy_from_slice(&number.to_be_bytes());
        let mut last = [[0; BLOCK]; 2];
        let Some((head, rest)) = message.split_at_checked(BLOCK - NUMBER) else {
            // Number and message do not fill a block: the first block is the last one's start.
            first[NUMBER..NUMBER + message.len()].copy_from_slice(message);
            last[0] = first;
            let lasts = finish(last.as_flattened_mut(), NUMBER + message.len(), length);
            return Self {
                first: last[0],
                middle: &[],
                last: [last[1]; 2],
                lasts: lasts - 1,
            };
        };
        first[NUMBER..].copy_from_slice(head);
        let (middle, tail) = rest.as_chunks();
        last[0][..tail.len()].copy_from_slice(tail);
        let lasts = finish(last.as_flattened_mut(), tail.len(), length);
        Self {
            first,
            middle,
            last,
            lasts,
        }
    }

    fn count(&self) -> usize {
        1 + self.middle.len() + self.lasts
    }

    #[inline(always)]
    fn at(&self, index: usize) -> &[u8; BLOCK] {
        match index.checked_sub(1) {
            None => &self.first,
            Some(at) => match self.middle.get(at) {
                Some(block) => block,
                None => &self.last[at - self.middle.len()],
            },
        }
    }
}

/// Pads `blocks`, whose first `filled` bytes are the end of a message of `length` bytes. Returns
/// the number of blocks that the padded end takes.
fn finish(blocks: &mut [u8], filled: usize, length: usize) -> usize {
    let count = (filled + 1 + LENGTH).div_ceil(BLOCK);
    blocks[filled] = 0x80;
    let bits = (length as u64).wrapping_mul(8);
    blocks[count * BLOCK - LENGTH..count * BLOCK].copy_from_slice(&bits.to_le_bytes());
    count
}

fn bytes_of(state: State) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *place = word.to_le_bytes();
    }
    bytes
}

/// The state before the first block (RFC 1321, 3.3).
const INITIAL: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The constants of the steps (RFC 1321, 3.4): the digits of sines.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee,
    0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be,
    0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa,
    0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed,
    0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c,
    0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05,
    0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039,
    0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1,
    0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// Hashes one block in each lane.
#[inline(always)]
fn compressed<const N: usize>(states: [State; N], blocks: [&[u8; BLOCK]; N]) -> [State; N] {
    let words = blocks.map(|block| block.as_chunks().0);
    let mut now = states;
    // A loop over the steps would keep the compiler from unrolling them.
    macro_rules! step {
        ($mix:ident, $at:expr, $word:expr, $by:expr) => {
            for lane in 0..N {
                let [a, b, c, d] = now[lane];
                let word = u32::from_le_bytes(words[lane][($word) & 15]);
                let sum = $mix(a.wrapping_add(SINES[$at]).wrapping_add(word), b, c, d);
                now[lane] = [d, b.wrapping_add(sum.rotate_left($by)), b, c];
            }
        };
    }
    macro_rules! four {
        ($mix:ident, $at:expr, $word:expr, $stride:expr, $by:expr) => {
            step!($mix, $at, $word, $by[0]);
            step!($mix, $at + 1, $word + $stride, $by[1]);
            step!($mix, $at + 2, $word + 2 * $stride, $by[2]);
            step!($mix, $at + 3, $word + 3 * $stride, $by[3]);
        };
    }
    macro_rules! round {
        ($mix:ident, $at:expr, $word:expr, $stride:expr, $by:expr) => {
            four!($mix, $at, $word, $stride, $by);
            four!($mix, $at + 4, $word + 4 * $stride, $stride, $by);
            four!($mix, $at + 8, $word + 8 * $stride, $stride, $by);
            four!($mix, $at + 12, $word + 12 * $stride, $stride, $by);
        };
    }
    round!(f, 0, 0, 1, [7, 12, 17, 22]);
    round!(g, 16, 1, 5, [5, 9, 14, 20]);
    round!(h, 32, 5, 3, [4, 11, 16, 23]);
    round!(i, 48, 0, 7, [6, 10, 15, 21]);
    std::array::from_fn(|lane| {
        std::array::from_fn(|word| states[lane][word].wrapping_add(now[lane][word]))
    })
}

// The functions of RFC 1321, 3.4, added to `sum`. What comes of `b`, which the step before computes
// last, is added last.

#[inline(always)]
fn f(sum: u32, b: u32, c: u32, d: u32) -> u32 {
    sum.wrapping_add(d ^ (b & (c ^ d)))
}

#[inline(always)]
fn g(sum: u32, b: u32, c: u32, d: u32) -> u32 {
    // The two terms have no bit in common, so they can be added one after the other.
    sum.wrapping_add(c & !d).wrapping_add(b & d)
}

#[inline(always)]
fn h(sum: u32, b: u32, c: u32, d: u32) -> u32 {
    sum.wrapping_add(b ^ (c ^ d))
}

#[inline(always)]
fn i(sum: u32, b: u32, c: u32, d: u32) -> u32 {
    sum.wrapping_add(c ^ (b | !d))
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use md5::Md5;
    use proptest::prelude::*;

    use super::*;

    fn expected(key: &[u8; 16], number: u32, message: &[u8]) -> [u8; 16] {
        let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(&number.to_be_bytes());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    #[test]
    fn every_length_around_a_block_is_as_the_crate_computes_it() {
        let key = [0xa5; 16];
        let hmac = HmacMd5::new(&key);
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            let (message, other) = (&bytes[..length], &bytes[length / 2..]);
            assert_eq!(macs([(&hmac, 7, message)]), [expected(&key, 7, message)]);
            assert_eq!(
                macs([(&hmac, 7, message), (&hmac, 8, other)]),
                [expected(&key, 7, message), expected(&key, 8, other)],
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn lanes_of_any_keys_and_lengths_are_as_the_crate_computes_them(
            keys in any::<[[u8; 16]; 2]>(),
            numbers in any::<[u32; 2]>(),
            first in prop::collection::vec(any::<u8>(), 0..2000),
            second in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let hmacs = keys.each_ref().map(HmacMd5::new);
            prop_assert_eq!(
                macs([(&hmacs[0], numbers[0], &first), (&hmacs[1], numbers[1], &second)]),
                [expected(&keys[0], numbers[0], &first), expected(&keys[1], numbers[1], &second)]
            );
        }
    }
}
