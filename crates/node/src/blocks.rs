//! Files written once from front to back in large aligned steps, past the page cache.
//!
//! Snapshots and runs of ids are written while payments wait for the journal's sync; through the
//! page cache their write-back would stall it (see docs/performance.md). A file gets its name when
//! it is complete and durable, never before.

use courant_journal::AlignedBuf;
use courant_journal::storage::{
    Access, Caching, File, Storage, read_exact_at, uninterrupted, write_all_at,
};
use std::io;

/// The unit of files and direct transfers.
pub(crate) const BLOCK_BYTES: usize = 4096;

/// Bytes of one transfer.
const STEP_BYTES: usize = 256 << 10;

/// Writes a file under a temporary name. Dropped before it is finished it leaves nothing: on a full
/// disk half a file would take the room that the journal needs.
#[derive(Debug)]
pub(crate) struct BlockWriter<S: Storage> {
    storage: S,
    is_finished: bool,
    file: S::File,
    temporary: String,
    buffer: AlignedBuf,
    filled: usize,
    offset: u64,
}

impl<S: Storage> BlockWriter<S> {
    /// Begins a file that will be called `name`.
    pub(crate) fn create(storage: &S, name: &str) -> io::Result<BlockWriter<S>> {
        let temporary = format!("{name}.tmp");
        match storage.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = storage.create(&temporary, Caching::Direct)?;
        let buffer = AlignedBuf::new(STEP_BYTES);
        let (storage, is_finished) = (storage.clone(), false);
        Ok(BlockWriter { storage, is_finished, file, temporary, buffer, filled: 0, offset: 0 })
    }

    /// Appends bytes.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.buffer.len() - self.filled;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == self.buffer.len() {
                self.write_out()?;
            }
        }
        Ok(())
    }

    /// Appends zeros up to the next block.
    pub(crate) fn pad(&mut self) -> io::Result<()> {
        let end = self.filled.next_multiple_of(BLOCK_BYTES);
        self.buffer[self.filled..end].fill(0);
        self.filled = end;
        if self.filled == self.buffer.len() { self.write_out() } else { Ok(()) }
    }

    /// Writes the first block again; everything before must have been padded to whole blocks.
    pub(crate) fn write_first_block(&mut self, block: &[u8; BLOCK_BYTES]) -> io::Result<()> {
        self.write_out()?;
        let mut aligned = AlignedBuf::new(BLOCK_BYTES);
        aligned.copy_from_slice(block);
        write_all_at(&self.file, 0, &aligned)
    }

    /// Makes the file durable and gives it its name.
    pub(crate) fn finish(mut self, storage: &S, name: &str) -> io::Result<()> {
        self.pad()?;
        self.write_out()?;
        self.file.sync_data()?;
        storage.rename(&self.temporary, name)?;
        self.is_finished = true;
        storage.sync_dir()
    }

    fn write_out(&mut self) -> io::Result<()> {
        assert!(self.filled.is_multiple_of(BLOCK_BYTES), "only whole blocks are written");
        write_all_at(&self.file, self.offset, &self.buffer[..self.filled])?;
        self.offset += self.filled as u64;
        self.filled = 0;
        Ok(())
    }
}

impl<S: Storage> Drop for BlockWriter<S> {
    fn drop(&mut self) {
        if !self.is_finished {
            // If that fails, the next file of this name or the next start removes it.
            let _ = self.storage.remove(&self.temporary);
        }
    }
}

/// Reads blocks of a file from front to back.
#[derive(Debug)]
pub(crate) struct BlockReader<F: File> {
    file: F,
    buffer: AlignedBuf,
    /// The next block to read from the file.
    next: u64,
    end: u64,
    at: usize,
    filled: usize,
}

impl<F: File> BlockReader<F> {
    /// Reads `count` blocks from block `first` on.
    pub(crate) fn open<S>(storage: &S, name: &str, first: u64, count: u64) -> io::Result<Self>
    where
        S: Storage<File = F>,
    {
        let file = uninterrupted(|| storage.open(name, Access::Read, Caching::Direct))?;
        let buffer = AlignedBuf::new(STEP_BYTES);
        Ok(BlockReader { file, buffer, next: first, end: first + count, at: 0, filled: 0 })
    }

    /// The next block, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.at == self.filled {
            let blocks = (self.end - self.next).min((STEP_BYTES / BLOCK_BYTES) as u64);
            if blocks == 0 {
                return Ok(None);
            }
            self.filled = blocks as usize * BLOCK_BYTES;
            let offset = self.next * BLOCK_BYTES as u64;
            read_exact_at(&self.file, offset, &mut self.buffer[..self.filled])?;
            self.next += blocks;
            self.at = 0;
        }
        self.at += BLOCK_BYTES;
        Ok(Some(&self.buffer[self.at - BLOCK_BYTES..self.at]))
    }
}
