//! Makes a damaged journal usable again by giving up what comes after the damage.
//!
//! [`lock`] first: a plan for a journal that is being written is wrong by the time it is shown.
//! [`plan`] only looks; what it says can be shown to a person. [`Plan::apply`] first keeps a copy
//! of everything it takes away in a directory of its own. It never guesses: what cannot be kept in
//! order is taken away, and where nothing could be kept it refuses.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::Lsn;
use crate::buffer::BufferPool;
use crate::chain::{CHAIN_FILE, ChainLog};
use crate::copy::{Place, copy, length};
use crate::error::{Corrupt, CorruptKind, Doing, Failed, OpenError};
use crate::format::segment::SegmentHeader;
use crate::frames::{FrameReader, Next};
use crate::recover::LOCK_FILE;
use crate::segments::{SegmentSet, file_name};
use crate::storage::{
    Access, Caching, File, LockError, Storage, remove_if_there, replace_file, uninterrupted,
    write_zeros,
};
use crate::tail::{self, TailState};

/// There from before the first change of a repair until after its last.
pub(crate) const UNFINISHED_FILE: &str = "repair.unfinished";

/// Keeps everybody else from the journal until dropped.
#[derive(Debug)]
pub struct Locked<S: Storage> {
    _lock: S::Lock,
}

/// Locks the journal, or says who has it.
pub fn lock<S: Storage>(storage: &S) -> Result<Locked<S>, RepairError> {
    let lock = storage.lock(LOCK_FILE).map_err(|error| match error {
        LockError::Held(holder) => {
            RepairError::Open(OpenError::Locked { path: storage.location(), holder })
        }
        LockError::Io(source) => RepairError::Io { doing: "locking".to_owned(), source },
    })?;
    Ok(Locked { _lock: lock })
}

/// What a repair would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The first damage, in the order of the journal.
    pub damage: Option<Corrupt>,
    /// Where the journal begins: not at LSN 0 if segments were retired.
    pub begin: Lsn,
    /// Where the journal would end.
    pub end: Lsn,
    /// What would be done, in this order.
    pub steps: Vec<Step>,
}

/// One step of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A file is taken away: it comes after the damage.
    Remove {
        /// Its name.
        file: String,
    },
    /// A segment is kept up to an offset; zeros follow.
    Cut {
        /// Its name.
        file: String,
        /// The first byte that goes.
        offset: u64,
        /// Batches from there on that can still be read, but no longer in order.
        batches_lost: u64,
    },
    /// An earlier repair was interrupted after its last change: only its mark is left.
    RemoveMark,
    /// The chain forgets entries that reach further than the journal, or begins anew if unreadable.
    CutChain,
}

/// Why there is no repair.
#[derive(Debug)]
pub enum RepairError {
    /// Nothing of the journal could be kept: restore a backup.
    NothingToKeep(OpenError),
    /// The directory could not be locked or looked at, or is of a newer format.
    Open(OpenError),
    /// The operating system refused something. What was taken away so far is in the directory for
    /// that; the repair can be run again.
    Io {
        /// What was tried, on which file.
        doing: String,
        /// Its answer.
        source: io::Error,
    },
}

impl Plan {
    /// Whether there is nothing to repair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether records may be lost by it that somebody has seen.
    #[must_use]
    pub fn gives_up_records(&self) -> bool {
        self.steps.iter().any(|step| *step != Step::RemoveMark)
    }
}

/// Looks at the journal and says what would be done. Changes nothing.
pub fn plan<S: Storage>(storage: &S) -> Result<Plan, RepairError> {
    let set = SegmentSet::load_up_to_fault(storage).map_err(|error| match error {
        OpenError::Corrupt(_) => RepairError::NothingToKeep(error),
        _ => RepairError::Open(error),
    })?;
    let mut steps = Vec::new();
    let mut damage = None;
    if let Some(fault) = set.fault {
        let OpenError::Corrupt(corrupt) = fault.error else {
            return Err(RepairError::Open(fault.error));
        };
        if set.headers.is_empty() {
            return Err(RepairError::NothingToKeep(corrupt.into()));
        }
        damage = Some(corrupt);
        steps.extend(fault.files.into_iter().rev().map(|file| Step::Remove { file }));
    }
    let end = match first_bad_frame(storage, &set.headers)? {
        Found::Sound(end) => end,
        Found::Bad { index, corrupt, end, batches_lost } => {
            let later = set.headers[index + 1..].iter().rev();
            let later = later.map(|segment| Step::Remove { file: file_name(segment.base) });
            steps.extend(later);
            let segment = &set.headers[index];
            let (file, offset) = (file_name(segment.base), end.0 - segment.base.0);
            steps.push(Step::Cut { file, offset, batches_lost });
            damage = Some(corrupt);
            end
        }
    };
    plan_chain(storage, end, &mut steps, &mut damage)?;
    let names = storage.list().doing("listing", &storage.location())?;
    if steps.is_empty() && names.iter().any(|name| name == UNFINISHED_FILE) {
        steps.push(Step::RemoveMark);
    }
    let begin = set.headers.first().map_or(Lsn::NONE, |header| header.base);
    Ok(Plan { damage, begin, end, steps })
}

