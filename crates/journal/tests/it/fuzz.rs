//! The bodies of the fuzz targets on random bytes, and on bytes that are nearly right.

use courant_journal::fuzz::{decode_record, read_segment};
use courant_journal::{MemStorage, Options};
use proptest::prelude::*;

use crate::support::Single;

/// What follows a segment's header, of a journal with a few batches.
fn real_segment() -> Vec<u8> {
    let storage = MemStorage::new(1);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    journal.append(&[b"one", &[2; 700]]).unwrap();
    journal.append(&[&[3; 5000], b""]).unwrap();
    let mut bytes = storage.contents("00000000000000000000.seg").unwrap();
    bytes.drain(..4096);
    bytes.truncate(16384);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..9000)) {
        decode_record(&data);
        read_segment(&data);
    }

    #[test]
    fn nearly_valid_records_in_a_valid_batch_are_survived(
        lengths in prop::collection::vec((0_u32..40, 0_usize..60), 0..30),
    ) {
        let mut data = vec![1];
        for (length, payload) in lengths {
            data.extend(length.to_le_bytes());
            data.extend([0; 4]);
            data.resize(data.len() + payload, 7);
        }
        read_segment(&data);
    }

    #[test]
    fn a_damaged_journal_is_survived(
        changes in prop::collection::vec((0_usize..16384, any::<u8>()), 1..6),
    ) {
        let mut data = real_segment();
        for (offset, byte) in changes {
            data[offset] = byte;
        }
        read_segment(&data);
    }
}
