//! Errors of the node, in words for the people who run it.

use courant_engine::DecodeError;
use courant_journal::Lsn;
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
    },
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
            OpenError::HistoryMissing { needed, begin } => write!(
                f,
                "the journal begins at {begin}, but records from {needed} on are needed, \
                 because no snapshot covers them: bring the archived segments or a snapshot back"
            ),
            OpenError::Unbalanced => f.write_str(
                "after replaying the journal debits and credits differ: \
                 run `courant verify --data DIR`",
            ),
            OpenError::Damaged { file, what } => {
                write!(f, "{file} is damaged ({what}): restore it from a backup")
            }
            OpenError::Io { doing, error } => write!(f, "{doing}: {error}"),
        }
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
    },
    /// The node has stopped.
    Stopped(crate::Stopped),
    /// The request has no command.
    Empty,
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitError::Full { waiting } => {
                write!(f, "{waiting} commands are waiting already: try again a little later")
            }
            SubmitError::Stopped(stopped) => stopped.fmt(f),
            SubmitError::Empty => f.write_str("the request has no command"),
        }
    }
}

impl std::error::Error for SubmitError {}
