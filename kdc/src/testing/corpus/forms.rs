//! Malformed bytes, headers and numbers.

use super::Case;
use super::builder::{Request, der, integer, number, sequence, time};

/// Returns malformed requests, and more than one request in one message.
pub(super) fn literals(good: &Request) -> Vec<Case> {
    let good = good.encode();
    let case = |name: &str, bytes: Vec<u8>| (name.to_owned(), bytes);
    let mut nested = vec![0x6A, 0x80];
    nested.extend([0x30, 0x80].repeat(30_000));
    let mut long_form = vec![0x6A, 0x84, 0, 0];
    long_form.extend_from_slice(&u16::try_from(good.len() - 3).expect("short").to_be_bytes());
    long_form.extend_from_slice(&good[3..]);
    vec![
        case("nothing", Vec::new()),
        case("one byte", vec![0x6A]),
        // From MIT's tests: src/tests/t_cve-2013-1417 and others.
        case("6AFF", vec![0x6A, 0xFF]),
        case("6CFF", vec![0x6C, 0xFF]),
        case("FFFF", vec![0xFF, 0xFF]),
        case("zeros", vec![0; 60_000]),
        case("ones", vec![0xFF; 60_000]),
        case(
            "indefinite lengths, one in the other (CVE-2020-28196)",
            nested,
        ),
        case("bytes behind it", [&good[..], b"trailing"].concat()),
        case("two in one", [&good[..], &good[..]].concat()),
        case("a length in the long form", long_form),
        case("half of it", good[..good.len() / 2].to_vec()),
        case("a KRB-ERROR's tag", [&[0x7E], &good[1..]].concat()),
        case("a TGS-REQ's tag", [&[0x6C], &good[1..]].concat()),
        case("an AS-REP's tag", [&[0x6B], &good[1..]].concat()),
    ]
}

/// Returns requests with other versions or message types, and with missing or repeated fields.
pub(super) fn headers(good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    for version in [&[0][..], &[4], &[6], &[0xFF], &[5, 0], &[0; 9]] {
        cases.push((
            format!("version {version:02x?}"),
            good().outer(1, integer(version)).encode(),
        ));
    }
    // CVE-2012-1014: undefined message types.
    for kind in 0..=255 {
        cases.push((
            format!("kind {kind}"),
            good().outer(2, number(kind)).encode(),
        ));
    }
    for field in [0, 1, 2, 3, 5, 7, 8] {
        cases.push((
            format!("without field {field}"),
            good().without(field).encode(),
        ));
        cases.push((
            format!("field {field} twice"),
            good().doubled(field).encode(),
        ));
    }
    for field in [6, 9, 10, 11, 12, 30] {
        cases.push((
            format!("field {field} of nothing"),
            good().body(field, Vec::new()).encode(),
        ));
        cases.push((
            format!("field {field} of an empty list"),
            good().body(field, sequence(&[])).encode(),
        ));
    }
    let ticket = der(0x61, &sequence(&[der(0xA0, &number(5))]));
    let tickets = sequence(&vec![ticket; 1000]);
    cases.push((
        "a thousand second tickets".to_owned(),
        good().body(11, tickets).encode(),
    ));
    cases
}

/// Returns requests with unusual options, times, nonces and lists of encryption types.
pub(super) fn numbers(good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, bits) in [
        ("none", vec![0]),
        ("eight", vec![0, 0x40]),
        ("thirty-three", vec![7, 0x40, 0, 0, 0, 0x80]),
        ("a thousand", [&[0][..], &[0x40; 125]].concat()),
        ("all", vec![0, 0xFF, 0xFF, 0xFF, 0xFF]),
        ("eight unused ones", vec![8, 0x40]),
    ] {
        cases.push((
            format!("options of {name} bits"),
            good().body(0, der(3, &bits)).encode(),
        ));
    }
    for (name, nonce) in [
        ("negative", &[0xFF][..]),
        ("2^31", &[0, 0x80, 0, 0, 0]),
        ("2^32", &[1, 0, 0, 0, 0]),
        ("of nothing", &[]),
        ("of nine bytes", &[1; 9]),
    ] {
        cases.push((
            format!("a nonce {name}"),
            good().body(7, integer(nonce)).encode(),
        ));
    }
    cases.extend(times(good));
    cases.extend(encryption_types(good));
    cases
}

fn times(good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    for field in [4, 5, 6] {
        for end in [
            "99991231235959Z",
            "19700101000000Z",
            "19691231235959Z",
            "20370913024805",
            "20370913024805.5Z",
            "20371313024805Z",
            "20370230000000Z",
            "20370913024860Z",
            "",
            "Z",
            "20370913024805+0100",
            "0000000000000000000000000000000000000000000000Z",
        ] {
            cases.push((
                format!("time {field} is {end:?}"),
                good().body(field, time(end)).encode(),
            ));
        }
    }
    cases
}

fn encryption_types(good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, types) in [
        ("none", vec![]),
        ("a hundred", vec![18; 100]),
        ("ten thousand", vec![18; 10_000]),
        ("the same twice", vec![17, 17, 18, 18]),
        ("negative ones (CVE-2019-14844)", vec![-1, -128, i32::MIN]),
        ("the greatest", vec![i32::MAX]),
        ("unknown ones before a known one", vec![1, 2, 3, 999, 18]),
    ] {
        let types: Vec<Vec<u8>> = types.into_iter().map(number).collect();
        cases.push((
            format!("encryption types: {name}"),
            good().body(8, sequence(&types)).encode(),
        ));
    }
    // CVE-2012-1015: the first of two types takes every value.
    for first in 0..128 {
        let types = sequence(&[number(first), number(18)]);
        cases.push((
            format!("encryption types {first} and 18"),
            good().body(8, types).encode(),
        ));
    }
    cases
}
