//! Remembers where some batches begin, so that a scan which starts in the middle of a segment need
//! not read that segment from its start.
//!
//! Scans note what they meet. A mark is about a durable batch, which never changes, so it never
//! becomes wrong; marks below the journal's begin are not asked for. At most [`MARKS_MAX`] are
//! kept, [`MARK_DISTANCE_BYTES`] apart; when there are more all are forgotten, and met again.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::Lsn;
use crate::buffer::lock;
use crate::frames::{Frame, Next};

/// Bytes between two marks at least: what a scan reads at once anyway.
pub(crate) const MARK_DISTANCE_BYTES: u64 = 256 << 10;
/// Marks kept at most. They cover 4 GiB of the journal and take less than 1 MiB of memory.
const MARKS_MAX: usize = 16 << 10;

/// Where some batches begin, and which batch each of them must be.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<BTreeMap<Lsn, Next>>);

impl Marks {
    /// Notes a batch, unless one close before it is known.
    pub(crate) fn note(&self, frame: &Frame) {
        let position = frame.header.position;
        let mut marks = lock(&self.0);
        let before = marks.range(..=position).next_back();
        if before.is_some_and(|(mark, _)| position.0 - mark.0 < MARK_DISTANCE_BYTES) {
            return;
        }
        if marks.len() >= MARKS_MAX {
            marks.clear();
        }
        marks.insert(position, Next::at(frame));
    }

    /// The last known batch that begins in `from..=to`.
    pub(crate) fn last_in(&self, from: Lsn, to: Lsn) -> Option<(Lsn, Next)> {
        let marks = lock(&self.0);
        marks.range(from..=to).next_back().map(|(position, next)| (*position, *next))
    }
}
