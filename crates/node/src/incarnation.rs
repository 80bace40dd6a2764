//! Which past the records of a journal belong to, so that no two events ever have the same name.
//!
//! An LSN names a record for ever, but for a journal that loses its end: a backup is restored, or a
//! repair gives up what comes after the damage. Then other records come to stand at the same
//! places. From there on they belong to another incarnation, whose number is random and stands in
//! the ids of events. Before it, and in a journal that never lost anything, nothing changes. What a
//! recovery cuts off was never seen by anybody, and needs none.

//!
//! The file of a data directory, little endian, replaced as a whole:
//!
//! ```text
//! header         magic [8] | format u32 | crc32c of these u32
//! incarnations   (lsn u64 from which on | number u32) x count, by lsn
//! end            crc32c of the incarnations u32
//! ```

use crate::formats::{Format, NewerFormat};
use courant_engine::Lsn;
use courant_journal::Storage;
use courant_journal::storage::{read_file, replace_file};
use std::io;

/// The name of the file.
pub(crate) const FILE: &str = "incarnations";
pub(crate) const FORMAT: Format =
    Format { magic: b"CourInca", number: 1, crc_at: Some(HEADER_BYTES - 4) };
const HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 12;

/// A stretch of the journal that is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incarnation {
    /// Its first record has this LSN or a greater one.
    pub begin: Lsn,
    /// Its number.
    pub number: u32,
}

/// All incarnations of a data directory but the first, which has no number, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Incarnations(Vec<Incarnation>);

impl Incarnations {
    /// Those of a data directory.
    ///
    /// # Errors
    /// The file cannot be read, is damaged or was written by a newer release (both
    /// [`io::ErrorKind::InvalidData`]).
    pub fn read<S: Storage>(root: &S) -> io::Result<Incarnations> {
        check_format(root).map_err(|newer| io::Error::new(io::ErrorKind::InvalidData, newer))?;
        match read_file(root, FILE) {
            Ok(bytes) => parse(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Incarnations::default()),
            Err(error) => Err(error),
        }
    }

    /// The one to which a record belongs; `None` for the first.
    pub fn at(&self, lsn: Lsn) -> Option<Incarnation> {
        let later = self.0.partition_point(|incarnation| incarnation.begin <= lsn);
        self.0[..later].last().copied()
    }

    /// Whether one with this number is known; `None` is the first.
    pub fn knows(&self, number: Option<u32>) -> bool {
        number.is_none_or(|number| self.0.iter().any(|known| known.number == number))
    }

    /// The one that came after a known one with this number, if one did; `None` is the first.
    pub fn after(&self, number: Option<u32>) -> Option<Incarnation> {
        let known = self.0.iter().position(|incarnation| Some(incarnation.number) == number);
        self.0.get(known.map_or(0, |at| at + 1)).copied()
    }

    /// The present one; `None` for the first.
    pub fn last(&self) -> Option<Incarnation> {
        self.0.last().copied()
    }

    /// Notes durably that all records from `begin` on will be others than those that were there.
    ///
    /// # Errors
    /// As of [`Incarnations::read`], or the file cannot be written.
    pub fn begin<S: Storage>(root: &S, begin: Lsn) -> io::Result<()> {
        let Incarnations(mut all) = Incarnations::read(root)?;
        // None of their records is left.
        all.retain(|incarnation| incarnation.begin < begin);
        let number = loop {
            // The upper half: any will do.
            let number = (root.random_u64()? >> u32::BITS) as u32;
            if all.iter().all(|incarnation| incarnation.number != number) {
                break number;
            }
        };
        all.push(Incarnation { begin, number });
        let mut bytes = header().to_vec();
        for Incarnation { begin, number } in all {
            bytes.extend_from_slice(&begin.0.to_le_bytes());
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes[HEADER_BYTES..]);
        bytes.extend_from_slice(&crc.to_le_bytes());
        replace_file(root, FILE, &bytes)
    }
}

/// Refuses the file of a newer release.
pub(crate) fn check_format<S: Storage>(root: &S) -> Result<(), NewerFormat> {
    FORMAT.check(root, FILE, FILE)
}

fn header() -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(FORMAT.magic);
    header[8..12].copy_from_slice(&FORMAT.number.to_le_bytes());
    let crc = crc32c::crc32c(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

fn parse(bytes: &[u8]) -> Option<Incarnations> {
    let rest = bytes.strip_prefix(&header())?;
    let (entries, crc) = rest.split_last_chunk::<4>()?;
    let is_sound = crc32c::crc32c(entries).to_le_bytes() == *crc;
    let (entries, surplus) = entries.as_chunks::<ENTRY_BYTES>();
    let all: Vec<Incarnation> = entries.iter().map(parse_entry).collect();
    let is_ascending = all.windows(2).all(|pair| pair[0].begin < pair[1].begin);
    let is_whole = is_sound && surplus.is_empty() && !all.is_empty();
    (is_whole && is_ascending).then_some(Incarnations(all))
}

fn parse_entry(entry: &[u8; ENTRY_BYTES]) -> Incarnation {
    let (begin, number) = entry.split_at(8);
    Incarnation {
        begin: Lsn(u64::from_le_bytes(begin.try_into().expect("8 bytes"))),
        number: u32::from_le_bytes(number.try_into().expect("4 bytes")),
    }
}

#[cfg(test)]
mod tests;
