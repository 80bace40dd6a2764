//! Target: a journal directory whose files were altered. Input: edits of four bytes each.
//!
//! Whatever was altered, opening refuses, or what is read is a beginning of what was written: never
//! other bytes, never a gap.

use std::sync::OnceLock;

use courant_journal::{Journal, MemStorage, Options, Storage};

/// Batches in the journal: enough for more than one segment.
const BATCHES: u8 = 8;

/// Edits beyond these are not made.
const EDITS_MAX: usize = 32;

const SECTOR_BYTES: usize = 512;

struct Written {
    /// Name and bytes of each file.
    files: Vec<(String, Vec<u8>)>,
    /// The records in order.
    payloads: Vec<Vec<u8>>,
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let header_bit = vec![0, 8, 0, 1];
    let first_batch_bit = vec![0, 0x40, 0x10, 1];
    let sector = vec![1, 0x10, 0, 0];
    let cut = vec![2, 0x20, 0, 0];
    let several = [&sector[..], &cut, &first_batch_bit].concat();
    vec![Vec::new(), header_bit, first_batch_bit, sector, cut, several]
}

pub(crate) fn run(data: &[u8]) {
    let written = written();
    let mut files = written.files.clone();
    for edit in data.as_chunks::<4>().0.iter().take(EDITS_MAX) {
        apply(&mut files, edit);
    }
    let storage = MemStorage::new(1);
    for (name, bytes) in &files {
        storage.put(name, bytes);
    }
    let Ok((journal, recovery)) = Journal::open(storage, Options::small()) else { return };
    let (_, _, _, reader) = journal.split();
    let mut count = 0;
    for entry in reader.scan(reader.begin()) {
        let Ok(entry) = entry else { return };
        assert!(entry.lsn < recovery.end);
        assert_eq!(&entry.payload[..], &written.payloads[count][..], "record {count}");
        count += 1;
    }
    if data.is_empty() {
        assert_eq!(count, written.payloads.len(), "what was not altered is read to the end");
    }
}

/// One edit: which file and what, where, and with which value.
fn apply(files: &mut [(String, Vec<u8>)], edit: &[u8; 4]) {
    let [what, low, high, value] = *edit;
    let file = usize::from(what / 4) % files.len();
    let bytes = &mut files[file].1;
    let at = usize::from(u16::from_le_bytes([low, high]));
    if at >= bytes.len() {
        return;
    }
    match what % 4 {
        0 => bytes[at] ^= value,
        1 => {
            let start = at - at % SECTOR_BYTES;
            let end = bytes.len().min(start + SECTOR_BYTES);
            bytes[start..end].fill(value);
        }
        2 => bytes.truncate(at),
        _ => bytes[at] = value,
    }
}

/// The journal before it is altered; always the same.
fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let storage = MemStorage::new(1);
        let (journal, _) = Journal::open(storage.clone(), Options::small())
            .expect("an empty directory becomes a journal");
        let (mut appender, mut writer, mut preparer, _) = journal.split();
        let mut payloads = Vec::new();
        for number in 0..BATCHES {
            preparer.run().expect("memory has room");
            let mut batch = appender.begin(u64::from(number)).expect("a segment is ready");
            for length in [1, 100, 9_000] {
                let payload = vec![number + 1; length];
                batch.push(|buf| buf.extend_from_slice(&payload)).expect("the batch has room");
                payloads.push(payload);
            }
            let batch = appender.finish(batch).expect("the batch has records");
            writer.commit(batch).expect("memory does not fail");
        }
        let mut names = storage.list().expect("memory can be listed");
        names.sort();
        let bytes = |name: &String| storage.contents(name).expect("a listed file is there");
        let files = names.iter().map(|name| (name.clone(), bytes(name))).collect();
        Written { files, payloads }
    })
}
