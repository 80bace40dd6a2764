//! Where the last segment ends, and what lies there: nothing, an unfinished batch, or damage.
//!
//! The rule is [`judge`], a pure function of what is found at the first place without a valid
//! frame; `docs/internals/recovery.md` has it as a table with the reasons. Nothing is changed here.

use std::io;

use crate::error::{Corrupt, CorruptKind};
use crate::format::{BATCH_BYTES_MAX, BLOCK_BYTES, SECTOR_BYTES, is_zero};
use crate::frames::{FrameFault, FrameReader, Next};
use crate::storage::File;

/// The end of the last segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Offset after the last valid frame.
    pub(crate) end: u64,
    /// The batch that would follow.
    pub(crate) next: Next,
    /// Offset and length in bytes of the last valid frame, if the segment has one.
    pub(crate) last_frame: Option<(u64, u64)>,
    /// What lies from `end` on.
    pub(crate) state: TailState,
}

/// What lies after the last valid frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TailState {
    /// Zeros.
    Clean,
    /// Part of a batch whose sync never returned, over this many bytes.
    Torn(u64),
    /// Bytes that were altered; cutting here could drop what was acknowledged.
    Damaged(Corrupt),
}

/// What is found at and after the first place without a valid frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Offset of that place.
    pub(crate) offset: u64,
    pub(crate) header: HeaderEvidence,
    /// Offset after the last sector that is not zero; `offset` if all are.
    pub(crate) data_end: u64,
    /// Offset of a later valid frame header.
    pub(crate) valid_after: Option<u64>,
}

/// What is found where a frame header would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderEvidence {
    /// Its whole sector is zero.
    Zero,
    /// The header of the batch that follows, with a body that does not match.
    Next {
        /// Offset after that frame.
        frame_end: u64,
        /// At least one sector is zero that was not zero when written.
        sector_lost: bool,
    },
    /// Anything else.
    Other(CorruptKind),
}

/// What a judgement can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Clean,
    Torn(u64),
    Damaged { offset: u64, kind: CorruptKind },
}

/// Tells an unfinished batch from damage. Sectors are written whole and at most one batch is
/// unsynced, so a crash leaves each sector of that batch as written or as zeros, and zeros after
/// it.
pub(crate) fn judge(evidence: &Evidence) -> Judgement {
    let Evidence { offset, header, data_end, valid_after } = evidence;
    let damaged = |kind| Judgement::Damaged { offset: *offset, kind };
    if let Some(after) = valid_after {
        return damaged(CorruptKind::ValidBatchAfter(*after));
    }
    match header {
        HeaderEvidence::Zero if data_end == offset => Judgement::Clean,
        HeaderEvidence::Zero if data_end - offset <= BATCH_BYTES_MAX => {
            Judgement::Torn(data_end - offset)
        }
        HeaderEvidence::Next { frame_end, sector_lost: true } if data_end <= frame_end => {
            Judgement::Torn(data_end - offset)
        }
        HeaderEvidence::Next { sector_lost: false, .. } => damaged(CorruptKind::FrameBody),
        HeaderEvidence::Zero | HeaderEvidence::Next { .. } => damaged(CorruptKind::BytesAfterEnd),
        HeaderEvidence::Other(kind) => damaged(kind.clone()),
    }
}

/// Reads the segment from its first frame on and judges its end.
pub(crate) fn find<F: File>(reader: &mut FrameReader<F>) -> io::Result<Tail> {
    let limit = reader.segment().capacity_bytes;
    let mut next = Next::first_of(reader.segment());
    let mut offset = FrameReader::<F>::first_offset();
    let mut last_frame = None;
    let header = loop {
        match reader.frame(offset, limit)? {
            Ok(frame) => match next.check(&frame.header) {
                Ok(()) => {
                    last_frame = Some((offset, frame.header.frame_bytes()));
                    next = Next::after(&frame);
                    offset += frame.header.frame_bytes();
                }
                Err(kind) => break HeaderEvidence::Other(kind),
            },
            Err(fault) => break header_evidence(fault, next, offset),
        }
    };
    let (data_end, valid_after) = survey(reader, offset, next)?;
    let state = match judge(&Evidence { offset, header, data_end, valid_after }) {
        Judgement::Clean => TailState::Clean,
        Judgement::Torn(bytes) => TailState::Torn(bytes),
        Judgement::Damaged { offset, kind } => TailState::Damaged(reader.corrupt(offset, kind)),
    };
    Ok(Tail { end: offset, next, last_frame, state })
}

fn header_evidence(fault: FrameFault, next: Next, offset: u64) -> HeaderEvidence {
    match fault {
        FrameFault::AtEnd | FrameFault::HeaderZero => HeaderEvidence::Zero,
        FrameFault::Header(_) => HeaderEvidence::Other(fault.kind()),
        FrameFault::Body { header, zero_sectors_found } => match next.check(&header) {
            Ok(()) => HeaderEvidence::Next {
                frame_end: offset + header.frame_bytes(),
                sector_lost: zero_sectors_found > header.zero_sectors,
            },
            Err(kind) => HeaderEvidence::Other(kind),
        },
    }
}

/// Looks at everything from `offset` on: where the data ends, and whether a valid frame follows.
fn survey<F: File>(
    reader: &mut FrameReader<F>,
    offset: u64,
    next: Next,
) -> io::Result<(u64, Option<u64>)> {
    let limit = reader.segment().capacity_bytes;
    let (mut data_end, mut valid_after) = (offset, None);
    for at in (offset..limit).step_by(BLOCK_BYTES as usize) {
        let block = reader.block(at, limit)?;
        let sectors = block.chunks(SECTOR_BYTES);
        let Some(last) = sectors.into_iter().rposition(|sector| !is_zero(sector)) else { continue };
        data_end = at + ((last + 1) * SECTOR_BYTES) as u64;
        if at > offset && valid_after.is_none() {
            let header = reader.header(at, limit)?;
            valid_after = header.filter(|header| header.sequence >= next.sequence).map(|_| at);
        }
    }
    Ok((data_end, valid_after))
}

#[cfg(test)]
mod tests;
