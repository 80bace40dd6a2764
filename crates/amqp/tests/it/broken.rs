//! Methods broken on purpose: cut anywhere, each bit flipped, bytes too many. None does harm.

use courant_amqp::methods::{BasicAck, QueueDeclare};
use courant_amqp::{
    DecodeError, Frame, Method, Payload, Problem, ReplyCode, ShortStr, Table, WireMethod, frame,
};
use proptest::prelude::*;

use crate::{golden, strategies};

fn framed(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame of a test is small").to_be_bytes();
    [&[1, 0, 1], &length[..], payload, &[0xce]].concat()
}

/// Reads and, if it can be read, writes: what is accepted is a method that is read as the same.
fn decode(payload: &[u8]) -> Result<(), DecodeError> {
    let method = Method::decode(payload)?;
    let mut again = Vec::new();
    method.put(&mut again);
    assert_eq!(Method::decode(&again), Ok(method));
    Ok(())
}

#[test]
fn a_method_cut_anywhere_says_which_field_ends_too_early() {
    for payload in golden::payloads() {
        for end in 0..payload.len() {
            let error = decode(&payload[..end]).expect_err("it was cut");
            assert_eq!(error.problem, Problem::Truncated, "{payload:?} cut at {end}");
            assert_eq!(error.reply_code(), ReplyCode::FrameError);
        }
        let longer = [&payload[..], &[0]].concat();
        assert_eq!(decode(&longer).unwrap_err().problem, Problem::TrailingBytes);
        let frame = framed(&payload);
        for end in 0..frame.len() {
            assert_eq!(frame::decode(&frame[..end], 4_096), Ok(None), "a part of a frame waits");
        }
        let whole = Frame { channel: 1, payload: Payload::Method(&payload) };
        assert_eq!(frame::decode(&frame, 4_096), Ok(Some((whole, frame.len()))));
    }
}

#[test]
fn a_method_with_any_bit_flipped_is_another_or_none() {
    for payload in golden::payloads() {
        let frame = framed(&payload);
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(Some((Frame { payload: Payload::Method(payload), .. }, _))) =
                frame::decode(&flipped, 4_096)
            {
                let _another_or_none = decode(payload);
            }
        }
    }
}

#[test]
fn an_error_names_method_field_and_code() {
    let error = decode(b"\0\x32\0\x0a\0\0\x05ab").unwrap_err();
    assert_eq!((error.class_id, error.method_id, error.field), (50, 10, "queue"));
    assert_eq!(error.to_string(), "queue.declare: queue ends too early");

    let error = decode(b"\0\x32\0\x0a\0\0\0\0\0\0\0\x03\x01aZ").unwrap_err();
    assert_eq!(error.field, "arguments");
    assert_eq!(error.problem, Problem::UnknownType(b'Z'));
    assert_eq!(error.reply_code(), ReplyCode::SyntaxError);
    assert_eq!(error.to_string(), "queue.declare: arguments has a value of unknown type 0x5a");

    let error = decode(b"\0\x32\0\x0a\0\0\0\0\xff\xff\xff\xff").unwrap_err();
    assert_eq!((error.field, error.problem), ("arguments", Problem::Truncated));

    let error = decode(b"\0\x63\0\x01").unwrap_err();
    assert_eq!((error.class_id, error.method_id), (99, 1));
    assert_eq!(error.reply_code(), ReplyCode::NotImplemented);
    assert_eq!(error.to_string(), "class 99, method 1: the method does not exist");
    assert_eq!(decode(b"\0").unwrap_err().field, "class id");
    assert_eq!(decode(b"\0\x32\0").unwrap_err().field, "method id");
}

#[test]
fn unused_bits_are_not_looked_at() {
    let payload = b"\0\x3c\0\x50\0\0\0\0\0\0\0\x01\xfe";
    let ack = BasicAck { delivery_tag: 1, multiple: false };
    assert_eq!(Method::decode(payload), Ok(Method::BasicAck(ack)));
}

proptest! {
    #[test]
    fn a_declaration_survives_its_bytes(
        queue in strategies::short(),
        bits: [bool; 5],
        entries in strategies::entries(),
    ) {
        let arguments = strategies::table(&entries);
        let [passive, durable, exclusive, auto_delete, no_wait] = bits;
        let declare = QueueDeclare {
            ticket: 0,
            queue: ShortStr::new(&queue).unwrap(),
            passive,
            durable,
            exclusive,
            auto_delete,
            no_wait,
            arguments: arguments.table(),
        };
        let mut payload = Vec::new();
        declare.put(&mut payload);
        prop_assert_eq!(Method::decode(&payload), Ok(declare.into()));
        for end in 0..payload.len() {
            prop_assert!(Method::decode(&payload[..end]).is_err());
        }
    }

    #[test]
    fn any_fields_are_a_method_or_an_error(
        method in any::<prop::sample::Index>(),
        fields in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let payloads = golden::payloads();
        let mut payload = method.get(&payloads)[..4].to_vec();
        payload.extend_from_slice(&fields);
        let _either = decode(&payload);
    }
}

#[test]
fn tables_of_methods_are_checked_when_they_are_read() {
    let table = Table::from_raw(b"\x01a");
    let mut payload = Vec::new();
    QueueDeclare { arguments: table, ..QueueDeclare::default() }.put(&mut payload);
    assert_eq!(decode(&payload).unwrap_err().field, "arguments");
}
