//! Decodes messages from peers with a bound on the memory they expand to.
//!
//! An empty element of a repeated field is two bytes on the wire but about a hundred in memory, so
//! a limit on the message length is not enough. The parts of a message are counted while it is
//! decoded.

use bytes::Buf;
use prost::Message;

/// The maximum number of keys, lengths and values in one message, nested messages included. A
/// concat of ten thousand files has thirty thousand.
pub(crate) const MAX_PARTS: usize = 50_000;

/// Decodes a message of at most [`MAX_PARTS`] parts; the error says why it cannot be decoded.
pub(crate) fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, String> {
    decode_parts(bytes, MAX_PARTS)
}

/// Same as [`decode`], with a maximum of its own.
pub(crate) fn decode_parts<M: Message + Default>(bytes: &[u8], max: usize) -> Result<M, String> {
    let mut counted = Counted { bytes, left: max };
    let decoded = M::decode(&mut counted);
    if counted.left == 0 && !counted.bytes.is_empty() {
        return Err(format!(
            "Protocol message was too large.  May be malicious.  It has more than {max} fields and elements"
        ));
    }
    decoded.map_err(|error| error.to_string())
}

/// A buffer that reports its end after a fixed number of reads.
struct Counted<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl Buf for Counted<'_> {
    fn remaining(&self) -> usize {
        self.chunk().len()
    }

    fn chunk(&self) -> &[u8] {
        if self.left == 0 { &[] } else { self.bytes }
    }

    fn advance(&mut self, count: usize) {
        self.left = self.left.saturating_sub(1);
        self.bytes.advance(count);
    }

    /// Reads without counting. prost reads a varint in the last ten bytes byte by byte, and relies
    /// on the number of remaining bytes that it found at the varint's start.
    fn get_u8(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        *first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::common::RpcSaslProto;
    use crate::proto::hdfs::{
        ConcatRequestProto, LocatedBlockProto, OpReadBlockProto, ReportBadBlocksRequestProto,
    };

    #[test]
    fn empty_elements_are_counted_before_they_are_kept() {
        let flood = [0x0a, 0].repeat(1 << 20);
        let error = decode::<ReportBadBlocksRequestProto>(&flood).expect_err("too many");
        assert!(
            error.starts_with("Protocol message was too large.  May be malicious."),
            "{error}"
        );
        // The same, one level deeper.
        let nested = ReportBadBlocksRequestProto {
            blocks: vec![LocatedBlockProto::default()],
        };
        let mut nested = nested.encode_to_vec();
        nested.extend([0x0a]);
        let inner = [0x1a, 0].repeat(1 << 20);
        prost::encoding::encode_varint(inner.len() as u64, &mut nested);
        nested.extend(&inner);
        assert!(decode::<ReportBadBlocksRequestProto>(&nested).is_err());
    }

    #[test]
    fn as_many_parts_as_are_allowed_are_decoded() {
        let at_most = [0x0a, 0].repeat(MAX_PARTS / 2);
        let decoded = decode::<ReportBadBlocksRequestProto>(&at_most);
        assert_eq!(
            decoded.map(|request| request.blocks.len()),
            Ok(MAX_PARTS / 2)
        );
        assert!(decode::<ReportBadBlocksRequestProto>(&[at_most, vec![0x0a, 0]].concat()).is_err());
    }

    #[test]
    fn a_concat_of_ten_thousand_files_is_no_flood() {
        let request = ConcatRequestProto {
            trg: "/target".to_owned(),
            srcs: (0..10_000).map(|n| format!("/some/folder/{n}")).collect(),
        };
        assert_eq!(decode(&request.encode_to_vec()), Ok(request));
    }

    /// Decodes messages whose last varints are cut, with the limit before, in and after them.
    fn decode_around_the_limit<M: Message + Default>(key: u8, parts: usize) {
        let tails: [&[u8]; 5] = [
            &[0x80, 0x80],
            &[0xff; 9],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            &[0x80; 11],
            &[0x00],
        ];
        for pairs in MAX_PARTS / parts - 6..=MAX_PARTS / parts + 1 {
            for tail in tails {
                let whole = [&[key, 0x00].repeat(pairs), &[key][..], tail].concat();
                for cut in 0..24 {
                    let body = &whole[..whole.len() - cut];
                    // The result depends on the tail; a panic fails the test.
                    let _ = decode::<M>(body);
                }
            }
        }
    }

    #[test]
    fn a_varint_cut_at_the_limit_does_not_panic() {
        decode_around_the_limit::<RpcSaslProto>(0x10, 2);
        // The value of an unknown field counts twice, because it is read and then skipped.
        decode_around_the_limit::<ReportBadBlocksRequestProto>(0x10, 3);
        decode_around_the_limit::<OpReadBlockProto>(0x10, 2);
        let body = [&[0x10, 0x00].repeat(24_999)[..], &[0x10, 0x80, 0x80]].concat();
        assert!(decode::<RpcSaslProto>(&body).is_err());
    }

    #[test]
    fn what_prost_refuses_is_refused() {
        for bytes in [&[0x0a, 5][..], &[0x0a], &[0x0b], &[0xff; 11]] {
            assert!(decode::<ReportBadBlocksRequestProto>(bytes).is_err());
        }
    }
}
