//! A trust store in the format PKCS #12 (RFC 7292), as Java and OpenSSL read it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, Tag, construct_der};

/// `id-data` of CMS: the contents are as they are.
const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
/// A bag with a certificate.
const CERT_BAG: &[u64] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 3];
const X509_CERTIFICATE: &[u64] = &[1, 2, 840, 113_549, 1, 9, 22, 1];
const FRIENDLY_NAME: &[u64] = &[1, 2, 840, 113_549, 1, 9, 20];
/// Java's mark of a certificate that is trusted: without it, its key stores ignore the entry.
const TRUSTED_KEY_USAGE: &[u64] = &[2, 16, 840, 1, 113_894, 746_875, 1, 1];
const ANY_EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37, 0];
const SHA256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];

/// The length of the salt.
const SALT: usize = 20;
/// The length of the blocks of SHA-256, to which salt and password are filled up.
const BLOCK: usize = 64;
/// The purpose of a derived key: integrity (appendix B.3).
const FOR_INTEGRITY: u8 = 3;

/// Returns a store with one certificate. The password protects only its integrity. It is public, so
/// the key is derived in one iteration.
pub(super) fn store(password: &str, alias: &str, certificate: &[u8]) -> Vec<u8> {
    let bags = construct_der(|writer| {
        writer.write_sequence_of(|writer| {
            write_bag(writer.next(), alias, certificate);
        });
    });
    let contents = construct_der(|writer| {
        writer.write_sequence_of(|writer| write_data(writer.next(), &bags));
    });
    // A certificate differs from all others, so the salt does, too.
    let salt = &Sha256::digest(certificate)[..SALT];
    let code = code(password, salt, &contents);
    construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_u8(3);
            write_data(writer.next(), &contents);
            writer.next().write_sequence(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_sequence(|writer| {
                        writer.next().write_oid(&oid(SHA256));
                        writer.next().write_null();
                    });
                    writer.next().write_bytes(&code);
                });
                writer.next().write_bytes(salt);
            });
        });
    })
}

/// Writes a `ContentInfo` of plain bytes.
fn write_data(writer: DERWriter<'_>, bytes: &[u8]) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(DATA));
        writer
            .next()
            .write_tagged(Tag::context(0), |writer| writer.write_bytes(bytes));
    });
}

/// Writes the `SafeBag` of a certificate that is trusted for everything.
fn write_bag(writer: DERWriter<'_>, alias: &str, certificate: &[u8]) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(CERT_BAG));
        writer.next().write_tagged(Tag::context(0), |writer| {
            writer.write_sequence(|writer| {
                writer.next().write_oid(&oid(X509_CERTIFICATE));
                writer
                    .next()
                    .write_tagged(Tag::context(0), |writer| writer.write_bytes(certificate));
            });
        });
        writer.next().write_set_of(|writer| {
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid(FRIENDLY_NAME));
                writer
                    .next()
                    .write_set_of(|writer| writer.next().write_bmp_string(alias));
            });
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid(TRUSTED_KEY_USAGE));
                writer
                    .next()
                    .write_set_of(|writer| writer.next().write_oid(&oid(ANY_EXTENDED_KEY_USAGE)));
            });
        });
    });
}

/// Returns the code that protects the contents. Its key is derived as in appendix B.2, whose one
/// iteration gives as many bytes as are needed.
fn code(password: &str, salt: &[u8], contents: &[u8]) -> Vec<u8> {
    let mut text: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    text.extend([0, 0]);
    let key = Sha256::new()
        .chain_update([FOR_INTEGRITY; BLOCK])
        .chain_update(repeated(salt))
        .chain_update(repeated(&text))
        .finalize();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(contents);
    mac.finalize().into_bytes().to_vec()
}

/// Repeats bytes up to a multiple of a block.
fn repeated(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().next_multiple_of(BLOCK);
    bytes.iter().copied().cycle().take(length).collect()
}

fn oid(arcs: &[u64]) -> ObjectIdentifier {
    ObjectIdentifier::from_slice(arcs)
}
