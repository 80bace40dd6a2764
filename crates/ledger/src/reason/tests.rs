//! Tests of the result codes.

use super::*;
use std::collections::BTreeSet;

#[test]
fn numbers_and_names_are_unique_and_round_trip() {
    let mut names = BTreeSet::new();
    let mut last = 0;
    for reason in Reason::ALL {
        let number = *reason as u16;
        assert!(number > last, "{reason} is out of order");
        last = number;
        assert_eq!(Reason::from_number(number), Some(*reason));
        assert!(names.insert(reason.name()), "{reason} is there twice");
    }
    assert_eq!(Reason::from_number(0), None);
}

#[test]
fn names_are_snake_case_and_sentences_end() {
    for reason in Reason::ALL {
        assert!(reason.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{reason}");
        assert!(reason.sentence().ends_with('.'), "{reason}");
        if let Some(iso) = reason.iso20022() {
            assert!(iso.len() == 4 && iso.bytes().all(|b| b.is_ascii_alphanumeric()), "{iso}");
        }
    }
}
