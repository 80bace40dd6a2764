//! Where incarnations begin and end, and that a damaged file of them is refused.

use super::*;
use courant_journal::MemStorage;

fn numbers(root: &MemStorage, lsns: [u64; 4]) -> [Option<u32>; 4] {
    let all = Incarnations::read(root).expect("it is sound");
    lsns.map(|lsn| all.at(Lsn(lsn)).map(|incarnation| incarnation.number))
}

#[test]
fn each_begins_where_the_journal_lost_its_end_and_ends_those_after_it() {
    let root = MemStorage::new(1);
    assert_eq!(numbers(&root, [0, 100, 200, 300]), [None; 4]);
    Incarnations::begin(&root, Lsn(100)).expect("memory has room");
    let [before, first, ..] = numbers(&root, [99, 100, 200, 300]);
    assert!(before.is_none() && first.is_some());
    Incarnations::begin(&root, Lsn(200)).expect("memory has room");
    let [none, same, second, still] = numbers(&root, [99, 199, 200, 300]);
    assert_eq!((none, same, still), (None, first, second));
    assert_ne!(second, first);
    // A third that goes back before the second.
    Incarnations::begin(&root, Lsn(150)).expect("memory has room");
    let [same, third, at_second, still] = numbers(&root, [149, 150, 200, 300]);
    assert_eq!((same, at_second, still), (first, third, third));
    assert!(third != first && third != second);
}

#[test]
fn a_damaged_file_is_told_and_not_guessed_at() {
    let root = MemStorage::new(2);
    Incarnations::begin(&root, Lsn(100)).expect("memory has room");
    Incarnations::begin(&root, Lsn(200)).expect("memory has room");
    let sound = read_file(&root, FILE).expect("it is there");
    let read = |bytes: &[u8]| {
        replace_file(&root, FILE, bytes).expect("memory has room");
        Incarnations::read(&root)
    };
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&bytes).is_err(), "bit {bit}");
    }
    for length in 0..sound.len() {
        assert!(read(&sound[..length]).is_err(), "{length} bytes");
    }
    assert!(read(&sound).is_ok());
}

#[test]
fn a_file_of_a_newer_release_is_refused_by_name() {
    let root = MemStorage::new(3);
    Incarnations::begin(&root, Lsn(100)).expect("memory has room");
    let mut newer = read_file(&root, FILE).expect("it is there");
    newer[8..12].copy_from_slice(&(FORMAT.number + 1).to_le_bytes());
    let crc = crc32c::crc32c(&newer[..12]);
    newer[12..16].copy_from_slice(&crc.to_le_bytes());
    replace_file(&root, FILE, &newer).expect("memory has room");
    let refused = [
        Incarnations::read(&root).expect_err("it is newer").to_string(),
        Incarnations::begin(&root, Lsn(200)).expect_err("it is newer").to_string(),
        crate::Node::open_in(&root, crate::NodeOptions::small()).expect_err("newer").to_string(),
    ];
    for text in refused {
        assert!(text.contains("incarnations has format 2"), "{text}");
    }
    assert_eq!(read_file(&root, FILE).expect("it is there"), newer, "nothing was changed");
}
