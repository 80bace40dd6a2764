//! The format, held fast: today's writer makes these bytes and today's reader reads them.
//!
//! `tests/golden/format-1.hex` holds the non-zero sectors of each file of a small journal, one line
//! a sector. A change of format needs a new version and a new fixture beside this one; this one
//! stays readable. `UPDATE_GOLDEN=1` writes the file anew.

use std::fmt::Write;
use std::path::Path;

use courant_journal::{Chain, Lsn, MemStorage, Options, Storage};

use crate::support::Single;

const SECTOR_BYTES: usize = 512;

/// All that a format has: two segments, a retired one, a chain, a note.
fn golden_journal() -> MemStorage {
    let storage = MemStorage::new(20_260_101);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    for number in 1..=9_u8 {
        journal.append(&[b"golden", &[number; 8000], b""]).unwrap();
    }
    let mut chain = Chain::open(&journal.reader).unwrap();
    while chain.step(u64::MAX).unwrap() {}
    let end = journal.reader.durable_end();
    journal.preparer.retirer().retire_before(end).unwrap();
    storage
}

fn files(storage: &MemStorage) -> Vec<(String, Vec<u8>)> {
    let names = storage.list().unwrap();
    let kept = names.into_iter().filter(|name| name != "lock" && !name.starts_with("pool-"));
    kept.map(|name| (name.clone(), storage.contents(&name).unwrap())).collect()
}

/// `NAME LENGTH` and, indented, `OFFSET HEX` for each sector that is not zero; trailing zeros of a
/// sector are left out.
fn to_text(storage: &MemStorage) -> String {
    let mut text = String::new();
    for (name, bytes) in files(storage) {
        writeln!(text, "{name} {}", bytes.len()).unwrap();
        for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
            let Some(last) = sector.iter().rposition(|&byte| byte != 0) else { continue };
            write!(text, " {} ", index * SECTOR_BYTES).unwrap();
            for byte in &sector[..=last] {
                write!(text, "{byte:02x}").unwrap();
            }
            text.push('\n');
        }
    }
    text
}

fn from_text(text: &str) -> MemStorage {
    let storage = MemStorage::new(1);
    let mut file: Option<(String, Vec<u8>)> = None;
    for line in text.lines().chain(["end 0"]) {
        let (first, second) = line.trim_start().split_once(' ').unwrap();
        if line.starts_with(' ') {
            let (_, bytes) = file.as_mut().unwrap();
            let offset: usize = first.parse().unwrap();
            for (index, hex) in second.as_bytes().chunks(2).enumerate() {
                let digits = std::str::from_utf8(hex).unwrap();
                bytes[offset + index] = u8::from_str_radix(digits, 16).unwrap();
            }
        } else {
            if let Some((name, bytes)) = &file {
                storage.put(name, bytes);
            }
            file = Some((first.to_owned(), vec![0; second.parse().unwrap()]));
        }
    }
    storage
}

fn fixture() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format-1.hex");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, to_text(&golden_journal())).unwrap();
    }
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_writer_makes_the_same_bytes_as_ever() {
    let expected = fixture();
    for (line, (found, expected)) in
        to_text(&golden_journal()).lines().zip(expected.lines()).enumerate()
    {
        assert_eq!(found, expected, "line {}", line + 1);
    }
    assert_eq!(to_text(&golden_journal()).lines().count(), expected.lines().count());
}

#[test]
fn the_reader_reads_the_same_records_as_ever() {
    let storage = from_text(&fixture());
    let journal = Single::open(&storage, &Options::small()).unwrap();
    assert_eq!(journal.recovery.begin, Lsn(65536));
    let contents = journal.contents();
    assert_eq!(contents.len() % 3, 0);
    let last: Vec<&[u8]> = contents.iter().rev().take(3).map(|(_, bytes)| &**bytes).collect();
    assert_eq!(last, [&b""[..], &[9; 8000], b"golden"]);
    let chain = Chain::open(&journal.reader).unwrap();
    assert_eq!(chain.head().end, journal.reader.durable_end());
    drop((journal, chain));
    let options = courant_journal::verify::VerifyOptions::default();
    let report = courant_journal::verify::verify(&storage, &options, |_, _| {}).unwrap();
    assert!(report.is_sound() && report.chain_entries == 1, "{report:?}");
}
