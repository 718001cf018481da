//! Known answers from the RFCs and from MIT krb5 (testdata/crypto_vectors.txt).

use kerbox_krb5::crypto::{constant_time_eq, krb_fx_cf2, nfold};
use kerbox_krb5::{ChecksumType, EncryptionKey, EncryptionType, Error, ErrorCode, KeyUsage};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Returns every supported type, including those used only by name.
fn all_types() -> impl Iterator<Item = EncryptionType> {
    let by_name = [
        EncryptionType::CAMELLIA256_CTS_CMAC,
        EncryptionType::CAMELLIA128_CTS_CMAC,
        EncryptionType::DES3_CBC_SHA1_KD,
        EncryptionType::RC4_HMAC,
    ];
    EncryptionType::DEFAULT.into_iter().chain(by_name)
}

/// A random number generator that returns the given bytes.
struct Fixed(Vec<u8>);

impl rand::TryRng for Fixed {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("only bytes are asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("only bytes are asked for")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let rest = self.0.split_off(bytes.len());
        bytes.copy_from_slice(&std::mem::replace(&mut self.0, rest));
        Ok(())
    }
}

fn unhex(text: &str) -> Vec<u8> {
    if text == "-" {
        return Vec::new();
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

/// Returns the fields of every vector of `kind`. There must be at least one.
fn vectors(kind: &str) -> Vec<Vec<&'static str>> {
    let lines = include_str!("../testdata/crypto_vectors.txt").lines();
    let vectors: Vec<_> = lines
        .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
        .map(|line| line.split(' ').collect())
        .collect();
    assert!(!vectors.is_empty());
    vectors
}

/// Returns the encryption type of a vector, if it is supported.
fn enctype(number: &str) -> Option<EncryptionType> {
    Some(EncryptionType(number.parse().expect("a number"))).filter(|enctype| enctype.is_supported())
}

fn key(enctype: EncryptionType, hex: &str) -> EncryptionKey {
    EncryptionKey::new(enctype, &unhex(hex)).expect("a key of the right length")
}

#[test]
fn nfold_gives_the_answers_of_rfc_3961() {
    assert_eq!(nfold::<8>(b"012345"), *unhex("be072631276b1955"));
    assert_eq!(nfold::<7>(b"password"), *unhex("78a07b6caf85fa"));
    assert_eq!(
        nfold::<8>(b"Rough Consensus, and Running Code"),
        *unhex("bb6ed30870b7f0e0")
    );
    assert_eq!(
        nfold::<21>(b"password"),
        *unhex("59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e")
    );
    assert_eq!(
        nfold::<24>(b"MASSACHVSETTS INSTITVTE OF TECHNOLOGY"),
        *unhex("db3b0d8f0b061e603282b308a50841229ad798fab9540c1b")
    );
    assert_eq!(
        nfold::<21>(b"Q"),
        *unhex("518a54a215a8452a518a54a215a8452a518a54a215")
    );
    assert_eq!(
        nfold::<21>(b"ba"),
        *unhex("fb25d531ae8974499f52fd92ea9857c4ba24cf297e")
    );
    assert_eq!(nfold::<8>(b"kerberos"), *unhex("6b65726265726f73"));
    assert_eq!(
        nfold::<16>(b"kerberos"),
        *unhex("6b65726265726f737b9b5b2b93132b93")
    );
    assert_eq!(
        nfold::<21>(b"kerberos"),
        *unhex("8372c236344e5f1550cd0747e15d62ca7a5a3bcea4")
    );
    assert_eq!(
        nfold::<32>(b"kerberos"),
        *unhex("6b65726265726f737b9b5b2b93132b935c9bdcdad95c9899c4cae4dee6d6cae4")
    );
    assert_eq!(nfold::<4>(b""), [0; 4]);
}

#[test]
fn string_to_key_gives_the_published_keys() {
    for vector in vectors("s2k") {
        let [number, password, salt, params, expected] = vector[..] else {
            panic!("{vector:?}")
        };
        let Some(enctype) = enctype(number) else {
            continue;
        };
        let params = unhex(params);
        let params = (!params.is_empty()).then_some(&params[..]);
        let key = EncryptionKey::from_password(enctype, &unhex(password), &unhex(salt), params)
            .expect("valid parameters");
        assert_eq!(key.as_bytes(), unhex(expected), "{vector:?}");
    }
}

#[test]
fn string_to_key_refuses_silly_parameters() {
    for params in [
        &[0, 0, 0, 0][..],
        &[1, 0, 0, 1],
        &[0xff; 4],
        &[],
        &[0, 0, 1],
        &[0, 0, 0, 16, 0],
    ] {
        for enctype in EncryptionType::DEFAULT {
            let refused = EncryptionKey::from_password(enctype, b"password", b"salt", Some(params));
            assert_eq!(
                refused,
                Err(Error::StringToKeyParams {
                    params: params.to_vec()
                })
            );
        }
    }
}

#[test]
fn ciphertexts_are_the_published_ones_and_decrypt() {
    for vector in vectors("encrypt") {
        let [number, usage, bytes, plaintext, ciphertext] = vector[..] else {
            panic!("{vector:?}")
        };
        let Some(enctype) = enctype(number) else {
            continue;
        };
        let (key, usage) = (
            key(enctype, bytes),
            KeyUsage(usage.parse().expect("a number")),
        );
        let (plaintext, ciphertext) = (unhex(plaintext), unhex(ciphertext));
        let mut buffer = ciphertext.clone();
        let range = key
            .decrypt_in_place(usage, &mut buffer)
            .expect("the MAC is right");
        assert!(buffer[range.clone()].starts_with(&plaintext), "{vector:?}");
        assert!(
            key.decrypt(usage, &ciphertext)
                .expect("the MAC is right")
                .starts_with(&plaintext),
            "{vector:?}"
        );

        let mut confounder =
            Fixed(buffer[range.start - key.confounder_len()..range.start].to_vec());
        assert_eq!(
            key.encrypt(usage, &plaintext, &mut confounder),
            ciphertext,
            "{vector:?}"
        );
    }
}

#[test]
fn a_ciphertext_changed_in_any_bit_or_cut_at_any_length_is_refused() {
    let mut rng = StdRng::seed_from_u64(1);
    let usage = KeyUsage::KRB_PRIV_ENC_PART;
    let refused = Err(Error::Protocol(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY));
    for enctype in all_types() {
        let key = EncryptionKey::random(enctype, &mut rng).expect("supported");
        let ciphertext = key.encrypt(usage, b"attack at dawn, by twenty past", &mut rng);
        for bit in 0..ciphertext.len() * 8 {
            let mut changed = ciphertext.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                key.decrypt(usage, &changed),
                refused,
                "{enctype}, bit {bit}"
            );
        }
        for len in 0..ciphertext.len() {
            assert_eq!(
                key.decrypt(usage, &ciphertext[..len]),
                refused,
                "{enctype}, {len} bytes"
            );
        }
        assert_eq!(
            key.decrypt(KeyUsage::KRB_CRED_ENC_PART, &ciphertext),
            refused,
            "{enctype}, another usage"
        );
        let other = EncryptionKey::random(enctype, &mut rng).expect("supported");
        assert_eq!(
            other.decrypt(usage, &ciphertext),
            refused,
            "{enctype}, another key"
        );
    }
}

