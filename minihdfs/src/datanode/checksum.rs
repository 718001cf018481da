//! Checksums of chunks: CRC32 or CRC32C over every `bytes_per_checksum` bytes, each stored as 4
//! big-endian bytes.

use crate::HdfsError;
use crate::proto::hdfs::{ChecksumProto, ChecksumTypeProto};

/// The length of one checksum on the wire and on disk.
pub(crate) const CHECKSUM_LENGTH: usize = 4;

/// The largest accepted chunk. It limits the bytes read to compute the checksum of a partial chunk.
const MAX_BYTES_PER_CHECKSUM: u32 = 16 << 20;

/// A checksum type and chunk size (Hadoop's `DataChecksum`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DataChecksum {
    kind: ChecksumTypeProto,
    bytes_per_checksum: u32,
}

impl DataChecksum {
    /// Creates a checksum of this type over chunks of `bytes_per_checksum`. Fails if that is 0 or
    /// more than 16 MiB.
    pub(crate) fn new(kind: ChecksumTypeProto, bytes_per_checksum: u32) -> Result<Self, HdfsError> {
        if bytes_per_checksum == 0 || bytes_per_checksum > MAX_BYTES_PER_CHECKSUM {
            return Err(HdfsError::io(format!(
                "bytesPerChecksum is {bytes_per_checksum}: it must lie between 1 and {MAX_BYTES_PER_CHECKSUM}"
            )));
        }
        Ok(Self {
            kind,
            bytes_per_checksum,
        })
    }

    /// No checksums, as Hadoop announces them to readers that do not want any.
    pub(crate) const NONE: Self = Self {
        kind: ChecksumTypeProto::ChecksumNull,
        bytes_per_checksum: 512,
    };

