//! Snapshots on disk: written section by section, named by where they begin, loaded newest first.
//!
//! ```text
//! block 0   magic, format, begin lsn, end lsn, sections, payload bytes, crc32c
//! payload   sections: length u32 | crc32c u32 | bytes; padded to 4 KiB at the end
//! ```
//! The first block is written last, so an unfinished file never counts. Replaying the records after
//! `begin` through `end` makes the state exact.

use crate::blocks::{BLOCK_BYTES, BlockReader, BlockWriter};
use crate::error::OpenError;
use crate::formats::Format;
use courant_engine::{Engine, EngineOptions, Lsn};
use courant_journal::Storage;
use std::io;

const HEADER_BYTES: usize = 8 + 4 + 4 * 8;
pub(crate) const FORMAT: Format =
    Format { magic: b"CourSnap", number: 1, crc_at: Some(HEADER_BYTES) };

/// No section is longer, so that a damaged length asks for no more memory than this: 64 MiB.
const SECTION_BYTES_MAX: usize = 64 << 20;

/// What a snapshot shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The last record evolved when its first section was made.
    pub begin: Lsn,
    /// The last record evolved when its last section was made.
    pub end: Lsn,
}

/// A snapshot under way.
#[derive(Debug)]
pub struct SnapshotWriter<S: Storage> {
    writer: BlockWriter<S>,
    begin: Lsn,
    sections: u64,
    bytes: u64,
}

impl<S: Storage> SnapshotWriter<S> {
    /// Begins a snapshot.
    pub fn create(storage: &S, begin: Lsn) -> io::Result<SnapshotWriter<S>> {
        let mut writer = BlockWriter::create(storage, &file_name(begin))?;
        writer.push(&[0; BLOCK_BYTES])?;
        Ok(SnapshotWriter { writer, begin, sections: 0, bytes: 0 })
    }

    /// Adds a section.
    pub fn section(&mut self, bytes: &[u8]) -> io::Result<()> {
        assert!(bytes.len() <= SECTION_BYTES_MAX, "a section is made in small steps");
        self.writer.push(&(bytes.len() as u32).to_le_bytes())?;
        self.writer.push(&crc32c::crc32c(bytes).to_le_bytes())?;
        self.writer.push(bytes)?;
        self.sections += 1;
        self.bytes += 8 + bytes.len() as u64;
        Ok(())
    }

    /// Makes the snapshot durable and gives it its name.
    pub fn finish(mut self, storage: &S, end: Lsn) -> io::Result<u64> {
        self.writer.pad()?;
        let mut block = [0; BLOCK_BYTES];
        block[..8].copy_from_slice(FORMAT.magic);
        block[8..12].copy_from_slice(&FORMAT.number.to_le_bytes());
        let numbers = [self.begin.0, end.0, self.sections, self.bytes];
        for (slot, number) in block[12..HEADER_BYTES].as_chunks_mut::<8>().0.iter_mut().zip(numbers)
        {
            *slot = number.to_le_bytes();
        }
        let crc = crc32c::crc32c(&block[..HEADER_BYTES]);
        block[HEADER_BYTES..HEADER_BYTES + 4].copy_from_slice(&crc.to_le_bytes());
        self.writer.write_first_block(&block)?;
        self.writer.finish(storage, &file_name(self.begin))?;
        Ok(self.bytes)
    }
}

/// The snapshots that are there, newest first.
pub fn list<S: Storage>(storage: &S) -> io::Result<Vec<String>> {
    let mut names = storage.list()?;
    names.retain(|n| n.ends_with(".snap"));
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

/// Removes all but the newest `kept`, and what unfinished ones left.
pub fn prune<S: Storage>(storage: &S, kept: usize) -> io::Result<()> {
    for name in list(storage)?.iter().skip(kept.max(1)) {
        storage.remove(name)?;
    }
    for name in storage.list()?.iter().filter(|n| n.ends_with(".tmp")) {
        storage.remove(name)?;
    }
    Ok(())
}

/// What was found where a snapshot was looked for.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The newest sound snapshot; `None` if there is none: replay from the beginning.
    pub(crate) newest: Option<(Engine, Extent)>,
    /// Newer ones that are not sound, by name, with what is wrong.
    pub(crate) unsound: Vec<(String, String)>,
}

