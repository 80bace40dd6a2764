//! `begin.note`: where the journal begins once its oldest segments were archived or dropped.
//!
//! ```text
//!  0 magic [8]   8 format u16  10 min reader u16  12 zero u32   16 directory id u128
//! 32 begin LSN u64   40 chain hash [32]   72 CRC32C of bytes 0..72 u32
//! ```
//!
//! It is replaced before the first of those segments goes, so older files that are still there are
//! the rest of an interrupted retirement. Without the note a missing first segment is damage.

use std::io;

use crate::Lsn;
use crate::error::{Corrupt, CorruptKind, Doing, Failed, OpenError};
use crate::format::{
    FORMAT_VERSION, put_u16, put_u32, put_u64, put_u128, u16_at, u32_at, u64_at, u128_at,
};
use crate::storage::{Storage, read_file, replace_file};

/// The file's name.
pub(crate) const NOTE_FILE: &str = "begin.note";
const MAGIC: [u8; 8] = *b"COURANTB";
const CRC_OFFSET: usize = 72;
const NOTE_BYTES: usize = CRC_OFFSET + 4;

/// Where the journal begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) directory_id: u128,
    /// Base of the first segment that is still there.
    pub(crate) begin: Lsn,
    /// The chain's hash over everything before `begin`; zeros if no chain was kept.
    pub(crate) chain_hash: [u8; 32],
}

impl Note {
    /// Reads the note, if there is one.
    pub(crate) fn load<S: Storage>(storage: &S) -> Result<Option<Note>, OpenError> {
        match read_file(storage, NOTE_FILE) {
            Ok(bytes) => Note::decode(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing("reading", NOTE_FILE)?,
        }
    }

    /// Replaces the note durably.
    pub(crate) fn store<S: Storage>(&self, storage: &S) -> Result<(), Failed> {
        replace_file(storage, NOTE_FILE, &self.encode()).doing("replacing", NOTE_FILE)
    }

    pub(crate) fn encode(&self) -> [u8; NOTE_BYTES] {
        let mut bytes = [0; NOTE_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        put_u16(&mut bytes, 8, FORMAT_VERSION);
        put_u16(&mut bytes, 10, FORMAT_VERSION);
        put_u128(&mut bytes, 16, self.directory_id);
        put_u64(&mut bytes, 32, self.begin.0);
        bytes[40..CRC_OFFSET].copy_from_slice(&self.chain_hash);
        let crc = crc32c::crc32c(&bytes[..CRC_OFFSET]);
        put_u32(&mut bytes, CRC_OFFSET, crc);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Note, OpenError> {
        let intact = bytes.len() >= NOTE_BYTES
            && bytes[..8] == MAGIC
            && u32_at(bytes, CRC_OFFSET) == crc32c::crc32c(&bytes[..CRC_OFFSET]);
        if !intact {
            let kind =
                CorruptKind::SideFile("the note of where the journal begins is not readable");
            return Err(Corrupt { file: NOTE_FILE.to_owned(), offset: 0, kind }.into());
        }
        if u16_at(bytes, 10) > FORMAT_VERSION {
            return Err(OpenError::newer(NOTE_FILE, u16_at(bytes, 10)));
        }
        let mut chain_hash = [0; 32];
        chain_hash.copy_from_slice(&bytes[40..CRC_OFFSET]);
        Ok(Note { directory_id: u128_at(bytes, 16), begin: Lsn(u64_at(bytes, 32)), chain_hash })
    }
}
