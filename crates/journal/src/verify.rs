//! Checks every byte of a journal without changing anything.
//!
//! It needs no lock: on a running journal it checks what is complete and stops where batches are
//! being written. It goes on after damage, with the next segment, so that the report shows all of
//! it.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::Lsn;
use crate::buffer::BufferPool;
use crate::chain::{ChainHead, ChainLog};
use crate::error::{Corrupt, CorruptKind, Doing, OpenError};
use crate::format::frame::FRAME_HEADER_BYTES;
use crate::format::record;
use crate::format::segment::SegmentHeader;
use crate::format::{BLOCK_BYTES, is_zero};
use crate::frames::{Frame, FrameReader, Next};
use crate::note::Note;
use crate::recover::{LOCK_FILE, TornTail};
use crate::segments::{SegmentSet, file_name};
use crate::storage::{Access, Caching, File, LockError, Storage, uninterrupted};
use crate::tail::{self, TailState};

/// What to check against.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// A chain head that was noted elsewhere: it must still be in the journal's past.
    pub noted_head: Option<ChainHead>,
    /// Whether a process may be writing the journal now, see [`in_use`].
    pub running: bool,
}

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Where the journal begins.
    pub begin: Lsn,
    /// Where it ends.
    pub end: Lsn,
    /// Segments checked.
    pub segments: u64,
    /// Batches checked.
    pub batches: u64,
    /// Records checked.
    pub records: u64,
    /// The head of the chain, computed anew over everything; `None` if damage is in the way.
    pub head: Option<ChainHead>,
    /// Entries of the stored chain that were found to be right.
    pub chain_entries: u64,
    /// An unfinished batch at the end: the next start cuts it off, nothing acknowledged is in it.
    pub torn: Option<TornTail>,
    /// All that is wrong, in the order of the journal. Empty means that the journal is sound.
    pub problems: Vec<Problem>,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Bytes are not what was written.
    Corrupt(Corrupt),
    /// Records differ from those that the chain was computed over, although their checksums are
    /// right: somebody changed them.
    ChainDiffers {
        /// The difference lies after this LSN,
        after: Lsn,
        /// and before this one.
        end: Lsn,
        /// Where the other hash is written down.
        noted: &'static str,
    },
    /// The journal ends before something that is known to have been in it.
    EndMissing {
        /// Where the journal ends.
        end: Lsn,
        /// Where it ended before.
        known_end: Lsn,
        /// Where that is written down.
        noted: &'static str,
    },
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Whether a process has the journal open.
pub fn in_use<S: Storage>(storage: &S) -> io::Result<bool> {
    match storage.lock(LOCK_FILE) {
        Ok(_lock) => Ok(false),
        Err(LockError::Held(_)) => Ok(true),
        Err(LockError::Io(error)) => Err(error),
    }
}

