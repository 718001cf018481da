//! Hand-encoded DER, and an AS-REQ whose fields can all be replaced.

/// Encodes one DER element: the tag, the length in its shortest form, the content.
pub(super) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
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

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// Encodes an INTEGER with these bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    der(2, bytes)
}

pub(super) fn number(number: i32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let mut short = &bytes[..];
    while short.len() > 1
        && (short[0] == 0 && short[1] < 0x80 || short[0] == 0xFF && short[1] >= 0x80)
    {
        short = &short[1..];
    }
    integer(short)
}

pub(super) fn text(bytes: &[u8]) -> Vec<u8> {
    der(0x1B, bytes)
}

pub(super) fn name(name_type: i32, components: &[&[u8]]) -> Vec<u8> {
    let components: Vec<Vec<u8>> = components.iter().map(|component| text(component)).collect();
    sequence(&[
        der(0xA0, &number(name_type)),
        der(0xA1, &sequence(&components)),
    ])
}

pub(super) fn time(time: &str) -> Vec<u8> {
    der(0x18, time.as_bytes())
}

/// The fields of an AS-REQ by number. Each can be changed, left out or duplicated.
#[derive(Clone)]
pub struct Request {
    outer: Vec<(u8, Vec<u8>)>,
    body: Vec<(u8, Vec<u8>)>,
    tag: u8,
}

impl Request {
    /// Creates a request of `client` in `realm` for a ticket-granting ticket, without
    /// pre-authentication.
    pub fn new(client: &str, realm: &str) -> Self {
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

    /// Replaces a field of the request.
    pub fn outer(mut self, field: u8, value: Vec<u8>) -> Self {
        put(&mut self.outer, field, value);
        self
    }

    /// Replaces a field of its body.
    pub fn body(mut self, field: u8, value: Vec<u8>) -> Self {
        put(&mut self.body, field, value);
        self
    }

    /// Sets the encryption types, best first.
    #[allow(dead_code, reason = "not every program asks for some")]
    pub fn enctypes(self, enctypes: &[i32]) -> Self {
        let enctypes: Vec<Vec<u8>> = enctypes.iter().copied().map(number).collect();
        self.body(8, sequence(&enctypes))
    }

    pub(super) fn without(mut self, field: u8) -> Self {
        self.body.retain(|(number, _)| *number != field);
        self
    }

    pub(super) fn doubled(mut self, field: u8) -> Self {
        let place = self
            .body
            .iter()
            .position(|(number, _)| *number == field)
            .expect("it is there");
        let again = self.body[place].clone();
        self.body.insert(place, again);
        self
    }

    /// Returns its encoding.
    pub fn encode(&self) -> Vec<u8> {
        let fields = |fields: &[(u8, Vec<u8>)]| {
            let parts: Vec<Vec<u8>> = fields
                .iter()
                .map(|(number, value)| der(0xA0 + number, value))
                .collect();
            sequence(&parts)
        };
        let mut outer = self.outer.clone();
        put(&mut outer, 4, fields(&self.body));
        der(self.tag, &fields(&outer))
    }
}

/// Inserts a field in the order of the numbers.
fn put(fields: &mut Vec<(u8, Vec<u8>)>, field: u8, value: Vec<u8>) {
    fields.retain(|(number, _)| *number != field);
    let place = fields
        .iter()
        .position(|(number, _)| *number > field)
        .unwrap_or(fields.len());
    fields.insert(place, (field, value));
}

/// Encodes `padata` with these types and values.
pub fn padata(elements: &[(i32, &[u8])]) -> Vec<u8> {
    let elements: Vec<Vec<u8>> = elements
        .iter()
        .map(|(pa_type, value)| {
            sequence(&[der(0xA1, &number(*pa_type)), der(0xA2, &der(4, value))])
        })
        .collect();
    sequence(&elements)
}
