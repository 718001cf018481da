//! AS requests that no client sends, encoded by hand: for the KDC alone, over its sockets, and beside MIT's krb5kdc.
//!
//! Each is told with its name. They are those that have hurt KDCs, and their neighbours.

/// A request, and what it is.
pub(crate) type Case = (String, Vec<u8>);

/// One element of DER: its tag, its length in the shortest form, its content.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len();
    if length < 0x80 {
        bytes.push(length as u8);
    } else {
        let long = length.to_be_bytes();
        let long = &long[long.iter().position(|byte| *byte != 0).unwrap_or(0)..];
        bytes.push(0x80 | long.len() as u8);
        bytes.extend_from_slice(long);
    }
    bytes.extend_from_slice(content);
    bytes
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// An INTEGER of these bytes.
fn integer(bytes: &[u8]) -> Vec<u8> {
    der(2, bytes)
}

fn number(number: i32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let mut short = &bytes[..];
    while short.len() > 1 && (short[0] == 0 && short[1] < 0x80 || short[0] == 0xFF && short[1] >= 0x80) {
        short = &short[1..];
    }
    integer(short)
}

fn text(bytes: &[u8]) -> Vec<u8> {
    der(0x1B, bytes)
}

fn name(name_type: i32, components: &[&[u8]]) -> Vec<u8> {
    let components: Vec<Vec<u8>> = components.iter().map(|component| text(component)).collect();
    sequence(&[der(0xA0, &number(name_type)), der(0xA1, &sequence(&components))])
}

fn time(time: &str) -> Vec<u8> {
    der(0x18, time.as_bytes())
}

/// The fields of an AS-REQ by their numbers, each to be changed, left out or doubled.
#[derive(Clone)]
pub(crate) struct Request {
    outer: Vec<(u8, Vec<u8>)>,
    body: Vec<(u8, Vec<u8>)>,
    tag: u8,
}

impl Request {
    /// What `client` of `realm` asks for: a ticket-granting ticket, without pre-authentication.
    pub(crate) fn new(client: &str, realm: &str) -> Self {
        let realm = realm.as_bytes();
        Self {
            outer: vec![(1, number(5)), (2, number(10))],
            body: vec![
                (0, der(3, &[0, 0, 0, 0, 0])),
                (1, name(1, &[client.as_bytes()])),
                (2, text(realm)),
                (3, name(2, &[b"krbtgt", realm])),
                (5, time("20370913024805Z")),
                (7, number(1_234_567)),
                (8, sequence(&[number(18), number(17)])),
            ],
            tag: 0x6A,
        }
    }

    /// A field of the request, in the place of the one of its number.
    pub(crate) fn outer(mut self, field: u8, value: Vec<u8>) -> Self {
        put(&mut self.outer, field, value);
        self
    }

    /// A field of its body.
    pub(crate) fn body(mut self, field: u8, value: Vec<u8>) -> Self {
        put(&mut self.body, field, value);
        self
    }

    /// These encryption types, the best first.
    #[allow(dead_code, reason = "not every program asks for some")]
    pub(crate) fn enctypes(self, enctypes: &[i32]) -> Self {
        let enctypes: Vec<Vec<u8>> = enctypes.iter().copied().map(number).collect();
        self.body(8, sequence(&enctypes))
    }

    fn without(mut self, field: u8) -> Self {
        self.body.retain(|(number, _)| *number != field);
        self
    }

    fn doubled(mut self, field: u8) -> Self {
        let place = self.body.iter().position(|(number, _)| *number == field).expect("it is there");
        let again = self.body[place].clone();
        self.body.insert(place, again);
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let fields = |fields: &[(u8, Vec<u8>)]| {
            let parts: Vec<Vec<u8>> = fields.iter().map(|(number, value)| der(0xA0 + number, value)).collect();
            sequence(&parts)
        };
        let mut outer = self.outer.clone();
        put(&mut outer, 4, fields(&self.body));
        der(self.tag, &fields(&outer))
    }
}

/// Puts a field in its order.
fn put(fields: &mut Vec<(u8, Vec<u8>)>, field: u8, value: Vec<u8>) {
    fields.retain(|(number, _)| *number != field);
    let place = fields.iter().position(|(number, _)| *number > field).unwrap_or(fields.len());
    fields.insert(place, (field, value));
}

/// `padata` of these types and values.
pub(crate) fn padata(elements: &[(i32, &[u8])]) -> Vec<u8> {
    let elements: Vec<Vec<u8>> = elements
        .iter()
        .map(|(pa_type, value)| sequence(&[der(0xA1, &number(*pa_type)), der(0xA2, &der(4, value))]))
        .collect();
    sequence(&elements)
}

/// All of them, asked in the name of `alice`, who is there and must authenticate first.
pub(crate) fn cases(realm: &str) -> Vec<Case> {
    let good = || Request::new("alice", realm);
    let mut cases: Vec<Case> = Vec::new();
    cases.extend(literals(&good()));
    cases.extend(headers(&good));
    cases.extend(numbers(&good));
    cases.extend(names(realm, &good));
    cases.extend(preauthentication(realm, &good));
    cases
}

