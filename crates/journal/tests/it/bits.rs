//! Every bit of a small journal turned over, and its last segment cut at every byte: each is an
//! error or leaves the records as they were.

use courant_journal::storage::mem::Survive;
use courant_journal::{Lsn, MemStorage, OpenError, Options, ReadError};

use crate::support::Single;

const SEGMENT: &str = "00000000000000000000.seg";

/// Two batches in two blocks, the second with a sector of zeros.
fn small_journal() -> (MemStorage, Vec<(Lsn, Vec<u8>)>) {
    let storage = MemStorage::new(11);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    journal.append(&[b"first record", &[0xA5; 900]]).unwrap();
    journal.append(&[&[0x5A; 600], &[0; 1500], b"last record"]).unwrap();
    let contents = journal.contents();
    (storage, contents)
}

/// Opens and reads; `None` if an error was found on the way.
fn read_back(storage: &MemStorage) -> Option<Vec<(Lsn, Vec<u8>)>> {
    match Single::open(storage, &Options::small()) {
        Ok(journal) => {
            let entries: Result<Vec<_>, ReadError> = journal.reader.scan(Lsn::NONE).collect();
            let records = entries.ok()?.into_iter();
            Some(records.map(|entry| (entry.lsn, entry.payload.to_vec())).collect())
        }
        Err(OpenError::Corrupt(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_flipped_bit_is_detected_or_harmless() {
    let (storage, contents) = small_journal();
    let length = storage.contents(SEGMENT).unwrap().len() as u64;
    let used = 3 * 4096;
    // In the zeros behind the end every byte is like its neighbours: one of each sector is enough.
    let offsets = (0..used).chain((used..length).step_by(512));
    let (mut detected, mut harmless) = (0_u32, 0_u32);
    for offset in offsets {
        for bit in 0..8 {
            let copy = storage.crash(&Survive::Nothing);
            assert!(copy.flip_bit(SEGMENT, offset, bit));
            match read_back(&copy) {
                None => detected += 1,
                Some(records) => {
                    assert_eq!(records, contents, "offset {offset} bit {bit} went unnoticed");
                    harmless += 1;
                }
            }
        }
    }
    assert!(detected > 20_000, "{detected} flips were detected, {harmless} were harmless");
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let (storage, _) = small_journal();
    let bytes = storage.contents(SEGMENT).unwrap();
    for length in 0..bytes.len() {
        if length > 3 * 4096 && length % 512 != 0 {
            continue;
        }
        let cut = MemStorage::new(0);
        cut.put(SEGMENT, &bytes[..length]);
        assert_eq!(read_back(&cut), None, "cut to {length} bytes");
    }
}

#[test]
fn zeros_from_any_byte_on_leave_a_prefix_of_batches_or_are_refused() {
    let (storage, contents) = small_journal();
    let bytes = storage.contents(SEGMENT).unwrap();
    let prefixes = [0, 2, contents.len()];
    for length in 4096..3 * 4096 {
        let mut zeroed = bytes.clone();
        zeroed[length..].fill(0);
        let cut = MemStorage::new(0);
        cut.put(SEGMENT, &zeroed);
        if let Some(records) = read_back(&cut) {
            assert!(prefixes.contains(&records.len()), "{} records from {length}", records.len());
            assert_eq!(records, contents[..records.len()]);
        }
    }
}

#[test]
fn a_lost_sector_of_an_older_batch_is_refused_by_name() {
    let (storage, _) = small_journal();
    let mut bytes = storage.contents(SEGMENT).unwrap();
    bytes[4096..4608].fill(0);
    let holed = MemStorage::new(0);
    holed.put(SEGMENT, &bytes);
    let error = Single::open(&holed, &Options::small()).unwrap_err();
    let OpenError::Corrupt(corrupt) = &error else { panic!("{error}") };
    assert_eq!((corrupt.file.as_str(), corrupt.offset), (SEGMENT, 4096));
    assert!(error.to_string().contains("courant repair"), "{error}");
    assert_eq!(holed.contents(SEGMENT).unwrap(), bytes, "a refusal changes nothing");
}

#[test]
fn batches_of_the_files_former_life_are_refused_though_all_else_fits() {
    let (storage, _) = small_journal();
    let mut bytes = storage.contents(SEGMENT).unwrap();
    bytes[56] ^= 1;
    let crc = crc32c::crc32c(&bytes[..76]);
    bytes[76..80].copy_from_slice(&crc.to_le_bytes());
    let recycled = MemStorage::new(0);
    recycled.put(SEGMENT, &bytes);
    let error = Single::open(&recycled, &Options::small()).unwrap_err();
    assert!(error.to_string().contains("another segment or to a former one"), "{error}");
}

#[test]
fn a_batch_that_does_not_follow_the_one_before_it_is_refused() {
    // Two journals that agree in everything but the payload of their first batch.
    let journal = |first: &[u8]| {
        let storage = MemStorage::new(12);
        let mut journal = Single::open(&storage, &Options::small()).unwrap();
        journal.append(&[first]).unwrap();
        journal.append(&[b"second"]).unwrap();
        storage.contents(SEGMENT).unwrap()
    };
    let (mut spliced, other) = (journal(b"one"), journal(b"two"));
    spliced[8192..].copy_from_slice(&other[8192..]);
    let storage = MemStorage::new(0);
    storage.put(SEGMENT, &spliced);
    let error = Single::open(&storage, &Options::small()).unwrap_err();
    assert!(error.to_string().contains("does not follow the one before it"), "{error}");
}
