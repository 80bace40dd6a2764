//! One record: length, checksum, payload, zeros up to 8 bytes.
//!
//! The checksum covers length, LSN, segment epoch and payload: a record that is stale, foreign or
//! in the wrong place does not validate, and one read of its bytes proves that it is there.

use super::{RECORD_BYTES_MAX, put_u32, u32_at};
use crate::Lsn;

/// Bytes before the payload.
pub const RECORD_HEADER_BYTES: usize = 8;
/// Records start on this, in bytes.
pub const RECORD_ALIGN_BYTES: usize = 8;

/// Bytes that a record with `payload_bytes` takes in a frame.
#[must_use]
pub fn record_bytes(payload_bytes: usize) -> usize {
    (RECORD_HEADER_BYTES + payload_bytes).next_multiple_of(RECORD_ALIGN_BYTES)
}

/// Writes the header before a payload that is already in place: `record` holds both.
pub(crate) fn seal(record: &mut [u8], lsn: Lsn, epoch: u64) {
    let payload_bytes = record.len() - RECORD_HEADER_BYTES;
    let length = u32::try_from(payload_bytes).expect("a record is at most RECORD_BYTES_MAX");
    let crc = checksum(length, lsn, epoch, &record[RECORD_HEADER_BYTES..]);
    put_u32(record, 0, length);
    put_u32(record, 4, crc);
}

/// Payload length that a record header claims, if it can be one.
pub(crate) fn payload_bytes(header: &[u8]) -> Option<usize> {
    let length = u32_at(header, 0) as usize;
    (length <= RECORD_BYTES_MAX).then_some(length)
}

/// The payload of the record at `lsn` in a segment of `epoch`; `bytes` starts with the record.
/// `None` if no whole, unaltered record is there.
#[must_use]
pub fn decode(bytes: &[u8], lsn: Lsn, epoch: u64) -> Option<&[u8]> {
    if bytes.len() < RECORD_HEADER_BYTES {
        return None;
    }
    let length = payload_bytes(bytes)?;
    let payload = bytes.get(RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + length)?;
    let crc = checksum(u32_at(bytes, 0), lsn, epoch, payload);
    (crc == u32_at(bytes, 4)).then_some(payload)
}

fn checksum(length: u32, lsn: Lsn, epoch: u64, payload: &[u8]) -> u32 {
    let mut place = [0; 24];
    place[..8].copy_from_slice(&lsn.0.to_le_bytes());
    place[8..16].copy_from_slice(&epoch.to_le_bytes());
    place[16..].copy_from_slice(&u64::from(length).to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&place), payload)
}
