//! The chain of hashes: what it proves.

use courant_journal::storage::mem::Survive;
use courant_journal::verify::{Problem, VerifyOptions, verify};
use courant_journal::{Chain, ChainError, ChainHead, Lsn, MemStorage, Options, Storage};

use crate::support::Single;

const SECOND: &str = "00000000000000065536.seg";

fn chained(storage: &MemStorage, step_bytes: u64) -> ChainHead {
    let mut journal = Single::open(storage, &Options::small()).unwrap();
    for number in 0..20_u8 {
        journal.append(&[&[number; 6000], &[number; 10]]).unwrap();
    }
    let mut chain = Chain::open(&journal.reader).unwrap();
    while chain.step(step_bytes).unwrap() {}
    assert_eq!(chain.head().end, journal.reader.durable_end());
    chain.head()
}

/// Changes one payload byte and makes all checksums of record, body and batches right again, as
/// somebody would who knows the format.
fn forge(storage: &MemStorage, file: &str) {
    let mut bytes = storage.contents(file).unwrap();
    let field = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (base, epoch) = (field(&bytes, 40), field(&bytes, 56));
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let length = bytes.len();
    let (mut frame, mut previous) = (4096, word(&bytes, 72));
    let mut first = true;
    while frame < length && word(&bytes, frame) != 0 {
        let body = word(&bytes, frame + 40) as usize;
        if first {
            let record = frame + 64;
            let payload = word(&bytes, record) as usize;
            bytes[record + 8] ^= 1;
            let mut place = [0; 24];
            place[..8].copy_from_slice(&(base + record as u64).to_le_bytes());
            place[8..16].copy_from_slice(&epoch.to_le_bytes());
            place[16..].copy_from_slice(&(payload as u64).to_le_bytes());
            let crc = crc32c::crc32c(&place);
            let crc = crc32c::crc32c_append(crc, &bytes[record + 8..record + 8 + payload]);
            bytes[record + 4..record + 8].copy_from_slice(&crc.to_le_bytes());
            first = false;
        }
        let body_crc = crc32c::crc32c(&bytes[frame + 64..frame + 64 + body]);
        bytes[frame + 52..frame + 56].copy_from_slice(&previous.to_le_bytes());
        bytes[frame + 56..frame + 60].copy_from_slice(&body_crc.to_le_bytes());
        previous = crc32c::crc32c(&bytes[frame..frame + 60]);
        bytes[frame + 60..frame + 64].copy_from_slice(&previous.to_le_bytes());
        frame += (64 + body).next_multiple_of(4096);
    }
    storage.put(file, &bytes);
}

fn problems(storage: &MemStorage, noted_head: Option<ChainHead>) -> Vec<Problem> {
    let options = VerifyOptions { noted_head, running: false };
    verify(storage, &options, |_, _| {}).unwrap().problems
}

fn last_segment(storage: &MemStorage) -> String {
    storage.list().unwrap().into_iter().rfind(|name| name.ends_with(".seg")).unwrap()
}

#[test]
fn the_head_does_not_depend_on_the_steps_or_on_reopening() {
    let one = chained(&MemStorage::new(1), 1);
    let storage = MemStorage::new(1);
    assert_eq!(chained(&storage, u64::MAX), one);
    let journal = Single::open(&storage, &Options::small()).unwrap();
    let chain = Chain::open(&journal.reader).unwrap();
    assert_eq!(chain.head(), one);
    assert_eq!(one.to_string().parse::<ChainHead>().unwrap(), one);
    assert!("12:xyz".parse::<ChainHead>().is_err());
}

