//! A hash table from 64-bit tags to positions that never stalls its owner.
//!
//! Insert-only, several values per tag. It grows by moving a few slots with each insert, so no
//! insert pays for a whole rehash. It holds keyed hashes, not keys: a match is a candidate that the
//! caller verifies against the real key. It never removes and never iterates in hash order for its
//! caller's logic.

/// Slots moved from the old table to the new with each insert while the table grows. Growth doubles
/// the table when half of it is used, so two moves an insert would do; eight finish early.
const MOVES_PER_INSERT: usize = 8;

const SLOTS_MIN: usize = 16;

/// `[tag, value]`; value 0 marks an empty slot, so a zeroed allocation is an empty table.
type Slot = [u64; 2];
const EMPTY: u64 = 0;

/// An insert-only multimap from a 64-bit keyed hash to a non-zero 64-bit value.
#[derive(Debug)]
pub struct TagTable {
    slots: Vec<Slot>,
    len: usize,
    growing_from: Option<Old>,
}

#[derive(Debug)]
struct Old {
    slots: Vec<Slot>,
    /// Slots before this one have been moved.
    moved: usize,
}

impl TagTable {
    /// A table that takes `entries` values before it first grows.
    pub fn with_capacity(entries: usize) -> TagTable {
        let slots = entries.saturating_mul(2).next_power_of_two().max(SLOTS_MIN);
        TagTable { slots: zeroed(slots), len: 0, growing_from: None }
    }

    /// How many values it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many values fit before the next growth begins: half the slots, so that a look-up that
    /// finds nothing passes one or two slots, mostly of one cache line.
    pub fn capacity(&self) -> usize {
        self.slots.len() / 2
    }

    /// Adds a value under a tag; earlier values of the tag stay.
    ///
    /// Panics if `value` is 0, which marks an empty slot.
    pub fn insert(&mut self, tag: u64, value: u64) {
        assert!(value != EMPTY, "0 is not a value of a tag table");
        if self.len >= self.capacity() {
            self.finish_growth();
            let bigger = zeroed(self.slots.len() * 2);
            let slots = std::mem::replace(&mut self.slots, bigger);
            self.growing_from = Some(Old { slots, moved: 0 });
        }
        self.move_some(MOVES_PER_INSERT);
        place(&mut self.slots, tag, value);
        self.len += 1;
    }

    /// Gives the values stored under a tag to `visit`, in no promised order, until it returns true;
    /// returns that value.
    #[inline]
    pub fn find(&self, tag: u64, mut visit: impl FnMut(u64) -> bool) -> Option<u64> {
        let found = probe(&self.slots, tag, 0, &mut visit);
        match &self.growing_from {
            Some(old) if found.is_none() => probe(&old.slots, tag, old.moved, &mut visit),
            _ => found,
        }
    }

    /// Reads the slot where a tag would be. The load of one slot overlaps with those of the next
    /// calls, so touching a group of tags first hides most of the memory latency of looking them
    /// up.
    #[inline]
    pub fn touch(&self, tag: u64) -> u64 {
        self.slots[home(&self.slots, tag)][0]
    }

    /// Every `(tag, value)`, in an order that depends on the tags; for sorting into a run.
    pub fn entries(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let old = self.growing_from.as_ref().map(|o| &o.slots[o.moved..]).unwrap_or_default();
        self.slots.iter().chain(old).filter(|s| s[1] != EMPTY).map(|s| (s[0], s[1]))
    }

    /// Empties the table and keeps its room. Writes all of it, so that its pages are there.
    pub fn clear(&mut self) {
        self.slots.fill([0, EMPTY]);
        self.growing_from = None;
        self.len = 0;
    }

    fn finish_growth(&mut self) {
        self.move_some(usize::MAX);
    }

    fn move_some(&mut self, slots_max: usize) {
        let Some(old) = &mut self.growing_from else { return };
        let until = old.moved.saturating_add(slots_max).min(old.slots.len());
        for slot in &old.slots[old.moved..until] {
            if slot[1] != EMPTY {
                place(&mut self.slots, slot[0], slot[1]);
            }
        }
        old.moved = until;
        if until == old.slots.len() {
            self.growing_from = None;
        }
    }
}

/// Allocated zeroed by the operating system, page by page as it is touched.
fn zeroed(slots: usize) -> Vec<Slot> {
    vec![[0, EMPTY]; slots]
}

#[inline]
fn home(slots: &[Slot], tag: u64) -> usize {
    tag as usize & (slots.len() - 1)
}

#[inline]
fn place(slots: &mut [Slot], tag: u64, value: u64) {
    let mask = slots.len() - 1;
    let mut at = home(slots, tag);
    while slots[at][1] != EMPTY {
        at = (at + 1) & mask;
    }
    slots[at] = [tag, value];
}

/// Visits the values of a tag in slots from `from` on, along the tag's way up to the first empty
/// slot.
#[inline]
fn probe(
    slots: &[Slot],
    tag: u64,
    from: usize,
    visit: &mut impl FnMut(u64) -> bool,
) -> Option<u64> {
    let mask = slots.len() - 1;
    let mut at = home(slots, tag);
    loop {
        let [found, value] = slots[at & mask];
        if value == EMPTY {
            return None;
        }
        if found == tag && at >= from && visit(value) {
            return Some(value);
        }
        at = (at + 1) & mask;
    }
}

#[cfg(test)]
mod tests;
