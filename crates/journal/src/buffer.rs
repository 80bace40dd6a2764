//! Block-aligned buffers, as direct I/O needs them, and a pool of them.
//!
//! A buffer keeps what it held before: who fills it also writes its padding. The pool has a size
//! class for each power of four, so that a batch that grows copies at most a third of itself.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::format::{BATCH_BYTES_MAX, BLOCK_BYTES, round_up_to_block};

/// Bytes of the smallest buffer.
const SMALLEST_BYTES: usize = 16 << 10;
/// Bytes that a pool keeps for reuse, at most; more is freed.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// Bytes that start on a block boundary.
///
/// The allocation is one block larger than asked for and the start is moved up inside of it; this
/// needs no unsafe code, and the boxed bytes never move.
pub struct AlignedBuf {
    bytes: Box<[u8]>,
    start: usize,
    capacity: usize,
}

impl AlignedBuf {
    /// Zeros, `capacity` rounded up to whole blocks.
    #[must_use]
    pub fn new(capacity: usize) -> AlignedBuf {
        let capacity = round_up_to_block(capacity as u64) as usize;
        let bytes = vec![0; capacity + BLOCK_BYTES as usize].into_boxed_slice();
        let start = bytes.as_ptr().align_offset(BLOCK_BYTES as usize);
        assert!(start <= BLOCK_BYTES as usize, "a byte pointer can always be aligned");
        AlignedBuf { bytes, start, capacity }
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.capacity]
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.capacity]
    }
}

impl fmt::Debug for AlignedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedBuf({} bytes)", self.capacity)
    }
}

/// Buffers to use again. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct BufferPool(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    buffers: Vec<AlignedBuf>,
    bytes: usize,
}

impl BufferPool {
    /// A buffer of at least `bytes`; its contents are whatever was there before.
    pub(crate) fn take(&self, bytes: usize) -> PooledBuf {
        assert!(bytes as u64 <= BATCH_BYTES_MAX, "a frame is at most BATCH_BYTES_MAX");
        let capacity = size_class(bytes);
        let buffer = lock(&self.0).take(capacity).unwrap_or_else(|| AlignedBuf::new(capacity));
        PooledBuf { buffer: Some(buffer), pool: self.clone() }
    }
}

impl Kept {
    fn take(&mut self, capacity: usize) -> Option<AlignedBuf> {
        let index = self.buffers.iter().rposition(|buffer| buffer.capacity == capacity)?;
        self.bytes -= capacity;
        Some(self.buffers.swap_remove(index))
    }
}

fn size_class(bytes: usize) -> usize {
    let mut capacity = SMALLEST_BYTES;
    while capacity < bytes {
        capacity *= 4;
    }
    capacity.min(BATCH_BYTES_MAX as usize)
}

/// A buffer that goes back to its pool when dropped.
#[derive(Debug)]
pub(crate) struct PooledBuf {
    buffer: Option<AlignedBuf>,
    pool: BufferPool,
}

impl PooledBuf {
    /// Replaces itself by a buffer of at least `bytes` that starts with the first `used` bytes.
    pub(crate) fn grow(&mut self, used: usize, bytes: usize) {
        let mut larger = self.pool.take(bytes);
        larger[..used].copy_from_slice(&self[..used]);
        *self = larger;
    }
}

impl Deref for PooledBuf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.buffer.as_ref().expect("a buffer is present until drop")
    }
}

impl DerefMut for PooledBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.buffer.as_mut().expect("a buffer is present until drop")
    }
}

impl Drop for PooledBuf {
    fn drop(&mut self) {
        let Some(buffer) = self.buffer.take() else { return };
        let mut kept = lock(&self.pool.0);
        if kept.bytes + buffer.capacity <= KEPT_BYTES_MAX {
            kept.bytes += buffer.capacity;
            kept.buffers.push(buffer);
        }
    }
}

/// Locks even if another thread panicked while holding it: every critical section of this crate
/// leaves its data whole at each step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
