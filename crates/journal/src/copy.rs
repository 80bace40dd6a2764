//! Copies files from one directory to another, hashed and durable, without stalling anybody's sync.

use std::io;

use crate::Storage;
use crate::buffer::AlignedBuf;
use crate::format::BLOCK_BYTES;
use crate::storage::{Access, Caching, File, read_exact_at, uninterrupted, write_all_at};

/// Bytes copied at once, and synced, so that little unwritten data ever piles up.
const COPY_BYTES: u64 = 1 << 20;

/// A file somewhere.
#[derive(Debug)]
pub(crate) struct Place<'a, S> {
    pub(crate) storage: &'a S,
    pub(crate) name: &'a str,
}

/// A file to be read from its beginning, open: it is read on when its name is gone.
#[derive(Debug)]
pub(crate) struct Source<F> {
    file: F,
    pub(crate) bytes: u64,
}

impl<F: File> Source<F> {
    /// The first `bytes` of a file.
    pub(crate) fn open<S: Storage<File = F>>(place: &Place<'_, S>, bytes: u64) -> io::Result<Self> {
        let caching = caching_for(bytes);
        let file = uninterrupted(|| place.storage.open(place.name, Access::Read, caching))?;
        Ok(Source { file, bytes })
    }

    /// Copies it over a new file of that name, made durable; returns its hash. Tells how many bytes
    /// are copied, part by part. Nothing is said about the name: sync the directory when all files
    /// are there.
    pub(crate) fn copy<D: Storage>(
        &self,
        to: &Place<'_, D>,
        tell: impl Fn(u64),
    ) -> io::Result<blake3::Hash> {
        crate::storage::remove_if_there(to.storage, to.name)?;
        let target = uninterrupted(|| to.storage.create(to.name, caching_for(self.bytes)))?;
        let mut hasher = blake3::Hasher::new();
        self.each_part(|offset, part| {
            hasher.update(part);
            write_all_at(&target, offset, part)?;
            target.sync_data()?;
            tell(offset + part.len() as u64);
            Ok(())
        })?;
        target.sync_data()?;
        Ok(hasher.finalize())
    }

    pub(crate) fn hash(&self) -> io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        self.each_part(|_, part| {
            hasher.update(part);
            Ok(())
        })?;
        Ok(hasher.finalize())
    }

    fn each_part(&self, mut visit: impl FnMut(u64, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut buffer = AlignedBuf::new(COPY_BYTES.min(self.bytes) as usize);
        let mut offset = 0;
        while offset < self.bytes {
            let count = COPY_BYTES.min(self.bytes - offset) as usize;
            read_exact_at(&self.file, offset, &mut buffer[..count])?;
            visit(offset, &buffer[..count])?;
            offset += count as u64;
        }
        Ok(())
    }
}

/// [`Source::copy`] of the first `bytes` of a file.
pub(crate) fn copy<S: Storage, D: Storage>(
    from: &Place<'_, S>,
    to: &Place<'_, D>,
    bytes: u64,
    tell: impl Fn(u64),
) -> io::Result<blake3::Hash> {
    Source::open(from, bytes)?.copy(to, tell)
}

/// The hash of the first `bytes` of a file.
pub(crate) fn hash<S: Storage>(place: &Place<'_, S>, bytes: u64) -> io::Result<blake3::Hash> {
    Source::open(place, bytes)?.hash()
}

/// Bytes of a file.
pub(crate) fn length<S: Storage>(place: &Place<'_, S>) -> io::Result<u64> {
    uninterrupted(|| place.storage.open(place.name, Access::Read, Caching::Buffered))?.len()
}

/// Direct I/O needs whole blocks.
fn caching_for(bytes: u64) -> Caching {
    if bytes.is_multiple_of(BLOCK_BYTES) { Caching::Direct } else { Caching::Buffered }
}
