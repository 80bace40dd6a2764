//! The header of a batch frame. A frame is header, records, zeros up to the next block.
//!
//! ```text
//!  0 magic u32      4 version u16    6 flags u16    8 epoch u64
//! 16 sequence u64  24 position u64  32 time ns u64
//! 40 body bytes u32   44 record count u32   48 zero sectors u32
//! 52 previous link u32   56 body CRC32C u32   60 header CRC32C u32 (of bytes 0..60)
//! ```
//!
//! The header CRC is the batch's *link*: the next batch repeats it, so batches form a chain, and as
//! it covers the body CRC it stands for the whole batch. `position` is the frame's own LSN: a frame
//! that the disk wrote elsewhere is noticed. `zero sectors` says how many sectors of header plus
//! body hold nothing but zeros, so that recovery can tell a lost sector from one that was zero.

use super::{
    BATCH_BYTES_MAX, BLOCK_BYTES, put_u16, put_u32, put_u64, round_up_to_block, u16_at, u32_at,
    u64_at,
};
use crate::Lsn;

/// Bytes before the first record of a frame.
pub const FRAME_HEADER_BYTES: usize = 64;

const MAGIC: u32 = u32::from_le_bytes(*b"BTCH");
const FRAME_VERSION: u16 = 1;
const CRC_OFFSET: usize = 60;

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Epoch of the segment it was written for.
    pub epoch: u64,
    /// 1 for the journal's first batch, then dense over all segments.
    pub sequence: u64,
    /// The frame's own LSN.
    pub position: Lsn,
    /// Given by the caller when the batch was begun, in nanoseconds.
    pub time_ns: u64,
    /// Bytes of all records with their headers and paddings.
    pub body_bytes: u32,
    /// Records in the body.
    pub record_count: u32,
    /// Sectors of header plus body that are all zero.
    pub zero_sectors: u32,
    /// Link of the batch before, 0 for the first.
    pub previous_link: u32,
    /// CRC32C of the body.
    pub body_crc: u32,
}

/// Why bytes are not the frame header expected at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameHeaderFault {
    /// The first four bytes are not the magic.
    Magic,
    /// The header's checksum is wrong.
    HeaderCrc,
    /// A frame version or flag of a newer release.
    NewerVersion,
    /// Bytes of another segment, or of this file's former life.
    Epoch,
    /// A frame that belongs elsewhere.
    Position,
    /// The body would not fit, or its length cannot hold its records.
    Length,
}

impl FrameHeader {
    /// Bytes of header and body, without the padding.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        FRAME_HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }

    /// Bytes of the whole frame, a multiple of a block.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        round_up_to_block(self.used_bytes())
    }

    /// LSN after the frame.
    #[must_use]
    pub fn end(&self) -> Lsn {
        self.position.plus(self.frame_bytes())
    }

    /// Writes the header over the first bytes of `frame`; the batch's link is returned.
    pub fn encode(&self, frame: &mut [u8]) -> u32 {
        let header = &mut frame[..FRAME_HEADER_BYTES];
        put_u32(header, 0, MAGIC);
        put_u16(header, 4, FRAME_VERSION);
        put_u16(header, 6, 0);
        put_u64(header, 8, self.epoch);
        put_u64(header, 16, self.sequence);
        put_u64(header, 24, self.position.0);
        put_u64(header, 32, self.time_ns);
        put_u32(header, 40, self.body_bytes);
        put_u32(header, 44, self.record_count);
        put_u32(header, 48, self.zero_sectors);
        put_u32(header, 52, self.previous_link);
        put_u32(header, 56, self.body_crc);
        let link = crc32c::crc32c(&header[..CRC_OFFSET]);
        put_u32(header, CRC_OFFSET, link);
        link
    }

    /// Reads the header at `position` in a segment of `epoch`; also returns the batch's link.
    pub fn decode(
        frame: &[u8],
        position: Lsn,
        epoch: u64,
    ) -> Result<(FrameHeader, u32), FrameHeaderFault> {
        if frame.len() < FRAME_HEADER_BYTES || u32_at(frame, 0) != MAGIC {
            return Err(FrameHeaderFault::Magic);
        }
        let link = u32_at(frame, CRC_OFFSET);
        if link != crc32c::crc32c(&frame[..CRC_OFFSET]) {
            return Err(FrameHeaderFault::HeaderCrc);
        }
        if u16_at(frame, 4) != FRAME_VERSION || u16_at(frame, 6) != 0 {
            return Err(FrameHeaderFault::NewerVersion);
        }
        let header = FrameHeader {
            epoch: u64_at(frame, 8),
            sequence: u64_at(frame, 16),
            position: Lsn(u64_at(frame, 24)),
            time_ns: u64_at(frame, 32),
            body_bytes: u32_at(frame, 40),
            record_count: u32_at(frame, 44),
            zero_sectors: u32_at(frame, 48),
            previous_link: u32_at(frame, 52),
            body_crc: u32_at(frame, 56),
        };
        if header.epoch != epoch {
            return Err(FrameHeaderFault::Epoch);
        }
        if header.position != position {
            return Err(FrameHeaderFault::Position);
        }
        let records_bytes_min =
            u64::from(header.record_count) * super::record::RECORD_HEADER_BYTES as u64;
        let length_ok = header.frame_bytes() <= BATCH_BYTES_MAX
            && u64::from(header.body_bytes) >= records_bytes_min
            && header.position.0.checked_add(BATCH_BYTES_MAX + BLOCK_BYTES).is_some();
        if length_ok { Ok((header, link)) } else { Err(FrameHeaderFault::Length) }
    }

    /// Whether `frame`, which holds at least [`Self::used_bytes`], has the body the header
    /// promises.
    #[must_use]
    pub fn body_matches(&self, frame: &[u8]) -> bool {
        crc32c::crc32c(self.body(frame)) == self.body_crc
    }

    /// The records' bytes within `frame`.
    #[must_use]
    pub fn body<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        &frame[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + self.body_bytes as usize]
    }
}

impl std::fmt::Display for FrameHeaderFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FrameHeaderFault::Magic => "no batch starts here",
            FrameHeaderFault::HeaderCrc => "the batch header's checksum is wrong",
            FrameHeaderFault::NewerVersion => "the batch was written by a newer release",
            FrameHeaderFault::Epoch => "the batch belongs to another segment or to a former one",
            FrameHeaderFault::Position => "the batch belongs to another place in the journal",
            FrameHeaderFault::Length => "the batch's length is impossible",
        })
    }
}

#[cfg(test)]
mod tests;
