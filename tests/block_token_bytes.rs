//! Finds block tokens in a NameNode's answers and replaces them in place, without moving any other
//! byte.

use std::ops::Range;

/// The contents of a `TokenProto` of kind `HDFS_BLOCK_TOKEN`. The default is what a NameNode
/// without block tokens sends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct BlockToken {
    pub(crate) identifier: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

const KIND: &[u8] = b"HDFS_BLOCK_TOKEN";
/// Length of the password (field 2). Kind (field 3) and an empty service (field 4) follow it.
const PASSWORD: usize = 20;
/// Tag of an unused, length-delimited field: every protobuf reader skips it.
const PADDING: u8 = 15 << 3 | 2;

/// Calls `change` on each block token in `message`. The changed token must not be longer than the
/// original.
pub(crate) fn for_each_block_token(message: &mut [u8], mut change: impl FnMut(&mut BlockToken)) {
    for kind in 0..message.len() {
        if !message[kind..].starts_with(KIND) {
            continue;
        }
        let Some((place, mut token)) = token_around(message, kind) else {
            continue;
        };
        let before = token.clone();
        change(&mut token);
        if token != before {
            let bytes = encode(&token, place.len());
            message[place].copy_from_slice(&bytes);
        }
    }
}

/// Returns the token whose kind starts at `kind`, and the range of its fields.
fn token_around(message: &[u8], kind: usize) -> Option<(Range<usize>, BlockToken)> {
    let password = kind.checked_sub(2 + PASSWORD)?;
    let end = kind + KIND.len() + 2;
    if !message[password - 2..].starts_with(&[2 << 3 | 2, PASSWORD as u8])
        || !message.get(end - 2..)?.starts_with(&[4 << 3 | 2, 0])
    {
        return None;
    }
    // Accept a start only if the identifier and the whole token have the lengths that they claim.
    (0..password - 4).rev().find_map(|start| {
        let (length, head) = varint(&message[start + 1..])?;
        let identifier = start + 1 + head..password - 2;
        let is_start = message[start] == 1 << 3 | 2 && identifier.len() == length;
        let whole = [1, 2].into_iter().any(|width| {
            let head = start
                .checked_sub(width)
                .and_then(|at| varint(&message[at..]));
            head == Some((end - start, width))
        });
        (is_start && whole).then(|| {
            let token = BlockToken {
                identifier: message[identifier].to_vec(),
                password: message[password..password + PASSWORD].to_vec(),
            };
            (start..end, token)
        })
    })
}

/// Reads a varint of at most two bytes; returns its value and its width.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [low @ ..0x80, ..] => Some((low.into(), 1)),
        [low, high @ ..0x80, ..] => Some((usize::from(low & 0x7F) | usize::from(high) << 7, 2)),
        _ => None,
    }
}

fn encode(token: &BlockToken, length: usize) -> Vec<u8> {
    let kind = if token.identifier.is_empty() {
        &[]
    } else {
        KIND
    };
    let mut bytes = Vec::with_capacity(length);
    for (field, value) in [
        (1, &*token.identifier),
        (2, &token.password),
        (3, kind),
        (4, &[]),
    ] {
        put(&mut bytes, field << 3 | 2, value);
    }
    let spare = length
        .checked_sub(bytes.len())
        .expect("the token that takes the place is not longer");
    if spare < 3 {
        // The last byte is the service's length, 0. A varint may use more bytes than it needs, so
        // pad it.
        bytes.pop();
        bytes.resize(length - 1, 0x80);
        bytes.push(0);
    } else {
        // The padding's length takes two bytes, so that it can fill any gap of at least three
        // bytes.
        let fill = spare - 3;
        bytes.extend([PADDING, (fill & 0x7F) as u8 | 0x80, (fill >> 7) as u8]);
        bytes.resize(length, 0);
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, tag: u8, value: &[u8]) {
    bytes.push(tag);
    if value.len() < 0x80 {
        bytes.push(value.len() as u8);
    } else {
        bytes.extend([(value.len() & 0x7F) as u8 | 0x80, (value.len() >> 7) as u8]);
    }
    bytes.extend_from_slice(value);
}
