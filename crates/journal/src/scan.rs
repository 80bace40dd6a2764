//! Reads the journal in order, from memory where it can and from disk with read-ahead elsewhere.
//!
//! Every batch from disk is checked: checksum, place, and that it follows the batch before.

use std::sync::Arc;

use crate::error::{Corrupt, CorruptKind, Doing, ReadError};
use crate::format::frame::FRAME_HEADER_BYTES;
use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::frames::{Frame, FrameFault, FrameReader, Next};
use crate::marks::MARK_DISTANCE_BYTES;
use crate::reader::{Entry, Payload, Reader};
use crate::shared::Shared;
use crate::{Lsn, Storage, segments};

/// Yields durable records in order. `None` means that the durable end is reached: ask again later,
/// and it goes on with what has become durable since. After an error it yields nothing more.
#[derive(Debug)]
pub struct Scan<S: Storage> {
    frames: FrameScan<S>,
    from: Lsn,
    /// The batch under way and the offset in it of the next record.
    current: Option<(Frame, usize)>,
    failed: bool,
}

impl<S: Storage> Scan<S> {
    pub(crate) fn new(reader: Reader<S>, from: Lsn) -> Scan<S> {
        Scan { frames: FrameScan::new(reader.shared, from), from, current: None, failed: false }
    }

    fn advance(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            let Some((frame, offset)) = &mut self.current else {
                match self.frames.next_frame()? {
                    Some(frame) => self.current = Some((frame, FRAME_HEADER_BYTES)),
                    None => return Ok(None),
                }
                continue;
            };
            if *offset as u64 >= frame.header.used_bytes() {
                self.current = None;
                continue;
            }
            let lsn = frame.header.position.plus(*offset as u64);
            let Some((range, next)) = frame.record_at(*offset) else {
                return Err(self.frames.corrupt(lsn, CorruptKind::Record));
            };
            *offset = next;
            if lsn >= self.from {
                let payload = Payload::new(Arc::clone(&frame.owner), range);
                return Ok(Some(Entry { lsn, time_ns: frame.header.time_ns, payload }));
            }
        }
    }
}

impl<S: Storage> Iterator for Scan<S> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Result<Entry, ReadError>> {
        if self.failed {
            return None;
        }
        let next = self.advance().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

/// Yields durable batches in order.
#[derive(Debug)]
pub(crate) struct FrameScan<S: Storage> {
    shared: Arc<Shared<S>>,
    /// LSN of the next batch, or of the unused end of a segment.
    position: Lsn,
    /// Known once the first batch was found.
    next: Option<Next>,
    disk: Option<FrameReader<S::File>>,
    /// Before this no batch is worth a mark.
    next_mark: Lsn,
}

impl<S: Storage> FrameScan<S> {
    /// Starts at the batch that holds `from`, at a marked one before it, or at the start of its
    /// segment.
    pub(crate) fn new(shared: Arc<Shared<S>>, from: Lsn) -> FrameScan<S> {
        let recent = shared.recent_frame(from).map(|frame| (frame.header.position, None));
        let (position, next) = recent.unwrap_or_else(|| {
            let from = from.max(shared.begin());
            let Some(segment) = shared.segment_at(from) else { return (from, None) };
            match shared.marks.last_in(segment.base, from) {
                Some((mark, next)) => (mark, Some(next)),
                None => (segment.base, None),
            }
        });
        FrameScan { shared, position, next, disk: None, next_mark: position }
    }

    pub(crate) fn shared(&self) -> &Shared<S> {
        &self.shared
    }

    /// Sequence of the segment that holds an LSN; 0 if it was retired.
    pub(crate) fn segment_sequence(&self, lsn: Lsn) -> u64 {
        self.shared.segment_at(lsn).map_or(0, |segment| segment.sequence)
    }