#[test]
fn what_a_crash_takes_from_the_chain_is_computed_again() {
    let head = chained(&MemStorage::new(2), 4096);
    for seed in 0..20 {
        let storage = MemStorage::new(2);
        let mut journal = Single::open(&storage, &Options::small()).unwrap();
        let mut chain = Chain::open(&journal.reader).unwrap();
        for number in 0..20_u8 {
            journal.append(&[&[number; 6000], &[number; 10]]).unwrap();
            if u64::from(number) < seed {
                chain.step(u64::MAX).unwrap();
            }
        }
        let after = storage.crash(&Survive::Seeded(seed));
        let journal = Single::open(&after, &Options::small()).unwrap();
        let mut chain = Chain::open(&journal.reader).unwrap();
        while chain.step(10_000).unwrap() {}
        assert_eq!(chain.head(), head, "seed {seed}");
    }
}

#[test]
fn a_record_altered_with_all_its_checksums_is_noticed() {
    let storage = MemStorage::new(3);
    chained(&storage, 8192);
    forge(&storage, &last_segment(&storage));
    let found = problems(&storage, None);
    assert!(matches!(found[..], [Problem::ChainDiffers { .. }]), "{found:?}");
    assert!(found[0].to_string().contains("were altered"), "{}", found[0]);
    // In an older segment the next segment's link is another witness.
    let storage = MemStorage::new(3);
    chained(&storage, 8192);
    forge(&storage, SECOND);
    assert!(!problems(&storage, None).is_empty());
}

#[test]
fn a_rewritten_chain_does_not_fool_a_noted_head() {
    let storage = MemStorage::new(4);
    let head = chained(&storage, 8192);
    assert_eq!(problems(&storage, Some(head)), []);
    forge(&storage, &last_segment(&storage));
    storage.remove("chain.log").unwrap();
    assert_eq!(problems(&storage, None), [], "without chain or note nothing shows");
    let found = problems(&storage, Some(head));
    assert!(matches!(found[..], [Problem::ChainDiffers { noted: "in the noted head", .. }]));
}

#[test]
fn a_removed_segment_is_noticed() {
    let storage = MemStorage::new(5);
    chained(&storage, 8192);
    storage.remove(SECOND).unwrap();
    assert!(!problems(&storage, None).is_empty());
}

#[test]
fn a_removed_end_is_noticed_by_the_chain_and_by_a_noted_head() {
    let storage = MemStorage::new(6);
    let head = chained(&storage, 8192);
    storage.remove(&last_segment(&storage)).unwrap();
    let found = problems(&storage, None);
    assert!(matches!(found[..], [Problem::EndMissing { noted: "in chain.log", .. }]), "{found:?}");
    let journal = Single::open(&storage, &Options::small()).unwrap();
    let error = Chain::open(&journal.reader).unwrap_err();
    assert!(matches!(error, ChainError::Log(_)), "{error}");
    assert!(error.to_string().contains("the journal has lost its end"), "{error}");
    drop(journal);
    storage.remove("chain.log").unwrap();
    assert_eq!(problems(&storage, None), []);
    let found = problems(&storage, Some(head));
    assert!(matches!(found[..], [Problem::EndMissing { known_end, .. }] if known_end == head.end));
}

#[test]
fn a_journal_that_lost_all_segments_is_not_a_new_one() {
    let storage = MemStorage::new(7);
    chained(&storage, 8192);
    for name in storage.list().unwrap().iter().filter(|name| name.ends_with(".seg")) {
        storage.remove(name).unwrap();
    }
    let error = Single::open(&storage, &Options::small()).unwrap_err();
    assert!(error.to_string().contains("none of its segments"), "{error}");
}

#[test]
fn every_flipped_bit_of_the_chain_is_detected_or_harmless() {
    let storage = MemStorage::new(8);
    let head = chained(&storage, 8192);
    let length = storage.contents("chain.log").unwrap().len() as u64;
    for offset in 0..length {
        for bit in 0..8 {
            let copy = storage.crash(&Survive::Nothing);
            copy.flip_bit("chain.log", offset, bit);
            let journal = Single::open(&copy, &Options::small()).unwrap();
            let Ok(mut chain) = Chain::open(&journal.reader) else { continue };
            while chain.step(u64::MAX).unwrap() {}
            assert_eq!(chain.head(), head, "offset {offset} bit {bit}");
            assert_ne!(chain.head().end, Lsn::NONE);
        }
    }
}
