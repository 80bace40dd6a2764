//! Gives batches their places. Never writes.
//!
//! Places are computed here alone, so the next batch can be filled while the one before is synced.

use std::fmt;
use std::sync::Arc;

use crate::batch::{Batch, Limits, Place, SealedBatch};
use crate::buffer::lock;
use crate::format::frame::FRAME_HEADER_BYTES;
use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::pool::Full;
use crate::shared::Shared;
use crate::{Lsn, Storage};

/// Begins batches and, once they are filled, finishes them in the order of the journal.
#[derive(Debug)]
pub struct Appender<S: Storage> {
    shared: Arc<Shared<S>>,
    /// The segment that the next batch goes to; its `previous_link` is the writer's to know.
    segment: SegmentHeader,
    next_position: Lsn,
    next_sequence: u64,
    limits: Limits,
    /// Bytes of the batch before: the next one is probably like it.
    bytes_expected: usize,
}

impl<S: Storage> Appender<S> {
    pub(crate) fn new(
        shared: Arc<Shared<S>>,
        segment: SegmentHeader,
        next_position: Lsn,
        next_sequence: u64,
    ) -> Appender<S> {
        let limits = Limits {
            batch_bytes_max: shared.options.batch_bytes_max as usize,
            record_bytes_max: shared.options.record_bytes_max(),
        };
        let bytes_expected = FRAME_HEADER_BYTES;
        Appender { shared, segment, next_position, next_sequence, limits, bytes_expected }
    }

    /// Begins the batch that follows the last finished one. It has room for `batch_bytes_max`: a
    /// new segment is begun if the old one has less. Only one batch can be finished for a place.
    pub fn begin(&mut self, time_ns: u64) -> Result<Batch, BeginError> {
        if self.segment_bytes_left() < self.shared.options.batch_bytes_max {
            self.begin_segment()?;
        }
        let place = Place {
            position: self.next_position,
            sequence: self.next_sequence,
            epoch: self.segment.epoch,
            segment_sequence: self.segment.sequence,
        };
        Ok(Batch::new(place, time_ns, self.limits, &self.shared.buffers, self.bytes_expected))
    }

    /// Ends a batch, to be committed next. `None` if it has no record: its place is free again.
    ///
    /// # Panics
    /// If the batch was not begun since the last one was finished.
    pub fn finish(&mut self, batch: Batch) -> Option<SealedBatch> {
        assert!(
            batch.place().sequence == self.next_sequence
                && batch.place().position == self.next_position,
            "batches are finished in the order in which they were begun"
        );
        if batch.is_empty() {
            return None;
        }
        self.bytes_expected = batch.bytes();
        let sealed = batch.seal();
        self.next_position = sealed.end();
        self.next_sequence += 1;
        Some(sealed)
    }

    /// Bytes of prepared space for batches: what the current segment and the ready ones have left.
    /// Nothing that fits can fail for want of room.
    #[must_use]
    pub fn capacity_bytes(&self) -> u64 {
        let pool = lock(&self.shared.pool);
        let ready: u64 =
            pool.ready.iter().map(|file| file.capacity_bytes - SEGMENT_HEADER_BYTES).sum();
        let left = self.segment_bytes_left();
        let usable = if left < self.shared.options.batch_bytes_max { 0 } else { left };
        ready + usable
    }

    fn segment_bytes_left(&self) -> u64 {
        self.segment.end().0 - self.next_position.0
    }

    fn begin_segment(&mut self) -> Result<(), BeginError> {
        let mut pool = lock(&self.shared.pool);
        let Some(prepared) = pool.ready.pop_front() else {
            return Err(pool.full.map_or(BeginError::NotReady, BeginError::Full));
        };
        let header = SegmentHeader {
            directory_id: self.segment.directory_id,
            sequence: self.segment.sequence + 1,
            base: self.segment.end(),
            capacity_bytes: prepared.capacity_bytes,
            epoch: prepared.epoch,
            first_batch_sequence: self.next_sequence,
            previous_link: 0,
        };
        pool.taken.push_back((header, prepared));
        self.segment = header;
        self.next_position = header.base.plus(SEGMENT_HEADER_BYTES);
        Ok(())
    }
}

/// Why no batch can begin now. Reads go on; it heals by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginError {
    /// The disk is full: the next segment could not be prepared.
    Full(Full),
    /// The next segment is still being prepared: call [`crate::Preparer::step`], or try again soon.
    NotReady,
}

impl fmt::Display for BeginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BeginError::Full(Full { needed_bytes, free_bytes }) => write!(
                f,
                "the disk is full: {needed_bytes} bytes are needed, {free_bytes} are free; make \
                 room, the journal goes on by itself"
            ),
            BeginError::NotReady => f.write_str("the next segment is not ready yet; try again"),
        }
    }
}

impl std::error::Error for BeginError {}
