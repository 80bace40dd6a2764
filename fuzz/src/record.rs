//! Target: a journal record as the engine reads it. What is accepted must mean the same when it is
//! written and read again.

use courant_engine::record::{command_bytes, decode, encode};

use crate::story;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    story::lived().1
}

pub(crate) fn run(data: &[u8]) {
    let mut written = Vec::new();
    let Ok(record) = decode(data) else { return };
    assert_eq!(command_bytes(data), Ok(record.command_bytes));
    // What decides must only ever be asked about commands that pass this; any answer will do.
    let _ = record.command.check();
    encode(record.at, record.caller, record.command_bytes, &record.outcome, &mut written);
    assert_eq!(decode(&written).as_ref(), Ok(&record));
}
