//! The frame around tokens of context establishment (RFC 2743, 3.1; RFC 4121, 4.1), and around
//! the messages of contexts with an old key (RFC 1964, 1.2).

use super::der;
use crate::Error;

/// A token's kind (RFC 4121, 4.1; RFC 1964, 1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TokenId {
    ApReq = 0x0100,
    ApRep = 0x0200,
    KrbError = 0x0300,
    OldMic = 0x0101,
    OldWrap = 0x0201,
}

/// The mechanism's object identifier, 1.2.840.113554.1.2.2, as DER.
pub(super) const KRB5_OID: [u8; 11] = [
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02,
];

/// Puts a frame around `message`.
pub(super) fn frame(id: TokenId, message: &[u8]) -> Vec<u8> {
    der::write(0x60, &[&KRB5_OID, &(id as u16).to_be_bytes(), message])
}

/// Returns the token's id and the content of its frame.
pub(super) fn unframe(token: &[u8]) -> Result<(u16, &[u8]), Error> {
    let malformed = |why: &str| Error::Malformed {
        what: "GSS-API token",
        why: why.to_owned(),
    };
    let inner = der::read_only(0x60, token).ok_or_else(|| {
        malformed("it is not one value with the tag 0x60 of an initial context token")
    })?;
    let inner = inner
        .strip_prefix(&KRB5_OID)
        .ok_or_else(|| malformed("its mechanism is not Kerberos V5 (1.2.840.113554.1.2.2)"))?;
    let (id, message) = inner
        .split_first_chunk()
        .ok_or_else(|| malformed("it ends before its token id"))?;
    Ok((u16::from_be_bytes(*id), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_read_back_and_cut_ones_refused() {
        for length in [0, 1, 0x80 - 13, 0x7f, 0x80, 0xff, 0x100, 0x1_0000] {
            let message = vec![7; length];
            let token = frame(TokenId::ApReq, &message);
            assert_eq!(unframe(&token), Ok((0x0100, &message[..])));
            for end in (0..token.len()).rev().take(300) {
                assert!(unframe(&token[..end]).is_err());
            }
            let longer = [&token[..], &[0]].concat();
            assert!(unframe(&longer).is_err());
        }
    }

    #[test]
    fn other_mechanisms_are_refused() {
        let spnego = [
            0x60, 0x0a, 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02, 0xa0, 0x00,
        ];
        let error = unframe(&spnego).expect_err("not Kerberos");
        assert!(
            error.to_string().contains("1.2.840.113554.1.2.2"),
            "{error}"
        );
    }
}
