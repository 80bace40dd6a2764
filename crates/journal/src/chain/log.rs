//! The bytes of `chain.log`.

use std::io;

use super::ChainHead;
use crate::error::{Corrupt, CorruptKind, Doing};
use crate::format::{
    FORMAT_VERSION, put_u16, put_u32, put_u64, put_u128, u16_at, u32_at, u64_at, u128_at,
};
use crate::storage::{Storage, read_file};
use crate::{Lsn, OpenError};

/// The file that holds the chain.
pub(crate) const CHAIN_FILE: &str = "chain.log";

const MAGIC: [u8; 8] = *b"COURANTC";
const HEADER_BYTES: usize = 128;
const HEADER_CRC_OFFSET: usize = 124;
const ENTRY_BYTES: usize = 64;
const ENTRY_CRC_OFFSET: usize = 60;

/// Where an entry lies in the file.
pub(super) fn entry_offset(index: u64) -> u64 {
    HEADER_BYTES as u64 + index * ENTRY_BYTES as u64
}

/// The chain's state after a segment, or in the midst of the newest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChainEntry {
    pub(crate) head: ChainHead,
    /// Sequence of the segment that the head lies in.
    pub(crate) segment: u64,
}

/// All that the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainLog {
    pub(crate) directory_id: u128,
    /// Where the chain begins.
    pub(crate) start: ChainHead,
    /// One for each segment with a batch, in order.
    pub(crate) entries: Vec<ChainEntry>,
}

impl ChainEntry {
    pub(crate) fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        put_u64(&mut bytes, 0, self.head.end.0);
        bytes[8..40].copy_from_slice(&self.head.hash);
        put_u64(&mut bytes, 40, self.segment);
        let crc = crc32c::crc32c(&bytes[..ENTRY_CRC_OFFSET]);
        put_u32(&mut bytes, ENTRY_CRC_OFFSET, crc);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<ChainEntry> {
        if u32_at(bytes, ENTRY_CRC_OFFSET) != crc32c::crc32c(&bytes[..ENTRY_CRC_OFFSET]) {
            return None;
        }
        let head = ChainHead { end: Lsn(u64_at(bytes, 0)), hash: hash_at(bytes, 8) };
        // All zeros have a checksum that fits, and are no entry.
        (head.end > Lsn::NONE).then(|| ChainEntry { head, segment: u64_at(bytes, 40) })
    }
}

impl ChainLog {
    /// Reads the log, if there is one. An entry that a crash left unfinished at the end is left
    /// out.
    pub(crate) fn load<S: Storage>(storage: &S) -> Result<Option<ChainLog>, OpenError> {
        match read_file(storage, CHAIN_FILE) {
            Ok(bytes) => ChainLog::decode(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing("reading", CHAIN_FILE)?,
        }
    }

    /// The newest head.
    pub(crate) fn head(&self) -> ChainHead {
        self.entries.last().map_or(self.start, |entry| entry.head)
    }

    /// Whether the chain can belong to a journal with this begin and end.
    pub(crate) fn check_against(
        &self,
        directory_id: u128,
        begin: Lsn,
        durable_end: Lsn,
    ) -> Result<(), OpenError> {
        let what = if self.directory_id != directory_id {
            "it belongs to another journal"
        } else if self.head().end > durable_end && !self.entries.is_empty() {
            "it reaches further than the journal: the journal has lost its end"
        } else if self.head().end < begin && self.known_at(begin).is_none() {
            "it ends before the journal begins: segments were removed that it does not cover"
        } else {
            return Ok(());
        };
        Err(damaged(0, what))
    }

    /// The head at the end of the segment that ends before `begin`, which is a segment's base.
    pub(crate) fn known_at(&self, begin: Lsn) -> Option<ChainHead> {
        if begin == self.start.end {
            return Some(self.start);
        }
        let before = self.entries.partition_point(|entry| entry.head.end <= begin);
        let entry = self.entries.get(before.checked_sub(1)?)?;
        // An entry that has no follower may lie in the midst of its segment.
        (before < self.entries.len()).then_some(entry.head)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        put_u16(&mut bytes, 8, FORMAT_VERSION);
        put_u16(&mut bytes, 10, FORMAT_VERSION);
        put_u128(&mut bytes, 16, self.directory_id);
        put_u64(&mut bytes, 32, self.start.end.0);
        bytes[40..72].copy_from_slice(&self.start.hash);
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_OFFSET]);
        put_u32(&mut bytes, HEADER_CRC_OFFSET, crc);
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.encode());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<ChainLog, OpenError> {
        let intact = bytes.len() >= HEADER_BYTES
            && bytes[..8] == MAGIC
            && u32_at(bytes, HEADER_CRC_OFFSET) == crc32c::crc32c(&bytes[..HEADER_CRC_OFFSET]);
        if !intact {
            return Err(damaged(0, "the header of the chain is not readable"));
        }
        if u16_at(bytes, 10) > FORMAT_VERSION {
            return Err(OpenError::newer(CHAIN_FILE, u16_at(bytes, 10)));
        }
        let start = ChainHead { end: Lsn(u64_at(bytes, 32)), hash: hash_at(bytes, 40) };
        let mut entries: Vec<ChainEntry> = Vec::new();
        let mut unreadable = None;
        for (index, bytes) in bytes[HEADER_BYTES..].chunks_exact(ENTRY_BYTES).enumerate() {
            let offset = entry_offset(index as u64);
            match (ChainEntry::decode(bytes), unreadable) {
                (None, _) => unreadable = unreadable.or(Some(offset)),
                (Some(_), Some(offset)) => {
                    return Err(damaged(offset, "an entry is not readable, a later one is"));
                }
                (Some(entry), None) => {
                    let follows = entries.last().is_none_or(|last| {
                        last.head.end < entry.head.end && last.segment < entry.segment
                    });
                    if !follows {
                        return Err(damaged(offset, "an entry does not follow the one before it"));
                    }
                    entries.push(entry);
                }
            }
        }
        Ok(ChainLog { directory_id: u128_at(bytes, 16), start, entries })
    }
}

fn hash_at(bytes: &[u8], offset: usize) -> [u8; 32] {
    bytes[offset..offset + 32].try_into().expect("the range has 32 bytes")
}

fn damaged(offset: u64, what: &'static str) -> OpenError {
    let kind = CorruptKind::SideFile(what);
    Corrupt { file: CHAIN_FILE.to_owned(), offset, kind }.into()
}
