//! Appending, reading back, rolling to new segments, opening again.

use courant_journal::storage::mem::Operation;
use courant_journal::{DirectIo, Lsn, MemStorage, Options, OsStorage, PushError, Storage};

use crate::support::{Single, scan_all};

/// Batches of growing records until several segments are full.
fn fill<S: Storage>(journal: &mut Single<S>, batches: usize) -> Vec<(Lsn, Vec<u8>)> {
    let mut written = Vec::new();
    for batch in 0..batches {
        let payloads: Vec<Vec<u8>> =
            (0..=batch % 7).map(|record| vec![batch as u8; record * 311]).collect();
        let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        let (lsns, durable) = journal.append(&slices).unwrap();
        assert!(lsns.iter().all(|&lsn| lsn < durable.end));
        written.extend(lsns.into_iter().zip(payloads));
    }
    written
}

fn survives_reopening<S: Storage>(storage: &S, options: &Options) {
    let mut journal = Single::open(storage, options).unwrap();
    assert!(journal.recovery.created);
    let mut written = fill(&mut journal, 40);
    assert_eq!(journal.contents(), written);
    let end = journal.reader.durable_end();
    drop(journal);

    let mut journal = Single::open(storage, options).unwrap();
    assert!(!journal.recovery.created);
    assert_eq!((journal.recovery.end, &journal.recovery.torn), (end, &None));
    assert_eq!(journal.contents(), written);
    written.extend(fill(&mut journal, 40));
    assert_eq!(journal.contents(), written);
    assert!(written.windows(2).all(|pair| pair[0].0 < pair[1].0), "LSNs grow");
    for (lsn, payload) in &written {
        let record = journal.reader.read(*lsn).unwrap().unwrap();
        assert_eq!((record.lsn, &*record.payload), (*lsn, payload.as_slice()));
    }
}

#[test]
fn records_survive_reopening_in_memory() {
    survives_reopening(&MemStorage::new(1), &Options::small());
}

#[test]
fn records_survive_reopening_on_files() {
    for direct_io in [DirectIo::Auto, DirectIo::Never] {
        let directory = tempfile::tempdir().unwrap();
        let storage = OsStorage::open(directory.path().join("data"), direct_io).unwrap();
        survives_reopening(&storage, &Options::small());
    }
}

#[test]
fn memory_and_disk_give_the_same_records() {
    let storage = MemStorage::new(2);
    let options = Options { cache_bytes_max: 1 << 20, ..Options::small() };
    let mut journal = Single::open(&storage, &options).unwrap();
    let written = fill(&mut journal, 30);
    let from_memory = journal.contents();
    drop(journal);
    let journal = Single::open(&storage, &options).unwrap();
    assert_eq!(from_memory, written);
    assert_eq!(scan_all(&journal.reader), written);
    for (index, (lsn, _)) in written.iter().enumerate() {
        let rest = journal.reader.scan(*lsn).map(|entry| entry.unwrap().lsn);
        assert!(rest.eq(written[index..].iter().map(|(lsn, _)| *lsn)), "scan from {lsn}");
    }
}

#[test]
fn limits_of_a_batch_are_errors_that_leave_it_usable() {
    let mut journal = Single::open(&MemStorage::new(3), &Options::small()).unwrap();
    let limit = Options::small().record_bytes_max();
    let mut batch = journal.appender.begin(7).unwrap();
    let large = vec![1; limit + 1];
    assert!(!batch.fits(large.len()));
    let refused = batch.push(|buf| buf.extend_from_slice(&large)).unwrap_err();
    assert_eq!(refused, PushError::RecordTooLarge { bytes: limit + 1, bytes_max: limit });
    let first = batch.push(|buf| buf.extend_from_slice(b"small")).unwrap();
    let refused = batch.push(|buf| buf.extend_from_slice(&large[..limit])).unwrap_err();
    assert!(matches!(refused, PushError::BatchFull { bytes, .. } if bytes == limit));
    assert_eq!((batch.record_count(), batch.is_empty()), (1, false));
    let sealed = journal.appender.finish(batch).unwrap();
    journal.writer.commit(sealed).unwrap();
    assert_eq!(journal.contents(), [(first, b"small".to_vec())]);

    let (lsns, _) = journal.append(&[&large[..limit]]).unwrap();
    assert_eq!(*journal.reader.read(lsns[0]).unwrap().unwrap().payload, large[..limit]);
}

