//! CBC with ciphertext stealing and a zero IV (RFC 3962, 5: the last two blocks are always
//! swapped).

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockModeDecrypt, BlockSizeUser, InnerIvInit,
};

/// The cipher's block, in bytes.
pub(super) const BLOCK: usize = 16;

type Block = Array<u8, U16>;

/// Up to this length, blocks are not decrypted in parallel.
const SHORT: usize = 64 * BLOCK;

/// Returns the number of bytes before the last two blocks. The very last block may be short.
fn body_len(len: usize) -> usize {
    (len.div_ceil(BLOCK) - 2) * BLOCK
}

/// Encrypts `data` in place. It must hold at least one block; a confounder guarantees that.
pub(super) fn encrypt<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C, data: &mut [u8]) {
    cipher.encrypt_with_backend(Encryption(data));
}

/// Decrypts `data` in place. It must hold at least one block.
pub(super) fn decrypt<C: BlockCipherDecrypt<BlockSize = U16>>(cipher: &C, data: &mut [u8]) {
    let mut decryption = Decryption {
        data,
        chain: Block::default(),
    };
    if decryption.data.len() > SHORT {
        let body = body_len(decryption.data.len());
        let (body, rest) = decryption.data.split_at_mut(body);
        let chain = Block::try_from(&body[body.len() - BLOCK..]).expect("a block");
        let mut cbc = cbc::Decryptor::inner_iv_init(cipher, &Block::default());
        cbc.decrypt_blocks(Array::slice_as_chunks_mut(body).0);
        decryption = Decryption { data: rest, chain };
    }
    cipher.decrypt_with_backend(decryption);
}

fn xor(block: &mut Block, with: [u8; BLOCK]) {
    // As two numbers, for which a compiler needs no loop.
    let sum = u128::from_ne_bytes((*block).into()) ^ u128::from_ne_bytes(with);
    *block = sum.to_ne_bytes().into();
}

/// The encryption of a message in one call of the cipher: with AVX-512, each call first copies all
/// round keys, which takes as long as to encrypt five blocks.
struct Encryption<'a>(&'a mut [u8]);

impl BlockSizeUser for Encryption<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Encryption<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self(data) = self;
        let mut chain = Block::default();
        let whole = match data.len() {
            BLOCK => BLOCK,
            len => body_len(len) + BLOCK,
        };
        let (head, last) = data.split_at_mut(whole);
        for block in head.as_chunks_mut::<BLOCK>().0 {
            xor(&mut chain, *block);
            backend.encrypt_block_inplace(&mut chain);
            block.copy_from_slice(&chain);
        }
        if last.is_empty() {
            return;
        }
        let mut padded = [0; BLOCK];
        padded[..last.len()].copy_from_slice(last);
        xor(&mut chain, padded);
        backend.encrypt_block_inplace(&mut chain);
        let next_to_last = &mut head[whole - BLOCK..];
        last.copy_from_slice(&next_to_last[..last.len()]);
        next_to_last.copy_from_slice(&chain);
    }
}

/// The decryption of a message, or of its end, in one call of the cipher.
struct Decryption<'a> {
    data: &'a mut [u8],
    /// The ciphertext's block before.
    chain: Block,
}

impl BlockSizeUser for Decryption<'_> {
    type BlockSize = U16;
}

impl BlockCipherDecClosure for Decryption<'_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, backend: &B) {
        let Self { data, mut chain } = self;
        let mut decrypt = |block: &mut [u8; BLOCK]| {
            let mut plain = Block::from(*block);
            backend.decrypt_block_inplace(&mut plain);
            xor(&mut plain, chain.into());
            chain = Block::from(*block);
            *block = plain.into();
        };
        if let Ok(only) = <&mut [u8; BLOCK]>::try_from(&mut *data) {
            return decrypt(only);
        }
        let body = body_len(data.len());
        for block in data[..body].as_chunks_mut::<BLOCK>().0 {
            decrypt(block);
        }
        let Some((next_to_last, last)) = data[body..].split_first_chunk_mut() else {
            return; // not reached: there are two blocks
        };
        // The first of the two is the true last block. Its decryption gives the last plaintext,
        // xored with the true next-to-last block, and the bytes stolen from that block.
        let mut block = Block::from(*next_to_last);
        backend.decrypt_block_inplace(&mut block);
        *next_to_last = block.into();
        next_to_last[..last.len()].copy_from_slice(last);
        for (byte, plain) in last.iter_mut().zip(&block) {
            *byte ^= plain;
        }
        decrypt(next_to_last);
    }
}

#[cfg(test)]
mod tests {
    use aes::Aes128;
    use aes::cipher::{BlockModeEncrypt, KeyInit};

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

    #[test]
    fn messages_of_any_length_are_cbc_but_for_their_last_two_blocks() {
        let cipher = Aes128::new(b"chicken teriyaki".into());
        for len in (BLOCK..3 * BLOCK).chain(SHORT - 1..SHORT + 3 * BLOCK) {
            let plain: Vec<u8> = (0..len).map(|place| (place * 7) as u8).collect();
            let mut data = plain.clone();
            encrypt(&cipher, &mut data);
            let mut cbc = plain.clone();
            cbc.resize(len.next_multiple_of(BLOCK), 0);
            let mut encryptor = cbc::Encryptor::inner_iv_init(&cipher, &Block::default());
            encryptor.encrypt_blocks(Array::slice_as_chunks_mut(&mut cbc).0);
            if len > BLOCK {
                let body = body_len(len);
                let (first, second) = cbc[body..].split_at_mut(BLOCK);
                first.swap_with_slice(second);
                cbc.truncate(len);
            }
            assert_eq!(data, cbc, "{len} bytes");
            decrypt(&cipher, &mut data);
            assert_eq!(data, plain, "{len} bytes");
        }
    }
}
