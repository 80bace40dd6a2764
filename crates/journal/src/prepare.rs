//! Prepares segments ahead of use, in small steps that the caller may run on a thread of its own.
//!
//! Preparing is the only place where space is taken from the disk, so a full disk is noticed here
//! and no batch's write can fail for want of room. A failure here never harms the journal: the file
//! under way is given up.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::Storage;
use crate::buffer::{AlignedBuf, lock};
use crate::error::{Doing, Failed};
use crate::pool::{Full, Prepared, free_name, is_full};
use crate::shared::Shared;
use crate::storage::{Access, Caching, File, remove_if_there, uninterrupted, write_all_at};

/// Bytes of zeros written, and synced, by one step.
const STEP_BYTES: u64 = 1 << 20;

/// Keeps segments ready for the appender.
#[derive(Debug)]
pub struct Preparer<S: Storage> {
    pub(crate) shared: Arc<Shared<S>>,
    under_way: Option<UnderWay<S::File>>,
    zeros: AlignedBuf,
}

#[derive(Debug)]
struct UnderWay<F> {
    name: String,
    file: F,
    zeroed_bytes: u64,
}

/// How far preparing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// As many segments are ready as the options ask for.
    Ready,
    /// There is more to do: call again.
    Working,
    /// The disk has no room for another segment: call again later.
    Full(Full),
}

impl<S: Storage> Preparer<S> {
    pub(crate) fn new(shared: Arc<Shared<S>>) -> Preparer<S> {
        let bytes = STEP_BYTES.min(shared.options.segment_bytes) as usize;
        Preparer { shared, under_way: None, zeros: AlignedBuf::new(bytes) }
    }

    /// Does a bounded piece of work: at most one megabyte of zeros, and a sync of it.
    pub fn step(&mut self) -> Result<Preparation, PrepareError> {
        match self.try_step() {
            Ok(progress) => Ok(progress),
            Err(Failed { source, .. }) if is_full(&source) => {
                self.give_up();
                Ok(Preparation::Full(self.note_full(0)))
            }
            Err(Failed { doing, source }) => {
                self.give_up();
                Err(PrepareError { doing, source })
            }
        }
    }

    /// Steps until there is nothing more to do.
    pub fn run(&mut self) -> Result<Preparation, PrepareError> {
        loop {
            match self.step()? {
                Preparation::Working => {}
                done => return Ok(done),
            }
        }
    }

    fn try_step(&mut self) -> Result<Preparation, Failed> {
        match self.under_way.take() {
            Some(under_way) => self.fill(under_way),
            None => self.begin(),
        }
    }

    fn begin(&mut self) -> Result<Preparation, Failed> {
        let mut pool = lock(&self.shared.pool);
        if pool.ready.len() >= self.shared.options.segments_ready {
            return Ok(Preparation::Ready);
        }
        let recycled = pool.recycled.pop();
        let name = recycled.clone().unwrap_or_else(|| pool.new_name());
        drop(pool);
        let storage = &self.shared.storage;
        let file = if recycled.is_some() {
            uninterrupted(|| storage.open(&name, Access::Write, Caching::Direct))
                .doing("opening", &name)?
        } else {
            if let Some(full) = self.lack_of_room()? {
                return Ok(Preparation::Full(full));
            }
            uninterrupted(|| storage.create(&name, Caching::Direct)).doing("creating", &name)?
        };
        let under_way = UnderWay { name, file, zeroed_bytes: 0 };
        let bytes = self.shared.options.segment_bytes;
        let allocated = uninterrupted(|| under_way.file.allocate(bytes));
        let allocated = allocated.doing("reserving room for", &under_way.name);
        self.under_way = Some(under_way);
        allocated?;
        Ok(Preparation::Working)
    }

    fn fill(&mut self, mut under_way: UnderWay<S::File>) -> Result<Preparation, Failed> {
        let bytes = self.shared.options.segment_bytes;
        let count = (bytes - under_way.zeroed_bytes).min(self.zeros.len() as u64) as usize;
        let filled = write_all_at(&under_way.file, under_way.zeroed_bytes, &self.zeros[..count])
            .doing("writing zeros to", &under_way.name)
            .and_then(|()| under_way.file.sync_data().doing("syncing", &under_way.name));
        under_way.zeroed_bytes += count as u64;
        let complete = under_way.zeroed_bytes == bytes;
        if filled.is_ok() && complete {
            return self.make_ready(under_way);
        }
        self.under_way = Some(under_way);
        filled.map(|()| Preparation::Working)
    }

    fn make_ready(&mut self, under_way: UnderWay<S::File>) -> Result<Preparation, Failed> {
        let storage = &self.shared.storage;
        let (name, new_name) = (free_name(&under_way.name), under_way.name);
        let epoch = storage.random_u64().doing("reading random bits for", &name)?;
        storage.rename(&new_name, &name).doing("renaming", &new_name)?;
        storage.sync_dir().doing("syncing", &storage.location())?;
        let capacity_bytes = self.shared.options.segment_bytes;
        let prepared = Prepared { name, file: under_way.file, capacity_bytes, epoch };
        let mut pool = lock(&self.shared.pool);
        pool.full = None;
        pool.ready.push_back(prepared);
        let ready = pool.ready.len() >= self.shared.options.segments_ready;
        Ok(if ready { Preparation::Ready } else { Preparation::Working })
    }

    /// Whether the disk has too little room for one more segment.
    fn lack_of_room(&self) -> Result<Option<Full>, Failed> {
        let storage = &self.shared.storage;
        let free_bytes =
            storage.free_bytes().doing("asking for the free space of", &storage.location())?;
        let needed_bytes = self.shared.options.segment_bytes + self.shared.options.reserve_bytes;
        Ok((free_bytes < needed_bytes).then(|| self.note_full(free_bytes)))
    }

    fn note_full(&self, free_bytes: u64) -> Full {
        let needed_bytes = self.shared.options.segment_bytes + self.shared.options.reserve_bytes;
        let full = Full { needed_bytes, free_bytes };
        lock(&self.shared.pool).full = Some(full);
        full
    }

    /// Removes the file under way as far as that works; the next start removes it otherwise.
    fn give_up(&mut self) {
        if let Some(under_way) = self.under_way.take() {
            drop(under_way.file);
            let removed = remove_if_there(&self.shared.storage, &under_way.name);
            drop(removed);
        }
    }
}

/// A segment could not be prepared. The journal is unharmed; the next step tries again.
#[derive(Debug)]
pub struct PrepareError {
    /// What was tried, on which file.
    pub doing: String,
    /// The operating system's answer.
    pub source: io::Error,
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "preparing the next segment failed: {}: {}", self.doing, self.source)
    }
}

impl std::error::Error for PrepareError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
