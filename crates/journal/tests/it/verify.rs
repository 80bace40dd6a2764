//! Verification of sound, torn and damaged journals.

use courant_journal::storage::mem::{Fault, Operation, Survive};
use courant_journal::verify::{Problem, VerifyOptions, in_use, verify};
use courant_journal::{MemStorage, Options};

use crate::support::Single;

#[test]
fn a_sound_journal_is_counted_in_full() {
    let storage = MemStorage::new(1);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    for number in 0..20_u8 {
        journal.append(&[&[number; 6000], b""]).unwrap();
    }
    let end = journal.reader.durable_end();
    assert!(in_use(&storage).unwrap());
    let mut steps = Vec::new();
    let options = VerifyOptions { running: true, ..VerifyOptions::default() };
    let report = verify(&storage, &options, |done, total| steps.push((done, total))).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.batches, report.records, report.end), (20, 40, end));
    assert_eq!(steps.len() as u64, report.segments);
    assert!(steps.last().is_some_and(|(done, total)| done == total));
    drop(journal);
    assert!(!in_use(&storage).unwrap());
}

#[test]
fn a_torn_tail_is_told_from_damage() {
    let storage = MemStorage::new(2);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    journal.append(&[b"safe"]).unwrap();
    storage.inject(Operation::Sync, 1, Fault::Error(std::io::ErrorKind::Other));
    journal.append(&[&[9; 2000]]).unwrap_err();
    let torn = storage.crash(&Survive::Chosen([1].into()));
    let report = verify(&torn, &VerifyOptions::default(), |_, _| {}).unwrap();
    assert!(report.is_sound() && report.torn.is_some(), "{report:?}");
    assert_eq!(report.records, 1);
}

#[test]
fn damage_in_each_segment_is_reported_once_and_does_not_end_the_check() {
    let storage = MemStorage::new(3);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    for number in 0..20_u8 {
        journal.append(&[&[number; 6000]]).unwrap();
    }
    drop(journal);
    for (file, offset) in
        [("00000000000000000000.seg", 5000), ("00000000000000065536.seg", 4096 + 8192 + 70)]
    {
        assert!(storage.flip_bit(file, offset, 3));
    }
    let report = verify(&storage, &VerifyOptions::default(), |_, _| {}).unwrap();
    let files: Vec<_> = report
        .problems
        .iter()
        .map(|problem| match problem {
            Problem::Corrupt(corrupt) => (corrupt.file.as_str(), corrupt.offset),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        files,
        [("00000000000000000000.seg", 4096), ("00000000000000065536.seg", 4096 + 8192)]
    );
    assert_eq!(report.head, None);
}
