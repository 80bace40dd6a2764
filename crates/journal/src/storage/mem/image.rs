//! What a power cut leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::{Inode, MemStorage, NameChange, State};
use crate::format::SECTOR_BYTES;

/// Something that a power cut may or may not leave on the disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsynced {
    /// A sector of a file that was written and not synced since.
    Sector {
        /// The file's name; of a file without one, its number.
        file: String,
        /// Counted from the file's start.
        sector: usize,
    },
    /// A creation, removal or renaming, counted from the last sync of the directory.
    Name(usize),
}

/// Which unsynced parts a power cut leaves.
#[derive(Clone, Debug)]
pub enum Survive {
    /// Only what was synced.
    Nothing,
    /// All that was written.
    Everything,
    /// Each part by a coin that the seed tosses.
    Seeded(u64),
    /// The listed indices of [`MemStorage::unsynced`].
    Chosen(BTreeSet<usize>),
}

impl MemStorage {
    /// All that a power cut now may or may not leave. Parts that equal what is durable are left
    /// out.
    #[must_use]
    pub fn unsynced(&self) -> Vec<Unsynced> {
        let state = self.state();
        let mut parts = Vec::new();
        for (number, inode) in &state.inodes {
            let name = state.live_names.iter().find(|(_, linked)| *linked == number);
            let file = name.map_or_else(|| format!("#{number}"), |(name, _)| name.clone());
            let sectors = inode.unsynced_sectors.iter().filter(|&&sector| inode.differs(sector));
            parts.extend(sectors.map(|&sector| Unsynced::Sector { file: file.clone(), sector }));
        }
        parts.extend((0..state.unsynced_names.len()).map(Unsynced::Name));
        parts
    }

    /// The directory that a power cut now would leave, as a storage of its own with no lock held
    /// and no fault planned. This one stays as it is.
    #[must_use]
    pub fn crash(&self, survive: &Survive) -> MemStorage {
        let state = self.state();
        let mut index = 0;
        let mut survives = || {
            index += 1;
            match survive {
                Survive::Nothing => false,
                Survive::Everything => true,
                Survive::Seeded(seed) => coin(*seed, index),
                Survive::Chosen(chosen) => chosen.contains(&(index - 1)),
            }
        };
        let mut inodes = BTreeMap::new();
        for (number, inode) in &state.inodes {
            let mut left = inode.durable.clone();
            for &sector in inode.unsynced_sectors.iter().filter(|&&sector| inode.differs(sector)) {
                if survives() {
                    inode.copy_sector(sector, &mut left);
                }
            }
            let inode = Inode { live: left.clone(), durable: left, ..Inode::default() };
            inodes.insert(*number, inode);
        }
        let mut names = state.durable_names.clone();
        for change in &state.unsynced_names {
            if survives() {
                apply(&mut names, change);
            }
        }
        let mut after = State {
            inodes,
            inodes_made: state.inodes_made,
            live_names: names.clone(),
            durable_names: names,
            capacity_bytes: state.capacity_bytes,
            random: mix(state.random),
            ..State::default()
        };
        after.sync_names();
        MemStorage { state: Arc::new(Mutex::new(after)), prefix: Arc::clone(&self.prefix) }
    }
}

impl Inode {
    fn differs(&self, sector: usize) -> bool {
        let range = sector * SECTOR_BYTES..((sector + 1) * SECTOR_BYTES).min(self.live.len());
        self.durable.get(range.clone()) != self.live.get(range)
    }

    fn copy_sector(&self, sector: usize, left: &mut Vec<u8>) {
        let start = sector * SECTOR_BYTES;
        let Some(bytes) = self.live.get(start..(start + SECTOR_BYTES).min(self.live.len())) else {
            return;
        };
        if left.len() < start + bytes.len() {
            left.resize(start + bytes.len(), 0);
        }
        left[start..start + bytes.len()].copy_from_slice(bytes);
    }
}

/// Changes names if the change still makes sense: one that it builds on may have been lost.
pub(super) fn apply(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Link(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        NameChange::Unlink(name) => {
            names.remove(name);
        }
        NameChange::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
    }
}

/// The `index`-th toss of a coin.
pub(super) fn coin(seed: u64, index: usize) -> bool {
    mix(seed ^ mix(index as u64 + 1)) & 1 == 1
}

/// A fixed permutation of 64 bits in which every input bit changes about half of the output
/// (the finaliser of SplitMix64).
pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
