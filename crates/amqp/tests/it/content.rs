//! Content headers: every property's place, round trips, what is refused.

use courant_amqp::{
    ContentHeader, DecodeError, Problem, Properties, PropertyValues, ReplyCode, ShortStr, Table,
};
use proptest::prelude::*;

use crate::strategies;

const HEADERS: Table<'static> = Table::from_raw(b"\x01aV");

const fn some(text: &'static str) -> Option<ShortStr<'static>> {
    Some(ShortStr::literal(text))
}

/// Each property alone, with its flags and bytes.
#[rustfmt::skip]
fn alone() -> Vec<(PropertyValues<'static>, &'static [u8])> {
    let none = PropertyValues::default;
    vec![
        (PropertyValues { content_type: some("a"), ..none() }, b"\x80\0\x01a"),
        (PropertyValues { content_encoding: some("b"), ..none() }, b"\x40\0\x01b"),
        (PropertyValues { headers: Some(HEADERS), ..none() }, b"\x20\0\0\0\0\x03\x01aV"),
        (PropertyValues { delivery_mode: Some(2), ..none() }, b"\x10\0\x02"),
        (PropertyValues { priority: Some(9), ..none() }, b"\x08\0\x09"),
        (PropertyValues { correlation_id: some("c"), ..none() }, b"\x04\0\x01c"),
        (PropertyValues { reply_to: some("d"), ..none() }, b"\x02\0\x01d"),
        (PropertyValues { expiration: some("60"), ..none() }, b"\x01\0\x0260"),
        (PropertyValues { message_id: some("e"), ..none() }, b"\0\x80\x01e"),
        (PropertyValues { timestamp: Some(1), ..none() }, b"\0\x40\0\0\0\0\0\0\0\x01"),
        (PropertyValues { kind: some("f"), ..none() }, b"\0\x20\x01f"),
        (PropertyValues { user_id: some("g"), ..none() }, b"\0\x10\x01g"),
        (PropertyValues { app_id: some("h"), ..none() }, b"\0\x08\x01h"),
        (PropertyValues { cluster_id: some(""), ..none() }, b"\0\x04\0"),
    ]
}

fn written(values: &PropertyValues<'_>) -> Vec<u8> {
    let mut raw = Vec::new();
    values.put(&mut raw);
    raw
}

#[test]
fn every_property_has_its_bit_and_bytes() {
    for (values, raw) in alone() {
        assert_eq!(written(&values), raw);
        assert_eq!(Properties::new(raw).unwrap().values(), values);
        for end in 0..raw.len() {
            let error = Properties::new(&raw[..end]).unwrap_err();
            assert_eq!(error.problem, Problem::Truncated);
            assert_eq!(error.reply_code(), ReplyCode::FrameError);
        }
    }
}

#[test]
fn a_header_has_the_bytes_of_the_specification() {
    let raw = b"\x90\0\x01j\x02";
    let header =
        ContentHeader { body_bytes: 258, properties: Properties::new(raw).expect("well-formed") };
    let payload = b"\0\x3c\0\0\0\0\0\0\0\0\x01\x02\x90\0\x01j\x02";
    let mut out = Vec::new();
    header.put(&mut out);
    assert_eq!(out, payload);
    assert_eq!(ContentHeader::decode(payload), Ok(header));
    assert_eq!(header.properties.content_type(), some("j"));
    assert_eq!(header.properties.delivery_mode(), Some(2));
    assert_eq!(header.properties.priority(), None);
}

#[test]
fn what_is_no_header_is_refused_with_its_field() {
    let refused = |payload: &[u8]| ContentHeader::decode(payload).unwrap_err();
    let error = |class_id, field, problem| DecodeError { class_id, method_id: 0, field, problem };
    let head = b"\0\x3c\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(refused(b"\0"), error(0, "class id", Problem::Truncated));
    assert_eq!(refused(b"\0\x32"), error(50, "the content header", Problem::UnknownClass));
    assert_eq!(refused(&head[..11]), error(60, "body size", Problem::Truncated));
    assert_eq!(refused(head), error(60, "property flags", Problem::Truncated));
    for flags in [1, 2, 3] {
        let payload = [head, &[0, flags][..]].concat();
        assert_eq!(refused(&payload), error(60, "property flags", Problem::UnknownProperty));
    }
    let trailing = [head, b"\x10\0\x02\x00".as_slice()].concat();
    assert_eq!(refused(&trailing), error(60, "the last property", Problem::TrailingBytes));
    let long_id = [head, b"\0\x80\x02a".as_slice()].concat();
    assert_eq!(refused(&long_id), error(60, "message_id", Problem::Truncated));
    assert_eq!(
        refused(&long_id).to_string(),
        "class 60: message_id ends too early",
        "the message says where"
    );
}

#[test]
fn malformed_headers_are_found_when_they_are_looked_into() {
    let properties = Properties::new(b"\x20\0\0\0\0\x03\x01aZ").unwrap();
    let headers = properties.headers().unwrap();
    assert_eq!(headers.get("a"), Err(Problem::UnknownType(b'Z')));
}

proptest! {
    #[test]
    fn properties_survive_their_bytes(any in strategies::properties(), body_bytes: u64) {
        let values = any.values();
        let raw = written(&values);
        let properties = Properties::new(&raw).unwrap();
        prop_assert_eq!(properties.values(), values);
        prop_assert_eq!(properties.raw(), &raw);
        let header = ContentHeader { body_bytes, properties };
        let mut payload = Vec::new();
        header.put(&mut payload);
        prop_assert_eq!(ContentHeader::decode(&payload), Ok(header));
        for end in 0..payload.len() {
            prop_assert!(ContentHeader::decode(&payload[..end]).is_err());
        }
    }

    #[test]
    fn any_bytes_are_properties_or_refused(raw in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(properties) = Properties::new(&raw) {
            // The values of a property have one form each, so they make the same bytes again.
            prop_assert_eq!(written(&properties.values()), raw);
        }
    }
}
