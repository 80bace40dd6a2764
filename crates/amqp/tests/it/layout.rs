//! Methods with any fields: written by the layout of the specification they are read, and written
//! back as the same bytes.

use courant_amqp::methods::METHODS;
use courant_amqp::{Method, WireMethod};
use proptest::prelude::*;

use crate::strategies;

/// For each class and method the types of its fields: integers by their octets, `b` a bit, `s` a
/// short string, `L` a long string, `T` a table.
const LAYOUT: &[(u16, &[(u16, &str)])] = &[
    (
        10,
        &[
            (10, "11TLL"),
            (11, "TsLs"),
            (20, "L"),
            (21, "L"),
            (30, "242"),
            (31, "242"),
            (40, "ssb"),
            (41, "s"),
            (50, "2s22"),
            (51, ""),
            (60, "s"),
            (61, ""),
            (70, "Ls"),
            (71, ""),
        ],
    ),
    (20, &[(10, "s"), (11, "L"), (20, "b"), (21, "b"), (40, "2s22"), (41, "")]),
    (30, &[(10, "sbbbbb"), (11, "2")]),
    (
        40,
        &[
            (10, "2ssbbbbbT"),
            (11, ""),
            (20, "2sbb"),
            (21, ""),
            (30, "2sssbT"),
            (31, ""),
            (40, "2sssbT"),
            (51, ""),
        ],
    ),
    (
        50,
        &[
            (10, "2sbbbbbT"),
            (11, "s44"),
            (20, "2sssbT"),
            (21, ""),
            (30, "2sb"),
            (31, "4"),
            (40, "2sbbb"),
            (41, "4"),
            (50, "2sssT"),
            (51, ""),
        ],
    ),
    (
        60,
        &[
            (10, "42b"),
            (11, ""),
            (20, "2ssbbbbT"),
            (21, "s"),
            (30, "sb"),
            (31, "s"),
            (40, "2ssbb"),
            (50, "2sss"),
            (60, "s8bss"),
            (70, "2sb"),
            (71, "8bss4"),
            (72, "s"),
            (80, "8b"),
            (90, "8b"),
            (100, "b"),
            (110, "b"),
            (111, ""),
            (120, "8bb"),
        ],
    ),
    (85, &[(10, "b"), (11, "")]),
    (90, &[(10, ""), (11, ""), (20, ""), (21, ""), (30, ""), (31, "")]),
];

fn field(kind: char) -> BoxedStrategy<Vec<u8>> {
    match kind {
        's' => strategies::short().prop_map(|bytes| behind(&[bytes.len() as u8], &bytes)).boxed(),
        'L' => prop::collection::vec(any::<u8>(), 0..300).prop_map(long).boxed(),
        'T' => strategies::entries()
            .prop_map(|entries| long(strategies::table(&entries).table().raw().to_vec()))
            .boxed(),
        octets => {
            let octets = octets.to_digit(10).expect("an integer by its octets");
            prop::collection::vec(any::<u8>(), usize::try_from(octets).expect("small")).boxed()
        }
    }
}

fn behind(length: &[u8], bytes: &[u8]) -> Vec<u8> {
    [length, bytes].concat()
}

fn long(bytes: Vec<u8>) -> Vec<u8> {
    behind(&u32::try_from(bytes.len()).expect("it is short").to_be_bytes(), &bytes)
}

/// The payload of a method with these fields; bits that follow each other become one octet.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let rows = LAYOUT.iter().flat_map(|(class, methods)| {
        methods.iter().map(move |(method, fields)| (*class, *method, *fields))
    });
    prop::sample::select(rows.collect::<Vec<_>>()).prop_flat_map(|(class, method, fields)| {
        let mut parts = Vec::new();
        let mut rest = fields;
        while let Some(kind) = rest.chars().next() {
            let bits = rest.len() - rest.trim_start_matches('b').len();
            rest = &rest[bits.max(1)..];
            parts.push(match bits {
                0 => field(kind),
                bits => (0u8..1 << bits).prop_map(|octet| vec![octet]).boxed(),
            });
        }
        let id = [class.to_be_bytes(), method.to_be_bytes()].concat();
        parts.prop_map(move |parts| [&id[..], &parts.concat()].concat())
    })
}

#[test]
fn the_layout_names_every_method() {
    let named = LAYOUT
        .iter()
        .flat_map(|(class, methods)| methods.iter().map(move |(method, _)| (*class, *method)));
    let known = METHODS.iter().map(|(class, method, _)| (*class, *method));
    assert!(named.eq(known));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_method_with_any_fields_is_written_back_as_it_was(payload in payload()) {
        let method = Method::decode(&payload).unwrap();
        let mut written = Vec::new();
        method.put(&mut written);
        prop_assert_eq!(&written, &payload);
        let cut = Method::decode(&payload[..payload.len() - 1]);
        prop_assert!(cut.is_err());
    }
}
