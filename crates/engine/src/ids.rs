//! Recent ids in memory: which records may be about a payment, a child or an idempotency key.
//!
//! Ids are kept by their tags in generations of fixed size, so that memory is bounded and no table
//! ever grows. A full generation is frozen, and its owner writes it into the index on disk and then
//! drops it here. A match is a candidate: the owner reads the record there and compares.

use crate::Lsn;
use courant_ledger::tag_table::TagTable;
use smallvec::SmallVec;
use std::sync::Arc;

/// Records that may be about an id, newest first.
pub type Candidates = SmallVec<[Lsn; 1]>;

/// A full generation on its way to disk.
#[derive(Debug)]
pub struct Frozen {
    /// Its number; generations are numbered from 0 without gaps.
    pub generation: u64,
    /// Records up to this one, and including it, have their ids in this generation or an earlier
    /// one.
    pub through: Lsn,
    table: TagTable,
}

impl Frozen {
    /// Every tag with the record that carries it, in no promised order.
    pub fn entries(&self) -> impl Iterator<Item = (u64, Lsn)> + '_ {
        self.table.entries().map(|(tag, lsn)| (tag, Lsn(lsn)))
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// True if it has no entries.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

/// Room for a generation, empty, its memory already there: so that the engine does not wait for the
/// operating system where one generation ends and the next begins.
#[derive(Debug)]
pub struct Spare(TagTable);

impl Spare {
    /// Room for the generations of an engine with this many recent ids. Takes time: it writes all
    /// of it.
    pub fn new(recent_ids: usize) -> Spare {
        Spare::of(TagTable::with_capacity(recent_ids))
    }

    /// The room of a generation that is on disk. Takes time, as [`Spare::new`]. `None` if somebody
    /// else still has the generation.
    pub fn reuse(frozen: Arc<Frozen>) -> Option<Spare> {
        Arc::try_unwrap(frozen).ok().map(|frozen| Spare::of(frozen.table))
    }

    fn of(mut table: TagTable) -> Spare {
        table.clear();
        Spare(table)
    }
}

/// The generations that are not yet, or not only, on disk.
#[derive(Debug)]
pub struct RecentIds {
    current: TagTable,
    current_generation: u64,
    capacity: usize,
    frozen: Vec<Arc<Frozen>>,
    spare: Option<Spare>,
    last: Lsn,
}

impl RecentIds {
    /// An empty memory whose generations hold `capacity` ids each.
    pub(crate) fn new(capacity: usize, generation: u64) -> RecentIds {
        RecentIds {
            current: TagTable::with_capacity(capacity),
            current_generation: generation,
            capacity,
            frozen: Vec::new(),
            spare: None,
            last: Lsn::NONE,
        }
    }

    /// The oldest generation kept here. Whoever looked through the index on disk with all earlier
    /// generations in it has, together with this memory, looked everywhere.
    pub fn first_generation(&self) -> u64 {
        self.frozen.first().map_or(self.current_generation, |f| f.generation)
    }

    /// True if the current generation is full: freeze it.
    pub fn is_full(&self) -> bool {
        self.current.len() >= self.capacity
    }

    /// How many ids a generation is to hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// True if the next generation will be needed before long and has no room yet: give it some
    /// with [`crate::Engine::keep_spare`].
    pub fn wants_spare(&self) -> bool {
        self.spare.is_none() && self.current.len() >= self.capacity / 2
    }

    pub(crate) fn keep_spare(&mut self, spare: Spare) -> Option<Spare> {
        assert!(spare.0.capacity() >= self.capacity, "a spare has room for a generation");
        self.spare.replace(spare)
    }

    /// How many ids the current generation holds.
    pub fn len(&self) -> usize {
        self.current.len()
    }

    /// True if the current generation holds none.
    pub fn is_empty(&self) -> bool {
        self.current.is_empty()
    }

    /// How many generations wait to be written to disk.
    pub fn frozen(&self) -> &[Arc<Frozen>] {
        &self.frozen
    }

    /// The records that may be about an id, newest first.
    #[inline]
    pub fn candidates(&self, tag: u64) -> Candidates {
        let mut found = Candidates::new();
        let mut add = |lsn| {
            found.push(Lsn(lsn));
            false
        };
        self.current.find(tag, &mut add);
        for generation in &self.frozen {
            generation.table.find(tag, &mut add);
        }
        if found.len() > 1 {
            found.sort_unstable_by(|a, b| b.cmp(a));
            found.dedup();
        }
        found
    }

    /// Brings the slot of a tag near (see [`TagTable::touch`]).
    #[inline]
    pub(crate) fn touch(&self, tag: u64) -> u64 {
        self.current.touch(tag)
    }

    #[inline]
    pub(crate) fn insert(&mut self, tag: u64, lsn: Lsn) {
        self.current.insert(tag, lsn.0);
        self.last = self.last.max(lsn);
    }

    /// Freezes the current generation and begins the next. It speaks for the records up to the last
    /// one whose ids were remembered here, which in a recovery is behind the state that a
    /// snapshot gave.
    pub(crate) fn freeze(&mut self) -> Arc<Frozen> {
        let spare = self.spare.take().map(|spare| spare.0);
        let next = spare.unwrap_or_else(|| TagTable::with_capacity(self.capacity));
        let table = std::mem::replace(&mut self.current, next);
        let (generation, through) = (self.current_generation, self.last);
        let frozen = Arc::new(Frozen { generation, through, table });
        self.frozen.push(Arc::clone(&frozen));
        self.current_generation += 1;
        frozen
    }

    /// Forgets the generations up to and including this one: they are in the index on disk.
    pub(crate) fn drop_through(&mut self, generation: u64) -> Vec<Arc<Frozen>> {
        let kept = self.frozen.iter().position(|f| f.generation > generation);
        let until = kept.unwrap_or(self.frozen.len());
        self.frozen.drain(..until).collect()
    }
}