/// Bytes that are no request, or more than one.
fn literals(good: &Request) -> Vec<Case> {
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
        // MIT's own: src/tests/t_cve-2013-1417 and others.
        case("6AFF", vec![0x6A, 0xFF]),
        case("6CFF", vec![0x6C, 0xFF]),
        case("FFFF", vec![0xFF, 0xFF]),
        case("zeros", vec![0; 60_000]),
        case("ones", vec![0xFF; 60_000]),
        case("indefinite lengths, one in the other (CVE-2020-28196)", nested),
        case("bytes behind it", [&good[..], b"trailing"].concat()),
        case("two in one", [&good[..], &good[..]].concat()),
        case("a length in the long form", long_form),
        case("half of it", good[..good.len() / 2].to_vec()),
        case("a KRB-ERROR's tag", [&[0x7E], &good[1..]].concat()),
        case("a TGS-REQ's tag", [&[0x6C], &good[1..]].concat()),
        case("an AS-REP's tag", [&[0x6B], &good[1..]].concat()),
    ]
}

/// Versions, kinds, and fields that are not there or there twice.
fn headers(good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    for version in [&[0][..], &[4], &[6], &[0xFF], &[5, 0], &[0; 9]] {
        cases.push((format!("version {version:02x?}"), good().outer(1, integer(version)).encode()));
    }
    // CVE-2012-1014: kinds of messages that are none.
    for kind in 0..=255 {
        cases.push((format!("kind {kind}"), good().outer(2, number(kind)).encode()));
    }
    for field in [0, 1, 2, 3, 5, 7, 8] {
        cases.push((format!("without field {field}"), good().without(field).encode()));
        cases.push((format!("field {field} twice"), good().doubled(field).encode()));
    }
    for field in [6, 9, 10, 11, 12, 30] {
        cases.push((format!("field {field} of nothing"), good().body(field, Vec::new()).encode()));
        cases.push((
            format!("field {field} of an empty list"),
            good().body(field, sequence(&[])).encode(),
        ));
    }
    let ticket = der(0x61, &sequence(&[der(0xA0, &number(5))]));
    let tickets = sequence(&vec![ticket; 1000]);
    cases.push(("a thousand second tickets".to_owned(), good().body(11, tickets).encode()));
    cases
}

/// Options, times, nonces and lists of encryption types.
fn numbers(good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, bits) in [
        ("none", vec![0]),
        ("eight", vec![0, 0x40]),
        ("thirty-three", vec![7, 0x40, 0, 0, 0, 0x80]),
        ("a thousand", [&[0][..], &[0x40; 125]].concat()),
        ("all", vec![0, 0xFF, 0xFF, 0xFF, 0xFF]),
        ("eight unused ones", vec![8, 0x40]),
    ] {
        cases.push((format!("options of {name} bits"), good().body(0, der(3, &bits)).encode()));
    }
    for (name, nonce) in [
        ("negative", &[0xFF][..]),
        ("2^31", &[0, 0x80, 0, 0, 0]),
        ("2^32", &[1, 0, 0, 0, 0]),
        ("of nothing", &[]),
        ("of nine bytes", &[1; 9]),
    ] {
        cases.push((format!("a nonce {name}"), good().body(7, integer(nonce)).encode()));
    }
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
            cases.push((format!("time {field} is {end:?}"), good().body(field, time(end)).encode()));
        }
    }
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
        cases.push((format!("encryption types: {name}"), good().body(8, sequence(&types)).encode()));
    }
    // CVE-2012-1015: the first of two types is any.
    for first in 0..128 {
        let types = sequence(&[number(first), number(18)]);
        cases.push((format!("encryption types {first} and 18"), good().body(8, types).encode()));
    }
    cases
}

/// Names of clients, servers and realms.
fn names(realm: &str, good: &impl Fn() -> Request) -> Vec<Case> {
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
        // CVE-2009-3295, CVE-2013-1416, CVE-2013-1417: the code of referrals.
        ("/test", &[b"", b"test"]),
        ("test/", &[b"test", b""]),
        ("host/nodot", &[b"host", b"nodot"]),
        ("host/.", &[b"host", b"."]),
        ("krbtgt alone", &[b"krbtgt"]),
        ("krbtgt of nowhere", &[b"krbtgt", b"NOWHERE"]),
    ] {
        for name_type in [1, 3, 10, i32::MIN] {
            let asked = name(name_type, components);
            cases.push((format!("a client {what}, type {name_type}"), good().body(1, asked.clone()).encode()));
            cases.push((format!("a server {what}, type {name_type}"), good().body(3, asked).encode()));
        }
    }
    for enterprise in ["alice@A@B", "alice@", "@", "alice", "alice@NOWHERE"] {
        let asked = name(10, &[enterprise.as_bytes()]);
        cases.push((format!("the enterprise name {enterprise:?}"), good().body(1, asked).encode()));
    }
    // CVE-2013-1418: a realm that is not served.
    for (what, other) in [
        ("of another name", &b"NOWHERE"[..]),
        ("of no name", b""),
        ("of 50000 bytes", &long),
        ("with NUL", b"EXAMPLE\0COM"),
        ("of Latin-1", b"EX\xC4MPLE"),
        ("in small letters", &realm.to_ascii_lowercase()),
    ] {
        cases.push((format!("a realm {what}"), good().body(2, text(other)).encode()));
    }
    cases
}

/// Pre-authentication data of every type.
fn preauthentication(realm: &str, good: &impl Fn() -> Request) -> Vec<Case> {
    let mut cases = Vec::new();
    // CVE-2015-2694: none of them counts while it is empty; CVE-2021-36222 is number 138.
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
    cases.push(("two thousand timestamps".to_owned(), good().outer(3, padata(&many)).encode()));
    let sealed = |enctype: i32, cipher: &[u8]| sequence(&[der(0xA0, &number(enctype)), der(0xA2, &der(4, cipher))]);
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
    let armor = der(
        0xA0,
        &sequence(&[der(0xA0, &sequence(&[der(0xA0, &number(1)), der(0xA1, &der(4, b"x"))]))]),
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
