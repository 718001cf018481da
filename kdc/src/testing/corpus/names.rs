//! Names and pre-authentication.

use super::Case;
use super::builder::{Request, der, name, number, padata, sequence, text};

/// Returns requests with unusual names of clients, servers and realms.
pub(super) fn names(realm: &str, good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    let long = vec![b'a'; 50_000];
    let many = vec![&b"a"[..]; 255];
    let very_many = vec![&b"a"[..]; 15_000];
    let realm = realm.as_bytes();
    for (what, components) in [
        ("of no component", &[][..]),
        ("of one empty component", &[&b""[..]]),
        ("of two empty components", &[b"", b""]),
        ("of 255 components", &many),
        ("of 15000 components", &very_many),
        ("of 50000 bytes", &[&long]),
        ("with NUL", &[b"ali\0ce"]),
        ("with @", &[b"alice@X"]),
        ("with /", &[b"alice/admin"]),
        ("with \\", &[b"alice\\"]),
        ("of Latin-1", &[b"al\xEFce"]),
        ("of UTF-8", &["ålice\u{1D11E}".as_bytes()]),
        ("in capitals", &[b"ALICE"]),
        // CVE-2009-3295, CVE-2013-1416, CVE-2013-1417: bugs in the referral code.
        ("/test", &[b"", b"test"]),
        ("test/", &[b"test", b""]),
        ("host/nodot", &[b"host", b"nodot"]),
        ("host/.", &[b"host", b"."]),
        ("krbtgt alone", &[b"krbtgt"]),
        ("krbtgt of nowhere", &[b"krbtgt", b"NOWHERE"]),
    ] {
        for name_type in [1, 3, 10, i32::MIN] {
            let asked = name(name_type, components);
            cases.push((
                format!("a client {what}, type {name_type}"),
                good().body(1, asked.clone()).encode(),
            ));
            cases.push((
                format!("a server {what}, type {name_type}"),
                good().body(3, asked).encode(),
            ));
        }
    }
    for enterprise in ["alice@A@B", "alice@", "@", "alice", "alice@NOWHERE"] {
        let asked = name(10, &[enterprise.as_bytes()]);
        cases.push((
            format!("the enterprise name {enterprise:?}"),
            good().body(1, asked).encode(),
        ));
    }
    cases.extend(realms(realm, good));
    cases
}

/// CVE-2013-1418: a realm that is not served.
fn realms(realm: &[u8], good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    let long = vec![b'a'; 50_000];
    for (what, other) in [
        ("of another name", &b"NOWHERE"[..]),
        ("of no name", b""),
        ("of 50000 bytes", &long),
        ("with NUL", b"EXAMPLE\0COM"),
        ("of Latin-1", b"EX\xC4MPLE"),
        ("in small letters", &realm.to_ascii_lowercase()),
    ] {
        cases.push((
            format!("a realm {what}"),
            good().body(2, text(other)).encode(),
        ));
    }
    cases
}

/// Returns requests with pre-authentication data of every type.
pub(super) fn preauthentication(realm: &str, good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    // CVE-2015-2694: an empty element must not count as pre-authentication; CVE-2021-36222 is
    // number 138.
    for pa_type in (-5..170).chain([i32::MIN, i32::MAX]) {
        cases.push((
            format!("pre-authentication {pa_type}, empty"),
            good().outer(3, padata(&[(pa_type, b"")])).encode(),
        ));
    }
    let krbtgt = Request::new("alice", realm).body(1, name(1, &[b"krbtgt", realm.as_bytes()]));
    cases.push((
        "CVE-2021-36222 as MIT's test has it".to_owned(),
        krbtgt.outer(3, padata(&[(138, b"")])).encode(),
    ));
    let many = vec![(2, &b"x"[..]); 2000];
    cases.push((
        "two thousand timestamps".to_owned(),
        good().outer(3, padata(&many)).encode(),
    ));
    let sealed = |enctype: i32, cipher: &[u8]| {
        sequence(&[der(0xA0, &number(enctype)), der(0xA2, &der(4, cipher))])
    };
    for (enctype, length) in [
        (18, 0),
        (18, 27),
        (18, 28),
        (18, 1000),
        (17, 44),
        (23, 44),
        (0, 44),
        (-1, 44),
        (1, 44),
    ] {
        let value = sealed(enctype, &vec![0x55; length]);
        for pa_type in [2, 138] {
            let request = good().outer(3, padata(&[(pa_type, &value)]));
            cases.push((
                format!("pre-authentication {pa_type} of type {enctype} and {length} bytes"),
                request.encode(),
            ));
        }
    }
    cases.extend(armors(good));
    cases
}

fn armors(good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    let armor = der(
        0xA0,
        &sequence(&[der(
            0xA0,
            &sequence(&[der(0xA0, &number(1)), der(0xA1, &der(4, b"x"))]),
        )]),
    );
    for (what, value) in [
        ("of nothing", Vec::new()),
        ("that is no choice", sequence(&[])),
        ("without its parts", armor),
        ("of another choice", der(0xA7, &sequence(&[]))),
    ] {
        let request = good().outer(3, padata(&[(136, &value)]));
        cases.push((format!("an armor {what}"), request.encode()));
    }
    cases
}
