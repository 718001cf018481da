//! `PACTYPE`: typed buffers, whose positions are given by a table at the front (MS-PAC, 2.3 and
//! 2.4).

use std::collections::BTreeSet;

use super::malformed::Malformed;

/// The types of buffers.
pub(super) const LOGON_INFO: u32 = 1;
pub(super) const SERVER_CHECKSUM: u32 = 6;
pub(super) const KDC_CHECKSUM: u32 = 7;
pub(super) const CLIENT_INFO: u32 = 10;
pub(super) const DELEGATION_INFO: u32 = 11;
pub(super) const UPN_DNS_INFO: u32 = 12;
pub(super) const TICKET_CHECKSUM: u32 = 16;
pub(super) const ATTRIBUTES_INFO: u32 = 17;
pub(super) const REQUESTOR: u32 = 18;
pub(super) const FULL_CHECKSUM: u32 = 19;

/// One buffer: its type and content.
pub(crate) type Buffer = (u32, Vec<u8>);

/// The length of the header, and of each table entry.
const HEADER: usize = 8;
const LINE: usize = 16;
/// The maximum number of buffers in a PAC; MIT's limit.
const MOST: u32 = 4096;

/// A received PAC: its bytes, and the positions of its buffers.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    bytes: Vec<u8>,
    /// Each buffer's type and its range in `bytes`.
    places: Vec<(u32, std::ops::Range<usize>)>,
}

impl Parsed {
    /// Reads the table. Every buffer must come after the table, end within the bytes, and start at
    /// a multiple of eight. No type may occur twice, and no two buffers may overlap.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (header, mut table) = bytes.split_at_checked(HEADER).ok_or(Malformed)?;
        let count = number(&header[..4])?;
        if !(1..=u64::from(MOST)).contains(&count) || number(&header[4..])? != 0 {
            return Err(Malformed);
        }
        let mut places: Vec<(u32, std::ops::Range<usize>)> = Vec::new();
        let mut kinds = BTreeSet::new();
        let end_of_table = HEADER + LINE * usize::try_from(count).map_err(|_| Malformed)?;
        for _ in 0..count {
            let (line, rest) = table.split_at_checked(LINE).ok_or(Malformed)?;
            table = rest;
            let kind = number(&line[..4])? as u32;
            let length = usize::try_from(number(&line[4..8])?).map_err(|_| Malformed)?;
            let start = usize::try_from(number(&line[8..])?).map_err(|_| Malformed)?;
            let end = start
                .checked_add(length)
                .filter(|end| *end <= bytes.len())
                .ok_or(Malformed)?;
            if start % 8 != 0 || start < end_of_table || !kinds.insert(kind) {
                return Err(Malformed);
            }
            places.push((kind, start..end));
        }
        let mut sorted: Vec<_> = places
            .iter()
            .map(|(_, place)| place)
            .filter(|place| !place.is_empty())
            .collect();
        sorted.sort_by_key(|place| place.start);
        if sorted.windows(2).any(|pair| pair[0].end > pair[1].start) {
            return Err(Malformed);
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            places,
        })
    }

    /// Returns the buffer of this type.
    pub(super) fn get(&self, kind: u32) -> Option<&[u8]> {
        let (_, place) = self.places.iter().find(|(known, _)| *known == kind)?;
        Some(&self.bytes[place.clone()])
    }

    /// Returns all buffers in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.places
            .iter()
            .map(|(kind, place)| (*kind, &self.bytes[place.clone()]))
    }

    /// Returns the whole PAC with the checksums in these buffers set to zero; their types stay.
    pub(super) fn without_checksums(&self, kinds: &[u32]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (_, place) in self.places.iter().filter(|(kind, _)| kinds.contains(kind)) {
            let checksum = (place.start + 4).min(place.end)..place.end;
            bytes[checksum].fill(0);
        }
        bytes
    }
}

fn number(bytes: &[u8]) -> Result<u64, Malformed> {
    match *bytes {
        [a, b, c, d] => Ok(u32::from_le_bytes([a, b, c, d]).into()),
        [a, b, c, d, e, f, g, h] => Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => Err(Malformed),
    }
}

/// Encodes the table, then the buffers, each at a multiple of eight bytes.
pub(super) fn encode(buffers: &[Buffer]) -> Vec<u8> {
    let mut place = HEADER + LINE * buffers.len();
    let mut header = Vec::new();
    // There are only a dozen buffers of our own, so no number comes near its limit.
    header.extend_from_slice(&(buffers.len() as u32).to_le_bytes());
    header.extend_from_slice(&0_u32.to_le_bytes());
    let mut body = Vec::new();
    for (kind, data) in buffers {
        header.extend_from_slice(&kind.to_le_bytes());
        header.extend_from_slice(&(data.len() as u32).to_le_bytes());
        header.extend_from_slice(&(place as u64).to_le_bytes());
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(8), 0);
        place = HEADER + LINE * buffers.len() + body.len();
    }
    header.extend_from_slice(&body);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(count: u32, lines: &[(u32, u32, u64)], body: usize) -> Vec<u8> {
        let mut bytes = [count.to_le_bytes(), [0; 4]].concat();
        for (kind, length, start) in lines {
            bytes.extend_from_slice(&kind.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&start.to_le_bytes());
        }
        bytes.resize(bytes.len() + body, 0);
        bytes
    }

    #[test]
    fn what_is_written_is_read_and_cut_at_any_length_refused() {
        let bytes = encode(&[(1, vec![1; 5]), (10, vec![2; 8]), (99, Vec::new())]);
        let parsed = Parsed::read(&bytes).expect("ours");
        assert_eq!(
            (parsed.get(1), parsed.get(10), parsed.get(2)),
            (Some(&[1; 5][..]), Some(&[2; 8][..]), None)
        );
        // The padding at the end does not belong to any buffer.
        for length in 0..bytes.len() {
            assert!(Parsed::read(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn numbers_that_lead_out_of_it_are_refused() {
        assert!(Parsed::read(&table(1, &[(1, 8, 24)], 8)).is_ok());
        for (why, bytes) in [
            (
                "CVE-2022-42898: more buffers than there can be",
                table(0xFFFF_FFFF, &[(1, 8, 24)], 8),
            ),
            (
                "CVE-2022-42898: their table's length overflows 32 bits",
                table(0x1000_0001, &[(1, 8, 24)], 8),
            ),
            ("none", table(0, &[], 8)),
            ("a table that is cut", table(2, &[(1, 8, 40)], 0)),
            ("a length past the end", table(1, &[(1, 9, 24)], 8)),
            ("the longest length", table(1, &[(1, u32::MAX, 24)], 8)),
            ("a place past the end", table(1, &[(1, 0, 40)], 8)),
            ("the farthest place", table(1, &[(1, 8, u64::MAX - 7)], 8)),
            ("a place in the table", table(1, &[(1, 8, 8)], 8)),
            (
                "a place that is no multiple of eight",
                table(1, &[(1, 4, 28)], 8),
            ),
            (
                "the same bytes twice",
                table(2, &[(1, 8, 40), (10, 8, 40)], 8),
            ),
            (
                "one reaching into the next",
                table(2, &[(1, 9, 40), (10, 8, 48)], 16),
            ),
            (
                "the same type twice",
                table(2, &[(1, 8, 40), (1, 8, 48)], 16),
            ),
        ] {
            assert!(Parsed::read(&bytes).is_err(), "{why}");
        }
        let mut version = table(1, &[(1, 8, 24)], 8);
        version[4] = 1;
        assert!(Parsed::read(&version).is_err());
    }
}
