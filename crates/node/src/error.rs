//! Errors of the node, in words for the people who run it.

use crate::formats::NewerFormat;
use crate::retention::{Place, Retirement};
use crate::ticket::Stopped;
use courant_engine::DecodeError;
use courant_journal::Lsn;
use courant_ledger::FieldError;
use std::{fmt, io};

/// Why a node did not open.
#[derive(Debug)]
pub enum OpenError {
    /// The journal did not open.
    Journal(courant_journal::OpenError),
    /// The chain of hashes does not go on from where it was.
    Chain(courant_journal::ChainError),
    /// A record could not be read while replaying.
    Read(courant_journal::ReadError),
    /// A record of the journal is not one of the engine's.
    Record {
        /// Where it is.
        lsn: Lsn,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// A snapshot shows records that the journal does not have: its end was lost.
    JournalBehind {
        /// The file that knows more.
        file: String,
        /// How far it knows.
        knows: Lsn,
        /// Where the journal ends.
        end: Lsn,
    },
    /// The journal begins after the point from which it would have to be replayed.
    HistoryMissing {
        /// Where replaying would have to begin.
        needed: Lsn,
        /// Where the journal begins.
        begin: Lsn,
        /// What is lost that would stand for those records.
        lacks: Lacks,
        /// When they were taken away and where they went.
        retirement: Option<Retirement>,
    },
    /// A file beside the journal was written by a newer release.
    NewerFormat(NewerFormat),
    /// After replaying everything, debits and credits differ.
    Unbalanced,
    /// A file of the directory is damaged.
    Damaged {
        /// Which file.
        file: String,
        /// What about it.
        what: &'static str,
    },
    /// The operating system refused something.
    Io {
        /// What was tried.
        doing: String,
        /// What it said.
        error: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> OpenError {
        |error| OpenError::Io { doing: doing.into(), error }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Journal(error) => error.fmt(f),
            OpenError::Chain(error) => error.fmt(f),
            OpenError::Read(error) => error.fmt(f),
            OpenError::Record { lsn, error } => write!(
                f,
                "the record at {lsn} cannot be read: {error}; \
                 run `courant verify --data DIR` to see more"
            ),
            OpenError::JournalBehind { file, knows, end } => write!(
                f,
                "{file} shows records up to {knows}, but the journal ends at {end}: \
                 its end was lost. Restore the journal from a backup; nothing was changed"
            ),
            OpenError::HistoryMissing { needed, begin, lacks, retirement } => {
                write_missing(f, (*needed, *begin), lacks, retirement.as_ref())
            }
            OpenError::NewerFormat(error) => error.fmt(f),
            OpenError::Unbalanced => f.write_str(
                "after replaying the journal debits and credits differ: \
                 run `courant verify --data DIR`",
            ),
            OpenError::Damaged { file, what } => {
                write!(f, "{file} is damaged ({what}): restore it from a backup")
            }
            OpenError::Io { doing, error } => match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => write!(
                    f,
                    "{doing}: {error}; the directory and its files must be writable by this user"
                ),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    write!(f, "{doing}: {error}; make room on the disk and start again")
                }
                _ => write!(f, "{doing}: {error}"),
            },
        }
    }
}

/// What stands for retired records and is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacks {
    /// No sound snapshot shows what they led to.
    Snapshot,
    /// The ids that they carry are not in the index on disk; of which this file is damaged, if one
    /// is.
    Ids(Option<String>),
}

fn write_missing(
    f: &mut fmt::Formatter<'_>,
    (needed, begin): (Lsn, Lsn),
    lacks: &Lacks,
    retirement: Option<&Retirement>,
) -> fmt::Result {
    match lacks {
        Lacks::Snapshot => f.write_str("no sound snapshot is there")?,
        Lacks::Ids(Some(file)) => write!(f, "the index of ids is damaged (ids/{file})")?,
        Lacks::Ids(None) => f.write_str("the index of ids is lost")?,
    }
    write!(
        f,
        ", and it cannot be made again: records from LSN {needed} on would be needed for it, and \
         the journal begins at LSN {begin}. "
    )?;
    match retirement {
        Some(retirement) => write!(f, "The records before it were {retirement}")?,
        None => f.write_str("The records before it were archived or dropped")?,
    }
    match retirement.map(|retirement| &retirement.place) {
        Some(Place::Archive(_)) => f.write_str(
            ". Restore a backup; or copy the archived segments back into journal/ and remove \
             journal/begin.note. Nothing was changed",
        ),
        _ => f.write_str(". Restore a backup; nothing was changed"),
    }
}

impl std::error::Error for OpenError {}

impl From<courant_journal::OpenError> for OpenError {
    fn from(error: courant_journal::OpenError) -> OpenError {
        OpenError::Journal(error)
    }
}

impl From<courant_journal::ReadError> for OpenError {
    fn from(error: courant_journal::ReadError) -> OpenError {
        OpenError::Read(error)
    }
}

/// Why the index of ids could not be read or written.
#[derive(Debug)]
pub enum IndexError {
    /// A run is damaged; it is rebuilt from the journal at the next start.
    Damaged {
        /// Which file.
        file: String,
        /// What about it.
        what: &'static str,
    },
    /// A run is damaged, and the records that it could be made from were retired. It stays as it
    /// is.
    Irreplaceable {
        /// Which file.
        file: String,
        /// All ids of records up to this one are in the runs before it.
        through: courant_engine::Lsn,
    },
    /// The operating system refused something.
    Io(io::Error),
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IndexError::Damaged { file, what } => {
                write!(
                    f,
                    "the index of ids is damaged ({file}: {what}); it is rebuilt at the next start"
                )
            }
            IndexError::Irreplaceable { file, .. } => write!(
                f,
                "the index of ids is damaged ({file}), and records that it could be made from were \
                 archived or dropped: restore a backup"
            ),
            IndexError::Io(error) => write!(f, "the index of ids: {error}"),
        }
    }
}

impl std::error::Error for IndexError {}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> IndexError {
        IndexError::Io(error)
    }
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitError {
    /// The inbox is full: try again a little later.
    Full {
        /// How many commands wait.
        waiting: usize,
        /// How many bytes they take.
        bytes: usize,
    },
    /// The node has stopped.
    Stopped(Stopped),
    /// The request has no command.
    Empty,
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitError::Full { waiting, bytes } => write!(
                f,
                "{waiting} commands of {bytes} bytes are waiting already: \
                 try again a little later"
            ),
            SubmitError::Stopped(stopped) => stopped.fmt(f),
            SubmitError::Empty => f.write_str("the request has no command"),
        }
    }
}

impl std::error::Error for SubmitError {}

/// Why a call had no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// The command breaks a rule that needs no state.
    Field(FieldError),
    /// It was not taken.
    Submit(SubmitError),
    /// The node stopped; whether it was recorded is known after a restart.
    Stopped(Stopped),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Field(error) => error.fmt(f),
            CallError::Submit(error) => error.fmt(f),
            CallError::Stopped(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallError {}
