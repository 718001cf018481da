//! Java's key store format JKS, with certificates that are trusted.

use kerbox_krb5::Timestamp;
use sha1::{Digest, Sha1};

/// The first bytes of a store.
const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;
/// The tag of an entry with a certificate that is trusted.
const TRUSTED: u32 = 2;
/// The kind of certificate.
const KIND: &str = "X.509";
/// The words that are hashed between the password and the contents.
const SALT: &[u8] = b"Mighty Aphrodite";

/// Returns a store with one certificate. The password protects only its integrity.
pub(super) fn store(password: &str, alias: &str, made: Timestamp, certificate: &[u8]) -> Vec<u8> {
    let mut store = Vec::new();
    for number in [MAGIC, VERSION, 1, TRUSTED] {
        store.extend(number.to_be_bytes());
    }
    put_text(&mut store, alias);
    store.extend(made.as_millis().to_be_bytes());
    put_text(&mut store, KIND);
    store.extend((certificate.len() as u32).to_be_bytes());
    store.extend(certificate);
    let digest = Sha1::new()
        .chain_update(utf16(password))
        .chain_update(SALT)
        .chain_update(&store)
        .finalize();
    store.extend(digest);
    store
}

/// Writes a short ASCII text as `DataOutputStream.writeUTF` does.
fn put_text(store: &mut Vec<u8>, text: &str) {
    store.extend((text.len() as u16).to_be_bytes());
    store.extend(text.as_bytes());
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_javas_layout() {
        let store = store("changeit", "ca", Timestamp::EPOCH, b"DER");
        let expected = [
            &[0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..],
            b"\0\x02ca",
            &[0; 8],
            b"\0\x05X.509",
            b"\0\0\0\x03DER",
        ]
        .concat();
        assert_eq!(store[..store.len() - 20], expected);
    }
}
