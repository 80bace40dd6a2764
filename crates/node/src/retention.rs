//! How long the journal is kept, and what is known about what was taken from it.
//!
//! [`Retention`] is what an operator chooses; the log says, for any record that is gone, since when
//! and where it went. It is for people: nothing is decided by it, and a lost or damaged log loses
//! nothing but those words.

use courant_engine::Lsn;
use courant_journal::Storage;
use courant_journal::storage::{read_file, replace_file};
use courant_ledger::Timestamp;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What becomes of the oldest segments of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Retention {
    /// They stay.
    #[default]
    KeepAll,
    /// They are copied to a directory, and removed once the copy was read back.
    Archive {
        /// Where they go.
        directory: PathBuf,
        /// What stays in the journal.
        keep: Keep,
    },
    /// They are removed.
    Drop {
        /// What stays in the journal.
        keep: Keep,
    },
}

/// What stays in the journal in any case. A segment goes once it is beyond both, and nothing needs
/// it: no kept snapshot, no ids that are not yet on disk, no open payment, no follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// At least the newest bytes.
    pub bytes: u64,
    /// At least all records of this last time.
    pub time: Duration,
}

impl Retention {
    /// What is kept, if not everything.
    pub fn keep(&self) -> Option<Keep> {
        match self {
            Retention::KeepAll => None,
            Retention::Archive { keep, .. } | Retention::Drop { keep } => Some(*keep),
        }
    }

    /// Where segments go.
    pub(crate) fn place(&self) -> Place {
        match self {
            Retention::Archive { directory, .. } => Place::Archive(directory.clone()),
            Retention::KeepAll | Retention::Drop { .. } => Place::Nowhere,
        }
    }
}

/// What still needs the oldest segment, beyond what is to be kept in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Its ids are only in memory.
    Ids,
    /// A reader has not passed it.
    Reader,
    /// A kept snapshot begins in it, or there are fewer than are to be kept.
    Snapshot,
    /// A payment that began in it is not final.
    OpenPayment,
    /// The chain of hashes does not cover it yet.
    Chain,
}

impl Need {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Need::Ids => "ids",
            Need::Reader => "reader",
            Need::Snapshot => "snapshot",
            Need::OpenPayment => "open_payment",
            Need::Chain => "chain",
        }
    }
}

/// Where retired records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this directory.
    Archive(PathBuf),
    /// They were dropped.
    Nowhere,
}

/// A part of the journal that was taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retirement {
    /// Everything before this is gone.
    pub begin: Lsn,
    /// Since when.
    pub at: Timestamp,
    /// Where it is.
    pub place: Place,
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Archive(directory) => write!(f, "archived to {}", directory.display())?,
            Place::Nowhere => f.write_str("dropped")?,
        }
        match jiff::Timestamp::from_nanosecond(i128::from(self.at.nanos())) {
            Ok(at) => write!(f, " on {}", at.strftime("%Y-%m-%d %H:%M UTC")),
            Err(_) => Ok(()),
        }
    }
}

/// A record that is no longer in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// The record.
    pub lsn: Lsn,
    /// Where the journal begins now.
    pub begin: Lsn,
    /// When it was taken away and where it went, if the log of that is there.
    pub retirement: Option<Retirement>,
}

impl fmt::Display for Retired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Retired { lsn, begin, retirement } = self;
        write!(f, "the record at LSN {lsn} was ")?;
        match retirement {
            Some(retirement) => retirement.fmt(f)?,
            None => f.write_str("archived or dropped")?,
        }
        write!(f, ": the journal begins at LSN {begin}")
    }
}

/// The file of the log, one retirement a line: LSN, nanoseconds since 1970, and `dropped` or
/// `archived` with the directory.
pub(crate) const LOG_FILE: &str = "retired.log";

/// Retirements within a day of each other are one line.
const SAME_LINE: Duration = Duration::from_secs(24 * 60 * 60);

/// The most lines; the oldest give way.
const LINES_MAX: usize = 10_000;

