//! KRB-FX-CF2 (RFC 6113, 5.1).

use super::EncryptionKey;
use crate::Error;

/// Combines two keys under their peppers. The result has the encryption type of `key1`.
pub fn krb_fx_cf2(
    key1: &EncryptionKey,
    key2: &EncryptionKey,
    pepper1: &[u8],
    pepper2: &[u8],
) -> Result<EncryptionKey, Error> {
    let enctype = key1.enctype();
    let mut seed = prf_plus(key1, pepper1, enctype.seed_len());
    for (byte, other) in seed
        .iter_mut()
        .zip(prf_plus(key2, pepper2, enctype.seed_len()))
    {
        *byte ^= other;
    }
    EncryptionKey::random_to_key(enctype, &seed)
}

/// Computes PRF+ (RFC 6113, 5.1): concatenates PRF(counter byte, pepper) until there are `len`
/// bytes.
pub(crate) fn prf_plus(key: &EncryptionKey, pepper: &[u8], len: usize) -> Vec<u8> {
    let mut output = Vec::new();
    let mut input = [&[0], pepper].concat();
    while output.len() < len {
        input[0] += 1;
        output.extend(key.prf(&input));
    }
    output.truncate(len);
    output
}
