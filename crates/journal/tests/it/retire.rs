//! Archiving, dropping and recycling old segments.

use courant_journal::storage::mem::{Fault, Operation, Survive};
use courant_journal::{
    Chain, Lsn, MemStorage, OpenError, Options, ReadError, RetireError, Storage,
};

use crate::support::{Single, scan_all};

/// A journal of several segments, all its records known.
fn several_segments(storage: &MemStorage) -> (Single<MemStorage>, Vec<(Lsn, Vec<u8>)>) {
    let mut journal = Single::open(storage, &Options::small()).unwrap();
    for number in 0..40_u8 {
        journal.append(&[&[number; 6000], &[number; 10]]).unwrap();
    }
    let contents = journal.contents();
    (journal, contents)
}

#[test]
fn dropped_segments_are_gone_and_the_rest_stays() {
    let storage = MemStorage::new(1);
    let (journal, contents) = several_segments(&storage);
    let cursor = contents[40].0;
    let retired = journal.preparer.retirer().retire_before(cursor).unwrap();
    assert!(retired.segments >= 2 && retired.begin <= cursor, "{retired:?}");
    assert_eq!(journal.reader.begin(), retired.begin);
    let kept: Vec<_> = contents.iter().filter(|(lsn, _)| *lsn >= retired.begin).cloned().collect();
    assert_eq!(journal.contents(), kept);
    let error = journal.reader.read(contents[0].0).unwrap_err();
    assert!(matches!(error, ReadError::Retired { begin, .. } if begin == retired.begin), "{error}");
    drop(journal);
    let journal = Single::open(&storage.crash(&Survive::Nothing), &Options::small()).unwrap();
    assert_eq!((journal.recovery.begin, journal.contents()), (retired.begin, kept));
}

#[test]
fn the_active_segment_is_never_retired() {
    let storage = MemStorage::new(2);
    let (mut journal, contents) = several_segments(&storage);
    let retired = journal.preparer.retirer().retire_before(Lsn(u64::MAX)).unwrap();
    assert!(retired.begin < journal.reader.durable_end());
    assert!(!journal.contents().is_empty());
    let again = journal.preparer.retirer().retire_before(Lsn(u64::MAX)).unwrap();
    assert_eq!((again.segments, again.bytes), (0, 0));
    journal.append(&[b"still writable"]).unwrap();
    assert_eq!(journal.contents().last().unwrap().1, b"still writable");
    assert!(journal.contents().len() < contents.len());
}

#[test]
fn an_archive_together_with_the_rest_is_the_whole_journal() {
    let storage = MemStorage::new(3);
    let archive = MemStorage::new(4);
    let (journal, contents) = several_segments(&storage);
    let end = journal.reader.durable_end();
    let mut retirer = journal.preparer.retirer();
    retirer.archive_before(end, &archive).unwrap();
    assert_eq!(journal.reader.begin(), Lsn::NONE, "nothing went");
    assert_eq!(scan_all(&journal.reader), contents);
    let retired = retirer.retire_before(end).unwrap();
    assert_eq!(archive.list().unwrap().len() as u64, retired.segments);
    drop(journal);
    // A directory with all segments and without the note is the journal as it was.
    for name in storage.list().unwrap().iter().filter(|name| name.ends_with(".seg")) {
        archive.put(name, &storage.contents(name).unwrap());
    }
    let whole = Single::open(&archive, &Options::small()).unwrap();
    assert_eq!(scan_all(&whole.reader), contents);
}

