//! What can go wrong, one enum per family of operations, each message saying what to do next.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::format::FORMAT_VERSION;
use crate::format::frame::FrameHeaderFault;
use crate::{Lsn, OptionsError};

/// Bytes of a journal that are not what was written: never read around, never cut off silently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// The file.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub kind: CorruptKind,
}

/// The ways in which a journal can be corrupt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorruptKind {
    /// The segment's header block.
    SegmentHeader(&'static str),
    /// The segment's name, length or identity do not fit the other segments.
    SegmentPlace(String),
    /// No frame header where one must be.
    FrameHeader(FrameHeaderFault),
    /// A frame's body does not match its checksum.
    FrameBody,
    /// The batch here is not the one that follows the batch before.
    BatchOrder {
        /// Sequence that should be here.
        expected: u64,
        /// Sequence that is here.
        found: u64,
    },
    /// The batch here has the right number but does not link to the batch before.
    BatchLink,
    /// Batches are missing at the end of a segment that is not the last.
    BatchesMissing {
        /// Sequence of the first batch of the next segment.
        next: u64,
        /// Sequence that should have been here.
        expected: u64,
    },
    /// A batch does not validate although a later one, at this offset, does.
    ValidBatchAfter(u64),
    /// Bytes after the end of the journal that no unfinished batch explains.
    BytesAfterEnd,
    /// A record within a valid frame does not match its checksum or length.
    Record,
    /// Something in a small file beside the segments.
    SideFile(&'static str),
}

impl fmt::Display for CorruptKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CorruptKind::SegmentHeader(what) => f.write_str(what),
            CorruptKind::SegmentPlace(what) => f.write_str(what),
            CorruptKind::FrameHeader(fault) => write!(f, "{fault}"),
            CorruptKind::FrameBody => f.write_str("the batch's checksum is wrong"),
            CorruptKind::BatchOrder { expected, found } => {
                write!(f, "batch {found} is where batch {expected} must be")
            }
            CorruptKind::BatchLink => f.write_str("the batch does not follow the one before it"),
            CorruptKind::BatchesMissing { next, expected } => write!(
                f,
                "the segment ends before batch {expected}, the next one begins with batch {next}"
            ),
            CorruptKind::ValidBatchAfter(offset) => {
                write!(f, "no valid batch is here, but one follows at offset {offset}")
            }
            CorruptKind::BytesAfterEnd => {
                f.write_str("bytes here are not zero and no unfinished batch explains them")
            }
            CorruptKind::Record => f.write_str("the record's checksum or length is wrong"),
            CorruptKind::SideFile(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Corrupt { file, offset, kind } = self;
        write!(f, "{file} is damaged at offset {offset}: {kind}")
    }
}

impl std::error::Error for Corrupt {}

/// Why a journal was not opened.
#[derive(Debug)]
pub enum OpenError {
    /// A setting cannot be used.
    Options(OptionsError),
    /// Another process has the directory open.
    Locked {
        /// The directory.
        path: String,
        /// Its process id, if it could be read.
        holder: Option<u32>,
    },
    /// A file was written by a newer release.
    NewerFormat {
        /// The file.
        file: String,
        /// The format that a reader must know.
        found: u16,
        /// The newest format that this release knows.
        supported: u16,
    },
    /// The journal is damaged.
    Corrupt(Corrupt),
    /// The operating system refused something.
    Io {
        /// What was tried, on which file.
        doing: String,
        /// Its answer.
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn newer(file: &str, found: u16) -> OpenError {
        OpenError::NewerFormat { file: file.to_owned(), found, supported: FORMAT_VERSION }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Options(error) => write!(f, "{error}"),
            OpenError::Locked { path, holder } => {
                write!(f, "{path} is in use by another process")?;
                if let Some(pid) = holder {
                    write!(f, " (process {pid})")?;
                }
                f.write_str("; stop it first, or choose another directory")
            }
            OpenError::NewerFormat { file, found, supported } => write!(
                f,
                "{file} has format {found}, this release knows formats up to {supported}; \
                 use the release that wrote it, or a newer one"
            ),
            OpenError::Corrupt(corrupt) => write!(
                f,
                "{corrupt}. Nothing was changed. Restore a backup, or see with \
                 `courant repair --data DIR` what a repair would do"
            ),
            OpenError::Io { doing, source } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => write!(
                    f,
                    "{doing}: {source}; the directory and its files must be writable by this user"
                ),
                io::ErrorKind::StorageFull => {
                    write!(f, "{doing}: {source}; make room on the disk and start again")
                }
                _ => write!(f, "{doing}: {source}"),
            },
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Options(error) => Some(error),
            OpenError::Corrupt(corrupt) => Some(corrupt),
            OpenError::Io { source, .. } => Some(source),
            OpenError::Locked { .. } | OpenError::NewerFormat { .. } => None,
        }
    }
}

