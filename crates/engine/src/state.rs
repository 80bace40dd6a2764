//! The state: everything that decisions are made from. Only `evolve` changes it.

use crate::ids::RecentIds;
use crate::{EngineOptions, Key, Lsn};
use courant_ledger::{Accounts, IdBuf, Payment, Tagger, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// A payment that is not final, kept in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPayment {
    /// The payment.
    pub payment: Payment,
    /// The record that made it.
    pub origin: Lsn,
    /// The last record about it.
    pub latest: Lsn,
}

/// Everything that decisions are made from.
#[derive(Debug)]
pub(crate) struct State {
    /// The time of the last record; it never goes back.
    pub(crate) now: Timestamp,
    /// The last record evolved.
    pub(crate) last: Lsn,
    /// How many records were evolved since the journal began.
    pub(crate) records_count: u64,
    /// How many payments were made since the journal began, refused ones too.
    pub(crate) payments_count: u64,
    pub(crate) accounts: Accounts,
    pub(crate) open: BTreeMap<IdBuf, OpenPayment>,
    /// How many of them there may be: a setting, not of the journal.
    pub(crate) open_max: usize,
    /// What the clock alone moves on, soonest first: derived from `open`.
    pub(crate) due: BTreeSet<(Timestamp, IdBuf)>,
    pub(crate) keys: BTreeMap<u32, Key>,
    pub(crate) ids: RecentIds,
    pub(crate) tagger: Tagger,
}

impl State {
    pub(crate) fn new(options: EngineOptions) -> State {
        let tagger = Tagger::new(options.secret);
        State {
            now: Timestamp::default(),
            last: Lsn::NONE,
            records_count: 0,
            payments_count: 0,
            accounts: Accounts::new(tagger),
            open: BTreeMap::new(),
            open_max: options.open_payments_max,
            due: BTreeSet::new(),
            keys: BTreeMap::new(),
            ids: RecentIds::new(options.recent_ids, options.generation),
            tagger,
        }
    }

    /// Keeps, replaces or forgets an open payment, and its place in the order of times.
    pub(crate) fn set_open(&mut self, id: IdBuf, open: Option<OpenPayment>) {
        let due_after = open.as_ref().and_then(|o| o.payment.due_at());
        let before = match open {
            Some(open) => self.open.insert(id, open),
            None => self.open.remove(&id),
        };
        if let Some(due) = before.and_then(|o| o.payment.due_at()) {
            self.due.remove(&(due, id));
        }
        if let Some(due) = due_after {
            self.due.insert((due, id));
        }
    }
}
