//! Reads the frames of one segment file, in order, with read-ahead.
//!
//! Says whether the bytes at a place are a valid frame, and which batch must follow a batch. What
//! an invalid frame means is for the caller: the end, a torn tail or damage.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::Lsn;
use crate::buffer::{BufferPool, PooledBuf};
use crate::error::{Corrupt, CorruptKind};
use crate::format::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameHeaderFault};
use crate::format::record::{RECORD_HEADER_BYTES, payload_bytes, record_bytes};
use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::format::{BLOCK_BYTES, SECTOR_BYTES, is_zero, zero_sectors};
use crate::segments::file_name;
use crate::storage::{File, read_exact_at};

/// Bytes read ahead at once.
const READ_AHEAD_BYTES: u64 = 256 << 10;

/// A valid frame, in memory.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) header: FrameHeader,
    pub(crate) link: u32,
    /// Holds the frame's bytes from `start` on.
    pub(crate) owner: Arc<PooledBuf>,
    pub(crate) start: usize,
}

impl Frame {
    /// All bytes, with header and padding.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.owner[self.start..self.start + self.header.frame_bytes() as usize]
    }

    /// Where in the owner the payload of the record at `offset` of this frame lies, and where in
    /// this frame the next record begins. `None` if no record can be there.
    pub(crate) fn record_at(&self, offset: usize) -> Option<(Range<usize>, usize)> {
        let used = self.header.used_bytes() as usize;
        if offset + RECORD_HEADER_BYTES > used {
            return None;
        }
        let length = payload_bytes(&self.bytes()[offset..])?;
        let next = offset + record_bytes(length);
        let start = self.start + offset + RECORD_HEADER_BYTES;
        (next <= used).then_some((start..start + length, next))
    }
}

/// Which batch comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) sequence: u64,
    /// Link of the batch before.
    pub(crate) link: u32,
}

impl Next {
    /// The first batch of a segment.
    pub(crate) fn first_of(segment: &SegmentHeader) -> Next {
        Next { sequence: segment.first_batch_sequence, link: segment.previous_link }
    }

    /// This very batch.
    pub(crate) fn at(frame: &Frame) -> Next {
        Next { sequence: frame.header.sequence, link: frame.header.previous_link }
    }

    /// The batch after this one.
    pub(crate) fn after(frame: &Frame) -> Next {
        Next { sequence: frame.header.sequence + 1, link: frame.link }
    }

    /// Whether a frame is that batch.
    pub(crate) fn check(self, header: &FrameHeader) -> Result<(), CorruptKind> {
        if header.sequence != self.sequence {
            Err(CorruptKind::BatchOrder { expected: self.sequence, found: header.sequence })
        } else if header.previous_link != self.link {
            Err(CorruptKind::BatchLink)
        } else {
            Ok(())
        }
    }

    /// Whether a segment that follows begins with that batch.
    pub(crate) fn check_segment(self, segment: &SegmentHeader) -> Result<(), CorruptKind> {
        let (expected, next) = (self.sequence, segment.first_batch_sequence);
        if expected != next {
            Err(CorruptKind::BatchesMissing { next, expected })
        } else if self.link != segment.previous_link {
            Err(CorruptKind::BatchLink)
        } else {
            Ok(())
        }
    }
}

/// Why no valid frame is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameFault {
    /// The place is the end of what may be read.
    AtEnd,
    /// The first sector is all zero.
    HeaderZero,
    /// The header is not valid.
    Header(FrameHeaderFault),
    /// The header is valid, the body does not match it.
    Body {
        header: FrameHeader,
        /// Zero sectors that are there, to compare with those that were written.
        zero_sectors_found: u32,
    },
}

impl FrameFault {
    pub(crate) fn kind(self) -> CorruptKind {
        match self {
            FrameFault::AtEnd => CorruptKind::FrameHeader(FrameHeaderFault::Length),
            FrameFault::HeaderZero => CorruptKind::FrameHeader(FrameHeaderFault::Magic),
            FrameFault::Header(fault) => CorruptKind::FrameHeader(fault),
            FrameFault::Body { .. } => CorruptKind::FrameBody,
        }
    }
}

/// Reads one segment.
#[derive(Debug)]
pub(crate) struct FrameReader<F> {
    file: Arc<F>,
    segment: SegmentHeader,
    buffers: BufferPool,
    /// Bytes of the file from `window_start` on; the first `window_bytes` are valid.
    window: Arc<PooledBuf>,
    window_start: u64,
    window_bytes: u64,
}

