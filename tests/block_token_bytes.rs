//! Finds block tokens in what a NameNode answers, and puts others in their place without moving a
//! byte of the rest.

use std::ops::Range;

/// What a `TokenProto` of kind `HDFS_BLOCK_TOKEN` holds; the default is what a NameNode sends that
/// uses no tokens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct BlockToken {
    pub(crate) identifier: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

const KIND: &[u8] = b"HDFS_BLOCK_TOKEN";
/// Password (field 2), kind (field 3) and an empty service (field 4), as a token ends.
const PASSWORD: usize = 20;
/// A field that no Hadoop knows, of a length: every reader of protobuf skips it.
const PADDING: u8 = 15 << 3 | 2;

/// Lets `change` do as it likes with each block token in `message`; what it makes of one must not
/// be longer.
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

/// The token whose kind stands at `kind`, and where its fields are.
fn token_around(message: &[u8], kind: usize) -> Option<(Range<usize>, BlockToken)> {
    let password = kind.checked_sub(2 + PASSWORD)?;
    let end = kind + KIND.len() + 2;
    if !message[password - 2..].starts_with(&[2 << 3 | 2, PASSWORD as u8])
        || !message.get(end - 2..)?.starts_with(&[4 << 3 | 2, 0])
    {
        return None;
    }
    // The identifier is as long as it says, and so is the whole.
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

/// A varint of at most two bytes, and its width.
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
        // The last byte is the length of the service, 0, which may be written with more bytes than
        // it needs.
        bytes.pop();
        bytes.resize(length - 1, 0x80);
        bytes.push(0);
    } else {
        // The padding's own length takes two bytes, so that any length can be filled that three
        // bytes fit in.
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
