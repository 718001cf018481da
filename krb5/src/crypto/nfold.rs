//! n-fold (RFC 3961, 5.1).

/// Stretches or shrinks `input` to `N` bytes so that every bit of the input counts about equally (RFC 3961, 5.1).
///
/// The input is written over and over, each time rotated right by 13 bits more, up to the least common multiple of
/// both lengths; the pieces of `N` bytes are then added in ones' complement. An empty input gives zeros.
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
        // The byte at `position` of the n-th copy starts `13 * n` bits before its place in the input, cyclically.
        let rotation = 13 * (position / input.len()) % input_bits;
        let start = (position % input.len() * 8 + input_bits - rotation) % input_bits;
        let (first, shift) = (start / 8, start % 8);
        let pair = u32::from(input[first]) << 8 | u32::from(input[(first + 1) % input.len()]);
        carry += (pair >> (8 - shift) & 0xff) + u32::from(sum[position % N]);
        sum[position % N] = carry as u8;
        carry >>= 8;
    }
    // Ones' complement: what is carried out at the top comes in again at the bottom.
    for byte in sum.iter_mut().rev() {
        carry += u32::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
    sum
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