#[test]
fn parts_are_encrypted_as_their_concatenation_behind_what_the_buffer_holds() {
    let mut rng = StdRng::seed_from_u64(2);
    let usage = KeyUsage::GSS_INITIATOR_SEAL;
    for enctype in all_types() {
        let key = EncryptionKey::random(enctype, &mut rng).expect("supported");
        let mut buffer = b"header".to_vec();
        key.encrypt_into(usage, &[b"one ", b"", b"two"], &mut rng, &mut buffer);
        let padding = usize::from(enctype == EncryptionType::DES3_CBC_SHA1_KD);
        assert_eq!(
            buffer.len(),
            6 + key.header_len() + 7 + padding + key.trailer_len()
        );
        assert_eq!(
            key.decrypt(usage, &buffer[6..]).expect("the MAC is right")[..7],
            *b"one two"
        );
    }
}

#[test]
fn checksums_are_the_published_ones_and_verify() {
    for vector in vectors("checksum") {
        let [checksum_type, number, usage, bytes, data, checksum] = vector[..] else {
            panic!("{vector:?}")
        };
        let Some(enctype) = enctype(number) else {
            continue;
        };
        let (key, usage) = (
            key(enctype, bytes),
            KeyUsage(usage.parse().expect("a number")),
        );
        let checksum_type = ChecksumType(checksum_type.parse().expect("a number"));
        let (data, checksum) = (unhex(data), unhex(checksum));
        assert_eq!(key.checksum_type(), checksum_type);
        assert_eq!(key.checksum(usage, &data), checksum, "{vector:?}");
        assert_eq!(key.checksum_len(), checksum.len(), "{vector:?}");
        let verify = |data: &[u8], checksum: &[u8]| {
            key.verify_checksum_of_type(checksum_type, usage, data, checksum)
        };
        assert_eq!(verify(&data, &checksum), Ok(()));
        let modified = Err(Error::Protocol(ErrorCode::KRB_AP_ERR_MODIFIED));
        assert_eq!(verify(&data[1..], &checksum), modified);
        assert_eq!(verify(&data, &checksum[1..]), modified);
        assert_eq!(verify(&data, &[]), modified);
    }
}