/// What was taken from the journal, oldest first.
#[derive(Debug)]
pub struct RetiredLog<S: Storage> {
    storage: S,
    entries: Mutex<Vec<Retirement>>,
}

impl<S: Storage> RetiredLog<S> {
    /// Reads the log of a data directory; lines that are damaged are left out.
    pub(crate) fn open(storage: S) -> io::Result<RetiredLog<S>> {
        let entries = match read_file(&storage, LOG_FILE) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).lines().filter_map(parse).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(RetiredLog { storage, entries: Mutex::new(entries) })
    }

    /// Notes durably what is about to be taken away.
    pub(crate) fn note(&self, retirement: Retirement) -> io::Result<()> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_same = |last: &Retirement| {
            let since = retirement.at.nanos().saturating_sub(last.at.nanos());
            last.place == retirement.place && u128::from(since) < SAME_LINE.as_nanos()
        };
        match entries.last_mut().filter(|last| is_same(last)) {
            Some(last) => last.begin = retirement.begin,
            None => entries.push(retirement),
        }
        let surplus = entries.len().saturating_sub(LINES_MAX);
        entries.drain(..surplus);
        let text: String = entries.iter().map(line).collect();
        replace_file(&self.storage, LOG_FILE, text.as_bytes())?;
        *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = entries;
        Ok(())
    }

    /// When a record was taken away and where it went.
    pub(crate) fn find(&self, lsn: Lsn) -> Option<Retirement> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find(|entry| lsn < entry.begin).cloned()
    }
}

fn line(retirement: &Retirement) -> String {
    let Retirement { begin, at, place } = retirement;
    match place {
        Place::Archive(directory) => {
            format!("{begin} {} archived {}\n", at.nanos(), directory.display())
        }
        Place::Nowhere => format!("{begin} {} dropped\n", at.nanos()),
    }
}

fn parse(line: &str) -> Option<Retirement> {
    let mut words = line.splitn(4, ' ');
    let begin = Lsn(words.next()?.parse().ok()?);
    let at = Timestamp(words.next()?.parse().ok()?);
    let place = match (words.next()?, words.next()) {
        ("archived", Some(directory)) => Place::Archive(directory.into()),
        ("dropped", None) => Place::Nowhere,
        _ => return None,
    };
    Some(Retirement { begin, at, place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use courant_journal::MemStorage;

    fn archived(begin: u64, seconds: u64) -> Retirement {
        let place = Place::Archive("/old journals".into());
        Retirement { begin: Lsn(begin), at: Timestamp::from_seconds(seconds), place }
    }

    #[test]
    fn the_log_says_where_a_record_went_also_after_a_restart() {
        let storage = MemStorage::new(1);
        let log = RetiredLog::open(storage.clone()).expect("it opens");
        log.note(archived(1_000, 1_700_000_000)).expect("written");
        log.note(archived(2_000, 1_700_000_060)).expect("written");
        log.note(archived(3_000, 1_800_000_000)).expect("written");
        let dropped = Retirement { place: Place::Nowhere, ..archived(4_000, 1_800_000_060) };
        log.note(dropped.clone()).expect("written");
        let again = RetiredLog::open(storage.clone()).expect("it opens");
        for log in [&log, &again] {
            assert_eq!(log.find(Lsn(1_500)), Some(archived(2_000, 1_700_000_000)));
            assert_eq!(log.find(Lsn(2_000)), Some(archived(3_000, 1_800_000_000)));
            assert_eq!(log.find(Lsn(3_999)), Some(dropped.clone()));
            assert_eq!(log.find(Lsn(4_000)), None);
        }
        let text = archived(1, 1_700_000_000).to_string();
        assert_eq!(text, "archived to /old journals on 2023-11-14 22:13 UTC");
        let bytes = storage.contents(LOG_FILE).expect("it is there");
        storage.put(LOG_FILE, &[b"nonsense\n", &bytes[..]].concat());
        let mended = RetiredLog::open(storage).expect("it opens");
        assert_eq!(mended.find(Lsn(0)), Some(archived(2_000, 1_700_000_000)));
    }
}