/// Loads the newest snapshot that is sound into a new engine.
pub(crate) fn load_newest<S: Storage>(
    storage: &S,
    options: EngineOptions,
) -> Result<Loaded, OpenError> {
    let names = list(storage).map_err(OpenError::io("listing snapshots"))?;
    let mut found = Loaded::default();
    for name in names {
        match load(storage, &name, options) {
            Ok(loaded) => {
                found.newest = Some(loaded);
                break;
            }
            Err(what) => found.unsound.push((name, what)),
        }
    }
    Ok(found)
}

/// Loads one snapshot; an error says what is wrong with it.
pub fn load<S: Storage>(
    storage: &S,
    name: &str,
    options: EngineOptions,
) -> Result<(Engine, Extent), String> {
    let mut engine = Engine::new(options);
    let extent = read(storage, name, |section| {
        engine.load_section(section).map_err(|error| error.to_string())
    })?;
    if engine.last() != extent.begin {
        return Err("its first section is not of where it begins".into());
    }
    Ok((engine, extent))
}

/// Reads a snapshot to its end and compares its checksums, without making a state of it.
pub fn check<S: Storage>(storage: &S, name: &str) -> Result<Extent, String> {
    read(storage, name, |_| Ok(()))
}

/// What a snapshot shows, by its header alone.
pub(crate) fn extent<S: Storage>(storage: &S, name: &str) -> Result<Extent, String> {
    let io = |error: io::Error| error.to_string();
    let mut first = BlockReader::open(storage, name, 0, 1).map_err(io)?;
    let block = first.next().map_err(io)?.ok_or("it is empty")?;
    Ok(header(block).ok_or("its header is damaged")?.0)
}

/// Gives each section of a snapshot whose checksum is right to `take`.
fn read<S: Storage>(
    storage: &S,
    name: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<Extent, String> {
    let io = |error: io::Error| error.to_string();
    let mut first = BlockReader::open(storage, name, 0, 1).map_err(io)?;
    let block = first.next().map_err(io)?.ok_or("it is empty")?;
    let (extent, sections, bytes) = header(block).ok_or("its header is damaged")?;
    let blocks = bytes.div_ceil(BLOCK_BYTES as u64);
    let mut payload = Payload {
        reader: BlockReader::open(storage, name, 1, blocks).map_err(io)?,
        block: Vec::new(),
        at: 0,
    };
    let mut section = Vec::new();
    for _ in 0..sections {
        let mut head = [0; 8];
        payload.read(&mut head)?;
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("4 bytes"));
        let len = number(0) as usize;
        if len > SECTION_BYTES_MAX {
            return Err("a section is too long".into());
        }
        section.resize(len, 0);
        payload.read(&mut section)?;
        if crc32c::crc32c(&section) != number(4) {
            return Err("a section does not match its checksum".into());
        }
        take(&section)?;
    }
    Ok(extent)
}

fn header(block: &[u8]) -> Option<(Extent, u64, u64)> {
    let crc = crc32c::crc32c(&block[..HEADER_BYTES]).to_le_bytes();
    let sound = block[..8] == FORMAT.magic[..]
        && block[8..12] == FORMAT.number.to_le_bytes()
        && block[HEADER_BYTES..HEADER_BYTES + 4] == crc;
    let number = |at: usize| {
        let at = 12 + at * 8;
        u64::from_le_bytes(block[at..at + 8].try_into().expect("8 bytes"))
    };
    let extent = Extent { begin: Lsn(number(0)), end: Lsn(number(1)) };
    sound.then(|| (extent, number(2), number(3)))
}

struct Payload<F: courant_journal::storage::File> {
    reader: BlockReader<F>,
    block: Vec<u8>,
    at: usize,
}

impl<F: courant_journal::storage::File> Payload<F> {
    fn read(&mut self, mut out: &mut [u8]) -> Result<(), String> {
        while !out.is_empty() {
            if self.at == self.block.len() {
                let next = self.reader.next().map_err(|error| error.to_string())?;
                self.block.clear();
                self.block.extend_from_slice(next.ok_or("it ends early")?);
                self.at = 0;
            }
            let count = out.len().min(self.block.len() - self.at);
            out[..count].copy_from_slice(&self.block[self.at..self.at + count]);
            self.at += count;
            out = &mut out[count..];
        }
        Ok(())
    }
}

fn file_name(begin: Lsn) -> String {
    format!("{:020}.snap", begin.0)
}
