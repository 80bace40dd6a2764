//! A batch of records while it is filled, and once it is complete.
//!
//! Records are encoded straight into the buffer that goes to the disk. A batch knows its place in
//! the journal from the start, so each record's LSN is known before anything is written.

use std::fmt;

use crate::Lsn;
use crate::buffer::{BufferPool, PooledBuf};
use crate::format::frame::{FRAME_HEADER_BYTES, FrameHeader};
use crate::format::record::{RECORD_HEADER_BYTES, record_bytes, seal};
use crate::format::{round_up_to_block, zero_sectors};

/// Where a batch will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: Lsn,
    pub(crate) sequence: u64,
    pub(crate) epoch: u64,
    pub(crate) segment_sequence: u64,
}

/// Largest sizes a batch keeps to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) batch_bytes_max: usize,
    pub(crate) record_bytes_max: usize,
}

/// A batch that takes records. Dropping it abandons it: its place is used by the next one.
#[derive(Debug)]
pub struct Batch {
    place: Place,
    time_ns: u64,
    record_count: u32,
    limits: Limits,
    buf: RecordBuf,
}

/// Where a record's payload is encoded: bytes appended here go to the journal as they are.
///
/// Running over a limit is not an error here: further bytes are counted and dropped, and the
/// [`Batch::push`] that called fails.
#[derive(Debug)]
pub struct RecordBuf {
    buffer: PooledBuf,
    /// Bytes of header and complete records, plus the record under way.
    used: usize,
    /// `used` may not pass this.
    limit: usize,
    /// Bytes that did not fit.
    dropped: usize,
}

impl RecordBuf {
    /// Appends bytes to the record.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let end = self.used + bytes.len();
        if end > self.buffer.len() && !self.make_room(end) {
            self.dropped += bytes.len();
            return;
        }
        self.buffer[self.used..end].copy_from_slice(bytes);
        self.used = end;
    }

    /// Appends one byte to the record.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }

    #[cold]
    fn make_room(&mut self, end: usize) -> bool {
        if end > self.limit || self.dropped > 0 {
            return false;
        }
        self.buffer.grow(self.used, end);
        true
    }
}

impl std::io::Write for RecordBuf {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Batch {
    pub(crate) fn new(
        place: Place,
        time_ns: u64,
        limits: Limits,
        buffers: &BufferPool,
        bytes_expected: usize,
    ) -> Batch {
        let buffer = buffers.take(bytes_expected.min(limits.batch_bytes_max));
        let limit = limits.batch_bytes_max;
        let buf = RecordBuf { buffer, used: FRAME_HEADER_BYTES, limit, dropped: 0 };
        Batch { place, time_ns, record_count: 0, limits, buf }
    }

    /// The LSN that the next record gets.
    #[must_use]
    #[inline]
    pub fn next_lsn(&self) -> Lsn {
        self.place.position.plus(self.buf.used as u64)
    }

    /// The time given to [`crate::Appender::begin`].
    #[must_use]
    pub fn time_ns(&self) -> u64 {
        self.time_ns
    }

    /// Records so far.
    #[must_use]
    pub fn record_count(&self) -> u32 {
        self.record_count
    }

    /// Whether there is no record yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Bytes so far, with the batch's header.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.buf.used
    }

    /// Whether a record with `payload_bytes` still fits.
    #[must_use]
    pub fn fits(&self, payload_bytes: usize) -> bool {
        payload_bytes <= self.limits.record_bytes_max
            && self.buf.used + record_bytes(payload_bytes) <= self.limits.batch_bytes_max
    }

