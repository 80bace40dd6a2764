//! Records that stay when the journal around them goes: those that open accounts, because what they
//! say of an account (its name, its pairs) is nowhere else.
//!
//! One small immutable file for each piece of the journal that was taken away, named by where the
//! piece begins:
//!
//! ```text
//! header   magic [8] | format u32 | count u32 | crc32c of the index u32 | zero u32
//! index    (lsn u64 | offset u64 | length u32 | crc32c u32) x count, by lsn
//! records  their bytes
//! ```
//! Little endian. A file is whole and durable before the piece goes, and made again if that was
//! interrupted.

use crate::formats::Format;
use courant_engine::{Command, Lsn, record};
use courant_journal::storage::{Access, Caching, File, read_exact_at, replace_file, uninterrupted};
use courant_journal::{Payload, ReadError, Reader, Storage};
use std::io;
use std::sync::{Mutex, PoisonError};

pub(crate) const FORMAT: Format = Format { magic: b"CourKept", number: 1, crc_at: None };
const HEADER_BYTES: usize = 24;
const ENTRY_BYTES: usize = 24;
/// No record is longer; a damaged length asks for no more memory than this: 16 MiB.
const RECORD_BYTES_MAX: u32 = 16 << 20;

/// The directory of kept records.
#[derive(Debug)]
pub struct Kept<S: Storage> {
    storage: S,
    /// Where the pieces begin of which something was kept, in order.
    bases: Mutex<Vec<Lsn>>,
}

impl<S: Storage> Kept<S> {
    /// Opens the directory; changes nothing.
    pub fn open(storage: S) -> io::Result<Kept<S>> {
        let names = storage.list()?;
        let mut bases: Vec<Lsn> = names.iter().filter_map(|name| base_in(name)).collect();
        bases.sort_unstable();
        Ok(Kept { storage, bases: Mutex::new(bases) })
    }

    /// Copies what must stay of the piece of the journal that begins and ends here.
    pub(crate) fn keep(&self, reader: &Reader<S>, begin: Lsn, end: Lsn) -> Result<(), KeepError> {
        let mut found: Vec<(Lsn, Payload)> = Vec::new();
        for entry in reader.scan(courant_journal::Lsn(begin.0)) {
            let entry = entry.map_err(KeepError::Read)?;
            if entry.lsn.0 >= end.0 {
                break;
            }
            let lsn = Lsn(entry.lsn.0);
            let decoded = record::decode(&entry.payload);
            let decoded = decoded.map_err(|error| KeepError::Record(lsn, error.to_string()))?;
            if matches!(decoded.command, Command::OpenAccount(_)) {
                drop(decoded);
                // A copy of its own: the payload would hold its whole batch in memory.
                found.push((lsn, Payload::from(&entry.payload[..])));
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        replace_file(&self.storage, &file_name(begin), &encode(&found))
            .map_err(KeepError::Write)?;
        let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(at) = bases.binary_search(&begin) {
            bases.insert(at, begin);
        }
        Ok(())
    }

    /// The record at a position, if it was kept. Reads the disk.
    pub fn read(&self, lsn: Lsn) -> io::Result<Option<Payload>> {
        let base = {
            let bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
            let after = bases.partition_point(|base| *base <= lsn);
            after.checked_sub(1).map(|at| bases[at])
        };
        let Some(base) = base else { return Ok(None) };
        let name = file_name(base);
        let file = uninterrupted(|| self.storage.open(&name, Access::Read, Caching::Buffered))?;
        let count = read_header(&file, &name)?;
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = (low + high) / 2;
            let mut entry = [0; ENTRY_BYTES];
            read_exact_at(
                &file,
                (HEADER_BYTES + middle as usize * ENTRY_BYTES) as u64,
                &mut entry,
            )?;
            let found = Lsn(u64::from_le_bytes(part(&entry, 0)));
            match found.cmp(&lsn) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return read_record(&file, &name, &entry).map(Some),
            }
        }
        Ok(None)
    }

    /// All files, for a backup.
    pub(crate) fn files(storage: &S) -> io::Result<Vec<String>> {
        Ok(storage.list()?.into_iter().filter(|name| base_in(name).is_some()).collect())
    }
}

/// Why nothing was kept, so that nothing may go.
#[derive(Debug)]
pub(crate) enum KeepError {
    Read(ReadError),
    Record(Lsn, String),
    Write(io::Error),
}

impl std::fmt::Display for KeepError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeepError::Read(error) => error.fmt(f),
            KeepError::Record(lsn, what) => write!(f, "the record at {lsn}: {what}"),
            KeepError::Write(error) => write!(f, "writing into kept/: {error}"),
        }
    }
}

fn encode(found: &[(Lsn, Payload)]) -> Vec<u8> {
    let mut index = Vec::with_capacity(found.len() * ENTRY_BYTES);
    let mut offset = (HEADER_BYTES + found.len() * ENTRY_BYTES) as u64;
    for (lsn, payload) in found {
        let length = u32::try_from(payload.len()).expect("a record is at most some MiB");
        index.extend_from_slice(&lsn.0.to_le_bytes());
        index.extend_from_slice(&offset.to_le_bytes());
        index.extend_from_slice(&length.to_le_bytes());
        index.extend_from_slice(&crc32c::crc32c(payload).to_le_bytes());
        offset += u64::from(length);
    }
    let count = u32::try_from(found.len()).expect("a segment has fewer records");
    let mut bytes = FORMAT.magic.to_vec();
    for number in [FORMAT.number, count, crc32c::crc32c(&index), 0] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&index);
    found.iter().for_each(|(_, payload)| bytes.extend_from_slice(payload));
    bytes
}

fn read_header(file: &impl File, name: &str) -> io::Result<u32> {
    let mut header = [0; HEADER_BYTES];
    read_exact_at(file, 0, &mut header)?;
    let number = |at| u32::from_le_bytes(part(&header, at));
    match header[..8] == FORMAT.magic[..] && number(8) == FORMAT.number {
        true => Ok(number(12)),
        false => Err(damaged(name)),
    }
}

fn read_record(file: &impl File, name: &str, entry: &[u8; ENTRY_BYTES]) -> io::Result<Payload> {
    let offset = u64::from_le_bytes(part(entry, 8));
    let length = u32::from_le_bytes(part(entry, 16));
    if length > RECORD_BYTES_MAX {
        return Err(damaged(name));
    }
    let mut bytes = vec![0; length as usize];
    read_exact_at(file, offset, &mut bytes)?;
    if crc32c::crc32c(&bytes) != u32::from_le_bytes(part(entry, 20)) {
        return Err(damaged(name));
    }
    Ok(Payload::from(&bytes[..]))
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the range has N bytes")
}

fn damaged(name: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("kept/{name} is damaged: restore it from a backup"),
    )
}

fn file_name(base: Lsn) -> String {
    format!("{:020}.kept", base.0)
}

pub(crate) fn base_in(name: &str) -> Option<Lsn> {
    name.strip_suffix(".kept").filter(|digits| digits.len() == 20)?.parse().ok().map(Lsn)
}