fn plan_chain<S: Storage>(
    storage: &S,
    end: Lsn,
    steps: &mut Vec<Step>,
    damage: &mut Option<Corrupt>,
) -> Result<(), RepairError> {
    match ChainLog::load(storage) {
        Ok(Some(log)) if log.head().end > end && !log.entries.is_empty() => {
            steps.push(Step::CutChain);
        }
        Ok(_) => {}
        Err(OpenError::Corrupt(corrupt)) => {
            damage.get_or_insert(corrupt);
            steps.push(Step::CutChain);
        }
        Err(error) => return Err(RepairError::Open(error)),
    }
    Ok(())
}

enum Found {
    /// No damage; where the journal ends.
    Sound(Lsn),
    Bad {
        index: usize,
        corrupt: Corrupt,
        end: Lsn,
        batches_lost: u64,
    },
}

/// Reads all frames in order up to the first that is not valid or not next.
fn first_bad_frame<S: Storage>(
    storage: &S,
    headers: &[SegmentHeader],
) -> Result<Found, RepairError> {
    let mut end = Lsn::NONE;
    for (index, segment) in headers.iter().enumerate() {
        let name = file_name(segment.base);
        let file = uninterrupted(|| storage.open(&name, Access::Read, Caching::Direct))
            .doing("opening", &name)?;
        let mut reader = FrameReader::new(Arc::new(file), *segment, BufferPool::default());
        let tail = tail::find(&mut reader).doing("reading", &name)?;
        end = segment.base.plus(tail.end);
        let fault = match (tail.state, headers.get(index + 1)) {
            (TailState::Damaged(corrupt), _) => Some(corrupt),
            (TailState::Torn(_), Some(_)) => Some(reader.corrupt(tail.end, CorruptKind::FrameBody)),
            (TailState::Clean | TailState::Torn(_), None) => None,
            (TailState::Clean, Some(next)) => {
                tail.next.check_segment(next).err().map(|kind| reader.corrupt(tail.end, kind))
            }
        };
        if let Some(corrupt) = fault {
            let batches_lost =
                count_batches(&mut reader, tail.end, tail.next).doing("reading", &name)?;
            return Ok(Found::Bad { index, corrupt, end, batches_lost });
        }
    }
    Ok(Found::Sound(end))
}

/// Batches from `offset` on whose headers can be read.
fn count_batches<F: File>(reader: &mut FrameReader<F>, offset: u64, next: Next) -> io::Result<u64> {
    let limit = reader.segment().capacity_bytes;
    let mut count = 0;
    let mut at = offset;
    while at < limit {
        let header = reader.header(at, limit)?.filter(|header| header.sequence >= next.sequence);
        count += u64::from(header.is_some());
        at += header.map_or(crate::format::BLOCK_BYTES, |header| header.frame_bytes());
    }
    Ok(count)
}

