//! The header block of a segment file.
//!
//! ```text
//!  0 magic [8]            8 format u16   10 min reader u16   12 zero u32
//! 16 directory id u128   32 segment sequence u64            40 base LSN u64
//! 48 capacity u64        56 epoch u64                       64 first batch sequence u64
//! 72 previous link u32   76 CRC32C of bytes 0..76 u32       80 zeros up to 4096
//! ```
//!
//! Magic, both versions and the place of the CRC stay where they are in every later format, so that
//! an old release can say "newer format" instead of "damaged".

use super::{
    FORMAT_VERSION, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, put_u16, put_u32, put_u64, put_u128,
    u16_at, u32_at, u64_at, u128_at,
};
use crate::Lsn;

/// Bytes of the header block: it counts as the segment's first bytes of the stream.
pub const SEGMENT_HEADER_BYTES: u64 = super::BLOCK_BYTES;

const MAGIC: [u8; 8] = *b"COURANTJ";
const CRC_OFFSET: usize = 76;
/// Bytes of the header that carry something; zeros follow up to the block's end.
pub const SEGMENT_HEADER_USED_BYTES: usize = CRC_OFFSET + 4;

/// What a segment file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Random, the same in every segment of one journal: a segment of another journal is noticed.
    pub directory_id: u128,
    /// 1 for the first segment ever, then dense.
    pub sequence: u64,
    /// LSN of the file's first byte.
    pub base: Lsn,
    /// Bytes of the whole file; the next segment's base is `base + capacity_bytes`.
    pub capacity_bytes: u64,
    /// Random, in every checksum of this segment: bytes of the file's former life never validate.
    pub epoch: u64,
    /// Sequence of the first batch that this segment holds or will hold.
    pub first_batch_sequence: u64,
    /// Link of the last batch before this segment, 0 if there is none.
    pub previous_link: u32,
}

/// Why a header block is not one that this release can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentHeaderFault {
    /// Magic or checksum are wrong, or a value is out of its range.
    Damaged(&'static str),
    /// Written by a newer release, which asks for at least this format to read it.
    NewerFormat(u16),
}

impl SegmentHeader {
    /// LSN after the last byte of the file.
    #[must_use]
    pub fn end(&self) -> Lsn {
        self.base.plus(self.capacity_bytes)
    }

    /// Writes the header over `block`, which is one whole block.
    pub fn encode(&self, block: &mut [u8]) {
        assert_eq!(block.len() as u64, SEGMENT_HEADER_BYTES, "a segment header is one block");
        block.fill(0);
        block[..8].copy_from_slice(&MAGIC);
        put_u16(block, 8, FORMAT_VERSION);
        put_u16(block, 10, FORMAT_VERSION);
        put_u128(block, 16, self.directory_id);
        put_u64(block, 32, self.sequence);
        put_u64(block, 40, self.base.0);
        put_u64(block, 48, self.capacity_bytes);
        put_u64(block, 56, self.epoch);
        put_u64(block, 64, self.first_batch_sequence);
        put_u32(block, 72, self.previous_link);
        let crc = crc32c::crc32c(&block[..CRC_OFFSET]);
        put_u32(block, CRC_OFFSET, crc);
    }

    /// Reads a header from the first bytes of a segment file.
    pub fn decode(block: &[u8]) -> Result<SegmentHeader, SegmentHeaderFault> {
        use SegmentHeaderFault::{Damaged, NewerFormat};
        if block.len() < SEGMENT_HEADER_USED_BYTES {
            return Err(Damaged("the file is shorter than a segment header"));
        }
        if block[..8] != MAGIC {
            return Err(Damaged("the segment header does not start with its magic"));
        }
        if u32_at(block, CRC_OFFSET) != crc32c::crc32c(&block[..CRC_OFFSET]) {
            return Err(Damaged("the segment header's checksum is wrong"));
        }
        let reader_version_min = u16_at(block, 10);
        if reader_version_min > FORMAT_VERSION {
            return Err(NewerFormat(reader_version_min));
        }
        let header = SegmentHeader {
            directory_id: u128_at(block, 16),
            sequence: u64_at(block, 32),
            base: Lsn(u64_at(block, 40)),
            capacity_bytes: u64_at(block, 48),
            epoch: u64_at(block, 56),
            first_batch_sequence: u64_at(block, 64),
            previous_link: u32_at(block, 72),
        };
        let capacity_ok = (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&header.capacity_bytes)
            && header.capacity_bytes.is_multiple_of(super::BLOCK_BYTES)
            && header.base.0.checked_add(header.capacity_bytes).is_some()
            && header.base.0.is_multiple_of(super::BLOCK_BYTES);
        if capacity_ok { Ok(header) } else { Err(Damaged("base LSN or capacity is out of range")) }
    }
}
