//! A frame header decodes to what was encoded, at its own place, and nowhere else.

use super::{FRAME_HEADER_BYTES, FrameHeader, FrameHeaderFault};
use crate::Lsn;
use crate::format::{BATCH_BYTES_MAX, put_u16, put_u32};

const HEADER: FrameHeader = FrameHeader {
    epoch: 11,
    sequence: 7,
    position: Lsn(4096),
    time_ns: 5,
    body_bytes: 100,
    record_count: 2,
    zero_sectors: 0,
    previous_link: 3,
    body_crc: 9,
};

fn encoded(header: &FrameHeader) -> [u8; FRAME_HEADER_BYTES] {
    let mut bytes = [0; FRAME_HEADER_BYTES];
    header.encode(&mut bytes);
    bytes
}

#[test]
fn what_was_encoded_is_decoded_with_its_link() {
    let mut bytes = [0; FRAME_HEADER_BYTES];
    let link = HEADER.encode(&mut bytes);
    assert_eq!(FrameHeader::decode(&bytes, Lsn(4096), 11), Ok((HEADER, link)));
    assert_eq!((HEADER.frame_bytes(), HEADER.end()), (4096, Lsn(8192)));
}

#[test]
fn every_other_place_life_and_length_is_refused() {
    let decode = |header: &FrameHeader, position, epoch| {
        FrameHeader::decode(&encoded(header), Lsn(position), epoch).map(|_| ())
    };
    assert_eq!(decode(&HEADER, 8192, 11), Err(FrameHeaderFault::Position));
    assert_eq!(decode(&HEADER, 4096, 12), Err(FrameHeaderFault::Epoch));
    let too_long = FrameHeader { body_bytes: BATCH_BYTES_MAX as u32, ..HEADER };
    assert_eq!(decode(&too_long, 4096, 11), Err(FrameHeaderFault::Length));
    let too_many = FrameHeader { record_count: 13, ..HEADER };
    assert_eq!(decode(&too_many, 4096, 11), Err(FrameHeaderFault::Length));

    let with_crc = |change: fn(&mut [u8])| {
        let mut bytes = encoded(&HEADER);
        change(&mut bytes);
        let crc = crc32c::crc32c(&bytes[..60]);
        put_u32(&mut bytes, 60, crc);
        FrameHeader::decode(&bytes, Lsn(4096), 11).map(|_| ())
    };
    assert_eq!(with_crc(|bytes| put_u16(bytes, 4, 2)), Err(FrameHeaderFault::NewerVersion));
    assert_eq!(with_crc(|bytes| put_u16(bytes, 6, 1)), Err(FrameHeaderFault::NewerVersion));
    assert_eq!(with_crc(|bytes| bytes[0] ^= 1), Err(FrameHeaderFault::Magic));
    let mut flipped = encoded(&HEADER);
    flipped[16] ^= 1;
    let decoded = FrameHeader::decode(&flipped, Lsn(4096), 11).map(|_| ());
    assert_eq!(decoded, Err(FrameHeaderFault::HeaderCrc));
}
