//! What the parts of one journal share: the segments, the durable end, the newest batches.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::buffer::{BufferPool, lock};
use crate::format::segment::SegmentHeader;
use crate::frames::Frame;
use crate::marks::Marks;
use crate::pool::Pool;
use crate::storage::{Access, Caching, Storage, uninterrupted};
use crate::{Lsn, Options, segments};

/// Open segment files kept for readers, at most.
const HANDLES_MAX: usize = 16;

#[derive(Debug)]
pub(crate) struct Shared<S: Storage> {
    pub(crate) storage: S,
    pub(crate) options: Options,
    pub(crate) directory_id: u128,
    pub(crate) buffers: BufferPool,
    pub(crate) pool: Mutex<Pool<S::File>>,
    /// Segments in use, oldest first, never empty.
    segments: Mutex<VecDeque<SegmentHeader>>,
    recent: Mutex<Recent>,
    /// Signalled when the durable end moves.
    moved: Condvar,
    handles: Mutex<VecDeque<(Lsn, Arc<S::File>)>>,
    pub(crate) marks: Marks,
    /// Up to here the chain of hashes is known to be durable.
    pub(crate) chain_end: Mutex<Lsn>,
    _lock: S::Lock,
}

/// The durable end and the newest batches before it.
#[derive(Debug)]
struct Recent {
    durable_end: Lsn,
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl<S: Storage> Shared<S> {
    pub(crate) fn new(
        (storage, lock): (S, S::Lock),
        options: Options,
        segments: Vec<SegmentHeader>,
        pool: Pool<S::File>,
        durable_end: Lsn,
    ) -> Shared<S> {
        let first = segments.first().expect("a journal has at least one segment");
        Shared {
            storage,
            options,
            directory_id: first.directory_id,
            buffers: BufferPool::default(),
            pool: Mutex::new(pool),
            segments: Mutex::new(segments.into()),
            recent: Mutex::new(Recent { durable_end, frames: VecDeque::new(), bytes: 0 }),
            moved: Condvar::new(),
            handles: Mutex::new(VecDeque::new()),
            marks: Marks::default(),
            chain_end: Mutex::new(Lsn::NONE),
            _lock: lock,
        }
    }

    /// Where the journal begins.
    pub(crate) fn begin(&self) -> Lsn {
        lock(&self.segments).front().expect("a journal has at least one segment").base
    }

    pub(crate) fn durable_end(&self) -> Lsn {
        lock(&self.recent).durable_end
    }

    /// Waits until something after `after` is durable or `timeout` is over; returns the durable
    /// end.
    pub(crate) fn wait_durable(&self, after: Lsn, timeout: Duration) -> Lsn {
        let waiting = self
            .moved
            .wait_timeout_while(lock(&self.recent), timeout, |recent| recent.durable_end <= after);
        waiting.unwrap_or_else(std::sync::PoisonError::into_inner).0.durable_end
    }

    /// A batch is durable: readers may see it.
    pub(crate) fn publish(&self, frame: Frame) {
        let mut recent = lock(&self.recent);
        assert!(recent.durable_end <= frame.header.position, "batches become durable in order");
        recent.durable_end = frame.header.end();
        recent.bytes += frame.owner.len();
        recent.frames.push_back(frame);
        let mut evicted = Vec::new();
        while recent.bytes > self.options.cache_bytes_max && recent.frames.len() > 1 {
            let oldest = recent.frames.pop_front().expect("more than one frame is there");
            recent.bytes -= oldest.owner.len();
            evicted.push(oldest);
        }
        drop(recent);
        self.moved.notify_all();
    }

    /// The batch in memory that holds the byte at `lsn`.
    pub(crate) fn recent_frame(&self, lsn: Lsn) -> Option<Frame> {
        let recent = lock(&self.recent);
        let after = recent.frames.partition_point(|frame| frame.header.position <= lsn);
        let frame = recent.frames.get(after.checked_sub(1)?)?;
        (lsn < frame.header.end()).then(|| frame.clone())
    }

    pub(crate) fn add_segment(&self, header: SegmentHeader) {
        lock(&self.segments).push_back(header);
    }

    /// Takes the oldest segment out; never the only one.
    pub(crate) fn remove_oldest_segment(&self) {
        let mut segments = lock(&self.segments);
        assert!(segments.len() > 1, "the active segment is never retired");
        let oldest = segments.pop_front().expect("more than one segment is there");
        drop(segments);
        lock(&self.handles).retain(|(base, _)| *base != oldest.base);
    }

    pub(crate) fn segments(&self) -> Vec<SegmentHeader> {
        lock(&self.segments).iter().copied().collect()
    }

    /// The segment whose bytes include `lsn`; `None` before the journal's begin.
    pub(crate) fn segment_at(&self, lsn: Lsn) -> Option<SegmentHeader> {
        let segments = lock(&self.segments);
        let after = segments.partition_point(|segment| segment.base <= lsn);
        segments.get(after.checked_sub(1)?).copied()
    }

    /// An open file to read a segment.
    pub(crate) fn handle(&self, segment: &SegmentHeader) -> std::io::Result<Arc<S::File>> {
        let known = lock(&self.handles).iter().find(|(base, _)| *base == segment.base).cloned();
        if let Some((_, file)) = known {
            return Ok(file);
        }
        let name = segments::file_name(segment.base);
        let file = uninterrupted(|| self.storage.open(&name, Access::Read, Caching::Direct))?;
        let file = Arc::new(file);
        let mut handles = lock(&self.handles);
        if handles.len() >= HANDLES_MAX {
            handles.pop_front();
        }
        handles.push_back((segment.base, Arc::clone(&file)));
        Ok(file)
    }
}
