//! What proves that a file in a backup is a copy of a segment.

use std::sync::Arc;

use super::manifest::Manifest;
use super::{BTreeMap, BackupError, Doing, Lsn, Place, SegmentHeader, Storage, io};
use crate::buffer::{AlignedBuf, BufferPool};
use crate::error::{Corrupt, CorruptKind};
use crate::format::BLOCK_BYTES;
use crate::format::segment::SEGMENT_HEADER_BYTES;
use crate::frames::FrameReader;
use crate::segments::base_in;
use crate::storage::{Access, Caching, File, read_exact_at, uninterrupted};
use crate::tail::{self, TailState};

/// Headers of the segments in an earlier backup, as they lie there. One that cannot be read is left
/// out: its segment is copied again. A segment of another journal than `source` is refused.
pub(super) fn earlier_headers<D: Storage>(
    backup: &D,
    manifest: Option<&Manifest>,
    source: &SegmentHeader,
) -> Result<BTreeMap<Lsn, SegmentHeader>, BackupError> {
    let mut headers = BTreeMap::new();
    for file in manifest.into_iter().flat_map(|manifest| &manifest.files) {
        let Some(base) = base_in(&file.name) else { continue };
        let Some(header) = header(backup, &file.stored)? else { continue };
        if header.directory_id != source.directory_id {
            return Err(BackupError::OtherJournal(backup.location()));
        }
        headers.insert(base, header);
    }
    Ok(headers)
}

fn header<D: Storage>(backup: &D, stored: &str) -> Result<Option<SegmentHeader>, BackupError> {
    let open = || backup.open(stored, Access::Read, Caching::Direct);
    let block = uninterrupted(open).and_then(|file| header_block(&file));
    match block {
        Ok(block) => Ok(SegmentHeader::decode(&block).ok()),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error).doing("reading", stored)?,
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
}

fn header_block(file: &impl File) -> io::Result<AlignedBuf> {
    let mut block = AlignedBuf::new(SEGMENT_HEADER_BYTES as usize);
    read_exact_at(file, 0, &mut block)?;
    Ok(block)
}

/// Whether the first `bytes` of a copied segment are its header and sound batches, up to just
/// there, or of a sealed segment up to the batch that begins the `next` one.
pub(super) fn check_copy<D: Storage>(
    copy: &Place<'_, D>,
    segment: &SegmentHeader,
    next: Option<&SegmentHeader>,
    bytes: u64,
) -> io::Result<Result<(), Corrupt>> {
    let file = uninterrupted(|| copy.storage.open(copy.name, Access::Read, Caching::Buffered))?;
    let is_sealed = bytes == segment.capacity_bytes;
    let part = SegmentHeader { capacity_bytes: bytes, ..*segment };
    let mut reader = FrameReader::new(Arc::new(file), part, BufferPool::default());
    if bytes < SEGMENT_HEADER_BYTES || !bytes.is_multiple_of(BLOCK_BYTES) {
        return Ok(Err(reader.corrupt(bytes, CorruptKind::FrameBody)));
    }
    let block = reader.block(0, SEGMENT_HEADER_BYTES)?;
    if SegmentHeader::decode(block) != Ok(*segment) {
        let kind = CorruptKind::SegmentHeader("the segment header is not what it was");
        return Ok(Err(reader.corrupt(0, kind)));
    }
    let tail = tail::find(&mut reader)?;
    let fits_next = next.filter(|_| is_sealed).map_or(Ok(()), |next| tail.next.check_segment(next));
    Ok(match tail.state {
        TailState::Damaged(corrupt) => Err(corrupt),
        TailState::Clean if is_sealed || tail.end == bytes => {
            fits_next.map_err(|kind| reader.corrupt(tail.end, kind))
        }
        TailState::Clean | TailState::Torn(_) => {
            Err(reader.corrupt(tail.end, CorruptKind::FrameBody))
        }
    })
}