#[test]
fn checksums_without_a_key_or_of_another_keys_type_are_refused() {
    let key = key(
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        "42263c6e89f4fc28b8df68ee09799f15",
    );
    let verify = |checksum_type| {
        let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
        key.verify_checksum_of_type(checksum_type, usage, b"data", &key.checksum(usage, b"data"))
    };
    assert_eq!(verify(ChecksumType::HMAC_SHA1_96_AES128), Ok(()));
    for checksum_type in [
        ChecksumType::CRC32,
        ChecksumType::RSA_MD5,
        ChecksumType::SHA1,
        ChecksumType::HMAC_SHA1_96_AES256,
        ChecksumType::HMAC_SHA256_128_AES128,
    ] {
        assert_eq!(
            verify(checksum_type),
            Err(ErrorCode::KRB_AP_ERR_INAPP_CKSUM.into()),
            "{checksum_type:?}"
        );
    }
    for number in [0, 99, -99, 0x8003] {
        assert_eq!(
            verify(ChecksumType(number)),
            Err(ErrorCode::KDC_ERR_SUMTYPE_NOSUPP.into()),
            "{number}"
        );
    }
}

#[test]
fn hmac_md5_takes_a_key_of_any_type() {
    let key = key(
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        "f7d3a155af5e238a0b7a871a96ba2ab2",
    );
    let (usage, data) = (KeyUsage(6), b"seventeen eighteen nineteen twenty");
    let expected = unhex("eb38cc97e2230f59da4117dc5859d7ec");
    assert_eq!(key.hmac_md5(usage, data), *expected);
    let verify = |data: &[u8], checksum: &[u8]| {
        key.verify_checksum_of_type(ChecksumType::HMAC_MD5, usage, data, checksum)
    };
    assert_eq!(verify(data, &expected), Ok(()));
    assert_eq!(
        verify(&data[1..], &expected),
        Err(ErrorCode::KRB_AP_ERR_MODIFIED.into())
    );
}

#[test]
fn plain_md5_is_taken_in_the_authenticator_of_a_tgs_req_with_rc4_alone() {
    // MD5 of the empty message (RFC 1321, A.5).
    let digest = unhex("d41d8cd98f00b204e9800998ecf8427e");
    let verify = |enctype: EncryptionType, usage, data: &[u8]| {
        let key = EncryptionKey::new(enctype, &[7; 16]).expect("16 bytes");
        key.verify_checksum_of_type(ChecksumType::RSA_MD5, usage, data, &digest)
    };
    let (rc4, usage) = (
        EncryptionType::RC4_HMAC,
        KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM,
    );
    assert_eq!(verify(rc4, usage, b""), Ok(()));
    assert_eq!(
        verify(rc4, usage, b"x"),
        Err(ErrorCode::KRB_AP_ERR_MODIFIED.into())
    );
    let inappropriate = Err(ErrorCode::KRB_AP_ERR_INAPP_CKSUM.into());
    assert_eq!(verify(rc4, KeyUsage::KRB_SAFE_CHECKSUM, b""), inappropriate);
    assert_eq!(
        verify(EncryptionType::AES128_CTS_HMAC_SHA1_96, usage, b""),
        inappropriate
    );
}

#[test]
fn the_older_types_take_no_parameters_of_string_to_key() {
    for enctype in [EncryptionType::DES3_CBC_SHA1_KD, EncryptionType::RC4_HMAC] {
        assert!(EncryptionKey::from_password(enctype, b"p", b"s", Some(&[0, 0, 16, 0])).is_err());
        assert!(EncryptionKey::from_password(enctype, b"p", b"s", Some(&[])).is_ok());
    }
}

