//! Tests of the tag table against an ordered multimap.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn values(table: &TagTable, tag: u64) -> Vec<u64> {
    let mut all = Vec::new();
    table.find(tag, |value| {
        all.push(value);
        false
    });
    all
}

#[test]
fn keeps_every_value_of_a_tag_while_it_grows() {
    let mut table = TagTable::with_capacity(4);
    for value in 1..=5_000u64 {
        table.insert(value % 7, value);
        for tag in 0..7 {
            let expected = (1..=value).filter(|v| v % 7 == tag).count();
            if value % 997 == 0 {
                assert_eq!(values(&table, tag).len(), expected, "tag {tag} after {value} inserts");
            }
        }
    }
    assert_eq!(table.len(), 5_000);
    assert_eq!(table.entries().count(), 5_000);
}

#[test]
fn a_fixed_table_never_grows_within_its_capacity() {
    let mut table = TagTable::with_capacity(1_000);
    let slots = table.slots.len();
    for value in 1..=1_000u64 {
        table.insert(value.wrapping_mul(0x9E37_79B9_7F4A_7C15), value);
    }
    assert_eq!(table.slots.len(), slots);
    assert!(table.growing_from.is_none());
}

#[test]
#[should_panic(expected = "0 is not a value")]
fn refuses_the_value_that_marks_an_empty_slot() {
    TagTable::with_capacity(1).insert(1, 0);
}

proptest! {
    #[test]
    fn equals_an_ordered_multimap(
        inserts in prop::collection::vec((0u64..64, 1u64..1_000), 0..600),
    ) {
        let mut table = TagTable::with_capacity(0);
        let mut model: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (tag, value) in inserts {
            // Spread the tags, and make some of them share their low bits.
            let tag = if tag % 2 == 0 { tag << 32 } else { tag };
            table.insert(tag, value);
            model.entry(tag).or_default().push(value);
        }
        for (tag, expected) in &mut model {
            let mut found: Vec<u64> = values(&table, *tag);
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(&found, expected);
        }
        prop_assert_eq!(values(&table, 1 << 60).len(), 0);
        prop_assert_eq!(table.entries().count(), table.len());
    }
}