#[test]
fn an_abandoned_or_empty_batch_leaves_no_trace() {
    let mut journal = Single::open(&MemStorage::new(4), &Options::small()).unwrap();
    let mut abandoned = journal.appender.begin(1).unwrap();
    let place = abandoned.push(|buf| buf.push(1)).unwrap();
    drop(abandoned);
    let empty = journal.appender.begin(2).unwrap();
    assert!(journal.appender.finish(empty).is_none());
    let (lsns, _) = journal.append(&[b"kept"]).unwrap();
    assert_eq!(lsns, [place]);
    assert_eq!(journal.contents(), [(place, b"kept".to_vec())]);
}

#[test]
fn the_next_batch_is_filled_before_the_last_is_committed() {
    let mut journal = Single::open(&MemStorage::new(5), &Options::small()).unwrap();
    let mut sealed = Vec::new();
    for number in 0..3_u8 {
        let mut batch = journal.appender.begin(0).unwrap();
        batch.push(|buf| buf.push(number)).unwrap();
        sealed.extend(journal.appender.finish(batch));
    }
    assert_eq!(journal.contents(), []);
    for batch in sealed {
        journal.writer.commit(batch).unwrap();
    }
    let payloads: Vec<_> = journal.contents().into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(payloads, [[0], [1], [2]]);
}

#[test]
fn reading_what_is_no_record_is_an_error_or_nothing() {
    let storage = MemStorage::new(6);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    let (lsns, durable) = journal.append(&[b"one", b"two"]).unwrap();
    for journal in [journal, {
        Single::open(
            &storage.crash(&courant_journal::storage::mem::Survive::Nothing),
            &Options::small(),
        )
        .unwrap()
    }] {
        assert_eq!(journal.reader.read(Lsn::NONE).unwrap(), None);
        assert_eq!(journal.reader.read(durable.end).unwrap(), None);
        for lsn in (1..durable.end.0).map(Lsn).filter(|lsn| !lsns.contains(lsn)) {
            let error = journal.reader.read(lsn).unwrap_err();
            assert!(error.to_string().contains("no record is at LSN"), "{error}");
        }
    }
}

#[test]
fn a_scan_from_the_middle_of_a_segment_reads_little_once_somebody_was_there() {
    let storage = MemStorage::new(5);
    let options = Options {
        segment_bytes: 8 << 20,
        batch_bytes_max: 64 << 10,
        cache_bytes_max: 128 << 10,
        ..Options::small()
    };
    let mut journal = Single::open(&storage, &options).unwrap();
    let mut written = Vec::new();
    for batch in 0..150_u8 {
        let (lsns, _) = journal.append(&[&[batch; 40_000]]).unwrap();
        written.push(lsns[0]);
    }
    let reader = &journal.reader;
    let reads_from = |lsn: Lsn| {
        let before = storage.calls(Operation::Read);
        assert_eq!(reader.scan(lsn).next().unwrap().unwrap().lsn, lsn);
        storage.calls(Operation::Read) - before
    };
    let late = written[120];
    let first = reads_from(late);
    assert!(first > 10, "the segment is read from its start: {first}");
    for lsn in [late, written[119], written[121], written[60], written[61]] {
        assert!(reads_from(lsn) <= 3, "from {lsn}");
    }
    // What a scan checks does not depend on where it starts.
    for (index, lsn) in written.iter().enumerate() {
        let rest = reader.scan(*lsn).map(|entry| entry.unwrap().lsn);
        assert!(rest.eq(written[index..].iter().copied()), "scan from {lsn}");
    }
}
