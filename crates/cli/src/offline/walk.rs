//! Every record of a journal, read from the segment files alone, while a server may be writing
//! them.
//!
//! This is a reader of its own, not the journal's: what it finds was written as the format says,
//! not as the code that wrote it believes. It stops at the first place without a valid batch;
//! whether that is the end or damage is told by [`courant_journal::verify`].

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use courant_journal::Lsn;
use courant_journal::format::BLOCK_BYTES;
use courant_journal::format::frame::{FRAME_HEADER_BYTES, FrameHeader};
use courant_journal::format::record;
use courant_journal::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};

use crate::exit::Failure;

/// Calls `each` with every record below `end`, oldest first; gives where the last batch ends.
pub(super) fn records(
    journal: &Path,
    end: Lsn,
    mut each: impl FnMut(Lsn, &[u8]) -> Result<(), Failure>,
) -> Result<Lsn, Failure> {
    let mut reached = Lsn::NONE;
    for path in segments(journal)? {
        let mut segment =
            match Segment::open(&path).map_err(|e| Failure::file(&path, "read", &e))? {
                Some(segment) => segment,
                None => break,
            };
        while segment.next_frame().map_err(|e| Failure::file(&path, "read", &e))? {
            if segment.frame.position >= end {
                return Ok(reached);
            }
            segment.records(&mut each)?;
            reached = segment.frame.end();
        }
    }
    Ok(reached)
}

/// Where the last complete batch ends.
pub(super) fn end(journal: &Path) -> Result<Lsn, Failure> {
    match last(journal)? {
        Some(frame) => Ok(frame.end()),
        None => Err(Failure::negative("the journal has no record yet")),
    }
}

/// The last complete batch, if there is one. Reads the last segments only.
pub(super) fn last(journal: &Path) -> Result<Option<FrameHeader>, Failure> {
    for path in segments(journal)?.iter().rev() {
        let failed = |error: io::Error| Failure::file(path, "read", &error);
        let Some(mut segment) = Segment::open(path).map_err(failed)? else { continue };
        let mut is_any = false;
        while segment.next_frame().map_err(failed)? {
            is_any = true;
        }
        if is_any {
            return Ok(Some(segment.frame));
        }
    }
    Ok(None)
}

/// Segment files, oldest first: their names are their places.
fn segments(journal: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::file(journal, "list", &error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(journal).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

struct Segment {
    file: File,
    header: SegmentHeader,
    /// The next frame begins here, from the start of the file.
    offset: u64,
    frame: FrameHeader,
    bytes: Vec<u8>,
}

impl Segment {
    /// A segment file; `None` if it has no valid header.
    fn open(path: &Path) -> io::Result<Option<Segment>> {
        let mut file = File::open(path)?;
        let mut block = vec![0; SEGMENT_HEADER_BYTES as usize];
        file.read_exact(&mut block)?;
        let Ok(header) = SegmentHeader::decode(&block) else { return Ok(None) };
        let frame = FrameHeader {
            epoch: header.epoch,
            sequence: 0,
            position: header.base,
            time_ns: 0,
            body_bytes: 0,
            record_count: 0,
            zero_sectors: 0,
            previous_link: 0,
            body_crc: 0,
        };
        Ok(Some(Segment { file, header, offset: SEGMENT_HEADER_BYTES, frame, bytes: block }))
    }

    /// Reads the next frame; false if none is there.
    fn next_frame(&mut self) -> io::Result<bool> {
        if self.offset + BLOCK_BYTES > self.header.capacity_bytes {
            return Ok(false);
        }
        self.file.seek(SeekFrom::Start(self.offset))?;
        self.bytes.resize(BLOCK_BYTES as usize, 0);
        self.file.read_exact(&mut self.bytes)?;
        let position = Lsn(self.header.base.0 + self.offset);
        let Ok((frame, _)) = FrameHeader::decode(&self.bytes, position, self.header.epoch) else {
            return Ok(false);
        };
        if self.offset + frame.frame_bytes() > self.header.capacity_bytes {
            return Ok(false);
        }
        self.bytes.resize(frame.frame_bytes() as usize, 0);
        self.file.read_exact(&mut self.bytes[BLOCK_BYTES as usize..])?;
        if !frame.body_matches(&self.bytes) {
            return Ok(false);
        }
        self.offset += frame.frame_bytes();
        self.frame = frame;
        Ok(true)
    }

    fn records(
        &self,
        each: &mut impl FnMut(Lsn, &[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let used = self.frame.used_bytes() as usize;
        let mut at = FRAME_HEADER_BYTES;
        while at < used {
            let lsn = Lsn(self.frame.position.0 + at as u64);
            let Some(payload) = record::decode(&self.bytes[at..used], lsn, self.frame.epoch) else {
                let message = format!("the record at LSN {lsn} does not match its checksum");
                return Err(Failure::negative(message));
            };
            each(lsn, payload)?;
            at += record::record_bytes(payload.len());
        }
        Ok(())
    }
}