/// Checks everything. `progress` is told, after each segment, how many bytes are done, of how many.
pub fn verify<S: Storage>(
    storage: &S,
    options: &VerifyOptions,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, OpenError> {
    let set = SegmentSet::load_up_to_fault(storage)?;
    let log = stored_chain(storage)?;
    let mut check = Check::new(&set, log, options);
    let bytes_total = set.headers.iter().map(|header| header.capacity_bytes).sum();
    let mut bytes_done = 0;
    for (index, header) in set.headers.iter().enumerate() {
        let next = set.headers.get(index + 1);
        match check.segment(storage, header, next) {
            Err(error) if options.running && was_retired(storage, header, &error)? => {
                check.begin_again_after(header);
            }
            result => result?,
        }
        bytes_done += header.capacity_bytes;
        progress(bytes_done, bytes_total);
    }
    match set.fault.map(|fault| fault.error) {
        None => {}
        Some(OpenError::Corrupt(corrupt)) => check.damage(corrupt),
        Some(error) => return Err(error),
    }
    Ok(check.finish())
}

/// The stored chain; damage in it is reported like any other.
fn stored_chain<S: Storage>(storage: &S) -> Result<Result<Option<ChainLog>, Corrupt>, OpenError> {
    match ChainLog::load(storage) {
        Ok(log) => Ok(Ok(log)),
        Err(OpenError::Corrupt(corrupt)) => Ok(Err(corrupt)),
        Err(error) => Err(error),
    }
}

fn was_retired<S: Storage>(
    storage: &S,
    header: &SegmentHeader,
    error: &OpenError,
) -> Result<bool, OpenError> {
    let missing =
        matches!(error, OpenError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
    Ok(missing && Note::load(storage)?.is_some_and(|note| header.base < note.begin))
}

/// A verification under way.
struct Check<'a> {
    options: &'a VerifyOptions,
    report: Report,
    /// Entries to compare with, oldest first, and where they are written down.
    expected: Vec<(ChainHead, &'static str)>,
    /// Computed so far; `None` after damage.
    head: Option<ChainHead>,
    /// Up to here the chain was found to be right.
    chain_end: Lsn,
    next: Option<Next>,
    buffers: BufferPool,
}

const IN_LOG: &str = "in chain.log";
const NOTED: &str = "in the noted head";

impl Check<'_> {
    fn new<'a>(
        set: &SegmentSet,
        log: Result<Option<ChainLog>, Corrupt>,
        options: &'a VerifyOptions,
    ) -> Check<'a> {
        let begin = set.headers.first().map_or(Lsn::NONE, |header| header.base);
        let mut report = Report { begin, end: begin, ..Report::default() };
        let log = log.unwrap_or_else(|corrupt| {
            report.problems.push(Problem::Corrupt(corrupt));
            None
        });
        let hash = set.note.as_ref().map_or([0; 32], |note| note.chain_hash);
        let noted = options.noted_head.iter().map(|&head| (head, NOTED));
        let entries = log.iter().flat_map(|log| &log.entries).map(|entry| (entry.head, IN_LOG));
        let mut expected: Vec<_> = entries.chain(noted).collect();
        expected.retain(|(head, _)| head.end > begin);
        expected.sort_by_key(|(head, _)| head.end);
        let head = Some(ChainHead { end: begin, hash });
        Check {
            options,
            report,
            expected,
            head,
            chain_end: begin,
            next: None,
            buffers: BufferPool::default(),
        }
    }

    fn segment<S: Storage>(
        &mut self,
        storage: &S,
        header: &SegmentHeader,
        next_segment: Option<&SegmentHeader>,
    ) -> Result<(), OpenError> {
        let name = file_name(header.base);
        let file = uninterrupted(|| storage.open(&name, Access::Read, Caching::Direct))
            .doing("opening", &name)?;
        let mut reader = FrameReader::new(Arc::new(file), *header, self.buffers.clone());
        self.report.segments += 1;
        if let Some(Err(kind)) = self.next.map(|next| next.check_segment(header)) {
            self.damage(reader.corrupt(0, kind));
        }
        self.next = Some(Next::first_of(header));
        let offset = self.frames(&mut reader).doing("reading", &name)?;
        match next_segment {
            Some(next) => self.sealed_end(&mut reader, offset, next).doing("reading", &name)?,
            None => self.last_end(&mut reader).doing("reading", &name)?,
        }
        Ok(())
    }

    /// Checks valid frames in order; returns the offset of the first place without one.
    fn frames<F: File>(&mut self, reader: &mut FrameReader<F>) -> io::Result<u64> {
        let limit = reader.segment().capacity_bytes;
        let mut offset = FrameReader::<F>::first_offset();
        while let Ok(frame) = reader.frame(offset, limit)? {
            let next = self.next.expect("set when the segment was begun");
            if let Err(kind) = next.check(&frame.header) {
                self.damage(reader.corrupt(offset, kind));
                break;
            }
            self.frame(&frame, |within, kind| reader.corrupt(offset + within, kind));
            self.next = Some(Next::after(&frame));
            offset += frame.header.frame_bytes();
        }
        Ok(offset)
    }

    fn frame(&mut self, frame: &Frame, corrupt: impl Fn(u64, CorruptKind) -> Corrupt) {
        let (header, bytes) = (&frame.header, frame.bytes());
        self.report.batches += 1;
        let used = header.used_bytes() as usize;
        let (mut offset, mut record_count) = (FRAME_HEADER_BYTES, 0);
        while offset < used {
            let lsn = header.position.plus(offset as u64);
            let intact = record::decode(&bytes[offset..used], lsn, header.epoch).is_some();
            let Some((_, next)) = frame.record_at(offset).filter(|_| intact) else { break };
            record_count += 1;
            offset = next;
        }
        self.report.records += u64::from(record_count);
        if offset != used || record_count != header.record_count {
            self.damage(corrupt(offset as u64, CorruptKind::Record));
        }
        if !is_zero(&bytes[used..]) {
            self.damage(corrupt(used as u64, CorruptKind::BytesAfterEnd));
        }
        self.report.end = header.end();
        self.extend_chain(frame);
    }

    fn extend_chain(&mut self, frame: &Frame) {
        let Some(before) = self.head else { return };
        let head = before.after(frame.bytes(), frame.header.end());
        self.head = Some(head);
        let due = self.expected.iter().take_while(|(noted, _)| noted.end <= head.end).count();
        for (expected, noted) in self.expected.drain(..due).collect::<Vec<_>>() {
            if expected == head {
                self.report.chain_entries += u64::from(noted == IN_LOG);
                self.chain_end = head.end;
            } else {
                let (after, end) = (self.chain_end, expected.end);
                self.report.problems.push(Problem::ChainDiffers { after, end, noted });
                self.head = None;
                self.expected.clear();
                return;
            }
        }
    }

    /// After the last frame of a segment that is not the last, there must be zeros.
    fn sealed_end<F: File>(
        &mut self,
        reader: &mut FrameReader<F>,
        offset: u64,
        next_segment: &SegmentHeader,
    ) -> io::Result<()> {
        let limit = reader.segment().capacity_bytes;
        for at in (offset..limit).step_by(BLOCK_BYTES as usize) {
            if !is_zero(reader.block(at, limit)?) {
                let fault = reader.frame(offset, limit)?.err();
                let kind = fault.map_or(CorruptKind::BytesAfterEnd, |fault| fault.kind());
                self.damage(reader.corrupt(at, kind));
                // What is missing is known; the next segment would only say so again.
                self.next = Some(Next::first_of(next_segment));
                break;
            }
        }
        Ok(())
    }

    fn last_end<F: File>(&mut self, reader: &mut FrameReader<F>) -> io::Result<()> {
        let tail = tail::find(reader)?;
        match tail.state {
            TailState::Clean => {}
            _ if self.options.running => {
                // By now, whatever lies before a complete batch is complete too, or damaged.
                reader.forget();
                let again = tail::find(reader)?;
                if let TailState::Damaged(corrupt) = again.state
                    && matches!(corrupt.kind, CorruptKind::ValidBatchAfter(_))
                    && again.end == tail.end
                {
                    self.damage(corrupt);
                }
            }
            TailState::Torn(bytes) => {
                let segment = file_name(reader.segment().base);
                self.report.torn = Some(TornTail { segment, offset: tail.end, bytes });
            }
            TailState::Damaged(corrupt) => self.damage(corrupt),
        }
        Ok(())
    }

    /// The segment was retired meanwhile: what was checked so far is no longer part of the journal.
    fn begin_again_after(&mut self, header: &SegmentHeader) {
        self.report.begin = header.end();
        self.head = None;
        self.next = None;
    }

    fn damage(&mut self, corrupt: Corrupt) {
        let problem = Problem::Corrupt(corrupt);
        if !self.report.problems.contains(&problem) {
            self.report.problems.push(problem);
        }
        self.head = None;
    }

    fn finish(mut self) -> Report {
        let end = self.report.end;
        if let Some(&(known, noted)) = self.expected.iter().find(|(head, _)| head.end > end) {
            let known_end = known.end;
            self.report.problems.push(Problem::EndMissing { end, known_end, noted });
        }
        self.report.head = self.head;
        self.report
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Corrupt(corrupt) => write!(f, "{corrupt}"),
            Problem::ChainDiffers { after, end, noted } => write!(
                f,
                "records between LSN {after} and LSN {end} were altered: their checksums are \
                 right, but they have another hash than {noted}"
            ),
            Problem::EndMissing { end, known_end, noted } => write!(
                f,
                "the journal ends at LSN {end}, but {noted} it reached LSN {known_end}: its end \
                 was removed"
            ),
        }
    }
}
