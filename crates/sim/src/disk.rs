//! The simulated disk: a memory directory behind dice that make any call fail and a power switch
//! that any call may throw.
//!
//! While the power is off every call fails, so that whatever runs comes to its end by its own error
//! paths. What the power cut left is then a new disk. Nothing here is random but by the seed it was
//! given.

mod dice;

pub(crate) use dice::Dice;

use courant_journal::MemStorage;
use courant_journal::storage::mem::{Fault, MemFile, MemLock, Operation, Survive};
use courant_journal::storage::{Access, Caching, File, LockError, Storage};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The directories of a data directory; the root is the empty name.
const DIRECTORIES: [&str; 6] = ["", "journal", "ids", "snapshots", "kept", "archive"];

/// More than all files of a simulation together: 1 TiB.
const CAPACITY_BYTES: u64 = 1 << 40;

/// A directory on the simulated disk. Clones are handles to the same disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    mem: MemStorage,
    power: Arc<Mutex<Power>>,
}

/// What happens to calls, and whether the power is on.
#[derive(Debug)]
struct Power {
    /// The whole disk, whatever directory a handle is of.
    root: MemStorage,
    rng: Rng,
    dice: Dice,
    /// Calls until the power fails.
    cut_in: Option<u64>,
    /// What a power cut left, once there was one.
    left: Option<MemStorage>,
    /// No dice and no cut: somebody looks from outside.
    calm: bool,
    syncs_skipped: bool,
}

/// When a call meets the power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    No,
    Before,
    After,
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new(seed: u64) -> Disk {
        Disk::over(MemStorage::new(seed), seed)
    }

    fn over(mem: MemStorage, seed: u64) -> Disk {
        mem.set_capacity(Some(CAPACITY_BYTES));
        let power = Power {
            root: mem.clone(),
            rng: Rng::with_seed(seed),
            dice: Dice::default(),
            cut_in: None,
            left: None,
            calm: false,
            syncs_skipped: false,
        };
        Disk { mem, power: Arc::new(Mutex::new(power)) }
    }

    /// How often calls fail from now on.
    pub(crate) fn set_dice(&self, dice: Dice) {
        self.power().dice = dice;
    }

    /// Lets the power fail at the `nth` call from now on (1 is the next).
    pub(crate) fn cut_power_in(&self, nth: u64) {
        self.power().cut_in = Some(nth);
    }

    /// No fault is left to come.
    pub(crate) fn heal(&self) {
        let mut power = self.power();
        power.dice = Dice::default();
        power.cut_in = None;
        drop(power);
        self.set_free(None);
    }

    /// While calm, calls neither fail nor count: for whoever looks at the disk from outside.
    pub(crate) fn set_calm(&self, calm: bool) {
        self.power().calm = calm;
    }

    /// From now on syncs say that they succeeded and do nothing: a disk that lies.
    pub(crate) fn skip_syncs(&self) {
        self.power().syncs_skipped = true;
    }

    /// Bytes that may still be taken; `None` for as many as one likes.
    pub(crate) fn set_free(&self, bytes: Option<u64>) {
        self.mem.set_capacity(Some(CAPACITY_BYTES));
        if let (Some(bytes), Ok(free)) = (bytes, self.mem.free_bytes()) {
            self.mem.set_capacity(Some(CAPACITY_BYTES - free + bytes));
        }
    }

    /// True once the power failed.
    pub(crate) fn is_off(&self) -> bool {
        self.power().left.is_some()
    }

    /// Cuts the power now.
    pub(crate) fn cut_power(&self) {
        self.power().cut();
    }

    /// The disk as it is found when the power is back; without a cut, a copy of what running
    /// programs see.
    pub(crate) fn after(&self, seed: u64) -> Disk {
        let power = self.power();
        let disk = Disk::over(copy(power.left.as_ref().unwrap_or(&power.root), seed), seed);
        disk.power().syncs_skipped = power.syncs_skipped;
        disk
    }

    /// Files with their directories, such as `ids/…`, sorted, and their lengths.
    pub(crate) fn files(&self) -> Vec<(String, u64)> {
        let all = files(&self.mem).into_iter();
        all.map(|(name, bytes)| (name, bytes.len() as u64)).collect()
    }

    /// The names in this directory, asked from outside: no fault, no cut.
    pub(crate) fn on_disk(&self) -> Vec<String> {
        self.mem.list().unwrap_or_default()
    }

    /// Turns one bit over, as aged or faulty media do. `false` if there is no such byte.
    pub(crate) fn flip_bit(&self, name: &str, offset: u64, bit: u8) -> bool {
        self.mem.flip_bit(name, offset, bit)
    }

    /// The faults that happened, by name.
    pub(crate) fn fault_counts(&self) -> BTreeMap<&'static str, u64> {
        self.mem.fault_counts()
    }

    fn power(&self) -> MutexGuard<'_, Power> {
        lock(&self.power)
    }

    fn call<T>(&self, operation: Operation, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        pass(&self.power, operation, call)
    }
}