impl From<Corrupt> for OpenError {
    fn from(corrupt: Corrupt) -> OpenError {
        OpenError::Corrupt(corrupt)
    }
}

/// A write or sync failed: nothing more is acknowledged. The process must stop; the next start
/// decides what is true.
#[derive(Clone, Debug)]
pub struct CommitError {
    /// What was tried, on which file.
    pub doing: String,
    /// Everything below this LSN is durable, nothing else is known.
    pub durable_end: Lsn,
    /// The operating system's answer.
    pub source: Arc<io::Error>,
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CommitError { doing, durable_end, source } = self;
        write!(
            f,
            "{doing}: {source}; the journal is durable below LSN {durable_end} and takes nothing \
             more: stop this process, look at the disk, start again"
        )
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// Why a record was not read.
#[derive(Debug)]
pub enum ReadError {
    /// The record was in a segment that was archived or dropped.
    Retired {
        /// What was asked for.
        lsn: Lsn,
        /// Where the journal begins now.
        begin: Lsn,
    },
    /// Nothing at this LSN is a record: the LSN is not one of this journal, or the segment is
    /// damaged.
    NoRecord {
        /// What was asked for.
        lsn: Lsn,
        /// The segment that would hold it.
        file: String,
    },
    /// The journal is damaged.
    Corrupt(Corrupt),
    /// The operating system refused something.
    Io {
        /// What was tried, on which file.
        doing: String,
        /// Its answer.
        source: io::Error,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Retired { lsn, begin } => {
                write!(f, "LSN {lsn} was archived or dropped: the journal begins at LSN {begin}")
            }
            ReadError::NoRecord { lsn, file } => write!(
                f,
                "no record is at LSN {lsn} in {file}: either it is not the LSN of a record or the \
                 file is damaged; `courant verify --data DIR` tells which"
            ),
            ReadError::Corrupt(corrupt) => {
                write!(f, "{corrupt}; `courant verify --data DIR` shows the whole damage")
            }
            ReadError::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReadError::Io { source, .. } => Some(source),
            ReadError::Corrupt(corrupt) => Some(corrupt),
            ReadError::Retired { .. } | ReadError::NoRecord { .. } => None,
        }
    }
}

impl From<Corrupt> for ReadError {
    fn from(corrupt: Corrupt) -> ReadError {
        ReadError::Corrupt(corrupt)
    }
}

/// Puts an operation's name before an error of the operating system.
pub(crate) trait Doing<T> {
    /// `action` as in "reading", `file` as people know it.
    fn doing(self, action: &str, file: &str) -> Result<T, Failed>;
}

/// An error of the operating system with what was tried.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) doing: String,
    pub(crate) source: io::Error,
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, action: &str, file: &str) -> Result<T, Failed> {
        self.map_err(|source| Failed { doing: format!("{action} {file}"), source })
    }
}

impl From<Failed> for OpenError {
    fn from(Failed { doing, source }: Failed) -> OpenError {
        OpenError::Io { doing, source }
    }
}

impl From<Failed> for ReadError {
    fn from(Failed { doing, source }: Failed) -> ReadError {
        ReadError::Io { doing, source }
    }
}
