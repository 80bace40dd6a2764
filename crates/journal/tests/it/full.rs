//! A full disk is seen before a write can fail, and passes by itself.

use courant_journal::storage::mem::{Fault, Operation};
use courant_journal::{BeginError, MemStorage, Options, Preparation, Storage};
use std::io;

use crate::support::Single;

#[test]
fn a_full_disk_refuses_batches_lets_reads_go_on_and_heals() {
    let options = Options::small();
    let storage = MemStorage::new(1);
    storage.set_capacity(Some(3 * options.segment_bytes));
    let mut journal = Single::open(&storage, &options).unwrap();
    let mut committed = 0;
    let refused = loop {
        let progress = journal.preparer.run().unwrap();
        let mut batch = match journal.appender.begin(0) {
            Ok(batch) => batch,
            Err(refused) => {
                assert!(matches!(progress, Preparation::Full(_)), "{progress:?}");
                break refused;
            }
        };
        batch.push(|buf| buf.extend_from_slice(&[7; 5000])).unwrap();
        let sealed = journal.appender.finish(batch).unwrap();
        journal.writer.commit(sealed).expect("prepared space never runs out");
        committed += 1;
    };
    assert!(matches!(refused, BeginError::Full(full) if full.free_bytes < full.needed_bytes));
    assert!(refused.to_string().contains("the disk is full"), "{refused}");
    assert!(committed > 10);
    assert_eq!(journal.appender.capacity_bytes(), 0);
    assert_eq!(journal.contents().len(), committed);

    storage.set_capacity(Some(5 * options.segment_bytes));
    assert_eq!(journal.preparer.run().unwrap(), Preparation::Ready);
    assert!(journal.appender.capacity_bytes() > 0);
    journal.append(&[b"on it goes"]).unwrap();
    assert_eq!(journal.contents().len(), committed + 1);
}

#[test]
fn a_full_disk_does_not_keep_a_journal_from_opening() {
    let options = Options::small();
    let storage = MemStorage::new(2);
    let mut journal = Single::open(&storage, &options).unwrap();
    journal.append(&[b"kept"]).unwrap();
    drop(journal);
    storage.set_capacity(Some(0));
    let mut journal = Single::open(&storage, &options).unwrap();
    assert_eq!(journal.contents().len(), 1);
    journal.append(&[b"the segment has room"]).unwrap();
}

#[test]
fn a_directory_without_room_for_the_first_segment_says_so() {
    let storage = MemStorage::new(3);
    storage.set_capacity(Some(1000));
    let error = Single::open(&storage, &Options::small()).unwrap_err();
    assert!(error.to_string().contains("make room on the disk"), "{error}");
    storage.set_capacity(None);
    assert!(Single::open(&storage, &Options::small()).unwrap().recovery.created);
}

#[test]
fn a_segment_whose_name_may_not_be_durable_is_given_up_and_takes_no_room() {
    let options = Options::small();
    let storage = MemStorage::new(4);
    let mut journal = Single::open(&storage, &options).unwrap();
    let prepared = || {
        let names = storage.list().unwrap();
        names.iter().filter(|name| name.starts_with("pool-")).count()
    };
    for _ in 0..10 {
        storage.inject(Operation::SyncDir, 1, Fault::Error(io::ErrorKind::Other));
        let error = journal.preparer.run().unwrap_err();
        assert!(error.to_string().contains("syncing"), "{error}");
        assert_eq!(prepared(), 0);
    }
    assert_eq!(journal.preparer.run().unwrap(), Preparation::Ready);
    assert_eq!(prepared(), options.segments_ready);
    journal.append(&[b"on it goes"]).unwrap();
}
