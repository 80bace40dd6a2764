//! Settings of a journal, checked before anything is touched.

use std::fmt;

use crate::format::record::record_bytes;
use crate::format::{
    BATCH_BYTES_MAX, BATCH_BYTES_MIN, BLOCK_BYTES, RECORD_BYTES_MAX, SEGMENT_BYTES_MAX,
    SEGMENT_BYTES_MIN,
    frame::FRAME_HEADER_BYTES,
    record::{RECORD_ALIGN_BYTES, RECORD_HEADER_BYTES},
    segment::SEGMENT_HEADER_BYTES,
};

/// Settings of a journal. They may change from one start to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a new segment file, a multiple of 4 KiB. A segment ends early when less than
    /// `batch_bytes_max` is left. Default 64 MiB.
    pub segment_bytes: u64,
    /// Bytes of one batch on disk, a multiple of 4 KiB; also bounds a record, see
    /// [`Options::record_bytes_max`]. Default 8 MiB.
    pub batch_bytes_max: u64,
    /// Segments to keep ready, with their room reserved. Default 2.
    pub segments_ready: usize,
    /// Bytes of buffers that keep the newest batches in memory for readers. Default 32 MiB.
    pub cache_bytes_max: usize,
    /// Bytes of the disk that preparing a segment leaves free. Default 64 MiB.
    pub reserve_bytes: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: 64 << 20,
            batch_bytes_max: 8 << 20,
            segments_ready: 2,
            cache_bytes_max: 32 << 20,
            reserve_bytes: 64 << 20,
        }
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsError {
    /// Name of the field of [`Options`].
    pub field: &'static str,
    /// Its value.
    pub value: u64,
    /// Smallest value allowed.
    pub min: u64,
    /// Largest value allowed.
    pub max: u64,
}

impl Options {
    /// The smallest journal, for tests: 64 KiB segments, batches of 16 KiB.
    #[must_use]
    pub fn small() -> Options {
        Options {
            segment_bytes: SEGMENT_BYTES_MIN,
            batch_bytes_max: 16 << 10,
            segments_ready: 1,
            cache_bytes_max: 128 << 10,
            reserve_bytes: 0,
        }
    }

    /// Payload bytes of the largest record: what fits into a batch of its own, and never more than
    /// [`RECORD_BYTES_MAX`].
    #[must_use]
    pub fn record_bytes_max(&self) -> usize {
        let room = self.batch_bytes_max as usize - FRAME_HEADER_BYTES - RECORD_HEADER_BYTES;
        let largest = (room - room % RECORD_ALIGN_BYTES).min(RECORD_BYTES_MAX);
        assert!(record_bytes(largest) + FRAME_HEADER_BYTES <= self.batch_bytes_max as usize);
        largest
    }

    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let batch_bytes_max =
            BATCH_BYTES_MAX.min(self.segment_bytes.saturating_sub(SEGMENT_HEADER_BYTES));
        in_range("segment_bytes", self.segment_bytes, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)?;
        in_range("batch_bytes_max", self.batch_bytes_max, BATCH_BYTES_MIN, batch_bytes_max)?;
        in_range("segments_ready", self.segments_ready as u64, 1, SEGMENTS_READY_MAX)?;
        for (field, value) in
            [("segment_bytes", self.segment_bytes), ("batch_bytes_max", self.batch_bytes_max)]
        {
            if !value.is_multiple_of(BLOCK_BYTES) {
                let min = value - value % BLOCK_BYTES;
                return Err(OptionsError { field, value, min, max: min + BLOCK_BYTES });
            }
        }
        Ok(())
    }
}

/// Segments that may be kept ready, at most.
const SEGMENTS_READY_MAX: u64 = 64;

fn in_range(field: &'static str, value: u64, min: u64, max: u64) -> Result<(), OptionsError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(OptionsError { field, value, min, max }) }
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OptionsError { field, value, min, max } = self;
        if value > min && value < max {
            write!(
                f,
                "{field} is {value}: it must be a multiple of {BLOCK_BYTES}, so {min} or {max}"
            )
        } else {
            write!(f, "{field} is {value}: it must be at least {min} and at most {max}")
        }
    }
}

impl std::error::Error for OptionsError {}