#[test]
fn a_segment_is_kept_until_what_the_chain_says_of_it_is_durable() {
    let storage = MemStorage::new(6);
    let (journal, contents) = several_segments(&storage);
    let mut chain = Chain::open(&journal.reader).unwrap();
    chain.step(1 << 20).unwrap();
    storage.inject(Operation::Sync, 1, Fault::LostSync);
    chain.step(1 << 20).unwrap_err();
    // The log shows the second segment's entry, and a crash will not leave it.
    let second = Lsn(journal.reader.begin().0 + Options::small().segment_bytes);
    let retired = journal.preparer.retirer().retire_before(second);
    assert!(matches!(retired, Err(RetireError::ChainBehind { .. })), "{retired:?}");
    let left = Single::open(&storage.crash(&Survive::Nothing), &Options::small()).unwrap();
    Chain::open(&left.reader).unwrap();
    assert_eq!(scan_all(&left.reader), contents);
    while chain.step(1 << 20).unwrap() {}
    journal.preparer.retirer().retire_before(second).unwrap();
    let left = Single::open(&storage.crash(&Survive::Nothing), &Options::small()).unwrap();
    Chain::open(&left.reader).unwrap();
    assert_eq!(left.reader.begin(), second);
}

#[test]
fn a_segment_that_the_chain_does_not_cover_is_kept() {
    let storage = MemStorage::new(5);
    let (journal, _) = several_segments(&storage);
    let mut chain = Chain::open(&journal.reader).unwrap();
    chain.step(1).unwrap();
    let end = journal.reader.durable_end();
    let error = journal.preparer.retirer().retire_before(end).unwrap_err();
    assert!(matches!(error, RetireError::ChainBehind { .. }), "{error}");
    while chain.step(1 << 20).unwrap() {}
    assert!(journal.preparer.retirer().retire_before(end).unwrap().segments > 0);
    let head = chain.head();
    drop((journal, chain));
    let options = courant_journal::verify::VerifyOptions::default();
    let report = courant_journal::verify::verify(&storage, &options, |_, _| {}).unwrap();
    assert_eq!((report.problems, report.head), (vec![], Some(head)));
}

#[test]
fn recycled_files_show_nothing_of_their_former_life() {
    let storage = MemStorage::new(6);
    let (mut journal, contents) = several_segments(&storage);
    let end = journal.reader.durable_end();
    journal.preparer.retirer().retire_before(end).unwrap();
    let creations = storage.calls(Operation::Create);
    journal.preparer.run().unwrap();
    let mut expected = journal.contents();
    for number in 0..20_u8 {
        let payload = vec![number; 7000];
        let (lsns, _) = journal.append(&[&payload]).unwrap();
        expected.push((lsns[0], payload));
    }
    // The note's temporary file is the only one that was made anew before the recycled one was
    // used.
    assert!(storage.calls(Operation::Create) > creations);
    assert_eq!(journal.contents(), expected);
    drop(journal);
    let journal = Single::open(&storage, &Options::small()).unwrap();
    assert_eq!(journal.contents(), expected);
    assert!(contents.len() > expected.len());
}

#[test]
fn stale_frames_in_a_segment_are_never_taken_for_records() {
    let storage = MemStorage::new(7);
    let (mut journal, _) = several_segments(&storage);
    journal.preparer.run().unwrap();
    let names = storage.list().unwrap();
    let free = names.iter().find(|name| name.ends_with(".free")).unwrap().clone();
    let old = storage.contents("00000000000000000000.seg").unwrap();
    drop(journal);
    // A disk that did not make zeros of a former segment: it shows through.
    storage.put(&free, &old);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    let mut expected = journal.contents();
    while storage.list().unwrap().contains(&free) {
        let (lsns, _) = journal.append(&[&[1; 9000]]).unwrap();
        expected.push((lsns[0], vec![1; 9000]));
    }
    assert_eq!(journal.contents(), expected);
    drop(journal);
    // A batch is written after zeros, so this small segment has none of it left.
    let journal = Single::open(&storage, &Options::small()).unwrap();
    assert_eq!(journal.contents(), expected);
    let end = journal.reader.durable_end();
    drop(journal);
    // Of a larger one the rest would still be there.
    let names = storage.list().unwrap();
    let last = names.iter().rfind(|name| name.ends_with(".seg")).unwrap();
    let base: u64 = last.strip_suffix(".seg").unwrap().parse().unwrap();
    let mut shown = storage.contents(last).unwrap();
    let end = (end.0 - base) as usize;
    shown[end..].copy_from_slice(&old[end..]);
    storage.put(last, &shown);
    let error = Single::open(&storage, &Options::small()).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt(_)), "{error}");
}