fn lock(power: &Mutex<Power>) -> MutexGuard<'_, Power> {
    power.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every call goes through here: it may fail by the dice, and the power may fail just before or
/// after it.
fn pass<T>(
    power: &Mutex<Power>,
    operation: Operation,
    call: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let cut = lock(power).meet(operation)?;
    if cut == Cut::Before {
        lock(power).cut();
        return Err(no_power());
    }
    let result = call();
    if cut == Cut::After {
        lock(power).cut();
        return Err(no_power());
    }
    result
}

fn no_power() -> io::Error {
    io::Error::other("the power is off")
}

impl Power {
    /// Throws the dice for a call and says whether the power fails at it.
    fn meet(&mut self, operation: Operation) -> io::Result<Cut> {
        if self.left.is_some() {
            return Err(no_power());
        }
        if self.calm {
            return Ok(Cut::No);
        }
        if let Some(fault) = self.dice.throw(&mut self.rng, operation) {
            self.root.inject(operation, 1, fault);
        }
        let Some(left) = &mut self.cut_in else { return Ok(Cut::No) };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Ok(Cut::No);
        }
        // A write that meets the cut is sometimes torn by it.
        if operation == Operation::Write && self.rng.bool() {
            self.root.inject(operation, 1, Fault::TornWrite(self.rng.u64(..)));
            return Ok(Cut::After);
        }
        Ok(if self.rng.bool() { Cut::Before } else { Cut::After })
    }

    fn cut(&mut self) {
        let survive = match self.rng.u32(..4) {
            0 => Survive::Nothing,
            1 => Survive::Everything,
            _ => Survive::Seeded(self.rng.u64(..)),
        };
        self.left = Some(self.root.crash(&survive));
    }
}

/// A copy without what no name leads to.
fn copy(from: &MemStorage, seed: u64) -> MemStorage {
    let to = MemStorage::new(seed);
    files(from).into_iter().for_each(|(name, bytes)| to.put(&name, &bytes));
    to
}

fn files(mem: &MemStorage) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for directory in DIRECTORIES {
        let place = match directory {
            "" => mem.clone(),
            name => mem.subdirectory(name).expect("directories in memory can always be entered"),
        };
        for name in place.list().unwrap_or_default() {
            let bytes = place.contents(&name).expect("a file that is listed has contents");
            let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
            all.push((path, bytes));
        }
    }
    all
}

impl Storage for Disk {
    type File = DiskFile;
    type Lock = MemLock;

    fn create(&self, name: &str, caching: Caching) -> io::Result<DiskFile> {
        let file = self.call(Operation::Create, || self.mem.create(name, caching))?;
        Ok(DiskFile { file, disk: self.clone() })
    }

    fn open(&self, name: &str, access: Access, caching: Caching) -> io::Result<DiskFile> {
        let file = self.call(Operation::Open, || self.mem.open(name, access, caching))?;
        Ok(DiskFile { file, disk: self.clone() })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.call(Operation::List, || self.mem.list())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.call(Operation::Remove, || self.mem.remove(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(Operation::Rename, || self.mem.rename(from, to))
    }

    fn sync_dir(&self) -> io::Result<()> {
        let skipped = self.power().syncs_skipped;
        self.call(Operation::SyncDir, || if skipped { Ok(()) } else { self.mem.sync_dir() })
    }

    fn lock(&self, name: &str) -> Result<MemLock, LockError> {
        if self.is_off() {
            return Err(LockError::Io(no_power()));
        }
        self.mem.lock(name)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.mem.free_bytes()
    }

    fn subdirectory(&self, name: &str) -> io::Result<Disk> {
        Ok(Disk { mem: self.mem.subdirectory(name)?, power: Arc::clone(&self.power) })
    }

    fn random_u64(&self) -> io::Result<u64> {
        self.mem.random_u64()
    }

    fn location(&self) -> String {
        self.mem.location()
    }
}

/// An open file of the simulated disk.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: MemFile,
    disk: Disk,
}

impl File for DiskFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.call(Operation::Read, || self.file.read_at(offset, buffer))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.disk.call(Operation::Write, || self.file.write_at(offset, bytes))
    }

    fn sync_data(&self) -> io::Result<()> {
        let skipped = self.disk.power().syncs_skipped;
        self.disk.call(Operation::Sync, || if skipped { Ok(()) } else { self.file.sync_data() })
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.disk.call(Operation::Allocate, || self.file.allocate(bytes))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.disk.call(Operation::SetLen, || self.file.set_len(bytes))
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}
