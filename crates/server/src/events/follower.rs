//! Follows the journal at its own pace and gives out the events after a place, each once and in
//! order.
//!
//! It reads from where it stands, in memory for what is recent and from disk for what is not, and
//! slows nothing down. Its cursor alone keeps the journal from being retired under its hands,
//! until it is too far behind.

use super::render::render;
use super::{EventId, EventsOf, Wanted};
use crate::input::query::Place;
use crate::problem::Problem;
use crate::records;
use courant_engine::Lsn;
use courant_node::journal::{OsStorage, Payload, ReadError, Scan};
use courant_node::{Cursor, Node};
use std::ops::Range;

/// How much is read at once. Whatever is reached first ends the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Events given out.
    pub(crate) events: usize,
    /// Records read, with those whose events are not wanted.
    pub(crate) records: usize,
    /// Bytes of events; the one that crosses it is still given out.
    pub(crate) bytes: usize,
}

/// Events that were read together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Their JSON, one after the other.
    pub(crate) json: Vec<u8>,
    /// Where each stands in the JSON.
    pub(crate) events: Vec<(EventId, &'static str, Range<usize>)>,
    /// True if there was nothing more that is durable.
    pub(crate) is_end: bool,
}

/// A reader of events.
#[derive(Debug)]
pub(crate) struct Follower {
    node: Node,
    source: String,
    wanted: Wanted,
    scan: Scan<OsStorage>,
    cursor: Cursor,
    /// A record whose events are not all given out.
    begun: Option<(Lsn, Payload)>,
    /// All events up to here were given out, or were not wanted.
    after: Place,
    /// It began at the beginning, gave nothing out yet and has not come to the end: the beginning
    /// is where the journal begins, also when that moves.
    at_begin: bool,
    /// What it wanted to read next was retired under its hands: there would be a gap.
    lost: Option<Lsn>,
}

impl Follower {
    /// A reader of the events after a place; from the beginning, those that are still there.
    ///
    /// # Errors
    /// Records after the place were archived or dropped, so that events would be left out.
    pub(crate) fn new(
        node: Node,
        source: &str,
        after: Place,
        wanted: Wanted,
    ) -> Result<Follower, Problem> {
        // A place within a record begins with that record, one after a record with the next.
        let from = match after.index() {
            None if after.lsn != Lsn::NONE => Lsn(after.lsn.0.saturating_add(1)),
            None => node.journal_begin(),
            Some(_) => after.lsn,
        };
        // The cursor comes first: what is there now, stays.
        let (cursor, scan) = (node.cursor(from), node.scan(from));
        if after != Place::BEGIN && from < node.journal_begin() {
            return Err(records::retired(&node.retired(from)));
        }
        let (source, at_begin) = (source.to_owned(), after == Place::BEGIN);
        Ok(Follower {
            node,
            source,
            wanted,
            scan,
            cursor,
            begun: None,
            after,
            at_begin,
            lost: None,
        })
    }

    /// All events up to the one with this id were given out.
    pub(crate) fn after(&self) -> EventId {
        EventId::of(self.node.incarnations(), self.after)
    }

    /// Reads on. Blocks while it reads the disk, never for what is not there yet.
    ///
    /// # Errors
    /// Records to be read next were archived or dropped meanwhile; or they cannot be read.
    pub(crate) fn read(&mut self, limits: Limits) -> Result<Batch, Problem> {
        let batch = self.read_on(limits);
        self.cursor.advance(self.after.lsn);
        batch
    }

    fn read_on(&mut self, limits: Limits) -> Result<Batch, Problem> {
        let mut batch = Batch::default();
        for _ in 0..limits.records {
            if self.lost.is_some() {
                break;
            }
            let (lsn, bytes) = match self.begun.take() {
                Some(begun) => begun,
                None => match self.scan.next() {
                    None => {
                        self.at_begin = false;
                        batch.is_end = true;
                        return Ok(batch);
                    }
                    Some(Err(ReadError::Retired { .. })) if self.at_begin => {
                        self.cursor = self.node.cursor(self.node.journal_begin());
                        self.scan = self.node.scan(Lsn::NONE);
                        continue;
                    }
                    Some(Err(ReadError::Retired { lsn, .. })) => {
                        self.lost = Some(Lsn(lsn.0));
                        continue;
                    }
                    Some(Err(error)) => return Err(records::unreadable(&error)),
                    Some(Ok(entry)) => (Lsn(entry.lsn.0), entry.payload),
                },
            };
            if !self.take(lsn, &bytes, limits, &mut batch)? {
                self.begun = Some((lsn, bytes));
                return Ok(batch);
            }
        }
        match self.lost {
            // What was read before it is told first.
            Some(lsn) if batch.events.is_empty() => Err(records::retired(&self.node.retired(lsn))),
            _ => Ok(batch),
        }
    }

    /// Takes the events of a record that are still to come; false if the batch was full before its
    /// last.
    fn take(
        &mut self,
        lsn: Lsn,
        bytes: &[u8],
        limits: Limits,
        batch: &mut Batch,
    ) -> Result<bool, Problem> {
        let record = records::decode(bytes)?;
        let events = EventsOf::record(&record);
        for index in 0..events.count() {
            let (place, kind) = (events.place(lsn, index), events.kind(index));
            if place <= self.after {
                continue;
            }
            if self.wanted.has(kind) {
                if batch.events.len() >= limits.events || batch.json.len() >= limits.bytes {
                    return Ok(false);
                }
                let start = batch.json.len();
                render((&self.node, &self.source), lsn, &record, index, &mut batch.json)?;
                let id = EventId::of(self.node.incarnations(), place);
                batch.events.push((id, kind.name(), start..batch.json.len()));
                self.at_begin = false;
            }
            self.after = place;
        }
        Ok(true)
    }
}
