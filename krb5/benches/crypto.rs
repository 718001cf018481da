//! The cost of each encryption type's cryptography: `cargo bench -p kerbox-krb5`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kerbox_krb5::crypto::TripleDes;
use kerbox_krb5::{EncryptionKey, EncryptionType, KeyUsage};
use rand::SeedableRng;
use rand::rngs::StdRng;

const TYPES: [EncryptionType; 6] = [
    EncryptionType::AES256_CTS_HMAC_SHA1_96,
    EncryptionType::AES128_CTS_HMAC_SHA1_96,
    EncryptionType::AES256_CTS_HMAC_SHA384_192,
    EncryptionType::AES128_CTS_HMAC_SHA256_128,
    EncryptionType::RC4_HMAC,
    EncryptionType::DES3_CBC_SHA1_KD,
];

/// The length of a ticket, and of a large Wrap token.
const LENGTHS: [usize; 2] = [256, 64 * 1024];

fn key(enctype: EncryptionType) -> EncryptionKey {
    EncryptionKey::random(enctype, &mut StdRng::seed_from_u64(1)).expect("supported")
}

fn with_derived_keys(criterion: &mut Criterion) {
    let usage = KeyUsage::GSS_INITIATOR_SEAL;
    let mut rng = StdRng::seed_from_u64(2);
    for len in LENGTHS {
        let plaintext = vec![7; len];
        let mut group = criterion.benchmark_group(format!("{len} bytes"));
        group.throughput(Throughput::Bytes(len as u64));
        for enctype in TYPES {
            let key = key(enctype);
            let mut output = Vec::new();
            group.bench_function(BenchmarkId::new("encrypt", enctype), |bench| {
                bench.iter(|| {
                    output.clear();
                    key.encrypt_into(usage, &[&plaintext], &mut rng, &mut output);
                });
            });
            let ciphertext = key.encrypt(usage, &plaintext, &mut rng);
            group.bench_function(BenchmarkId::new("decrypt", enctype), |bench| {
                let mut buffer = ciphertext.clone();
                bench.iter(|| {
                    buffer.copy_from_slice(&ciphertext);
                    black_box(
                        key.decrypt_in_place(usage, &mut buffer)
                            .expect("the MAC is right"),
                    );
                });
            });
            group.bench_function(BenchmarkId::new("checksum", enctype), |bench| {
                bench.iter(|| key.checksum(usage, &plaintext));
            });
        }
    }
}

/// The bare cipher of DIGEST-MD5, as servers use it for one message: `… -- 3des`.
fn triple_des(criterion: &mut Criterion) {
    let cipher = TripleDes::with_two_keys(*b"sixteen byte key");
    let mut data = vec![7; LENGTHS[1]];
    let mut group = criterion.benchmark_group("3des in CBC mode");
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("encrypt", |bench| {
        let mut iv = [0; 8];
        bench.iter(|| cipher.encrypt_cbc(&mut iv, &mut data));
    });
    group.bench_function("decrypt", |bench| {
        let mut iv = [0; 8];
        bench.iter(|| cipher.decrypt_cbc(&mut iv, &mut data));
    });
}

/// Includes the key derivation, as paid for a session key that is used once.
fn one_off_keys(criterion: &mut Criterion) {
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
    let mut rng = StdRng::seed_from_u64(3);
    let mut group = criterion.benchmark_group("new key, decrypt 100 bytes");
    for enctype in TYPES {
        let key = key(enctype);
        let ciphertext = key.encrypt(usage, &[7; 100], &mut rng);
        let mut buffer = ciphertext.clone();
        group.bench_function(BenchmarkId::from_parameter(enctype), |bench| {
            bench.iter(|| {
                buffer.copy_from_slice(&ciphertext);
                let key = EncryptionKey::new(enctype, key.as_bytes()).expect("the right length");
                black_box(
                    key.decrypt_in_place(usage, &mut buffer)
                        .expect("the MAC is right"),
                );
            });
        });
    }
}

fn passwords(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("string-to-key");
    group.sample_size(10);
    for enctype in TYPES {
        group.bench_function(BenchmarkId::from_parameter(enctype), |bench| {
            bench.iter(|| {
                EncryptionKey::from_password(enctype, b"alice-pw", b"EXAMPLE.COMalice", None)
                    .expect("supported")
            });
        });
    }
}

criterion_group!(
    benches,
    with_derived_keys,
    triple_des,
    one_off_keys,
    passwords
);
criterion_main!(benches);
