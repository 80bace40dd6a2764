//! Field tables: every type, order, duplicates, depth.

use courant_amqp::table::{Array, ArrayBuf, DEPTH_MAX, TableBuf, Value};
use courant_amqp::{Problem, ShortStr, Table};
use proptest::prelude::*;

use crate::strategies;

/// Each type: its value, and the bytes after the name.
const TYPES: &[(Value<'static>, &[u8])] = &[
    (Value::Bool(true), b"t\x01"),
    (Value::I8(-2), b"b\xfe"),
    (Value::U8(254), b"B\xfe"),
    (Value::I16(-2), b"s\xff\xfe"),
    (Value::U16(65_534), b"u\xff\xfe"),
    (Value::I32(-2), b"I\xff\xff\xff\xfe"),
    (Value::U32(7), b"i\0\0\0\x07"),
    (Value::I64(-2), b"l\xff\xff\xff\xff\xff\xff\xff\xfe"),
    (Value::LongLong(258), b"L\0\0\0\0\0\0\x01\x02"),
    (Value::Float(0x3f80_0000), b"f\x3f\x80\0\0"),
    (Value::Double(0x3ff0_0000_0000_0000), b"d\x3f\xf0\0\0\0\0\0\0"),
    (Value::Decimal { scale: 2, unscaled: 1_234 }, b"D\x02\0\0\x04\xd2"),
    (Value::Text(b"hi"), b"S\0\0\0\x02hi"),
    (Value::Bytes(b"\xff"), b"x\0\0\0\x01\xff"),
    (Value::Array(Array::from_raw(b"VV")), b"A\0\0\0\x02VV"),
    (Value::Timestamp(1), b"T\0\0\0\0\0\0\0\x01"),
    (Value::Table(Table::from_raw(b"\x01kV")), b"F\0\0\0\x03\x01kV"),
    (Value::Void, b"V"),
];

#[test]
fn every_type_has_its_bytes() {
    for (value, bytes) in TYPES {
        let mut table = TableBuf::new();
        table.put(ShortStr::literal("n"), *value);
        let raw = [b"\x01n", *bytes].concat();
        assert_eq!(table.table().raw(), raw);
        assert_eq!(Table::from_raw(&raw).get("n"), Ok(Some(*value)), "read as it was written");
        assert_eq!(value.tag(), bytes[0]);
        for end in 1..raw.len() {
            let cut = Table::from_raw(&raw[..end]);
            assert_eq!(cut.check(), Err(Problem::Truncated), "{value:?} cut at {end}");
        }
    }
    let tags: Vec<u8> = TYPES.iter().map(|(value, _)| value.tag()).collect();
    for tag in (0..=255).filter(|tag| !tags.contains(tag)) {
        let raw = [1, b'n', tag, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Table::from_raw(&raw).check(), Err(Problem::UnknownType(tag)));
    }
}

#[test]
fn every_octet_but_zero_is_true() {
    for octet in 0..=255 {
        let raw = [1, b'n', b't', octet];
        assert_eq!(Table::from_raw(&raw).get("n"), Ok(Some(Value::Bool(octet != 0))));
    }
}

#[test]
fn integers_of_any_width_are_integers_and_nothing_else_is() {
    let integers: Vec<Option<i64>> = TYPES.iter().map(|(value, _)| value.as_integer()).collect();
    let expected = [-2, 254, -2, 65_534, -2, 7, -2, 258].map(Some);
    assert_eq!(integers[1..9], expected);
    assert!(integers[9..].iter().chain(&integers[..1]).all(Option::is_none));
}

#[test]
fn the_first_of_entries_with_one_name_counts_and_all_are_kept() {
    let name = ShortStr::literal("n");
    let mut table = TableBuf::new();
    table.put(name, Value::U8(1)).put(ShortStr::EMPTY, Value::Void).put(name, Value::U8(2));
    assert_eq!(table.table().get("n"), Ok(Some(Value::U8(1))));
    assert_eq!(table.table().get(""), Ok(Some(Value::Void)));
    assert_eq!(table.table().get("m"), Ok(None));
    let names: Vec<_> = table.table().entries().map(|entry| entry.unwrap().0).collect();
    assert_eq!(names, ["n", "", "n"]);
    let more = TableBuf::from(table.table());
    assert_eq!(more, table);
}

#[test]
fn a_problem_ends_the_reading() {
    let raw = b"\x01aV\x01bZ\x01cV";
    let read: Vec<_> = Table::from_raw(raw).entries().collect();
    let (name, value) = read[0].unwrap();
    assert_eq!((name.text(), value), (Some("a"), Value::Void));
    assert_eq!(read[1..], [Err(Problem::UnknownType(b'Z'))]);
    assert_eq!(Table::from_raw(raw).get("a"), Ok(Some(Value::Void)), "it stands before the fault");
    assert_eq!(Table::from_raw(raw).get("c"), Err(Problem::UnknownType(b'Z')));
}

/// Tables and arrays in turns, `depth` of them in each other; the outermost is a table.
fn nested(depth: u8) -> TableBuf {
    let name = ShortStr::literal("n");
    let mut table = TableBuf::new();
    let mut array = ArrayBuf::new();
    for level in (1..depth).rev() {
        if level % 2 == 1 {
            let inner = Value::Array(array.array());
            let mut outer = TableBuf::new();
            outer.put(name, inner);
            table = outer;
        } else {
            let mut outer = ArrayBuf::new();
            outer.put(Value::Table(table.table()));
            array = outer;
        }
    }
    table
}

#[test]
fn depth_is_limited_for_tables_and_arrays() {
    assert_eq!(nested(DEPTH_MAX).table().check(), Ok(()));
    assert_eq!(nested(DEPTH_MAX + 1).table().check(), Err(Problem::TooDeep));
    // An attack: as deep as the bytes allow. It is looked into no deeper than the limit.
    let mut raw = b"\0V".to_vec();
    for _ in 0..3_000 {
        let length = u32::try_from(raw.len()).unwrap().to_be_bytes();
        raw = [&b"\0F"[..], &length, &raw].concat();
    }
    assert_eq!(Table::from_raw(&raw).check(), Err(Problem::TooDeep));
    assert!(format!("{:?}", Table::from_raw(&raw)).contains("TooDeep"));
}

proptest! {
    #[test]
    fn a_table_survives_its_bytes(entries in strategies::entries()) {
        let buf = strategies::table(&entries);
        let table = buf.table();
        prop_assert_eq!(table.check(), Ok(()));
        prop_assert!(strategies::is_table(&entries, table));
        // Entry by entry into another table: the same bytes.
        let mut again = TableBuf::new();
        for entry in table.entries() {
            let (name, value) = entry.unwrap();
            again.put(name, value);
        }
        prop_assert_eq!(again, buf);
    }

    #[test]
    fn any_bytes_are_a_table_or_a_problem(raw in prop::collection::vec(any::<u8>(), 0..64)) {
        let table = Table::from_raw(&raw);
        let problems = table.entries().filter(Result::is_err).count();
        prop_assert!(problems <= 1);
        prop_assert!(problems == 0 || table.check().is_err());
        let _shown_without_panic = format!("{table:?}");
    }
}