impl Plan {
    /// Does it. What goes is kept in the directory `removed-<when>` within the journal's, which is
    /// returned by name; `when` is the caller's, as text for people. After a crash in the middle
    /// the journal does not open until a repair is planned and applied again.
    pub fn apply<S: Storage>(
        &self,
        storage: &S,
        _lock: &Locked<S>,
        when: &str,
    ) -> Result<String, RepairError> {
        let kept = format!("removed-{when}");
        let directory = storage.subdirectory(&kept).doing("creating", &kept)?;
        storage.sync_dir().doing("syncing", &storage.location())?;
        let mark =
            |doing| move |source| Failed { doing: format!("{doing} {UNFINISHED_FILE}"), source };
        replace_file(storage, UNFINISHED_FILE, kept.as_bytes()).map_err(mark("writing"))?;
        for step in &self.steps {
            match step {
                Step::RemoveMark => {}
                Step::Remove { file } => {
                    keep(storage, &directory, file)?;
                    storage.remove(file).doing("removing", file)?;
                    storage.sync_dir().doing("syncing", &storage.location())?;
                }
                Step::Cut { file, offset, .. } => {
                    keep(storage, &directory, file)?;
                    cut(storage, file, *offset)?;
                }
                Step::CutChain => {
                    keep(storage, &directory, CHAIN_FILE)?;
                    self.cut_chain(storage)?;
                }
            }
        }
        storage.remove(UNFINISHED_FILE).map_err(mark("removing"))?;
        storage.sync_dir().doing("syncing", &storage.location())?;
        Ok(kept)
    }

    fn cut_chain<S: Storage>(&self, storage: &S) -> Result<(), RepairError> {
        match ChainLog::load(storage) {
            Ok(Some(mut log)) => {
                log.entries.retain(|entry| entry.head.end <= self.end);
                replace_file(storage, CHAIN_FILE, &log.encode()).doing("writing", CHAIN_FILE)?;
            }
            _ => {
                remove_if_there(storage, CHAIN_FILE).doing("removing", CHAIN_FILE)?;
                storage.sync_dir().doing("syncing", &storage.location())?;
            }
        }
        Ok(())
    }
}

/// Copies a file to where removed things are kept.
fn keep<S: Storage>(storage: &S, directory: &S, file: &str) -> Result<(), Failed> {
    let from = Place { storage, name: file };
    let bytes = length(&from).doing("opening", file)?;
    copy(&from, &Place { storage: directory, name: file }, bytes, |_| {}).doing("keeping", file)?;
    directory.sync_dir().doing("syncing", &directory.location())
}

/// Replaces a segment by its first bytes and zeros, as one step.
fn cut<S: Storage>(storage: &S, name: &str, offset: u64) -> Result<(), Failed> {
    let temporary = format!("{name}.repair");
    let from = Place { storage, name };
    let bytes = length(&from).doing("opening", name)?;
    copy(&from, &Place { storage, name: &temporary }, offset, |_| {}).doing("copying", name)?;
    let file = uninterrupted(|| storage.open(&temporary, Access::Write, Caching::Direct))
        .doing("opening", &temporary)?;
    write_zeros(&file, offset, bytes - offset).doing("writing zeros to", &temporary)?;
    file.sync_data().doing("syncing", &temporary)?;
    storage.rename(&temporary, name).doing("renaming", &temporary)?;
    storage.sync_dir().doing("syncing", &storage.location())
}

impl From<Failed> for RepairError {
    fn from(Failed { doing, source }: Failed) -> RepairError {
        RepairError::Io { doing, source }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.damage {
            Some(damage) => writeln!(f, "{damage}")?,
            None if self.is_empty() => {
                return writeln!(f, "The journal is sound, there is nothing to repair.");
            }
            None => {}
        }
        writeln!(f, "The journal would end at LSN {}. A repair would:", self.end)?;
        for step in &self.steps {
            writeln!(f, "- {step}")?;
        }
        writeln!(f, "Everything that goes is first copied to removed-<time> beside the journal.")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Remove { file } => write!(f, "take {file} away: it comes after the damage"),
            Step::Cut { file, offset, batches_lost } => write!(
                f,
                "keep {file} up to offset {offset} and give up what follows, with {batches_lost} \
                 batches whose headers can still be read"
            ),
            Step::RemoveMark => f.write_str("end an earlier repair that was interrupted"),
            Step::CutChain => {
                write!(f, "take back the chain of hashes ({CHAIN_FILE}) to where the journal ends")
            }
        }
    }
}

impl fmt::Display for RepairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RepairError::NothingToKeep(error) => {
                let damage = error.source().unwrap_or(error);
                write!(f, "{damage}. Nothing before it can be kept: restore a backup")
            }
            RepairError::Open(error) => write!(f, "{error}"),
            RepairError::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl Error for RepairError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RepairError::NothingToKeep(error) | RepairError::Open(error) => Some(error),
            RepairError::Io { source, .. } => Some(source),
        }
    }
}
