//! A chain of BLAKE3 hashes over all batches, off the way of a commit.
//!
//! The hash after a batch is BLAKE3 of the hash before it and of the frame's bytes. So the hash at
//! an LSN stands for everything before it, whatever steps it was computed in; an operator who notes
//! the head elsewhere can later prove that nothing was altered or removed. `chain.log` keeps the
//! hash at the end of each segment, and the newest one.
//!
//! ```text
//! header:  0 magic [8]   8 format u16   10 min reader u16   12 zero u32   16 directory id u128
//!         32 start LSN u64   40 start hash [32]   72 zeros   124 CRC32C of bytes 0..124
//! entry:   0 end LSN u64   8 hash [32]   40 segment sequence u64   48 zeros   60 CRC32C of 0..60
//! ```
//!
//! The header has 128 bytes, an entry 64: each lies within one sector, so the newest entry can be
//! replaced where it is. What a crash loses is computed again from the journal.

mod log;

use std::fmt;
use std::io;

use crate::buffer::lock;
use crate::error::{Corrupt, CorruptKind, Doing, Failed, ReadError};
use crate::frames::Frame;
use crate::note::Note;
use crate::scan::FrameScan;
use crate::storage::{Access, Caching, File, Storage, replace_file, uninterrupted, write_all_at};
use crate::{Lsn, OpenError, Reader};

pub(crate) use log::{CHAIN_FILE, ChainEntry, ChainLog};

/// The hash of everything before an LSN.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// LSN after the last batch that is covered.
    pub end: Lsn,
    /// The hash.
    pub hash: [u8; 32],
}

impl ChainHead {
    /// The head after one more frame.
    pub(crate) fn after(&self, frame: &[u8], end: Lsn) -> ChainHead {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.hash).update(frame);
        ChainHead { end, hash: *hasher.finalize().as_bytes() }
    }
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.end, blake3::Hash::from_bytes(self.hash).to_hex())
    }
}

impl fmt::Debug for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHead({self})")
    }
}

/// A noted head that is not of the form `LSN:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseHeadError;

impl fmt::Display for ParseHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chain head is an LSN, a colon and 64 hexadecimal digits")
    }
}

impl std::error::Error for ParseHeadError {}

impl std::str::FromStr for ChainHead {
    type Err = ParseHeadError;

    fn from_str(text: &str) -> Result<ChainHead, ParseHeadError> {
        let (end, hash) = text.split_once(':').ok_or(ParseHeadError)?;
        let end = Lsn(end.parse().map_err(|_| ParseHeadError)?);
        let hash = *blake3::Hash::from_hex(hash).map_err(|_| ParseHeadError)?.as_bytes();
        Ok(ChainHead { end, hash })
    }
}

/// Advances the chain behind the journal. One per journal; it may run on a thread of its own.
#[derive(Debug)]
pub struct Chain<S: Storage> {
    file: S::File,
    frames: FrameScan<S>,
    /// Read, but not yet hashed: it belongs to the next segment.
    pending: Option<Frame>,
    head: ChainHead,
    /// Sequence of the segment that the head lies in, and the index of its entry in the log.
    segment: Option<u64>,
    entry: u64,
}

/// Why the chain does not go on.
#[derive(Debug)]
pub enum ChainError {
    /// The log is damaged, of a newer format, or does not fit the journal.
    Log(OpenError),
    /// The journal could not be read.
    Read(ReadError),
    /// The log could not be written; the journal is unharmed.
    Write {
        /// What was tried.
        doing: String,
        /// The operating system's answer.
        source: io::Error,
    },
}

