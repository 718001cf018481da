//! CBC with ciphertext stealing and a zero IV (RFC 3962, 5: the last two blocks are always
//! swapped).

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit,
};

/// The cipher's block, in bytes.
pub(super) const BLOCK: usize = 16;

/// Returns the number of bytes before the last two blocks. The very last block may be short.
fn body_len(len: usize) -> usize {
    (len.div_ceil(BLOCK) - 2) * BLOCK
}

/// Encrypts `data` in place. It must hold at least one block; a confounder guarantees that.
pub(super) fn encrypt<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C, data: &mut [u8]) {
    let mut cbc = cbc::Encryptor::inner_iv_init(cipher, &Array::default());
    if data.len() == BLOCK {
        cbc.encrypt_blocks(Array::slice_as_chunks_mut(data).0);
        return;
    }
    let body = body_len(data.len());
    cbc.encrypt_blocks(Array::slice_as_chunks_mut(&mut data[..body + BLOCK]).0);
    let (next_to_last, last) = data[body..].split_at_mut(BLOCK);
    let mut block = Array::<u8, U16>::default();
    block[..last.len()].copy_from_slice(last);
    cbc.encrypt_block(&mut block);
    last.copy_from_slice(&next_to_last[..last.len()]);
    next_to_last.copy_from_slice(&block);
}

/// Decrypts `data` in place. It must hold at least one block.
pub(super) fn decrypt<C: BlockCipherDecrypt<BlockSize = U16>>(cipher: &C, data: &mut [u8]) {
    let mut cbc = cbc::Decryptor::inner_iv_init(cipher, &Array::default());
    if data.len() == BLOCK {
        cbc.decrypt_blocks(Array::slice_as_chunks_mut(data).0);
        return;
    }
    let body = body_len(data.len());
    cbc.decrypt_blocks(Array::slice_as_chunks_mut(&mut data[..body]).0);
    let (next_to_last, last) = data[body..].split_at_mut(BLOCK);
    // The first of the two is the true last block. Its decryption gives the last plaintext, xored
    // with the true next-to-last block, and the bytes stolen from that block.
    let mut block = Array::<u8, U16>::default();
    block.copy_from_slice(next_to_last);
    cipher.decrypt_block(&mut block);
    next_to_last.copy_from_slice(&block);
    next_to_last[..last.len()].copy_from_slice(last);
    for (byte, plain) in last.iter_mut().zip(&block) {
        *byte ^= plain;
    }
    cbc.decrypt_blocks(Array::slice_as_chunks_mut(next_to_last).0);
}

#[cfg(test)]
mod tests {
    use aes::Aes128;
    use aes::cipher::KeyInit;

    use super::*;

    #[test]
    fn the_vectors_of_rfc_3962_appendix_b_hold_both_ways() {
        let cipher = Aes128::new(b"chicken teriyaki".into());
        let input = b"I would like the General Gau's Chicken, please, and wonton soup.";
        // The plaintext's first blocks under CBC; every expected answer is composed of these.
        let first = "97687268d6ecccc0c07b25e25ecfe584";
        let second = "39312523a78662d5be7fcbcc98ebf5a8";
        let third = "9dad8bbb96c4cdc03bc103e1a194bbd8";
        for (len, expected) in [
            (16, first.to_owned()),
            (
                17,
                format!("c6353568f2bf8cb4d8a580362da7ff7f{}", &first[..2]),
            ),
            (
                31,
                format!("fc00783e0efdb2c1d445d4c8eff7ed22{}", &first[..30]),
            ),
            (32, format!("{second}{first}")),
            (
                47,
                format!("{first}b3fffd940c16a18c1b5549d2f838029e{}", &second[..30]),
            ),
            (48, format!("{first}{third}{second}")),
            (
                64,
                format!("{first}{second}4807efe836ee89a526730dbc2f7bc840{third}"),
            ),
        ] {
            let mut data = input[..len].to_vec();
            encrypt(&cipher, &mut data);
            let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{len} bytes");
            decrypt(&cipher, &mut data);
            assert_eq!(data, input[..len], "{len} bytes");
        }
    }
}
