//! The bytes on disk: sizes, and one submodule for each of segment header, batch frame and record.
//!
//! Pure functions over byte slices, little-endian, no I/O. `docs/internals/journal-format.md` draws
//! the same layout; the golden test holds both to it. Nothing here decides what a bad byte means
//! for the journal as a whole: that is recovery's.

mod bytes;
pub mod frame;
pub mod record;
pub mod segment;

pub(crate) use bytes::{put_u16, put_u32, put_u64, put_u128, u16_at, u32_at, u64_at, u128_at};

/// Frames start and end on this, in bytes; so does every read and write of a segment.
pub const BLOCK_BYTES: u64 = 4096;
/// What a disk writes whole or not at all, in bytes.
pub const SECTOR_BYTES: usize = 512;
/// The version this release writes.
pub const FORMAT_VERSION: u16 = 1;

/// Payload bytes of one record, at most.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// Bytes of one frame with header and padding, at most: the largest record fits.
pub const BATCH_BYTES_MAX: u64 = RECORD_BYTES_MAX as u64 + BLOCK_BYTES;
/// Bytes of one frame, at least that an option may allow.
pub const BATCH_BYTES_MIN: u64 = 2 * BLOCK_BYTES;
/// Bytes of a segment file, at least.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;
/// Bytes of a segment file, at most.
pub const SEGMENT_BYTES_MAX: u64 = 16 << 30;

/// `bytes` rounded up to whole blocks.
pub(crate) fn round_up_to_block(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK_BYTES)
}

/// Whether every byte is zero.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    static ZEROS: [u8; BLOCK_BYTES as usize] = [0; BLOCK_BYTES as usize];
    bytes.chunks(ZEROS.len()).all(|part| part == &ZEROS[..part.len()])
}

/// How many whole or partial sectors of `bytes` hold nothing but zeros. `bytes` starts on a sector.
pub(crate) fn zero_sectors(bytes: &[u8]) -> u32 {
    let count = bytes.chunks(SECTOR_BYTES).filter(|sector| is_zero(sector)).count();
    u32::try_from(count).expect("a frame has far fewer than 2^32 sectors")
}
