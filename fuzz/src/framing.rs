//! Target: the headers of segments, batches and records, on raw bytes and behind right checksums.
//!
//! A checksum would keep nearly every input out, so each header is also tried with its checksum
//! made right: what an accepted header says must be written back as the same bytes.

use courant_journal::Lsn;
use courant_journal::format::SEGMENT_BYTES_MIN;
use courant_journal::format::frame::{FRAME_HEADER_BYTES, FrameHeader};
use courant_journal::format::segment::{
    SEGMENT_HEADER_BYTES, SEGMENT_HEADER_USED_BYTES, SegmentHeader,
};
use courant_journal::fuzz::decode_record;

/// Bytes of a checksum, which ends each header.
const CRC_BYTES: usize = 4;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut frame = vec![0; FRAME_HEADER_BYTES];
    let header = FrameHeader {
        epoch: 7,
        sequence: 1,
        position: Lsn(SEGMENT_HEADER_BYTES),
        time_ns: 1,
        body_bytes: 160,
        record_count: 2,
        zero_sectors: 0,
        previous_link: 0,
        body_crc: 1,
    };
    header.encode(&mut frame);
    let mut block = vec![0; usize::try_from(SEGMENT_HEADER_BYTES).expect("a block is small")];
    let header = SegmentHeader {
        directory_id: 1,
        sequence: 1,
        base: Lsn(0),
        capacity_bytes: SEGMENT_BYTES_MIN,
        epoch: 7,
        first_batch_sequence: 1,
        previous_link: 0,
    };
    header.encode(&mut block);
    block.truncate(SEGMENT_HEADER_USED_BYTES);
    vec![frame, block, vec![0; FRAME_HEADER_BYTES], Vec::new()]
}

pub(crate) fn run(data: &[u8]) {
    let _ = SegmentHeader::decode(data);
    let _ = FrameHeader::decode(data, Lsn(SEGMENT_HEADER_BYTES), 7);
    decode_record(data);
    if let Some(bytes) = sealed(data, FRAME_HEADER_BYTES) {
        frame(&bytes);
    }
    if let Some(bytes) = sealed(data, SEGMENT_HEADER_USED_BYTES) {
        segment(&bytes);
    }
}

/// The first `length` bytes, the last four of them the checksum of the others.
fn sealed(data: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut bytes = data.get(..length)?.to_vec();
    let (body, crc) = bytes.split_at_mut(length - CRC_BYTES);
    crc.copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
    Some(bytes)
}

/// Looks for the frame where and in the epoch that it says itself.
fn frame(bytes: &[u8]) {
    let number = |at: usize| {
        u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were taken"))
    };
    if let Ok((header, link)) = FrameHeader::decode(bytes, Lsn(number(24)), number(8)) {
        let mut written = vec![0; FRAME_HEADER_BYTES];
        assert_eq!(header.encode(&mut written), link);
        assert_eq!(written, bytes, "an accepted batch header is written back the same");
        assert!(header.end() > header.position);
    }
}

fn segment(bytes: &[u8]) {
    if let Ok(header) = SegmentHeader::decode(bytes) {
        let mut block = vec![0; usize::try_from(SEGMENT_HEADER_BYTES).expect("a block is small")];
        header.encode(&mut block);
        assert_eq!(SegmentHeader::decode(&block), Ok(header));
        assert!(header.end() > header.base);
    }
}
