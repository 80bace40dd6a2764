//! An open file in memory.

use std::io;
use std::sync::{Arc, Mutex};

use super::{Operation, State, image};
use crate::buffer::lock;
use crate::format::{BLOCK_BYTES, SECTOR_BYTES};
use crate::storage::{Access, Caching, File};

/// An open file in memory.
#[derive(Debug)]
pub struct MemFile {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) inode: usize,
    /// Keeps the inode.
    pub(super) _opened: Arc<()>,
    pub(super) access: Access,
    pub(super) caching: Caching,
}

impl MemFile {
    /// The rules of direct I/O, so that a transfer that a real disk refuses fails here too.
    fn check_alignment(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let block = BLOCK_BYTES as usize;
        let aligned = offset.is_multiple_of(BLOCK_BYTES)
            && bytes.len().is_multiple_of(block)
            && bytes.as_ptr().align_offset(block) == 0;
        if self.caching == Caching::Buffered || aligned {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidInput.into())
        }
    }
}

impl File for MemFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.check_alignment(offset, buffer)?;
        let mut state = lock(&self.state);
        let wanted = state.faults.check_transfer(Operation::Read, buffer.len())?;
        let live = &state.inodes[&self.inode].live;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(live.len());
        let count = wanted.min(live.len() - start);
        buffer[..count].copy_from_slice(&live[start..start + count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.check_alignment(offset, bytes)?;
        if self.access == Access::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut state = lock(&self.state);
        let allowed = state.faults.check_transfer(Operation::Write, bytes.len());
        if let Some(seed) = state.faults.take_torn_write() {
            state.grow(self.inode, offset + bytes.len() as u64)?;
            let sectors = bytes.chunks(SECTOR_BYTES).enumerate();
            for (index, sector) in sectors.filter(|(index, _)| image::coin(seed, *index)) {
                let start = offset as usize + index * SECTOR_BYTES;
                state.inode(self.inode).write(start, sector);
            }
        }
        let count = allowed?;
        state.grow(self.inode, offset + count as u64)?;
        state.inode(self.inode).write(offset as usize, &bytes[..count]);
        Ok(count)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        let checked = state.faults.check(Operation::Sync);
        if state.faults.take_lost_sync() {
            state.inode(self.inode).unsynced_sectors.clear();
        }
        checked?;
        state.inode(self.inode).sync();
        Ok(())
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.faults.check(Operation::Allocate)?;
        state.grow(self.inode, bytes)?;
        state.inode(self.inode).clear();
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.faults.check(Operation::SetLen)?;
        state.grow(self.inode, bytes)?;
        state.inode(self.inode).live.truncate(bytes as usize);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.state).inodes[&self.inode].live.len() as u64)
    }
}
