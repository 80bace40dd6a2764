//! How often which call of the disk fails, and how.

use courant_journal::storage::mem::{Fault, Operation};
use fastrand::Rng;
use std::io::ErrorKind;

/// Chances are out of a million.
const CERTAIN: u32 = 1_000_000;

/// Chances of faults, each out of a million calls. The default is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dice {
    /// A read fails.
    read: u32,
    /// A write fails, sometimes torn.
    write: u32,
    /// A sync fails, sometimes forgetting what was unsynced.
    sync: u32,
    /// Any other call fails.
    other: u32,
    /// A call is interrupted by a signal.
    interrupted: u32,
    /// A transfer moves less than it was asked to.
    short: u32,
}

impl Dice {
    /// Dice of a seed: each kind of fault is absent, rare or frequent.
    pub(crate) fn draw(rng: &mut Rng) -> Dice {
        let mut any = |often: u32| [0, 0, often / 8, often][rng.usize(..4)];
        Dice {
            read: any(2_000),
            write: any(6_000),
            sync: any(6_000),
            other: any(6_000),
            interrupted: any(50_000),
            short: any(50_000),
        }
    }

    /// The fault of the next call, if it has one.
    pub(super) fn throw(&self, rng: &mut Rng, operation: Operation) -> Option<Fault> {
        let mut happens = |chance: u32| chance > 0 && rng.u32(..CERTAIN) < chance;
        let error = Fault::Error(ErrorKind::Other);
        match operation {
            Operation::Read | Operation::Write if happens(self.interrupted) => {
                Some(Fault::Interrupted)
            }
            Operation::Open | Operation::Allocate if happens(self.interrupted) => {
                Some(Fault::Interrupted)
            }
            Operation::Read | Operation::Write if happens(self.short) => Some(Fault::Short),
            Operation::Read if happens(self.read) => Some(error),
            Operation::Write if happens(self.write) => {
                Some(if rng.bool() { Fault::TornWrite(rng.u64(..)) } else { error })
            }
            Operation::Sync if happens(self.sync) => {
                Some(if rng.bool() { Fault::LostSync } else { error })
            }
            Operation::Read | Operation::Write | Operation::Sync | Operation::Lock => None,
            _ if happens(self.other) => Some(error),
            _ => None,
        }
    }
}
