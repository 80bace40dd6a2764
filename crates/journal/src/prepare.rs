//! Prepares segments ahead of use, in small steps that the caller may run on a thread of its own.
//!
//! Preparing is the only place where space is taken from the disk, so a full disk is noticed here
//! and no batch's write can fail for want of room. A failure here never harms the journal: the file
//! under way is given up. Room is reserved, and reads as zeros, without writing them: zeros written
//! from here would stand in the way of every batch's sync.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::Storage;
use crate::buffer::lock;
use crate::error::{Doing, Failed};
use crate::pool::{Full, Prepared, free_name, is_full};
use crate::shared::Shared;
use crate::storage::{Access, Caching, File, remove_if_there, uninterrupted};

/// Keeps segments ready for the appender.
#[derive(Debug)]
pub struct Preparer<S: Storage> {
    pub(crate) shared: Arc<Shared<S>>,
    /// The file that is being prepared.
    under_way: Option<String>,
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
        Preparer { shared, under_way: None }
    }

    /// Prepares one segment, if there is one to prepare.
    pub fn step(&mut self) -> Result<Preparation, PrepareError> {
        let prepared = self.prepare_one();
        if prepared.is_err() {
            self.give_up();
        }
        match prepared {
            Ok(progress) => Ok(progress),
            Err(Failed { source, .. }) if is_full(&source) => {
                Ok(Preparation::Full(self.note_full(0)))
            }
            Err(Failed { doing, source }) => Err(PrepareError { doing, source }),
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

    fn prepare_one(&mut self) -> Result<Preparation, Failed> {
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
        self.under_way = Some(name.clone());
        let capacity_bytes = self.shared.options.segment_bytes;
        uninterrupted(|| file.allocate(capacity_bytes)).doing("reserving room for", &name)?;
        file.sync_data().doing("syncing", &name)?;
        let epoch = storage.random_u64().doing("reading random bits for", &name)?;
        let ready_name = free_name(&name);
        storage.rename(&name, &ready_name).doing("renaming", &name)?;
        self.under_way = Some(ready_name.clone());
        storage.sync_dir().doing("syncing", &storage.location())?;
        self.under_way = None;
        let mut pool = lock(&self.shared.pool);
        pool.full = None;
        pool.ready.push_back(Prepared { name: ready_name, file, capacity_bytes, epoch });
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
        if let Some(name) = self.under_way.take() {
            let removed = remove_if_there(&self.shared.storage, &name);
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