#[test]
fn the_prf_gives_the_published_answers() {
    for vector in vectors("prf") {
        let [number, bytes, input, output] = vector[..] else {
            panic!("{vector:?}")
        };
        let Some(enctype) = enctype(number) else {
            continue;
        };
        assert_eq!(
            key(enctype, bytes).prf(&unhex(input)),
            unhex(output),
            "{vector:?}"
        );
    }
}

#[test]
fn krb_fx_cf2_gives_the_answers_of_rfc_6113() {
    for vector in vectors("cf2") {
        let [number, expected] = vector[..] else {
            panic!("{vector:?}")
        };
        let Some(enctype) = enctype(number) else {
            continue;
        };
        let [key1, key2] = [b"key1", b"key2"].map(|name| {
            EncryptionKey::from_password(enctype, name, name, None).expect("supported")
        });
        let combined = krb_fx_cf2(&key1, &key2, b"a", b"b").expect("supported");
        assert_eq!(combined.as_bytes(), unhex(expected), "{vector:?}");
        assert_eq!(combined.enctype(), enctype);
    }
}

#[test]
fn keys_of_the_wrong_length_or_type_are_refused() {
    assert_eq!(
        EncryptionKey::new(EncryptionType::AES256_CTS_HMAC_SHA1_96, &[0; 16]),
        Err(Error::KeyLength {
            enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
            expected: 32,
            got: 16
        })
    );
    for number in [0, 1, 3, 24, 99, -1] {
        let enctype = EncryptionType(number);
        let refused = EncryptionKey::new(enctype, &[0; 16]).expect_err("not supported");
        assert_eq!(refused, Error::EncryptionType { enctype });
        assert_eq!(refused.code(), ErrorCode::KDC_ERR_ETYPE_NOSUPP);
        assert!(EncryptionKey::random(enctype, &mut StdRng::seed_from_u64(0)).is_err());
    }
}

#[test]
fn a_key_does_not_print_its_bytes() {
    let key = key(
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        "42263c6e89f4fc28b8df68ee09799f15",
    );
    assert_eq!(format!("{key:?}"), "EncryptionKey(aes128-cts-hmac-sha1-96)");
}

#[test]
fn encryption_types_are_read_by_all_their_names_and_printed_by_one() {
    for (text, number) in [
        ("aes256-cts-hmac-sha1-96", 18),
        ("AES256-CTS", 18),
        ("camellia256-cts-cmac", 26),
        ("camellia128-cts", 25),
        ("aes256-sha1", 18),
        ("aes128-cts", 17),
        ("aes128-sha2", 19),
        ("aes256-sha2", 20),
        ("rc4-hmac", 23),
        ("arcfour-hmac-md5", 23),
        ("des3-cbc-sha1-kd", 16),
    ] {
        let enctype: EncryptionType = text.parse().expect(text);
        assert_eq!(enctype, EncryptionType(number), "{text}");
        assert_eq!(enctype.to_string().parse(), Ok(enctype));
        assert_eq!(enctype.is_weak(), [16, 23].contains(&number));
    }
    assert!("aes512".parse::<EncryptionType>().is_err());
    assert_eq!(EncryptionType(99).to_string(), "etype 99");
}

#[test]
fn clones_of_a_key_used_by_many_threads_agree() {
    let key = key(EncryptionType::AES256_CTS_HMAC_SHA384_192, &"6d".repeat(32));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let key = key.clone();
            scope.spawn(move || {
                for usage in (0..16).map(|usage| KeyUsage((usage + thread) % 16)) {
                    let mut rng = StdRng::seed_from_u64(u64::from(thread));
                    let fresh = EncryptionKey::new(key.enctype(), key.as_bytes()).expect("valid");
                    let ciphertext = key.encrypt(usage, b"data", &mut rng);
                    assert_eq!(
                        fresh.decrypt(usage, &ciphertext).expect("the same key"),
                        b"data"
                    );
                    assert!(fresh.verify_checksum(usage, b"data", &key.checksum(usage, b"data")));
                }
            });
        }
    });
}

#[test]
fn byte_strings_are_compared_whole() {
    assert!(constant_time_eq(b"", b""));
    assert!(constant_time_eq(b"abc", b"abc"));
    assert!(!constant_time_eq(b"abc", b"abd"));
    assert!(!constant_time_eq(b"abc", b"ab"));
}