impl<F: File> FrameReader<F> {
    pub(crate) fn new(file: Arc<F>, segment: SegmentHeader, buffers: BufferPool) -> Self {
        let window = Arc::new(buffers.take(BLOCK_BYTES as usize));
        FrameReader { file, segment, buffers, window, window_start: 0, window_bytes: 0 }
    }

    pub(crate) fn segment(&self) -> &SegmentHeader {
        &self.segment
    }

    /// Offset of the first frame.
    pub(crate) fn first_offset() -> u64 {
        SEGMENT_HEADER_BYTES
    }

    /// LSN of the byte at `offset`.
    pub(crate) fn lsn(&self, offset: u64) -> Lsn {
        self.segment.base.plus(offset)
    }

    /// Damage in this segment.
    pub(crate) fn corrupt(&self, offset: u64, kind: CorruptKind) -> Corrupt {
        Corrupt { file: file_name(self.segment.base), offset, kind }
    }

    /// Forgets what was read ahead: another process may have written it since.
    pub(crate) fn forget(&mut self) {
        self.window_bytes = 0;
    }

    /// The frame at `offset`, reading nothing from `limit` on; both are multiples of a block.
    pub(crate) fn frame(
        &mut self,
        offset: u64,
        limit: u64,
    ) -> io::Result<Result<Frame, FrameFault>> {
        if offset >= limit {
            return Ok(Err(FrameFault::AtEnd));
        }
        let (position, epoch) = (self.lsn(offset), self.segment.epoch);
        let start = self.load(offset, BLOCK_BYTES, limit)?;
        let block = &self.window[start..start + BLOCK_BYTES as usize];
        if is_zero(&block[..SECTOR_BYTES]) {
            return Ok(Err(FrameFault::HeaderZero));
        }
        let (header, link) = match FrameHeader::decode(block, position, epoch) {
            Ok(decoded) => decoded,
            Err(fault) => return Ok(Err(FrameFault::Header(fault))),
        };
        if header.frame_bytes() > limit - offset {
            return Ok(Err(FrameFault::Header(FrameHeaderFault::Length)));
        }
        let start = self.load(offset, header.frame_bytes(), limit)?;
        let used = &self.window[start..start + header.used_bytes() as usize];
        if header.body_matches(used) {
            Ok(Ok(Frame { header, link, owner: Arc::clone(&self.window), start }))
        } else {
            let zero_sectors_found = zero_sectors(used);
            Ok(Err(FrameFault::Body { header, zero_sectors_found }))
        }
    }

    /// The block at `offset`, which is below `limit`.
    pub(crate) fn block(&mut self, offset: u64, limit: u64) -> io::Result<&[u8]> {
        let start = self.load(offset, BLOCK_BYTES, limit)?;
        Ok(&self.window[start..start + BLOCK_BYTES as usize])
    }

    /// The frame header at `offset` if a valid one is there; its body is not looked at.
    pub(crate) fn header(&mut self, offset: u64, limit: u64) -> io::Result<Option<FrameHeader>> {
        let (position, epoch) = (self.lsn(offset), self.segment.epoch);
        let block = self.block(offset, limit)?;
        let decoded = FrameHeader::decode(&block[..FRAME_HEADER_BYTES], position, epoch);
        Ok(decoded.ok().map(|(header, _)| header))
    }

    /// Makes `bytes` from `offset` on present; returns where in the window they start.
    fn load(&mut self, offset: u64, bytes: u64, limit: u64) -> io::Result<usize> {
        let present = self.window_start..self.window_start + self.window_bytes;
        if present.start <= offset && offset + bytes <= present.end {
            return Ok((offset - self.window_start) as usize);
        }
        let wanted = bytes.max(READ_AHEAD_BYTES).min(limit - offset) as usize;
        self.window_bytes = 0;
        if self.window.len() < wanted || Arc::get_mut(&mut self.window).is_none() {
            self.window = Arc::new(self.buffers.take(wanted));
        }
        let window = Arc::get_mut(&mut self.window).expect("nobody else has the new window");
        read_exact_at(&*self.file, offset, &mut window[..wanted])?;
        (self.window_start, self.window_bytes) = (offset, wanted as u64);
        Ok(0)
    }
}
