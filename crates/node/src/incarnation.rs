//! Which past the records of a journal belong to, so that no two events ever have the same name.
//!
//! An LSN names a record for ever, but for a journal that loses its end: a backup is restored, or a
//! repair gives up what comes after the damage. Then other records come to stand at the same
//! places. From there on they belong to another incarnation, whose number is random and stands in
//! the ids of events. Before it, and in a journal that never lost anything, nothing changes. What a
//! recovery cuts off was never seen by anybody, and needs none.

use courant_engine::Lsn;
use courant_journal::Storage;
use courant_journal::storage::{read_file, replace_file};
use std::fmt::Write;
use std::io;

/// The file of a data directory, one incarnation a line: the LSN from which on, its number, and the
/// checksum of both.
pub(crate) const FILE: &str = "incarnations";

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
    /// The file cannot be read, or is damaged ([`io::ErrorKind::InvalidData`]).
    pub fn read<S: Storage>(root: &S) -> io::Result<Incarnations> {
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

    /// The one that came after one with this number, if one did; for `None` and for a number that
    /// is not known any more, the one after the first.
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
        let mut text = String::new();
        for Incarnation { begin, number } in all {
            let line = format!("{} {number:08x}", begin.0);
            writeln!(text, "{line} {:08x}", crc32c::crc32c(line.as_bytes()))
                .expect("a text takes all");
        }
        replace_file(root, FILE, text.as_bytes())
    }
}

fn parse(bytes: &[u8]) -> Option<Incarnations> {
    let text = std::str::from_utf8(bytes).ok()?;
    let all: Vec<Incarnation> = text.lines().map(parse_line).collect::<Option<_>>()?;
    let is_ascending = all.windows(2).all(|pair| pair[0].begin < pair[1].begin);
    (is_ascending && !all.is_empty() && text.ends_with('\n')).then_some(Incarnations(all))
}

fn parse_line(line: &str) -> Option<Incarnation> {
    let (told, crc) = line.rsplit_once(' ')?;
    if u32::from_str_radix(crc, 16).ok()? != crc32c::crc32c(told.as_bytes()) {
        return None;
    }
    let (begin, number) = told.split_once(' ')?;
    let number = u32::from_str_radix(number, 16).ok()?;
    Some(Incarnation { begin: Lsn(begin.parse().ok()?), number })
}

#[cfg(test)]
mod tests;
