//! The tables of FIPS 46-3, merged for speed, and the key schedule.

/// The cipher's block in bytes.
pub(crate) const BLOCK: usize = 8;

/// The permutation P behind the substitutions (FIPS 46-3, page 15): source bit of each output bit.
const P: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19,
    13, 30, 6, 22, 11, 4, 25,
];

/// Permuted choice 1 (page 19): the key bits that become C and D.
const PC1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60,
    52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29,
    21, 13, 5, 28, 20, 12, 4,
];

/// Permuted choice 2 (page 21): the bits of CD that become a round's key.
const PC2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52,
    31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];

/// The rounds before which C and D are rotated by one bit; before the others they rotate by two.
const SINGLE_ROTATIONS: [usize; 4] = [0, 1, 8, 15];

/// The substitutions S1 to S8 (pages 17 and 18), row by row.
const S: [[u8; 64]; 8] = [
    [
        14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12,
        11, 9, 5, 3, 8, 4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9,
        1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
    ],
    [
        15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1,
        10, 6, 9, 11, 5, 0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15,
        4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
    ],
    [
        10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5,
        14, 12, 11, 15, 1, 13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6,
        9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
    ],
    [
        7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2,
        12, 1, 10, 14, 9, 10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1,
        13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
    ],
    [
        2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15,
        10, 3, 9, 8, 6, 4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14,
        2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
    ],
    [
        12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13,
        14, 0, 11, 3, 8, 9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5,
        15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
    ],
    [
        4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5,
        12, 2, 15, 8, 6, 1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4,
        10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
    ],
    [
        13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6,
        11, 0, 14, 9, 2, 7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10,
        8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
    ],
];

/// Each substitution merged with the permutation P and the expansion E, so that a round's output is
/// already in the form that the next round reads.
pub(super) static SPE: [[u64; 64]; 8] = substitute_permute_expand();

const fn substitute_permute_expand() -> [[u64; 64]; 8] {
    let mut tables = [[0; 64]; 8];
    let mut table = 0;
    while table < 8 {
        let mut input = 0;
        while input < 64 {
            // The outer bits select the row, the inner four the column.
            let row = (input >> 4 & 2) | (input & 1);
            let column = input >> 1 & 15;
            let nibble = S[table][row * 16 + column] as u32;
            let placed = nibble << (28 - 4 * table);
            let mut permuted = 0;
            let mut bit = 0;
            while bit < 32 {
                permuted |= (placed >> (32 - P[bit]) & 1) << (31 - bit);
                bit += 1;
            }
            tables[table][input] = expand(permuted);
            input += 1;
        }
        table += 1;
    }
    tables
}

/// Applies the expansion E: six bits for each substitution, each group in its own byte, with S1 in
/// the highest.
pub(super) const fn expand(half: u32) -> u64 {
    // The substitution's own four bits go between the bit before them and the bit after them.
    let before = spread(half.rotate_right(1)) & 0x0808_0808_0808_0808;
    let after = spread(half.rotate_left(1)) & 0x0101_0101_0101_0101;
    before << 2 | spread(half) << 1 | after
}

/// Spreads the half so that each four bits get their own byte.
const fn spread(half: u32) -> u64 {
    let bits = half as u64;
    let bits = (bits | bits << 16) & 0x0000_FFFF_0000_FFFF;
    let bits = (bits | bits << 8) & 0x00FF_00FF_00FF_00FF;
    (bits | bits << 4) & 0x0F0F_0F0F_0F0F_0F0F
}

/// Undoes [`expand`].
pub(super) const fn compress(expanded: u64) -> u32 {
    let bits = expanded >> 1 & 0x0F0F_0F0F_0F0F_0F0F;
    let bits = (bits | bits >> 4) & 0x00FF_00FF_00FF_00FF;
    let bits = (bits | bits >> 8) & 0x0000_FFFF_0000_FFFF;
    (bits | bits >> 16) as u32
}

/// A round's key, with its bits in the positions that [`expand`] gives to the bits they are added
/// to.
pub(super) type RoundKey = u64;

/// Computes the sixteen round keys of one DES key. Ignores the parity bits of `key`.
pub(super) fn schedule(key: [u8; BLOCK]) -> [RoundKey; 16] {
    let select = |from: u64, width: u8, sources: &[u8]| {
        sources.iter().fold(0, |bits: u64, source| {
            bits << 1 | from >> (width - source) & 1
        })
    };
    let chosen = select(u64::from_be_bytes(key), 64, &PC1);
    let rotate = |half: u64, by: u32| (half << by | half >> (28 - by)) & 0x0FFF_FFFF;
    let (mut c, mut d) = (chosen >> 28, chosen & 0x0FFF_FFFF);
    std::array::from_fn(|round| {
        let by = if SINGLE_ROTATIONS.contains(&round) {
            1
        } else {
            2
        };
        (c, d) = (rotate(c, by), rotate(d, by));
        PC2.chunks_exact(6).fold(0, |round_key, sources| {
            round_key << 8 | select(c << 28 | d, 56, sources)
        })
    })
}
