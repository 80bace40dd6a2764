//! Target: a segment's contents behind a valid header: recovery, reading, verifying, repairing.
//!
//! The input stands in the file as it is, or, if its first byte is odd, as the body of a batch
//! whose checksums are right.

pub(crate) use courant_journal::fuzz::read_segment as run;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let record_of_one_byte = [1, 1, 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0];
    vec![Vec::new(), b"BTCH\x01\0\0\0".to_vec(), vec![1; 600], record_of_one_byte.to_vec()]
}