    /// Appends one record: `encode` appends its payload. On an error the batch is as it was before.
    #[inline]
    pub fn push(&mut self, encode: impl FnOnce(&mut RecordBuf)) -> Result<Lsn, PushError> {
        let (start, lsn) = (self.buf.used, self.next_lsn());
        self.buf.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
        encode(&mut self.buf);
        let end = self.buf.used;
        let payload_bytes = (end + self.buf.dropped).saturating_sub(start + RECORD_HEADER_BYTES);
        let padded_end = start + record_bytes(payload_bytes);
        if self.buf.dropped > 0
            || payload_bytes > self.limits.record_bytes_max
            || padded_end > self.limits.batch_bytes_max
        {
            (self.buf.used, self.buf.dropped) = (start, 0);
            return Err(self.refusal(payload_bytes));
        }
        self.buf.extend_from_slice(&[0; 8][..padded_end - end]);
        seal(&mut self.buf.buffer[start..end], lsn, self.place.epoch);
        self.record_count += 1;
        Ok(lsn)
    }

    #[cold]
    fn refusal(&self, bytes: usize) -> PushError {
        if bytes > self.limits.record_bytes_max {
            PushError::RecordTooLarge { bytes, bytes_max: self.limits.record_bytes_max }
        } else {
            let bytes_left = self.limits.batch_bytes_max - self.buf.used;
            PushError::BatchFull { bytes, bytes_left }
        }
    }

    /// The number of the segment that it goes to. With the first batch of a segment there is
    /// another one to prepare.
    #[must_use]
    pub fn segment(&self) -> u64 {
        self.place.segment_sequence
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Ends the batch: padding and the body's checksum, all but its link to the batch before.
    pub(crate) fn seal(mut self) -> SealedBatch {
        let used = self.buf.used;
        let frame_bytes = round_up_to_block(used as u64) as usize;
        assert!(frame_bytes <= self.buf.limit, "the limit is whole blocks");
        // Buffers are whole blocks, so the padding fits.
        self.buf.buffer[used..frame_bytes].fill(0);
        let header = FrameHeader {
            epoch: self.place.epoch,
            sequence: self.place.sequence,
            position: self.place.position,
            time_ns: self.time_ns,
            body_bytes: u32::try_from(used - FRAME_HEADER_BYTES).expect("BATCH_BYTES_MAX is below"),
            record_count: self.record_count,
            // The first sector holds the header, which is never all zero.
            zero_sectors: zero_sectors_after_header(&self.buf.buffer[..used]),
            previous_link: 0,
            body_crc: crc32c::crc32c(&self.buf.buffer[FRAME_HEADER_BYTES..used]),
        };
        let segment_sequence = self.place.segment_sequence;
        SealedBatch { header, segment_sequence, buffer: self.buf.buffer }
    }
}

fn zero_sectors_after_header(used: &[u8]) -> u32 {
    used.get(crate::format::SECTOR_BYTES..).map_or(0, zero_sectors)
}

/// A complete batch on its way to [`crate::Writer::commit`].
#[derive(Debug)]
pub struct SealedBatch {
    pub(crate) header: FrameHeader,
    pub(crate) segment_sequence: u64,
    pub(crate) buffer: PooledBuf,
}

impl SealedBatch {
    /// LSN after the batch: durable once this is the durable end.
    #[must_use]
    pub fn end(&self) -> Lsn {
        self.header.end()
    }

    /// Records in the batch.
    #[must_use]
    pub fn record_count(&self) -> u32 {
        self.header.record_count
    }

    /// Bytes that are written for it, with header and padding.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        self.header.frame_bytes()
    }
}

/// Why a record was not taken. The batch is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    /// The record is larger than any batch can hold.
    RecordTooLarge {
        /// Its payload.
        bytes: usize,
        /// The limit, see [`crate::Options::record_bytes_max`].
        bytes_max: usize,
    },
    /// It does not fit into what is left of this batch; it fits into one of its own.
    BatchFull {
        /// Its payload.
        bytes: usize,
        /// What is left, for header and payload.
        bytes_left: usize,
    },
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PushError::RecordTooLarge { bytes, bytes_max } => write!(
                f,
                "the record has {bytes} bytes, the limit is {bytes_max} (batch_bytes_max sets it)"
            ),
            PushError::BatchFull { bytes, bytes_left } => write!(
                f,
                "the record has {bytes} bytes, {bytes_left} are left in this batch: commit it and \
                 begin another"
            ),
        }
    }
}

impl std::error::Error for PushError {}
