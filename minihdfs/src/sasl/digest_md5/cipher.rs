//! The ciphers of auth-conf (RFC 2831, 2.4), whose state carries over from one message to the next.

use cbc::cipher::{
    Array, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit, StreamCipher, consts::U8,
};
use des::Des;
use kerbox_krb5::crypto::TripleDes;
use rc4::Rc4;

use super::hash::{self, Direction};

/// A cipher offered in the challenge.
///
/// ```
/// use minihdfs::sasl::DigestCipher;
///
/// assert_eq!(DigestCipher::ALL[0], DigestCipher::TripleDes);
/// assert_eq!(DigestCipher::TripleDes.name(), "3des");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DigestCipher {
    /// `3des`: two-key triple DES in CBC mode.
    TripleDes,
    /// `rc4` with 128 bits.
    Rc4,
    /// `des` in CBC mode.
    Des,
    /// `rc4-56`.
    Rc4With56Bits,
    /// `rc4-40`.
    Rc4With40Bits,
}

impl DigestCipher {
    /// All ciphers, strongest first: the list that the JDK offers, which works for every client.
    pub const ALL: [Self; 5] = [
        Self::TripleDes,
        Self::Rc4,
        Self::Des,
        Self::Rc4With56Bits,
        Self::Rc4With40Bits,
    ];

    /// Returns the name in the challenge and in `dfs.encrypt.data.transfer.algorithm`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TripleDes => "3des",
            Self::Rc4 => "rc4",
            Self::Des => "des",
            Self::Rc4With56Bits => "rc4-56",
            Self::Rc4With40Bits => "rc4-40",
        }
    }

    /// Returns the cipher with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|cipher| cipher.name().eq_ignore_ascii_case(name))
    }

    /// Returns the number of bytes of H(A1) that go into the key.
    const fn strength(self) -> usize {
        match self {
            Self::TripleDes | Self::Rc4 | Self::Des => 16,
            Self::Rc4With56Bits => 7,
            Self::Rc4With40Bits => 5,
        }
    }

    pub(super) const fn is_block_cipher(self) -> bool {
        matches!(self, Self::TripleDes | Self::Des)
    }
}

/// Encrypts the messages of one direction.
pub(super) enum Encryptor {
    TripleDes(Chained),
    Des(cbc::Encryptor<Des>),
    Rc4(Rc4),
}

/// Decrypts the messages of one direction.
pub(super) enum Decryptor {
    TripleDes(Chained),
    Des(cbc::Decryptor<Des>),
    Rc4(Rc4),
}

/// Triple DES with the IV for the next message.
pub(super) struct Chained {
    cipher: TripleDes,
    iv: [u8; 8],
}

impl Chained {
    fn new(keys: &DesKeys) -> Self {
        Self {
            cipher: TripleDes::with_two_keys(keys.pair),
            iv: keys.iv,
        }
    }
}

/// The keys derived from a 16-byte sealing key: 7 bytes for each DES key, and the last 8 for the
/// IV.
struct DesKeys {
    pair: [u8; 16],
    iv: [u8; 8],
}

impl DesKeys {
    fn new(key: [u8; 16]) -> Self {
        let mut pair = [0; 16];
        pair[..8].copy_from_slice(&spread(&key[..7]));
        pair[8..].copy_from_slice(&spread(&key[7..14]));
        let mut iv = [0; 8];
        iv.copy_from_slice(&key[8..]);
        Self { pair, iv }
    }

    fn single(&self) -> [u8; 8] {
        let mut key = [0; 8];
        key.copy_from_slice(&self.pair[..8]);
        key
    }
}

/// Spreads seven bytes over eight, seven bits in each. The low bits are parity, which DES ignores.
fn spread(bytes: &[u8]) -> [u8; 8] {
    let bits = bytes
        .iter()
        .fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    std::array::from_fn(|at| ((bits >> (49 - 7 * at)) as u8) << 1)
}

fn rc4(key: [u8; 16]) -> Rc4 {
    Rc4::new_from_slice(&key).expect("RC4 takes a key of 16 bytes")
}

impl Encryptor {
    pub(super) fn new(cipher: DigestCipher, session_key: &[u8; 16], direction: Direction) -> Self {
        let key = hash::sealing_key(session_key, cipher.strength(), direction);
        let des = DesKeys::new(key);
        match cipher {
            DigestCipher::TripleDes => Self::TripleDes(Chained::new(&des)),
            DigestCipher::Des => {
                Self::Des(cbc::Encryptor::new(&des.single().into(), &des.iv.into()))
            }
            DigestCipher::Rc4 | DigestCipher::Rc4With56Bits | DigestCipher::Rc4With40Bits => {
                Self::Rc4(rc4(key))
            }
        }
    }

    /// Encrypts `data` in place. For a block cipher its length must be a multiple of 8.
    pub(super) fn apply(&mut self, data: &mut [u8]) {
        match self {
            Self::TripleDes(chained) => chained.cipher.encrypt_cbc(&mut chained.iv, data),
            Self::Des(cipher) => cipher.encrypt_blocks(blocks(data)),
            Self::Rc4(cipher) => cipher.apply_keystream(data),
        }
    }
}

impl Decryptor {
    pub(super) fn new(cipher: DigestCipher, session_key: &[u8; 16], direction: Direction) -> Self {
        let key = hash::sealing_key(session_key, cipher.strength(), direction);
        let des = DesKeys::new(key);
        match cipher {
            DigestCipher::TripleDes => Self::TripleDes(Chained::new(&des)),
            DigestCipher::Des => {
                Self::Des(cbc::Decryptor::new(&des.single().into(), &des.iv.into()))
            }
            DigestCipher::Rc4 | DigestCipher::Rc4With56Bits | DigestCipher::Rc4With40Bits => {
                Self::Rc4(rc4(key))
            }
        }
    }

    /// Decrypts `data` in place. For a block cipher its length must be a multiple of 8.
    pub(super) fn apply(&mut self, data: &mut [u8]) {
        match self {
            Self::TripleDes(chained) => chained.cipher.decrypt_cbc(&mut chained.iv, data),
            Self::Des(cipher) => cipher.decrypt_blocks(blocks(data)),
            Self::Rc4(cipher) => cipher.apply_keystream(data),
        }
    }
}

fn blocks(data: &mut [u8]) -> &mut [Array<u8, U8>] {
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    debug_assert!(rest.is_empty(), "a block cipher is given whole blocks");
    blocks
}