    /// Goes on from the batch that holds `from`, or from one before it in its segment.
    pub(crate) fn go_back_to(&mut self, from: Lsn) {
        *self = FrameScan::new(Arc::clone(&self.shared), from);
    }

    /// The next durable batch; `None` at the durable end, for now.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            let durable_end = self.shared.durable_end();
            if self.position >= durable_end {
                return Ok(None);
            }
            if let Some(frame) = self.recent_frame() {
                return self.follow(frame).map(Some);
            }
            let segment = self.segment()?;
            if self.position == segment.base {
                self.enter(&segment)?;
                continue;
            }
            let offset = self.position.0 - segment.base.0;
            let limit = segment.capacity_bytes.min(durable_end.0 - segment.base.0);
            match self.frame_on_disk(&segment, offset, limit) {
                Ok(Ok(frame)) => return self.follow(frame).map(Some),
                Ok(Err(FrameFault::AtEnd | FrameFault::HeaderZero))
                    if durable_end > segment.end() =>
                {
                    self.position = segment.end();
                }
                Ok(Err(fault)) => return Err(self.corrupt(self.position, fault.kind())),
                Err(error) => return Err(self.unless_retired(error)),
            }
        }
    }

    /// Damage at an LSN.
    pub(crate) fn corrupt(&self, lsn: Lsn, kind: CorruptKind) -> ReadError {
        let segment = self.shared.segment_at(lsn);
        let base = segment.map_or(Lsn::NONE, |segment| segment.base);
        let corrupt = Corrupt { file: segments::file_name(base), offset: lsn.0 - base.0, kind };
        self.unless_retired(corrupt.into())
    }

    /// A batch in memory that starts right here.
    fn recent_frame(&self) -> Option<Frame> {
        let frame = self.shared.recent_frame(self.position)?;
        (frame.header.position == self.position).then_some(frame)
    }

    fn segment(&self) -> Result<SegmentHeader, ReadError> {
        self.shared
            .segment_at(self.position)
            .ok_or_else(|| ReadError::Retired { lsn: self.position, begin: self.shared.begin() })
    }

    /// Steps over a segment's header, which says which batch must come first.
    fn enter(&mut self, segment: &SegmentHeader) -> Result<(), ReadError> {
        let first = Next::first_of(segment);
        if let Some(next) = self.next {
            next.check_segment(segment).map_err(|kind| self.corrupt(segment.base, kind))?;
        }
        self.next = Some(first);
        self.position = segment.base.plus(SEGMENT_HEADER_BYTES);
        Ok(())
    }

    fn follow(&mut self, frame: Frame) -> Result<Frame, ReadError> {
        if let Some(next) = self.next {
            next.check(&frame.header).map_err(|kind| self.corrupt(self.position, kind))?;
        }
        if frame.header.position >= self.next_mark {
            self.shared.marks.note(&frame);
            self.next_mark = frame.header.position.plus(MARK_DISTANCE_BYTES);
        }
        self.next = Some(Next::after(&frame));
        self.position = frame.header.end();
        Ok(frame)
    }

    fn frame_on_disk(
        &mut self,
        segment: &SegmentHeader,
        offset: u64,
        limit: u64,
    ) -> Result<Result<Frame, FrameFault>, ReadError> {
        let name = || segments::file_name(segment.base);
        if self.disk.as_ref().is_none_or(|disk| disk.segment().base != segment.base) {
            let file = self.shared.handle(segment).doing("opening", &name())?;
            let buffers = self.shared.buffers.clone();
            self.disk = Some(FrameReader::new(file, *segment, buffers));
        }
        let disk = self.disk.as_mut().expect("it was just opened");
        Ok(disk.frame(offset, limit).doing("reading", &name())?)
    }

    /// A segment that was retired while it was read gives errors that mean nothing else.
    fn unless_retired(&self, error: ReadError) -> ReadError {
        let begin = self.shared.begin();
        if self.position < begin { ReadError::Retired { lsn: self.position, begin } } else { error }
    }
}
