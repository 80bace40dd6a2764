//! Snapshots: the state as sections of changes that make it, a little at a time.
//!
//! A snapshot is not of one instant: each section shows its part as it was when the section was
//! made. Replaying the changes from the snapshot's begin to its end makes the whole exact, see
//! [`Broker::evolve`].

use crate::broker::Broker;
use crate::change::{Change, FORMAT, expect_format};
use crate::exchange::{Binding, PREDECLARED};
use crate::wire::{DecodeError, Reader, put_u64};
use crate::{ExchangeId, QueueId, VHostId};
use std::ops::Bound::{Excluded, Unbounded};

/// How far a snapshot has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Next);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    Head,
    VHosts(Option<VHostId>),
    Exchanges(Option<ExchangeId>),
    Queues(Option<QueueId>),
    Bindings(Option<(ExchangeId, Binding)>),
}

/// What follows a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// More sections: go on at this cursor.
    More(Cursor),
    /// That was the last one.
    Last,
}

impl Cursor {
    /// The beginning of a snapshot.
    pub const BEGIN: Cursor = Cursor(Next::Head);
}

impl Broker {
    /// Appends one section of at most `entries_max` entries (at least one) to `out`, and says what
    /// follows. The same state gives the same bytes, however it came about.
    pub fn snapshot_section(&self, at: Cursor, entries_max: usize, out: &mut Vec<u8>) -> Section {
        let (changes, next) = self.section(at.0, entries_max.max(1));
        out.push(FORMAT);
        put_u64(out, changes.len() as u64);
        changes.iter().for_each(|change| change.put(out));
        next.map_or(Section::Last, |next| Section::More(Cursor(next)))
    }

    /// Loads one section into a broker that was empty before the first. Sections are loaded in the
    /// order they were made.
    pub fn load_section(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut r = Reader::new(bytes);
        expect_format(&mut r)?;
        for _ in 0..r.count()? {
            match Change::take(&mut r)? {
                Change::VHostDeleted(_) | Change::Unbound { .. } | Change::Deleted { .. } => {
                    return Err(DecodeError::BadValue("change in a snapshot"));
                }
                change => self.evolve(&change),
            }
        }
        r.end()
    }

    fn section(&self, at: Next, max: usize) -> (Vec<Change>, Option<Next>) {
        match at {
            Next::Head => (vec![Change::Counted(self.next)], Some(Next::VHosts(None))),
            Next::VHosts(after) => {
                let vhosts = self.vhosts.range((after.map_or(Unbounded, Excluded), Unbounded));
                let vhosts = vhosts.take(max).map(|(id, vhost)| (*id, vhost));
                let (changes, last) = listed(vhosts, |id, vhost| Change::VHostCreated {
                    id,
                    name: vhost.name.clone(),
                });
                let next = last.map_or(Next::Exchanges(None), |id| Next::VHosts(Some(id)));
                (changes, Some(next))
            }
            Next::Exchanges(after) => {
                let exchanges =
                    self.exchanges.range((after.map_or(Unbounded, Excluded), Unbounded));
                let exchanges = exchanges.map(|(id, exchange)| (*id, exchange));
                let declared =
                    exchanges.filter(|(id, exchange)| !is_predeclared(*id, exchange.vhost));
                let (changes, last) = listed(declared.take(max), |id, exchange| {
                    let (vhost, spec) = (exchange.vhost, exchange.spec.clone());
                    Change::ExchangeDeclared { id, vhost, spec }
                });
                let next = last.map_or(Next::Queues(None), |id| Next::Exchanges(Some(id)));
                (changes, Some(next))
            }
            Next::Queues(after) => {
                let queues = self.queues.range((after.map_or(Unbounded, Excluded), Unbounded));
                let queues = queues.take(max).map(|(id, queue)| (*id, queue));
                let (changes, last) = listed(queues, |id, queue| {
                    let (vhost, spec) = (queue.vhost, queue.spec.clone());
                    Change::QueueDeclared { id, vhost, spec }
                });
                let next = last.map_or(Next::Bindings(None), |id| Next::Queues(Some(id)));
                (changes, Some(next))
            }
            Next::Bindings(after) => self.bindings_section(after, max),
        }
    }

    fn bindings_section(
        &self,
        after: Option<(ExchangeId, Binding)>,
        max: usize,
    ) -> (Vec<Change>, Option<Next>) {
        let (begun, rest) = match &after {
            None => (None, self.exchanges.range(..)),
            Some((id, binding)) => {
                let begun = self.exchanges.get(id).map(|exchange| (*id, exchange, binding));
                (begun, self.exchanges.range((Excluded(*id), Unbounded)))
            }
        };
        let begun = begun.into_iter().flat_map(|(id, exchange, after)| {
            let rest = exchange.bindings.range((Excluded(after), Unbounded));
            rest.map(move |binding| (id, binding))
        });
        let rest = rest
            .flat_map(|(id, exchange)| exchange.bindings.iter().map(move |binding| (*id, binding)));
        let bindings: Vec<_> = begun.chain(rest).take(max).collect();
        let last = bindings.last().map(|(id, binding)| (*id, (*binding).clone()));
        let bound = |(source, binding): (ExchangeId, &Binding)| Change::Bound {
            source,
            binding: binding.clone(),
        };
        let changes = bindings.into_iter().map(bound).collect();
        (changes, last.map(|last| Next::Bindings(Some(last))))
    }
}

fn is_predeclared(id: ExchangeId, vhost: VHostId) -> bool {
    (vhost.0 + 1..=vhost.0 + PREDECLARED.len() as u64).contains(&id.0)
}

/// The changes for some entries, and the number of the last one.
fn listed<I: Copy, T>(
    entries: impl Iterator<Item = (I, T)>,
    change: impl Fn(I, T) -> Change,
) -> (Vec<Change>, Option<I>) {
    let mut last = None;
    let changes = entries.map(|(id, entry)| {
        last = Some(id);
        change(id, entry)
    });
    (changes.collect(), last)
}
