//! Faults planned for the n-th call of a kind, and how often each happened.

use std::collections::BTreeMap;
use std::io;

use crate::format::SECTOR_BYTES;

/// A kind of call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// A file is made.
    Create,
    /// A file is opened.
    Open,
    /// The directory is listed.
    List,
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// A file is synced.
    Sync,
    /// The directory is synced.
    SyncDir,
    /// A file is renamed.
    Rename,
    /// A file is removed.
    Remove,
    /// Room is reserved.
    Allocate,
    /// A file is cut or extended.
    SetLen,
    /// The directory is locked.
    Lock,
}

/// What goes wrong. One that does not suit the call is a plain error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails and has done nothing.
    Error(io::ErrorKind),
    /// A signal interrupts the call; it has done nothing.
    Interrupted,
    /// A read or write transfers only its first half, in whole sectors.
    Short,
    /// A write fails after some of its sectors were written, chosen by the seed.
    TornWrite(u64),
    /// A sync fails and forgets what was unsynced: programs still see it, no later sync writes it.
    LostSync,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Fault::Error(io::ErrorKind::StorageFull) => "disk_full",
            Fault::Error(_) => "error",
            Fault::Interrupted => "interrupted",
            Fault::Short => "short_transfer",
            Fault::TornWrite(_) => "torn_write",
            Fault::LostSync => "lost_sync",
        }
    }

    fn error(self) -> io::Error {
        match self {
            Fault::Error(kind) => kind.into(),
            Fault::Interrupted => io::ErrorKind::Interrupted.into(),
            _ => io::Error::other(format!("injected fault: {}", self.name())),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Call number of the operation at which the fault happens.
    planned: Vec<(Operation, u64, Fault)>,
    calls: BTreeMap<Operation, u64>,
    counts: BTreeMap<&'static str, u64>,
    torn_write: Option<u64>,
    lost_sync: bool,
}

impl Faults {
    pub(super) fn plan(&mut self, operation: Operation, nth: u64, fault: Fault) {
        self.planned.push((operation, self.calls(operation) + nth, fault));
    }

    pub(super) fn clear(&mut self) {
        self.planned.clear();
    }

    pub(super) fn calls(&self, operation: Operation) -> u64 {
        self.calls.get(&operation).copied().unwrap_or(0)
    }

    pub(super) fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    pub(super) fn count(&mut self, name: &'static str) {
        *self.counts.entry(name).or_default() += 1;
    }

    /// Counts the call, and fails it if that is planned.
    pub(super) fn check(&mut self, operation: Operation) -> io::Result<()> {
        self.check_transfer(operation, SECTOR_BYTES).map(|_| ())
    }

    /// The same for a transfer; returns how many of its bytes to move.
    pub(super) fn check_transfer(
        &mut self,
        operation: Operation,
        bytes: usize,
    ) -> io::Result<usize> {
        let call = self.calls.entry(operation).or_default();
        *call += 1;
        let due = (operation, *call);
        let Some(index) = self.planned.iter().position(|&(op, call, _)| (op, call) == due) else {
            return Ok(bytes);
        };
        let (_, _, fault) = self.planned.swap_remove(index);
        self.count(fault.name());
        match fault {
            Fault::Short => return Ok((bytes / 2).next_multiple_of(SECTOR_BYTES).min(bytes)),
            Fault::TornWrite(seed) if operation == Operation::Write => {
                self.torn_write = Some(seed);
            }
            Fault::LostSync if operation == Operation::Sync => self.lost_sync = true,
            _ => {}
        }
        Err(fault.error())
    }

    pub(super) fn take_torn_write(&mut self) -> Option<u64> {
        self.torn_write.take()
    }

    pub(super) fn take_lost_sync(&mut self) -> bool {
        std::mem::take(&mut self.lost_sync)
    }
}
