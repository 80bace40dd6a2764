//! Makes batches durable, one at a time: write, sync, then nothing unsynced is left.
//!
//! After any failed write or sync it takes nothing more; a sync is never retried.

use std::io;
use std::sync::Arc;

use crate::buffer::AlignedBuf;
use crate::error::{CommitError, Failed};
use crate::format::segment::SegmentHeader;
use crate::frames::{Frame, Next};
use crate::pool::put_to_use;
use crate::shared::Shared;
use crate::storage::{File, write_all_at};
use crate::{Lsn, SealedBatch, Storage, buffer, segments};

/// Bytes of zeros that are written at once ahead of small batches.
const AHEAD_BYTES: u64 = 1 << 20;

/// Bytes of a batch up to which zeros ahead of it save more than they cost.
const ZEROED_BATCH_BYTES_MAX: u64 = 64 << 10;

/// Commits batches.
#[derive(Debug)]
pub struct Writer<S: Storage> {
    shared: Arc<Shared<S>>,
    file: Arc<S::File>,
    segment: SegmentHeader,
    zeros: AlignedBuf,
    /// Up to here the segment's blocks were written before.
    written_to: u64,
    next: Next,
    failed: Option<CommitError>,
}

/// What is durable after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    /// All records below this LSN survive a crash.
    pub end: Lsn,
}

impl<S: Storage> Writer<S> {
    pub(crate) fn new(
        shared: Arc<Shared<S>>,
        file: Arc<S::File>,
        segment: SegmentHeader,
        next: Next,
    ) -> Writer<S> {
        let zeros = AlignedBuf::new(AHEAD_BYTES.min(shared.options.segment_bytes) as usize);
        Writer { shared, file, segment, zeros, written_to: 0, next, failed: None }
    }

    /// Writes the batch and syncs it. When this returns `Ok`, the batch is durable and readers see
    /// it.
    ///
    /// An error is final: the batch may or may not be on the disk, every later call returns the
    /// same error, and the process must stop.
    ///
    /// # Panics
    /// If the batch is not the next one of this journal.
    pub fn commit(&mut self, batch: SealedBatch) -> Result<Durable, CommitError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        assert_eq!(batch.header.sequence, self.next.sequence, "batches are committed in order");
        self.write(batch).map_err(|Failed { doing, source }| {
            let durable_end = self.shared.durable_end();
            let failed = CommitError { doing, durable_end, source: Arc::new(source) };
            self.failed = Some(failed.clone());
            failed
        })
    }

    /// The error that ended this writer, if one did.
    #[must_use]
    pub fn failed(&self) -> Option<&CommitError> {
        self.failed.as_ref()
    }

    fn write(&mut self, mut batch: SealedBatch) -> Result<Durable, Failed> {
        while self.segment.sequence != batch.segment_sequence {
            self.begin_segment()?;
        }
        batch.header.previous_link = self.next.link;
        let link = batch.header.encode(&mut batch.buffer);
        let offset = batch.header.position.0 - self.segment.base.0;
        let bytes = batch.header.frame_bytes() as usize;
        let name = {
            let base = self.segment.base;
            move || segments::file_name(base)
        };
        self.write_ahead(offset, bytes as u64)
            .map_err(|source| Failed { doing: format!("writing zeros to {}", name()), source })?;
        write_all_at(&*self.file, offset, &batch.buffer[..bytes])
            .map_err(|source| Failed { doing: format!("writing {}", name()), source })?;
        self.file
            .sync_data()
            .map_err(|source| Failed { doing: format!("syncing {}", name()), source })?;
        let owner = Arc::new(batch.buffer);
        let frame = Frame { header: batch.header, link, owner, start: 0 };
        self.next = Next::after(&frame);
        let end = frame.header.end();
        self.shared.publish(frame);
        Ok(Durable { end })
    }

    /// Writes zeros over the blocks that small batches will soon be written to: the first write to
    /// a reserved block changes the file system's tables, and the sync after it costs two. They are
    /// zeros for every reader before and after. A large batch bears that cost better than the
    /// cost of being written twice.
    fn write_ahead(&mut self, offset: u64, bytes: u64) -> io::Result<()> {
        let end = offset + bytes;
        if bytes <= ZEROED_BATCH_BYTES_MAX && end > self.written_to {
            let ahead = (self.zeros.len() as u64).min(self.segment.capacity_bytes - end);
            write_all_at(&*self.file, end, &self.zeros[..ahead as usize])?;
            self.written_to = end + ahead;
        }
        self.written_to = self.written_to.max(end);
        Ok(())
    }

    /// Puts the next segment to use, which the appender has already placed batches in.
    fn begin_segment(&mut self) -> Result<(), Failed> {
        let taken = buffer::lock(&self.shared.pool).taken.pop_front();
        let (mut header, prepared) = taken.expect("the appender took a segment before using it");
        assert_eq!(header.sequence, self.segment.sequence + 1, "segments are used in order");
        assert_eq!(header.first_batch_sequence, self.next.sequence, "no batch was left out");
        header.previous_link = self.next.link;
        self.file = put_to_use(&self.shared.storage, prepared, &header)?;
        self.segment = header;
        self.written_to = 0;
        self.shared.add_segment(header);
        Ok(())
    }
}
