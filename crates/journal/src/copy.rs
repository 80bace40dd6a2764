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

/// Copies the first `bytes` of a file over a new one of that name, made durable; returns its hash.
/// Tells how many bytes are copied, part by part. Nothing is said about the name: sync the
/// directory when all files are there.
pub(crate) fn copy<S: Storage, D: Storage>(
    from: &Place<'_, S>,
    to: &Place<'_, D>,
    bytes: u64,
    tell: impl Fn(u64),
) -> io::Result<blake3::Hash> {
    let caching = caching_for(bytes);
    let source = uninterrupted(|| from.storage.open(from.name, Access::Read, caching))?;
    crate::storage::remove_if_there(to.storage, to.name)?;
    let target = uninterrupted(|| to.storage.create(to.name, caching))?;
    let mut hasher = blake3::Hasher::new();
    each_part(&source, bytes, |offset, part| {
        hasher.update(part);
        write_all_at(&target, offset, part)?;
        target.sync_data()?;
        tell(offset + part.len() as u64);
        Ok(())
    })?;
    target.sync_data()?;
    Ok(hasher.finalize())
}

/// The hash of the first `bytes` of a file.
pub(crate) fn hash<S: Storage>(place: &Place<'_, S>, bytes: u64) -> io::Result<blake3::Hash> {
    let caching = caching_for(bytes);
    let source = uninterrupted(|| place.storage.open(place.name, Access::Read, caching))?;
    let mut hasher = blake3::Hasher::new();
    each_part(&source, bytes, |_, part| {
        hasher.update(part);
        Ok(())
    })?;
    Ok(hasher.finalize())
}

/// Bytes of a file.
pub(crate) fn length<S: Storage>(place: &Place<'_, S>) -> io::Result<u64> {
    uninterrupted(|| place.storage.open(place.name, Access::Read, Caching::Buffered))?.len()
}

/// Direct I/O needs whole blocks.
fn caching_for(bytes: u64) -> Caching {
    if bytes.is_multiple_of(BLOCK_BYTES) { Caching::Direct } else { Caching::Buffered }
}

fn each_part(
    file: &impl File,
    bytes: u64,
    mut visit: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = AlignedBuf::new(COPY_BYTES.min(bytes) as usize);
    let mut offset = 0;
    while offset < bytes {
        let count = COPY_BYTES.min(bytes - offset) as usize;
        read_exact_at(file, offset, &mut buffer[..count])?;
        visit(offset, &buffer[..count])?;
        offset += count as u64;
    }
    Ok(())
}
