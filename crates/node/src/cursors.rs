//! Cursors: places that readers still need. The journal is not retired beyond any of them, unless a
//! reader is so far behind that it loses its place.

use courant_engine::Lsn;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// All cursors of a node.
#[derive(Debug, Default)]
pub(crate) struct Cursors(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    next: u64,
    places: BTreeMap<u64, Lsn>,
}

impl Cursors {
    pub(crate) fn add(self: &Arc<Cursors>, at: Lsn) -> Cursor {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = places.next;
        places.next += 1;
        places.places.insert(number, at);
        Cursor { cursors: Arc::clone(self), number }
    }

    /// The oldest place from this one on.
    pub(crate) fn oldest_from(&self, from: Lsn) -> Option<Lsn> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.places.values().filter(|place| **place >= from).min().copied()
    }

    /// What lies before `end` goes: forgets the places there that are before `reach`; gives how
    /// many.
    ///
    /// # Errors
    /// Nothing is forgotten: the oldest place before `end` that is not before `reach`.
    pub(crate) fn lose_before(&self, end: Lsn, reach: Lsn) -> Result<usize, Lsn> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(needed) = places.places.values().filter(|at| (reach..end).contains(at)).min() {
            return Err(*needed);
        }
        let before = places.places.len();
        places.places.retain(|_, place| *place >= end.min(reach));
        Ok(before - places.places.len())
    }
}

/// A reader's place in the journal: records from it on are not retired while it is there, and not
/// too far behind ([`NodeOptions::reader_lag_bytes_max`](crate::NodeOptions)).
#[derive(Debug)]
pub struct Cursor {
    cursors: Arc<Cursors>,
    number: u64,
}

impl Cursor {
    /// The reader needs nothing before this place any more.
    pub fn advance(&self, to: Lsn) {
        let mut places = self.cursors.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.places.get_mut(&self.number) {
            *place = to.max(*place);
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        let mut places = self.cursors.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.places.remove(&self.number);
    }
}
