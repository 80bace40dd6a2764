//! Frames: their bytes, limits, and reading them from a stream that comes in pieces.

use courant_amqp::frame::{
    self, FRAME_MAX_BEFORE_TUNE, FRAME_OVERHEAD_BYTES, PROTOCOL_HEADER, is_protocol_header,
};
use courant_amqp::methods::{BasicAck, ChannelOpenOk};
use courant_amqp::{ContentHeader, Frame, FrameError, Payload, Properties, ReplyCode};
use proptest::prelude::*;

#[test]
fn frames_have_the_bytes_of_the_specification() {
    let mut out = Vec::new();
    frame::put_method(&mut out, 258, &BasicAck { delivery_tag: 3, multiple: true });
    let method = b"\x01\x01\x02\0\0\0\x0d\0\x3c\0\x50\0\0\0\0\0\0\0\x03\x01\xce";
    assert_eq!(out, method);
    frame::put_header(&mut out, 1, &ContentHeader { body_bytes: 5, properties: Properties::EMPTY });
    let header = b"\x02\0\x01\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\x05\0\0\xce";
    assert_eq!(out[method.len()..], *header);
    let start = out.len();
    frame::put_body(&mut out, 1, b"hello", 11);
    let body = b"\x03\0\x01\0\0\0\x03hel\xce\x03\0\x01\0\0\0\x02lo\xce";
    assert_eq!(out[start..], *body);
    let start = out.len();
    frame::put_heartbeat(&mut out);
    assert_eq!(out[start..], *b"\x08\0\0\0\0\0\0\xce");

    let mut rest = out.as_slice();
    let mut read = Vec::new();
    while let Some((frame, length)) = frame::decode(rest, 64).unwrap() {
        read.push(frame);
        rest = &rest[length..];
    }
    let on_1 = |payload| Frame { channel: 1, payload };
    assert_eq!(
        read,
        [
            Frame { channel: 258, payload: Payload::Method(&method[7..20]) },
            on_1(Payload::Header(&header[7..21])),
            on_1(Payload::Body(b"hel")),
            on_1(Payload::Body(b"lo")),
            Frame { channel: 0, payload: Payload::Heartbeat },
        ]
    );
    assert!(rest.is_empty());
}

#[test]
fn a_broken_frame_is_refused_as_early_as_it_can_be() {
    for octet in (0..=255).filter(|octet| ![1, 2, 3, 8].contains(octet)) {
        assert_eq!(frame::decode(&[octet], 0), Err(FrameError::UnknownType(octet)));
    }
    let too_large = FrameError::TooLarge { payload_bytes: 4_097, frame_max: 4_096 };
    assert_eq!(frame::decode(&[1, 0, 0, 0, 0, 0x10, 0x01], 4_096), Err(too_large));
    assert_eq!(frame::decode(&[1, 0, 0, 0, 0, 0x10, 0x01], 0), Ok(None), "0 is no limit");
    assert_eq!(frame::decode(&[1, 0, 0, 0, 0, 0x10, 0x00], 4_096), Ok(None), "8 bytes of grace");
    assert_eq!(frame::decode(b"\x08\0\0\0\0\0\0\xcd", 0), Err(FrameError::BadEnd(0xcd)));
    for error in [too_large, FrameError::BadEnd(0), FrameError::UnknownType(9)] {
        assert_eq!(error.reply_code(), ReplyCode::FrameError);
    }
    assert_eq!(
        too_large.to_string(),
        "a frame with 4097 bytes of payload; the frame_max of this connection is 4096"
    );
}

#[test]
fn the_largest_length_waits_or_is_refused() {
    let header = [3, 0, 1, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(frame::decode(&header, 0), Ok(None));
    assert!(frame::decode(&header, FRAME_MAX_BEFORE_TUNE).is_err());
}

#[test]
fn a_protocol_header_is_known_by_its_first_wrong_byte() {
    for end in 0..PROTOCOL_HEADER.len() {
        assert_eq!(is_protocol_header(&PROTOCOL_HEADER[..end]), None);
        let mut wrong = PROTOCOL_HEADER[..=end].to_vec();
        wrong[end] ^= 0x40;
        assert_eq!(is_protocol_header(&wrong), Some(false), "{wrong:?}");
    }
    assert_eq!(is_protocol_header(&PROTOCOL_HEADER), Some(true));
    assert_eq!(is_protocol_header(b"AMQP\0\0\x09\x01\x01"), Some(true), "frames may follow");
    assert_eq!(is_protocol_header(b"AMQP\x01\x01\x00\x09"), Some(true));
    assert_eq!(is_protocol_header(b"AMQP\x00\x01\x00\x00"), Some(false), "AMQP 1.0");
    assert_eq!(is_protocol_header(b"GET / HTTP/1.1"), Some(false));
}

#[test]
fn a_body_is_split_so_that_each_frame_fits() {
    let body: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    for frame_max in [9, 10, 4_096, 10_007, 10_008, 10_009, 0] {
        let mut out = Vec::new();
        frame::put_body(&mut out, 7, &body, frame_max);
        let (mut joined, mut framed, mut rest) = (Vec::new(), Vec::new(), out.as_slice());
        while let Some((frame, length)) = frame::decode(rest, frame_max).unwrap() {
            assert!(frame_max == 0 || length <= usize::try_from(frame_max).unwrap());
            let Payload::Body(part) = frame.payload else { panic!("not a body: {frame:?}") };
            joined.extend_from_slice(part);
            let (before, behind) = frame::body_frame(frame.channel, part);
            framed.extend_from_slice(&before);
            framed.extend_from_slice(part);
            framed.push(behind);
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
        assert_eq!(joined, body);
        assert_eq!(framed, out, "around the part where it lies");
    }
    let mut out = Vec::new();
    frame::put_body(&mut out, 7, b"", 4_096);
    assert!(out.is_empty(), "an empty body has no frames");
}

proptest! {
    #[test]
    fn a_stream_in_pieces_gives_the_same_frames(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..10),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut stream = Vec::new();
        for part in &parts {
            frame::put_method(&mut stream, 1, &ChannelOpenOk { channel_id: part });
        }
        let cut = cut.index(stream.len());
        let (mut whole, mut at) = (0, 0);
        // First with the bytes up to the cut alone, then with all of them.
        for end in [cut, stream.len()] {
            while let Some((_, length)) = frame::decode(&stream[at..end], 0).unwrap() {
                prop_assert_eq!(length, parts[whole].len() + 8 + FRAME_OVERHEAD_BYTES);
                at += length;
                whole += 1;
            }
        }
        prop_assert_eq!((whole, at), (parts.len(), stream.len()));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..40), frame_max in 0u32..64,
    ) {
        if let Ok(Some((_, length))) = frame::decode(&bytes, frame_max) {
            prop_assert!(length <= bytes.len());
        }
    }
}
