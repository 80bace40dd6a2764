//! Bodies of fuzz targets: any bytes in, and what must hold for them. They panic if it does not.

use crate::format::frame::{FRAME_HEADER_BYTES, FrameHeader};
use crate::format::record;
use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::format::{round_up_to_block, zero_sectors};
use crate::verify::{VerifyOptions, verify};
use crate::{Chain, Journal, Lsn, MemStorage, Options, repair, segments};

/// Bytes before the part that is decoded.
const PREFIX_BYTES: usize = 16;

/// A record: what decodes is what was encoded. The first 16 bytes are its LSN and epoch.
pub fn decode_record(data: &[u8]) {
    let Some((prefix, bytes)) = data.split_at_checked(PREFIX_BYTES) else { return };
    let lsn = Lsn(crate::format::u64_at(prefix, 0));
    let epoch = crate::format::u64_at(prefix, 8);
    if let Some(payload) = record::decode(bytes, lsn, epoch) {
        let end = record::RECORD_HEADER_BYTES + payload.len();
        let mut again = bytes[..end].to_vec();
        record::seal(&mut again, lsn, epoch);
        assert_eq!(again, bytes[..end], "a record has one encoding");
    }
}

/// A segment's contents behind its header: opening, scanning, reading, chaining, verifying and
/// planning a repair never panic, and a journal that opens is sound up to what a scan says.
/// An odd first byte makes the rest the body of a batch whose checksums are right.
pub fn read_segment(data: &[u8]) {
    let storage = MemStorage::new(1);
    storage.put(&segments::file_name(Lsn::NONE), &segment_with(data));
    let planned = repair::plan(&storage);
    let report = verify(&storage, &VerifyOptions::default(), |_, _| {});
    let Ok((journal, recovery)) = Journal::open(storage.clone(), Options::small()) else { return };
    assert!(planned.is_ok_and(|plan| plan.damage.is_none()), "what opens needs no repair");
    let (_, _, _, reader) = journal.split();
    let mut sound = true;
    for entry in reader.scan(Lsn::NONE) {
        let Ok(entry) = entry else {
            sound = false;
            break;
        };
        assert!(entry.lsn < recovery.end, "a record lies before the end");
        if let Ok(record) = reader.read(entry.lsn) {
            assert!(record.is_some_and(|record| record.payload == entry.payload));
        }
    }
    let verified = report.is_ok_and(|report| report.is_sound());
    assert!(sound || !verified, "verify sees what a scan sees");
    if let Ok(mut chain) = Chain::open(&reader) {
        while matches!(chain.step(u64::MAX), Ok(true)) {}
    }
}

/// The smallest segment, with a valid header.
fn segment_with(data: &[u8]) -> Vec<u8> {
    let capacity_bytes = Options::small().segment_bytes;
    let header = SegmentHeader {
        directory_id: 1,
        sequence: 1,
        base: Lsn::NONE,
        capacity_bytes,
        epoch: 2,
        first_batch_sequence: 1,
        previous_link: 0,
    };
    let mut bytes = vec![0; capacity_bytes as usize];
    let (block, rest) = bytes.split_at_mut(SEGMENT_HEADER_BYTES as usize);
    header.encode(block);
    match data.split_first() {
        Some((kind, body)) if kind % 2 == 1 => encode_batch(rest, body, header.epoch),
        _ => {
            let count = data.len().min(rest.len());
            rest[..count].copy_from_slice(&data[..count]);
        }
    }
    bytes
}

fn encode_batch(frame: &mut [u8], body: &[u8], epoch: u64) {
    let room = Options::small().batch_bytes_max as usize - FRAME_HEADER_BYTES;
    let body = &body[..body.len().min(room)];
    let end = FRAME_HEADER_BYTES + body.len();
    frame[FRAME_HEADER_BYTES..end].copy_from_slice(body);
    let header = FrameHeader {
        epoch,
        sequence: 1,
        position: Lsn(SEGMENT_HEADER_BYTES),
        time_ns: 0,
        body_bytes: u32::try_from(body.len()).expect("the body was cut to fit"),
        record_count: u32::from(body.first().copied().unwrap_or(0) % 4).min(body.len() as u32 / 8),
        zero_sectors: zero_sectors(&frame[..end]),
        previous_link: 0,
        body_crc: crc32c::crc32c(body),
    };
    header.encode(frame);
    assert!(round_up_to_block(end as u64) <= frame.len() as u64, "the batch fits its segment");
}