impl<S: Storage> Chain<S> {
    /// Opens the chain of a journal, or begins one where the journal begins. A log that reaches
    /// further than the journal proves that the journal has lost its end: that is an error.
    pub fn open(reader: &Reader<S>) -> Result<Chain<S>, ChainError> {
        let shared = &reader.shared;
        let storage = &shared.storage;
        let log = match ChainLog::load(storage).map_err(ChainError::Log)? {
            Some(log) => log,
            None => {
                let note = Note::load(storage).map_err(ChainError::Log)?;
                let hash = note.map_or([0; 32], |note| note.chain_hash);
                let start = ChainHead { end: reader.begin(), hash };
                let log =
                    ChainLog { directory_id: shared.directory_id, start, entries: Vec::new() };
                replace_file(storage, CHAIN_FILE, &log.encode()).doing("creating", CHAIN_FILE)?;
                log
            }
        };
        log.check_against(shared.directory_id, reader.begin(), reader.durable_end())
            .map_err(ChainError::Log)?;
        let file = uninterrupted(|| storage.open(CHAIN_FILE, Access::Write, Caching::Buffered))
            .doing("opening", CHAIN_FILE)?;
        // Written once more: after a failed sync the page cache may show what the disk does not
        // have.
        let bytes = log.encode();
        write_all_at(&file, 0, &bytes).doing("writing", CHAIN_FILE)?;
        file.set_len(bytes.len() as u64).doing("cutting", CHAIN_FILE)?;
        file.sync_data().doing("syncing", CHAIN_FILE)?;
        let head = log.head();
        *lock(&shared.chain_end) = head.end;
        let frames = FrameScan::new(std::sync::Arc::clone(shared), head.end);
        let last = log.entries.last();
        Ok(Chain {
            file,
            frames,
            pending: None,
            head,
            segment: last.map(|entry| entry.segment),
            entry: (log.entries.len() as u64).saturating_sub(1),
        })
    }

    /// The newest head: note it elsewhere, and `verify` can prove that nothing before it was
    /// altered or removed.
    #[must_use]
    pub fn head(&self) -> ChainHead {
        self.head
    }

    /// Hashes at least one and about `bytes_max` bytes of batches of one segment and writes the new
    /// head down. Returns whether there is more to do now.
    ///
    /// # Errors
    /// [`ChainError`]; the next step tries the same again.
    pub fn step(&mut self, bytes_max: u64) -> Result<bool, ChainError> {
        let start = self.head;
        let stepped = self.try_step(bytes_max);
        if stepped.is_err() {
            // What was hashed is not on the disk: compute it again on the next step.
            self.head = start;
            self.pending = None;
            self.frames.go_back_to(start.end);
        }
        stepped
    }

    fn try_step(&mut self, bytes_max: u64) -> Result<bool, ChainError> {
        let (mut bytes, mut segment) = (0, None);
        let mut more = true;
        while bytes < bytes_max || bytes == 0 {
            let Some(frame) = self.take_frame()? else {
                more = false;
                break;
            };
            let frame_segment = self.frames.segment_sequence(frame.header.position);
            if segment.is_some_and(|segment| segment != frame_segment) {
                self.pending = Some(frame);
                break;
            }
            segment = Some(frame_segment);
            self.head = self.head.after(frame.bytes(), frame.header.end());
            bytes += frame.header.frame_bytes();
        }
        if let Some(segment) = segment {
            self.write_entry(segment)?;
        }
        Ok(more)
    }

    /// The next frame that the head does not cover yet.
    fn take_frame(&mut self) -> Result<Option<Frame>, ChainError> {
        if let Some(frame) = self.pending.take() {
            return Ok(Some(frame));
        }
        while let Some(frame) = self.frames.next_frame().map_err(ChainError::Read)? {
            if frame.header.position >= self.head.end {
                return Ok(Some(frame));
            }
            if frame.header.end() > self.head.end {
                let kind = CorruptKind::SideFile("its last entry ends in the middle of a batch");
                let corrupt = Corrupt { file: CHAIN_FILE.to_owned(), offset: 0, kind };
                return Err(ChainError::Log(corrupt.into()));
            }
        }
        Ok(None)
    }

    fn write_entry(&mut self, segment: u64) -> Result<(), Failed> {
        let entry = match self.segment {
            None => 0,
            Some(last) if last == segment => self.entry,
            Some(_) => self.entry + 1,
        };
        let bytes = ChainEntry { head: self.head, segment }.encode();
        let offset = log::entry_offset(entry);
        write_all_at(&self.file, offset, &bytes).doing("writing", CHAIN_FILE)?;
        self.file.sync_data().doing("syncing", CHAIN_FILE)?;
        (self.segment, self.entry) = (Some(segment), entry);
        *lock(&self.frames.shared().chain_end) = self.head.end;
        Ok(())
    }
}

impl From<Failed> for ChainError {
    fn from(Failed { doing, source }: Failed) -> ChainError {
        ChainError::Write { doing, source }
    }
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChainError::Log(error) => write!(f, "{error}"),
            ChainError::Read(error) => write!(f, "{error}"),
            ChainError::Write { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for ChainError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ChainError::Log(error) => Some(error),
            ChainError::Read(error) => Some(error),
            ChainError::Write { source, .. } => Some(source),
        }
    }
}