    pub(crate) fn from_proto(proto: ChecksumProto) -> Result<Self, HdfsError> {
        let kind = ChecksumTypeProto::try_from(proto.r#type).map_err(|_| {
            HdfsError::io(format!(
                "Unknown checksum type {}: 0, 1 (CRC32) and 2 (CRC32C) are known",
                proto.r#type
            ))
        })?;
        Self::new(kind, proto.bytes_per_checksum)
    }

    pub(crate) fn to_proto(self) -> ChecksumProto {
        ChecksumProto {
            r#type: self.kind.into(),
            bytes_per_checksum: self.bytes_per_checksum,
        }
    }

    /// Formats the checksum as Hadoop does.
    pub(crate) fn describe(self) -> String {
        let kind = match self.kind {
            ChecksumTypeProto::ChecksumNull => "NULL",
            ChecksumTypeProto::ChecksumCrc32 => "CRC32",
            ChecksumTypeProto::ChecksumCrc32c => "CRC32C",
        };
        format!(
            "DataChecksum(type={kind}, chunkSize={})",
            self.bytes_per_checksum
        )
    }

    pub(crate) fn kind(self) -> ChecksumTypeProto {
        self.kind
    }

    pub(crate) fn bytes_per_checksum(self) -> u64 {
        self.bytes_per_checksum.into()
    }

    pub(crate) fn is_none(self) -> bool {
        self.kind == ChecksumTypeProto::ChecksumNull
    }

    /// Returns the length of the checksums of `length` bytes that start at a chunk boundary.
    pub(crate) fn length_of(self, length: usize) -> usize {
        match self.kind {
            ChecksumTypeProto::ChecksumNull => 0,
            _ => length.div_ceil(self.bytes_per_checksum as usize) * CHECKSUM_LENGTH,
        }
    }

    /// Returns the checksum of one chunk; 0 if there are no checksums.
    pub(crate) fn of_chunk(self, chunk: &[u8]) -> u32 {
        match self.kind {
            ChecksumTypeProto::ChecksumNull => 0,
            ChecksumTypeProto::ChecksumCrc32 => crc_fast::crc32_iso_hdlc(chunk),
            ChecksumTypeProto::ChecksumCrc32c => crc_fast::crc32_iscsi(chunk),
        }
    }

    /// Combines the checksums of two consecutive pieces, given the second one's length.
    pub(crate) fn combine(self, first: u32, second: u32, second_length: u64) -> u32 {
        let algorithm = match self.kind {
            ChecksumTypeProto::ChecksumNull => return 0,
            ChecksumTypeProto::ChecksumCrc32 => crc_fast::CrcAlgorithm::Crc32IsoHdlc,
            ChecksumTypeProto::ChecksumCrc32c => crc_fast::CrcAlgorithm::Crc32Iscsi,
        };
        crc_fast::checksum_combine(algorithm, first.into(), second.into(), second_length) as u32
    }

    /// Writes the checksums of `data`, which starts at a chunk boundary, to `out`, which must have
    /// their exact length.
    pub(crate) fn compute(self, data: &[u8], out: &mut [u8]) {
        if self.is_none() {
            return;
        }
        for (chunk, sum) in data
            .chunks(self.bytes_per_checksum as usize)
            .zip(out.chunks_exact_mut(CHECKSUM_LENGTH))
        {
            sum.copy_from_slice(&self.of_chunk(chunk).to_be_bytes());
        }
    }

    /// Compares `data`, which starts at a chunk boundary, with its checksums.
    ///
    /// Fails with the offset in `data` of the first chunk that does not match or has no checksum.
    pub(crate) fn verify(self, data: &[u8], checksums: &[u8]) -> Result<(), usize> {
        if self.is_none() {
            return Ok(());
        }
        let mut sums = checksums.chunks_exact(CHECKSUM_LENGTH);
        for (index, chunk) in data.chunks(self.bytes_per_checksum as usize).enumerate() {
            if sums.next() != Some(&self.of_chunk(chunk).to_be_bytes()) {
                return Err(index * self.bytes_per_checksum as usize);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc32c(bytes_per_checksum: u32) -> DataChecksum {
        DataChecksum::new(ChecksumTypeProto::ChecksumCrc32c, bytes_per_checksum)
            .expect("a plain size")
    }

    #[test]
    fn the_published_checksums_come_out() {
        assert_eq!(crc32c(512).of_chunk(b"hello"), 0x9a71_bb4c);
        let crc32 = DataChecksum::new(ChecksumTypeProto::ChecksumCrc32, 512).expect("a plain size");
        assert_eq!(crc32.of_chunk(b"hello"), 0x3610_a686);
        assert_eq!(crc32c(512).of_chunk(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_flipped_bit_and_a_missing_checksum_are_found_where_they_are() {
        let mut data: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let mut sums = vec![0; crc32c(300).length_of(data.len())];
        assert_eq!(sums.len(), 16);
        crc32c(300).compute(&data, &mut sums);
        assert_eq!(crc32c(300).verify(&data, &sums), Ok(()));
        assert_eq!(crc32c(300).verify(&data, &sums[..12]), Err(900));
        data[650] ^= 1;
        assert_eq!(crc32c(300).verify(&data, &sums), Err(600));
    }

    #[test]
    fn checksums_of_pieces_combine_into_that_of_the_whole() {
        let (first, second) = (b"some bytes, ".as_slice(), b"and more of them".as_slice());
        for kind in [
            ChecksumTypeProto::ChecksumCrc32,
            ChecksumTypeProto::ChecksumCrc32c,
        ] {
            let checksum = DataChecksum::new(kind, 512).expect("a plain size");
            let whole = checksum.of_chunk(&[first, second].concat());
            let combined = checksum.combine(
                checksum.of_chunk(first),
                checksum.of_chunk(second),
                second.len() as u64,
            );
            assert_eq!(combined, whole);
        }
    }

    #[test]
    fn absurd_chunk_sizes_are_refused() {
        assert!(DataChecksum::new(ChecksumTypeProto::ChecksumCrc32, 0).is_err());
        assert!(DataChecksum::new(ChecksumTypeProto::ChecksumCrc32, u32::MAX).is_err());
        let unknown = ChecksumProto {
            r#type: 9,
            bytes_per_checksum: 512,
        };
        assert!(DataChecksum::from_proto(unknown).is_err());
    }
}
