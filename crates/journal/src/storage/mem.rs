//! A directory in memory that behaves like a bad disk, the same way each time for the same seed.
//!
//! It keeps what running programs see (*live*) apart from what a power cut leaves (*durable*): per
//! 512-byte sector for contents, per change for names. [`MemStorage::crash`] makes the directory
//! that a power cut would leave, with any choice of the unsynced parts; the original stays as it
//! is, so that a test can try every choice. A file that is removed for good, and open no more,
//! takes no memory. Faults are planned for the n-th call of a kind and counted when they happen. It
//! never reads a clock or the system's entropy.

mod fault;
mod file;
mod image;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub use fault::{Fault, Operation};
pub use file::MemFile;
pub use image::{Survive, Unsynced};

use super::{Access, Caching, LockError, Storage};
use crate::buffer::lock;
use crate::format::SECTOR_BYTES;
use fault::Faults;

/// A directory in memory with faults. Clones are handles to the same directory.
#[derive(Clone, Debug)]
pub struct MemStorage {
    state: Arc<Mutex<State>>,
    /// Ends with a slash unless empty; names within a subdirectory have it in front.
    prefix: Arc<str>,
}

#[derive(Debug, Default)]
struct State {
    /// By their numbers, which are never used again.
    inodes: BTreeMap<usize, Inode>,
    inodes_made: usize,
    live_names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
    capacity_bytes: Option<u64>,
    faults: Faults,
    locks: BTreeSet<String>,
    random: u64,
    /// Names that files may not be given for now.
    held: Option<fn(&str) -> bool>,
    released: Arc<Condvar>,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced_sectors: BTreeSet<usize>,
    /// Each open file has a clone.
    opened: Arc<()>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
}

impl MemStorage {
    /// An empty directory; `seed` drives all that is random in it.
    #[must_use]
    pub fn new(seed: u64) -> MemStorage {
        let state = State { random: seed, ..State::default() };
        MemStorage { state: Arc::new(Mutex::new(state)), prefix: "".into() }
    }

    /// Plans a fault for the `nth` call of `operation` from now on (1 is the next).
    pub fn inject(&self, operation: Operation, nth: u64, fault: Fault) {
        self.state().faults.plan(operation, nth, fault);
    }

    /// Forgets planned faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// How often each fault has happened: proof that a test took a rare path.
    #[must_use]
    pub fn fault_counts(&self) -> BTreeMap<&'static str, u64> {
        self.state().faults.counts().clone()
    }

    /// How often an operation was called.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.state().faults.calls(operation)
    }

    /// Lets whoever gives a file one of these names wait, until what this gives is dropped: a disk
    /// that is slow in the last step of making a file. One such hold at a time.
    pub fn hold_names(&self, which: fn(&str) -> bool) -> HeldNames {
        self.state().held = Some(which);
        HeldNames { state: Arc::clone(&self.state) }
    }

    /// Bytes that all files together may have; `None` is no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity_bytes = bytes;
    }

    /// Turns over one bit of a file, for running programs and on the disk.
    /// `false` if there is no such file or byte.
    pub fn flip_bit(&self, name: &str, offset: u64, bit: u8) -> bool {
        let name = self.path(name);
        let mut state = self.state();
        let Some(&inode) = state.live_names.get(&name) else { return false };
        let inode = state.inode(inode);
        let Ok(offset) = usize::try_from(offset) else { return false };
        let mask = 1 << (bit % 8);
        let Some(byte) = inode.live.get_mut(offset) else { return false };
        *byte ^= mask;
        if let Some(byte) = inode.durable.get_mut(offset) {
            *byte ^= mask;
        }
        state.faults.count("bit_flip");
        true
    }

    /// The bytes that running programs see.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let name = self.path(name);
        let state = self.state();
        state.live_names.get(&name).map(|inode| state.inodes[inode].live.clone())
    }

    /// Puts a file in place, durable at once: for fixtures and for tampering.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let name = self.path(name);
        let mut state = self.state();
        let (live, durable) = (bytes.to_vec(), bytes.to_vec());
        let inode = state.add(Inode { live, durable, ..Inode::default() });
        state.live_names.insert(name.clone(), inode);
        state.durable_names.insert(name, inode);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn file(&self, state: &State, inode: usize, access: Access, caching: Caching) -> MemFile {
        let opened = Arc::clone(&state.inodes[&inode].opened);
        MemFile { state: Arc::clone(&self.state), inode, _opened: opened, access, caching }
    }
}

impl State {
    fn add(&mut self, inode: Inode) -> usize {
        let number = self.inodes_made;
        self.inodes_made += 1;
        self.inodes.insert(number, inode);
        number
    }

    fn inode(&mut self, number: usize) -> &mut Inode {
        self.inodes.get_mut(&number).expect("what a name or an open file leads to is kept")
    }

    /// Makes all changes of names durable, and forgets what then neither a name nor an open file
    /// leads to.
    fn sync_names(&mut self) {
        for change in std::mem::take(&mut self.unsynced_names) {
            image::apply(&mut self.durable_names, &change);
        }
        let names = self.live_names.values().chain(self.durable_names.values());
        let named: BTreeSet<usize> = names.copied().collect();
        let is_open = |inode: &Inode| Arc::strong_count(&inode.opened) > 1;
        self.inodes.retain(|number, inode| named.contains(number) || is_open(inode));
    }

