//! Triple DES in CBC mode, as des3-cbc-sha1-kd uses it.

use super::triple_des::TripleDes;

/// The cipher's block, and the confounder, in bytes.
pub(super) const BLOCK: usize = super::triple_des::BLOCK;

/// Triple DES in CBC mode, with an expanded key.
pub(crate) struct Des3Cipher(TripleDes);

impl Des3Cipher {
    pub(super) fn new(key: &[u8; 24]) -> Self {
        Self(TripleDes::new(*key))
    }

    /// Encrypts whole blocks in place with a zero IV.
    pub(super) fn encrypt(&self, data: &mut [u8]) {
        self.encrypt_from([0; BLOCK], data);
    }

    /// Decrypts whole blocks in place with a zero IV.
    pub(super) fn decrypt(&self, data: &mut [u8]) {
        self.decrypt_from([0; BLOCK], data);
    }

    /// Encrypts whole blocks in place with the given IV.
    pub(super) fn encrypt_from(&self, mut iv: [u8; BLOCK], data: &mut [u8]) {
        self.0.encrypt_cbc(&mut iv, whole_blocks(data));
    }

    /// Decrypts whole blocks in place with the given IV.
    pub(super) fn decrypt_from(&self, mut iv: [u8; BLOCK], data: &mut [u8]) {
        self.0.decrypt_cbc(&mut iv, whole_blocks(data));
    }
}

/// Returns `data` without an incomplete last block.
fn whole_blocks(data: &mut [u8]) -> &mut [u8] {
    data.as_chunks_mut::<BLOCK>().0.as_flattened_mut()
}
