//! What the journal asks of a disk: a flat directory of named files.
//!
//! Two implementations: [`OsStorage`] and the fault-injecting [`MemStorage`]. The trait is as
//! honest as the system calls below it: reads and writes may be short, and any call may fail; whole
//! reads and writes, and retrying an interrupted call, are the functions of this module.

pub mod mem;
mod os;

use std::fmt::{self, Debug};
use std::io;
use std::path::Path;

pub use mem::MemStorage;
pub use os::{DirectIo, OsStorage};

use crate::buffer::AlignedBuf;
use crate::format::BLOCK_BYTES;

/// A directory of named files. Clones are handles to the same directory.
///
/// Nothing is durable before the file's [`File::sync_data`] and, for names, [`Storage::sync_dir`]
/// have returned without an error.
pub trait Storage: Clone + Debug + Send + Sync + 'static {
    /// An open file.
    type File: File;
    /// Keeps the directory locked until dropped.
    type Lock: Debug + Send + Sync + 'static;

    /// Makes an empty file, to read and write; an error if the name exists.
    fn create(&self, name: &str, caching: Caching) -> io::Result<Self::File>;
    /// Opens a file that exists.
    fn open(&self, name: &str, access: Access, caching: Caching) -> io::Result<Self::File>;
    /// Names of all files in this directory, sorted; directories within it are left out.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Renames a file, over an existing one if need be, as one step.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Makes names durable: all creations, removals and renames so far.
    fn sync_dir(&self) -> io::Result<()>;
    /// Takes the directory's lock, held by a file `name`, or says who has it.
    fn lock(&self, name: &str) -> Result<Self::Lock, LockError>;
    /// Bytes that new files may still take.
    fn free_bytes(&self) -> io::Result<u64>;
    /// The directory `name` within this one, made if it is not there.
    fn subdirectory(&self, name: &str) -> io::Result<Self>;
    /// The directory at a path, wherever that is, made if it is not there.
    fn elsewhere(&self, path: &Path) -> io::Result<Self> {
        let what = format!("{} cannot be reached from {}", path.display(), self.location());
        Err(io::Error::new(io::ErrorKind::Unsupported, what))
    }
    /// Random bits that nobody can foresee (a simulation gives its own).
    fn random_u64(&self) -> io::Result<u64>;
    /// The directory, as messages for people name it.
    fn location(&self) -> String;
}

/// An open file. A file opened with [`Caching::Direct`] must be read and written in whole, aligned
/// blocks from aligned memory.
pub trait File: Debug + Send + Sync + 'static {
    /// Reads up to `buffer.len()` bytes; 0 means the file ends at or before `offset`.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes up to `bytes.len()` bytes and returns how many.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// Makes the contents and length durable. After an error nothing is known about what was
    /// written since the last success, and a later success proves nothing about it.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes a file of at most `bytes` bytes that long and all zeros, with its room on the disk
    /// reserved. Not synced.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Cuts the file, or extends it with zeros.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether there are no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading only; works on a read-only file system.
    Read,
    /// Reading and writing.
    Write,
}

/// Whether the operating system's page cache is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Past the cache where the file system can do it, so that nobody else's sync waits for it.
    Direct,
    /// Through the cache, for small files of any length.
    Buffered,
}

/// Why a directory could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it; its id, if it could be read.
    Held(Option<u32>),
    /// The lock file could not be made, opened or locked.
    Io(io::Error),
}

/// Calls an operation again while a signal interrupts it. Never used for a sync.
pub fn uninterrupted<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Transfers in a row that move less than one block before giving up.
const STALLS_MAX: u32 = 16;

/// Fills `buffer`, or fails with `UnexpectedEof` if the file ends before. A disk that gives only
/// parts of a block again and again is another error: it says nothing about where the file ends.
pub fn read_exact_at(file: &impl File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    let length = buffer.len();
    let read = transfer(length, io::ErrorKind::UnexpectedEof, |done| {
        file.read_at(offset + done as u64, &mut buffer[done..])
    });
    match read {
        // In the midst of a block, the end of the file looks the same.
        Err(error) if is_stalled(&error) && file.len()? < offset + length as u64 => {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
        read => read,
    }
}

/// Writes all of `bytes`, or fails; how much was written is then unknown.
pub fn write_all_at(file: &impl File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    transfer(bytes.len(), io::ErrorKind::WriteZero, |done| {
        file.write_at(offset + done as u64, &bytes[done..])
    })
}

/// Bytes of zeros written by one call.
const ZEROS_BYTES: usize = 1 << 20;

/// Writes zeros from `offset` on; both are whole blocks.
pub(crate) fn write_zeros(file: &impl File, offset: u64, bytes: u64) -> io::Result<()> {
    let zeros = AlignedBuf::new(ZEROS_BYTES.min(bytes as usize));
    let mut done = 0;
    while done < bytes {
        let count = (bytes - done).min(zeros.len() as u64);
        write_all_at(file, offset + done, &zeros[..count as usize])?;
        done += count;
    }
    Ok(())
}

/// Moves `length` bytes by calls that each say how many they moved. After a short one it goes on
/// from the last block boundary, since direct I/O starts on one; moving bytes twice does no harm.
fn transfer(
    length: usize,
    nothing_moved: io::ErrorKind,
    mut call: impl FnMut(usize) -> io::Result<usize>,
) -> io::Result<()> {
    let (mut done, mut stalls) = (0, 0);
    while done < length {
        let count = uninterrupted(|| call(done))?;
        let reached = done + count;
        let next = if reached >= length || length < BLOCK_BYTES as usize {
            reached
        } else {
            reached - reached % BLOCK_BYTES as usize
        };
        stalls = if next > done { 0 } else { stalls + 1 };
        if count == 0 {
            return Err(nothing_moved.into());
        }
        if stalls > STALLS_MAX {
            return Err(io::Error::other(Stalled));
        }
        done = next;
    }
    Ok(())
}

/// A transfer that gets nowhere.
#[derive(Debug)]
struct Stalled;

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk moved only part of a block, again and again; try again")
    }
}

impl std::error::Error for Stalled {}

fn is_stalled(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Stalled>())
}

/// The whole of a small file.
pub fn read_file<S: Storage>(storage: &S, name: &str) -> io::Result<Vec<u8>> {
    let file = uninterrupted(|| storage.open(name, Access::Read, Caching::Buffered))?;
    let length = usize::try_from(file.len()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    read_exact_at(&file, 0, &mut bytes)?;
    Ok(bytes)
}

/// Puts a small file in place as one durable step: written under another name, synced, renamed.
pub fn replace_file<S: Storage>(storage: &S, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!("{name}.tmp");
    remove_if_there(storage, &temporary)?;
    let file = uninterrupted(|| storage.create(&temporary, Caching::Buffered))?;
    write_all_at(&file, 0, bytes)?;
    file.sync_data()?;
    storage.rename(&temporary, name)?;
    storage.sync_dir()
}

/// Removes a file; that it is not there is fine.
pub fn remove_if_there<S: Storage>(storage: &S, name: &str) -> io::Result<()> {
    match storage.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
