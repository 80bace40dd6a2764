//! Reads what is durable: one record by its LSN, or all from an LSN on.
//!
//! The newest batches come from memory, shared and not copied; the rest from disk. Nothing that is
//! not yet durable is ever returned.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::buffer::{BufferPool, PooledBuf};
use crate::error::{Doing, ReadError};
use crate::format::record::{self, RECORD_HEADER_BYTES, payload_bytes, record_bytes};
use crate::format::segment::SegmentHeader;
use crate::format::{BLOCK_BYTES, round_up_to_block};
use crate::frames::Frame;
use crate::scan::Scan;
use crate::shared::Shared;
use crate::storage::read_exact_at;
use crate::{Lsn, Storage, segments};

/// Bytes read at once for one record; more only if it is longer.
const POINT_READ_BYTES: u64 = 2 * BLOCK_BYTES;

/// Reads the journal. Clones share everything; each thread may have its own.
#[derive(Debug)]
pub struct Reader<S: Storage> {
    pub(crate) shared: Arc<Shared<S>>,
}

impl<S: Storage> Clone for Reader<S> {
    fn clone(&self) -> Reader<S> {
        Reader { shared: Arc::clone(&self.shared) }
    }
}

/// A record found by its LSN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its LSN.
    pub lsn: Lsn,
    /// Its bytes.
    pub payload: Payload,
}

/// A record met by a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its LSN.
    pub lsn: Lsn,
    /// The time of its batch, in nanoseconds.
    pub time_ns: u64,
    /// Its bytes.
    pub payload: Payload,
}

/// The bytes of a record, shared with the batch they came in. Clones copy nothing.
#[derive(Clone)]
pub struct Payload {
    owner: Arc<PooledBuf>,
    range: Range<usize>,
}

impl Payload {
    pub(crate) fn new(owner: Arc<PooledBuf>, range: Range<usize>) -> Payload {
        assert!(range.end <= owner.len(), "a payload lies within its buffer");
        Payload { owner, range }
    }
}

impl From<&[u8]> for Payload {
    /// A copy of bytes that were found elsewhere than in the journal.
    fn from(bytes: &[u8]) -> Payload {
        let mut owner = BufferPool::default().take(bytes.len());
        owner[..bytes.len()].copy_from_slice(bytes);
        Payload::new(Arc::new(owner), 0..bytes.len())
    }
}

impl Deref for Payload {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.owner[self.range.clone()]
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        **self == **other
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

impl<S: Storage> Reader<S> {
    pub(crate) fn new(shared: Arc<Shared<S>>) -> Reader<S> {
        Reader { shared }
    }

    /// Everything below this LSN is durable.
    #[must_use]
    pub fn durable_end(&self) -> Lsn {
        self.shared.durable_end()
    }

    /// Where the journal begins; what lies before was archived or dropped.
    #[must_use]
    pub fn begin(&self) -> Lsn {
        self.shared.begin()
    }

    /// Where the oldest segment ends and the next one begins; `None` if there is only one.
    #[must_use]
    pub fn oldest_segment_end(&self) -> Option<Lsn> {
        self.shared.segments().get(1).map(|second| second.base)
    }

    /// Waits until the durable end is above `after`, at most for `timeout`; returns the durable
    /// end.
    #[must_use]
    pub fn wait_durable(&self, after: Lsn, timeout: Duration) -> Lsn {
        self.shared.wait_durable(after, timeout)
    }

    /// The record at `lsn`; `None` if nothing that far is durable yet, or for [`Lsn::NONE`].
    pub fn read(&self, lsn: Lsn) -> Result<Option<Record>, ReadError> {
        if lsn == Lsn::NONE || lsn >= self.shared.durable_end() {
            return Ok(None);
        }
        if let Some(frame) = self.shared.recent_frame(lsn) {
            let payload = record_in_frame(&frame, lsn)
                .ok_or_else(|| no_record(lsn, self.shared.segment_at(lsn)))?;
            return Ok(Some(Record { lsn, payload }));
        }
        let found = self.read_from_disk(lsn);
        // The segment may have been retired while it was read.
        let begin = self.shared.begin();
        if lsn < begin { Err(ReadError::Retired { lsn, begin }) } else { found.map(Some) }
    }

    /// All durable records from `from` on, in order, and later ones as they become durable.
    /// [`Lsn::NONE`] starts where the journal begins.
    #[must_use]
    pub fn scan(&self, from: Lsn) -> Scan<S> {
        Scan::new(self.clone(), from)
    }

    fn read_from_disk(&self, lsn: Lsn) -> Result<Record, ReadError> {
        let begin = self.shared.begin();
        let segment = self.shared.segment_at(lsn).ok_or(ReadError::Retired { lsn, begin })?;
        let name = segments::file_name(segment.base);
        let file = self.shared.handle(&segment).doing("opening", &name)?;
        let offset = lsn.0 - segment.base.0;
        let start = offset - offset % BLOCK_BYTES;
        let within = (offset - start) as usize;
        let mut bytes = POINT_READ_BYTES.min(segment.capacity_bytes - start);
        loop {
            let mut buffer = self.shared.buffers.take(bytes as usize);
            read_exact_at(&*file, start, &mut buffer[..bytes as usize]).doing("reading", &name)?;
            let found = &buffer[within..bytes as usize];
            if let Some(payload) = record::decode(found, lsn, segment.epoch) {
                let range = payload_range(within, payload.len());
                let payload = Payload::new(Arc::new(buffer), range);
                return Ok(Record { lsn, payload });
            }
            // Read again if the record claims to be longer than what was read.
            let claimed = found.get(..RECORD_HEADER_BYTES).and_then(payload_bytes);
            let needed = round_up_to_block((within + record_bytes(claimed.unwrap_or(0))) as u64);
            let needed = needed.min(segment.capacity_bytes - start);
            if needed <= bytes || needed > crate::format::BATCH_BYTES_MAX {
                return Err(no_record(lsn, Some(segment)));
            }
            bytes = needed;
        }
    }
}

fn payload_range(record_start: usize, payload_bytes: usize) -> Range<usize> {
    let start = record_start + RECORD_HEADER_BYTES;
    start..start + payload_bytes
}

fn record_in_frame(frame: &Frame, lsn: Lsn) -> Option<Payload> {
    let offset = (lsn.0 - frame.header.position.0) as usize;
    let used = frame.header.used_bytes() as usize;
    let found = frame.bytes().get(offset..used)?;
    let payload = record::decode(found, lsn, frame.header.epoch)?;
    let range = payload_range(frame.start + offset, payload.len());
    Some(Payload::new(Arc::clone(&frame.owner), range))
}

fn no_record(lsn: Lsn, segment: Option<SegmentHeader>) -> ReadError {
    let file = segment.map_or_else(String::new, |segment| segments::file_name(segment.base));
    ReadError::NoRecord { lsn, file }
}