    fn used_bytes(&self) -> u64 {
        let linked: BTreeSet<usize> = self.live_names.values().copied().collect();
        linked.iter().map(|inode| self.inodes[inode].live.len() as u64).sum()
    }

    fn free_bytes(&self) -> u64 {
        self.capacity_bytes.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used_bytes()))
    }

    /// Makes a file `bytes` long if there is room.
    fn grow(&mut self, inode: usize, bytes: u64) -> io::Result<()> {
        let length = self.inodes[&inode].live.len() as u64;
        if bytes > length {
            if bytes - length > self.free_bytes() {
                self.faults.count("disk_full");
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.inode(inode).live.resize(bytes as usize, 0);
        }
        Ok(())
    }

    fn random_u64(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        image::mix(self.random)
    }
}

impl Inode {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.live[offset..offset + bytes.len()].copy_from_slice(bytes);
        let sectors = offset / SECTOR_BYTES..(offset + bytes.len()).div_ceil(SECTOR_BYTES);
        self.unsynced_sectors.extend(sectors);
    }

    fn clear(&mut self) {
        let written = self.live.chunks(SECTOR_BYTES).enumerate();
        let written = written.filter(|(_, sector)| sector.iter().any(|&byte| byte != 0));
        self.unsynced_sectors.extend(written.map(|(index, _)| index));
        self.live.fill(0);
    }

    fn sync(&mut self) {
        self.durable.resize(self.live.len(), 0);
        for sector in std::mem::take(&mut self.unsynced_sectors) {
            let start = sector * SECTOR_BYTES;
            let end = (start + SECTOR_BYTES).min(self.live.len());
            if start < end {
                self.durable[start..end].copy_from_slice(&self.live[start..end]);
            }
        }
    }
}

impl Storage for MemStorage {
    type File = MemFile;
    type Lock = MemLock;

    fn create(&self, name: &str, caching: Caching) -> io::Result<MemFile> {
        let name = self.path(name);
        let mut state = self.state();
        state.faults.check(Operation::Create)?;
        if state.live_names.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.add(Inode::default());
        state.live_names.insert(name.clone(), inode);
        state.unsynced_names.push(NameChange::Link(name, inode));
        Ok(self.file(&state, inode, Access::Write, caching))
    }

    fn open(&self, name: &str, access: Access, caching: Caching) -> io::Result<MemFile> {
        let name = self.path(name);
        let mut state = self.state();
        state.faults.check(Operation::Open)?;
        let inode = *state.live_names.get(&name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.file(&state, inode, access, caching))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.faults.check(Operation::List)?;
        let names = state.live_names.keys();
        let names = names.filter_map(|name| name.strip_prefix(&*self.prefix));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let name = self.path(name);
        let mut state = self.state();
        state.faults.check(Operation::Remove)?;
        state.live_names.remove(&name).ok_or(io::ErrorKind::NotFound)?;
        state.unsynced_names.push(NameChange::Unlink(name));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.path(from), self.path(to));
        let mut state = self.state();
        while state.held.is_some_and(|which| which(&to)) {
            let released = Arc::clone(&state.released);
            state = released.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.faults.check(Operation::Rename)?;
        let inode = state.live_names.remove(&from).ok_or(io::ErrorKind::NotFound)?;
        state.live_names.insert(to.clone(), inode);
        state.unsynced_names.push(NameChange::Rename(from, to));
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        state.faults.check(Operation::SyncDir)?;
        // One journal of names for all directories, as file systems have it.
        state.sync_names();
        Ok(())
    }

    fn lock(&self, name: &str) -> Result<MemLock, LockError> {
        let name = self.path(name);
        let mut state = self.state();
        state.faults.check(Operation::Lock).map_err(LockError::Io)?;
        if !state.locks.insert(name.clone()) {
            return Err(LockError::Held(None));
        }
        Ok(MemLock { state: Arc::clone(&self.state), name })
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.state().free_bytes())
    }

    fn subdirectory(&self, name: &str) -> io::Result<MemStorage> {
        let prefix = format!("{}{name}/", self.prefix).into();
        Ok(MemStorage { state: Arc::clone(&self.state), prefix })
    }

    fn elsewhere(&self, path: &Path) -> io::Result<MemStorage> {
        let prefix = format!("{}/", path.display()).into();
        Ok(MemStorage { state: Arc::clone(&self.state), prefix })
    }

    fn random_u64(&self) -> io::Result<u64> {
        Ok(self.state().random_u64())
    }

    fn location(&self) -> String {
        format!("memory:/{}", self.prefix)
    }
}

/// Holds names back until dropped.
#[derive(Debug)]
pub struct HeldNames {
    state: Arc<Mutex<State>>,
}

impl Drop for HeldNames {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.held = None;
        state.released.notify_all();
    }
}

/// Holds the lock of a directory in memory until dropped.
#[derive(Debug)]
pub struct MemLock {
    state: Arc<Mutex<State>>,
    name: String,
}

impl Drop for MemLock {
    fn drop(&mut self) {
        lock(&self.state).locks.remove(&self.name);
    }
}

#[cfg(test)]
mod tests;
