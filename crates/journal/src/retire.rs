//! Archives and removes the oldest segments.
//!
//! Order, so that a crash at any point loses nothing: archive copies are complete, synced and read
//! back ([`Retirer::archive_before`], by whoever wants them); the note of the new begin is durable;
//! only then a file goes. The next start removes what an interrupted retirement left.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::buffer::lock;
use crate::chain::ChainLog;
use crate::copy::{Place, copy, hash};
use crate::error::{Doing, Failed};
use crate::format::segment::SegmentHeader;
use crate::note::Note;
use crate::segments::file_name;
use crate::shared::Shared;
use crate::{Lsn, OpenError, Preparer, Storage};

/// What was retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retired {
    /// Segments that are gone.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where the journal begins now.
    pub begin: Lsn,
}

/// Why nothing more was retired. The journal is whole.
#[derive(Debug)]
pub enum RetireError {
    /// The chain does not cover these segments yet: advance it first.
    ChainBehind {
        /// Where the journal would have begun.
        begin: Lsn,
        /// How far the chain is.
        chain_end: Lsn,
    },
    /// The archive's copy of this file is not what was copied.
    CopyDiffers(String),
    /// A file beside the segments is damaged.
    Damaged(OpenError),
    /// The operating system refused something.
    Io {
        /// What was tried, on which file.
        doing: String,
        /// Its answer.
        source: io::Error,
    },
}

/// Retires segments. One per journal is enough; it may have a thread of its own.
#[derive(Debug)]
pub struct Retirer<S: Storage> {
    shared: Arc<Shared<S>>,
}

impl<S: Storage> Preparer<S> {
    /// What retires segments of this journal.
    #[must_use]
    pub fn retirer(&self) -> Retirer<S> {
        Retirer { shared: Arc::clone(&self.shared) }
    }
}

impl<S: Storage> Retirer<S> {
    /// Copies all segments that lie wholly before `lsn` to a directory, durably, and reads them
    /// back; never the one that is written to. They stay in the journal.
    pub fn archive_before(&mut self, lsn: Lsn, directory: &S) -> Result<(), RetireError> {
        let segments = self.shared.segments();
        match sealed_before(&segments, lsn) {
            0 => Ok(()),
            count => self.archive(&segments[..count], directory),
        }
    }

    /// Retires all segments that lie wholly before `lsn`; never the one that is written to. They
    /// are removed, or made zeros and used again. The caller makes sure that nobody needs them any
    /// more; a reader that does gets an error.
    pub fn retire_before(&mut self, lsn: Lsn) -> Result<Retired, RetireError> {
        let segments = self.shared.segments();
        let count = sealed_before(&segments, lsn);
        let begin = segments[count].base;
        let bytes = segments[..count].iter().map(|segment| segment.capacity_bytes).sum();
        if count > 0 {
            let chain_hash = self.chain_hash_at(begin)?;
            let directory_id = self.shared.directory_id;
            Note { directory_id, begin, chain_hash }.store(&self.shared.storage)?;
            self.remove(&segments[..count])?;
        }
        Ok(Retired { segments: count as u64, bytes, begin })
    }

    /// Whether the chain of hashes is far enough for [`Retirer::retire_before`].
    ///
    /// # Errors
    /// [`RetireError::ChainBehind`] if it is not, [`RetireError::Damaged`] if its log cannot be
    /// read.
    pub fn check_chain(&self, lsn: Lsn) -> Result<(), RetireError> {
        self.chain_hash_at(lsn).map(|_| ())
    }

    fn chain_hash_at(&self, begin: Lsn) -> Result<[u8; 32], RetireError> {
        let Some(log) = ChainLog::load(&self.shared.storage).map_err(RetireError::Damaged)? else {
            return Ok([0; 32]);
        };
        // The file may show an entry that is not synced, or never will be.
        let chain_end = *lock(&self.shared.chain_end);
        let durable = begin == log.start.end || begin < chain_end;
        let head = log.known_at(begin).filter(|_| durable);
        Ok(head.ok_or(RetireError::ChainBehind { begin, chain_end })?.hash)
    }

    fn archive(&self, segments: &[SegmentHeader], directory: &S) -> Result<(), RetireError> {
        for segment in segments {
            let name = file_name(segment.base);
            let temporary = format!("{name}.tmp");
            let from = Place { storage: &self.shared.storage, name: &name };
            let to = Place { storage: directory, name: &temporary };
            let copied =
                copy(&from, &to, segment.capacity_bytes, |_| {}).doing("archiving", &name)?;
            let there = hash(&to, segment.capacity_bytes).doing("reading back", &temporary)?;
            if copied != there {
                return Err(RetireError::CopyDiffers(temporary));
            }
            directory.rename(&temporary, &name).doing("renaming", &temporary)?;
        }
        directory.sync_dir().doing("syncing", &directory.location())?;
        Ok(())
    }

    /// Removes segments that the note says are gone; some are kept to be used again.
    fn remove(&mut self, segments: &[SegmentHeader]) -> Result<(), Failed> {
        let storage = &self.shared.storage;
        for segment in segments {
            self.shared.remove_oldest_segment();
            let name = file_name(segment.base);
            let mut pool = lock(&self.shared.pool);
            let wanted = pool.recycled.len() < self.shared.options.segments_ready
                && segment.capacity_bytes == self.shared.options.segment_bytes;
            let new_name = wanted.then(|| pool.new_name());
            drop(pool);
            match new_name {
                Some(new_name) => {
                    storage.rename(&name, &new_name).doing("renaming", &name)?;
                    lock(&self.shared.pool).recycled.push(new_name);
                }
                None => storage.remove(&name).doing("removing", &name)?,
            }
        }
        storage.sync_dir().doing("syncing", &storage.location())
    }
}

/// How many segments lie wholly before `lsn`, but for the one that is written to.
fn sealed_before(segments: &[SegmentHeader], lsn: Lsn) -> usize {
    let (_, sealed) = segments.split_last().expect("a journal has at least one segment");
    sealed.iter().take_while(|segment| segment.end() <= lsn).count()
}

impl From<Failed> for RetireError {
    fn from(Failed { doing, source }: Failed) -> RetireError {
        RetireError::Io { doing, source }
    }
}

impl fmt::Display for RetireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RetireError::ChainBehind { begin, chain_end } => write!(
                f,
                "segments before LSN {begin} are kept: the chain of hashes covers the journal only \
                 up to LSN {chain_end}; it catches up by itself"
            ),
            RetireError::CopyDiffers(file) => write!(
                f,
                "{file} in the archive is not what was copied there; nothing was removed: check \
                 the archive's disk"
            ),
            RetireError::Damaged(error) => write!(f, "{error}"),
            RetireError::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for RetireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RetireError::Damaged(error) => Some(error),
            RetireError::Io { source, .. } => Some(source),
            RetireError::ChainBehind { .. } | RetireError::CopyDiffers(_) => None,
        }
    }
}
