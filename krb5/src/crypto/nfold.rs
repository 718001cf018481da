//! n-fold (RFC 3961, 5.1).

/// Stretches or shrinks `input` to `N` bytes so that every bit of the input has about the same
/// weight (RFC 3961, 5.1).
///
/// The input is repeated up to the least common multiple of both lengths, each copy rotated right
/// by 13 bits more than the last. The pieces of `N` bytes are then added in ones' complement. An
/// empty input gives zeros.
#[must_use]
pub fn nfold<const N: usize>(input: &[u8]) -> [u8; N] {
    let mut sum = [0_u8; N];
    if input.is_empty() || N == 0 {
        return sum;
    }
    let input_bits = input.len() * 8;
    let total = input.len() / gcd(input.len(), N) * N;
    let mut carry = 0_u32;
    for position in (0..total).rev() {
        // The byte at `position` of the n-th copy starts `13 * n` bits before its place in the
        // input, cyclically.
        let rotation = 13 * (position / input.len()) % input_bits;
        let start = (position % input.len() * 8 + input_bits - rotation) % input_bits;
        let (first, shift) = (start / 8, start % 8);
        let pair = u32::from(input[first]) << 8 | u32::from(input[(first + 1) % input.len()]);
        carry += (pair >> (8 - shift) & 0xff) + u32::from(sum[position % N]);
        sum[position % N] = carry as u8;
        carry >>= 8;
    }
    // Ones' complement: the carry out of the top is added back at the bottom.
    for byte in sum.iter_mut().rev() {
        carry += u32::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
    sum
}

/// Computes the 128-fold of five bytes, which every derivation for a key usage needs: [`nfold`]
/// without its divisions.
pub(super) fn nfold_usage(constant: [u8; 5]) -> [u8; 16] {
    const BITS: u32 = 40;
    let [a, b, c, d, e] = constant;
    let input = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
    // Sixteen copies make five pieces of 128 bits.
    let mut copies = [0_u8; 16 * 5];
    for (copy, index) in copies.chunks_exact_mut(5).zip(0..) {
        let rotation = 13 * index % BITS;
        let rotated = input >> rotation | input << (BITS - rotation);
        copy.copy_from_slice(&rotated.to_be_bytes()[3..]);
    }
    let add = |sum: u128, piece: &[u8; 16]| {
        let (sum, carry) = sum.overflowing_add(u128::from_be_bytes(*piece));
        sum.wrapping_add(carry.into())
    };
    copies.as_chunks().0.iter().fold(0, add).to_be_bytes()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_for_usages_gives_what_the_long_way_gives() {
        for usage in (0..2000_u32).chain([u32::MAX, 0x8000_0000]) {
            let [a, b, c, d] = usage.to_be_bytes();
            for purpose in [0x55, 0x99, 0xaa, 0, 0xff] {
                let constant = [a, b, c, d, purpose];
                assert_eq!(nfold_usage(constant), nfold(&constant), "{constant:02x?}");
            }
        }
    }
}
