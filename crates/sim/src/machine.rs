//! A running node without its threads: each thing that a thread of a node does is a call here, so
//! that a schedule decides in which order they happen.
//!
//! It is put together from the node's own parts and repeats what `runner`, `committer` and
//! `threads` of the node do with them: one batch is filled while at most one waits for its
//! commit; whatever a client or a file is to see is held until everything it may show is durable.

mod background;
mod look;
mod retire;

use crate::disk::Disk;
use crate::marks::{Mark, Marks};
use crate::variant::Variant;
use background::Snapshot;
use courant_engine::{Engine, EngineOptions, Facts, Frozen, Hints, Lsn};
use courant_journal::{Batch, Chain, Preparer, Reader, SealedBatch, Writer};
use courant_ledger::{AccountNo, Reason, Sums, Tagger, Timestamp};
use courant_node::parts::{
    Ahead, History, IdIndex, Opened, RetiredLog, Retirer, Step, Store, unavailable,
};
use courant_node::{FROZEN_MAX, NodeOptions, Reply, Request, Unavailable};
use look::{Known, LookUp};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// A client's request on its way.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Which client.
    pub(crate) client: usize,
    /// The client's number of it; a request that is sent again has another.
    pub(crate) number: u64,
    /// One command.
    pub(crate) request: Rc<Request>,
}

/// What is seen outside.
#[derive(Debug)]
pub(crate) enum Said {
    /// The answer to a call.
    Reply(Call, Reply),
    /// An account as it was after a record.
    Account(AccountNo, Lsn, Sums),
}

/// What is held until all before it is durable.
#[derive(Debug)]
enum Held {
    Said(Said),
    SnapshotSection(background::SectionMade),
}

/// The process ended itself.
#[derive(Debug)]
pub(crate) struct Stop(pub String);

/// A running node.
#[derive(Debug)]
pub(crate) struct Machine {
    store: Store<Disk>,
    writer: Writer<Disk>,
    preparer: Preparer<Disk>,
    history: History<Disk>,
    chain: Option<Chain<Disk>>,
    index: IdIndex<Disk>,
    snapshots: Disk,
    tagger: Tagger,
    retirer: Retirer<Disk>,
    retired: RetiredLog<Disk>,
    options: NodeOptions,
    variant: Variant,
    inbox: VecDeque<(Call, Known)>,
    look_ups: VecDeque<LookUp>,
    batch: Option<Batch>,
    held: Vec<Held>,
    /// Finished, not committed.
    finished: Option<(SealedBatch, Vec<Held>)>,
    frozen: VecDeque<Arc<Frozen>>,
    /// This generation is on disk and not yet forgotten in memory.
    written: Option<u64>,
    behind: bool,
    was_full: bool,
    snapshot: Snapshot,
    said: Vec<Said>,
    marks: Marks,
}

impl Machine {
    /// Starts a node on an opened data directory; what is archived goes to `archive`.
    pub(crate) fn start(
        opened: Opened<Disk>,
        archive: Option<Disk>,
        options: NodeOptions,
        variant: Variant,
    ) -> Machine {
        let Opened {
            mut engine,
            appender,
            writer,
            preparer,
            history,
            chain,
            index,
            unsealed,
            snapshots,
            retired,
            ..
        } = opened;
        if variant == Variant::IdsForgotten {
            forget_ids(&mut engine, &index, &options);
        }
        Machine {
            tagger: engine.tagger(),
            store: Store::new(engine, appender),
            writer,
            retirer: Retirer::new(preparer.retirer(), archive),
            retired,
            preparer,
            history,
            chain: Some(chain),
            index,
            snapshots,
            options,
            variant,
            inbox: VecDeque::new(),
            look_ups: VecDeque::new(),
            batch: None,
            held: Vec::new(),
            finished: None,
            frozen: unsealed.into(),
            written: None,
            behind: false,
            was_full: false,
            snapshot: Snapshot::default(),
            said: Vec::new(),
            marks: Marks::default(),
        }
    }

    /// Its state.
    pub(crate) fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// Its journal.
    pub(crate) fn reader(&self) -> &Reader<Disk> {
        &self.history.reader
    }

    /// What was said since the last time.
    pub(crate) fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// The rare paths that were taken; the power has just failed if `power_cut`.
    pub(crate) fn end(mut self, power_cut: bool) -> Marks {
        let two = self.finished.is_some() && self.batch.as_ref().is_some_and(|b| !b.is_empty());
        self.marks.take_if(power_cut && two, Mark::PowerCutWithTwoBatches);
        let waits = !self.frozen.is_empty();
        self.marks.take_if(power_cut && waits, Mark::PowerCutWhileIdsWaited);
        self.marks.take_if(power_cut && self.snapshot.is_under_way(), Mark::PowerCutInSnapshot);
        self.marks
    }

    /// True if nothing is under way: everything asked is answered, everything recorded is durable.
    pub(crate) fn is_idle(&self) -> bool {
        self.inbox.is_empty()
            && self.look_ups.is_empty()
            && self.held.is_empty()
            && self.finished.is_none()
            && self.batch.as_ref().is_none_or(Batch::is_empty)
    }

    /// Takes a call into the inbox; `false` pushes back.
    pub(crate) fn admit(&mut self, call: Call) -> bool {
        if self.behind {
            self.marks.take(Mark::IdsBehind);
            return false;
        }
        self.enqueue(call);
        true
    }

    /// Decides up to `count` commands that wait.
    ///
    /// # Errors
    /// [`Stop`], as of every call that may commit.
    pub(crate) fn decide(&mut self, now: Timestamp, count: usize) -> Result<(), Stop> {
        for _ in 0..count {
            let Some((call, known)) = self.inbox.pop_front() else { break };
            match known {
                Known::Answer(reply) => self.say(call, reply),
                Known::Facts(facts) => match self.make_batch(now) {
                    Space::Ready => self.decide_one(now, call, facts)?,
                    Space::Refused(reply) => self.decide_without_room(now, call, facts, reply)?,
                    Space::NotYet => {
                        self.inbox.push_front((call, Known::Facts(facts)));
                        break;
                    }
                },
            }
        }
        Ok(())
    }

    fn decide_one(&mut self, now: Timestamp, call: Call, facts: Facts) -> Result<(), Stop> {
        let batch = self.batch.as_mut().expect("a batch was just made sure of");
        let step = self.store.step(batch, now, call.request.asked(0), &facts);
        self.follow(step, call, facts)
    }

    /// Answers what was done before; anything else is refused with `full`.
    fn decide_without_room(
        &mut self,
        now: Timestamp,
        call: Call,
        facts: Facts,
        full: Reply,
    ) -> Result<(), Stop> {
        let step = {
            let asked = call.request.asked(0);
            let ahead = Ahead { asked, command: &asked.command(), hints: Hints::default() };
            self.store.step_without_record(now, ahead, &facts)
        };
        self.follow(step.unwrap_or(Step::Reply(full)), call, facts)
    }

    /// Does what a step says is to be done.
    fn follow(&mut self, step: Step, call: Call, facts: Facts) -> Result<(), Stop> {
        match step {
            Step::Reply(reply) => {
                self.mark_reply(&call, &reply);
                self.say(call, reply);
                self.freeze_if_full();
            }
            Step::Look(candidates) => {
                let (candidates, waited) = (candidates.to_vec(), false);
                self.look_ups.push_back(LookUp { call, candidates, waited });
            }
            Step::LookOnDisk => {
                self.marks.take(Mark::LookedAgain);
                self.look_ups.push_back(LookUp { call, candidates: Vec::new(), waited: false });
            }
            Step::BatchFull => {
                self.marks.take(Mark::BatchFull);
                self.hand_over()?;
                self.inbox.push_front((call, Known::Facts(facts)));
            }
        }
        Ok(())
    }

    /// Moves on what the clock alone moves, at most `count` payments.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn take_due(&mut self, now: Timestamp, count: usize) -> Result<(), Stop> {
        for _ in 0..count {
            if self.engine().next_due(now).is_none() {
                break;
            }
            let Space::Ready = self.make_batch(now) else { break };
            let batch = self.batch.as_mut().expect("a batch was just made sure of");
            match self.store.step_due(batch, now) {
                Some(Step::BatchFull) => self.hand_over()?,
                Some(_) => self.freeze_if_full(),
                None => break,
            }
        }
        Ok(())
    }

    /// Commits the batch that is finished; if there is none, the one in hand.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn commit(&mut self) -> Result<(), Stop> {
        if self.finished.is_none() {
            self.finish();
        }
        let Some((batch, held)) = self.finished.take() else {
            // Nothing was recorded, so what is held shows only what is durable.
            let held = std::mem::take(&mut self.held);
            self.release(held);
            return Ok(());
        };
        self.writer.commit(batch).map_err(|error| Stop(error.to_string()))?;
        self.release(held);
        Ok(())
    }

    /// Finishes the batch in hand, so that another can be filled while this one waits for its
    /// commit.
    ///
    /// # Errors
    /// [`Stop`]: the one before had to be committed first.
    pub(crate) fn hand_over(&mut self) -> Result<(), Stop> {
        if self.finished.is_some() {
            self.commit()?;
        }
        self.finish();
        Ok(())
    }

    fn finish(&mut self) {
        let Some(batch) = self.batch.take().and_then(|batch| self.store.finish(batch)) else {
            return;
        };
        let held = std::mem::take(&mut self.held);
        self.finished = Some((batch, held));
    }

    /// Shows an account to somebody.
    pub(crate) fn show(&mut self, nth: usize) {
        let accounts = self.engine().accounts_count();
        if accounts == 0 {
            return;
        }
        let no = AccountNo((nth % accounts) as u32);
        let shown = self.engine().accounts_from(no).next();
        let (no, account) = shown.expect("there is an account of this number");
        let said = Said::Account(no, Lsn(account.last_record), account.sums);
        self.held.push(Held::Said(said));
    }

    fn make_batch(&mut self, now: Timestamp) -> Space {
        if self.batch.is_some() {
            return Space::Ready;
        }
        match self.store.begin(now) {
            Ok(batch) => {
                self.marks.take_if(self.finished.is_some(), Mark::BatchesOverlapped);
                self.batch = Some(batch);
                Space::Ready
            }
            Err(error) => unavailable(&error).map_or(Space::NotYet, Space::Refused),
        }
    }

    fn say(&mut self, call: Call, reply: Reply) {
        let said = Said::Reply(call, reply);
        match self.variant {
            Variant::ReplyBeforeCommit => self.said.push(said),
            _ => self.held.push(Held::Said(said)),
        }
    }

    fn release(&mut self, held: Vec<Held>) {
        for held in held {
            match held {
                Held::Said(said) => self.said.push(said),
                Held::SnapshotSection(made) => self.snapshot.may_write(made),
            }
        }
    }

    fn freeze_if_full(&mut self) {
        let engine = self.store.engine_mut();
        if !engine.ids().is_full() {
            return;
        }
        self.behind = engine.ids().frozen().len() >= FROZEN_MAX;
        if !self.behind {
            let frozen = engine.freeze_ids();
            self.frozen.push_back(frozen);
        }
    }

    fn mark_reply(&mut self, call: &Call, reply: &Reply) {
        let is_group =
            matches!(call.request.asked(0).command(), courant_engine::Command::PayGroup(_));
        match *reply {
            Reply::Recorded { .. } => {
                self.marks.take_if(self.was_full, Mark::StorageFullOver);
                self.marks.take_if(is_group, Mark::GroupRecorded);
                self.was_full = false;
            }
            Reply::Refused { reason: Reason::GroupTooLarge, .. } => {
                self.marks.take(Mark::GroupTooLarge);
            }
            Reply::Refused { reason: Reason::PaymentBusy, .. } => {
                self.marks.take(Mark::PaymentBusy);
            }
            Reply::Refused { reason: Reason::OpenPaymentsFull, .. } => {
                self.marks.take(Mark::OpenPaymentsFull);
            }
            Reply::Refused { .. } => self.marks.take_if(is_group, Mark::GroupRefused),
            Reply::Unavailable(_) | Reply::Retired { .. } => {}
        }
    }
}

/// Whether there is a batch to record into.
enum Space {
    Ready,
    NotYet,
    Refused(Reply),
}

/// Puts an empty generation in the place of the one that was replayed.
fn forget_ids(engine: &mut Engine, index: &IdIndex<Disk>, options: &NodeOptions) {
    let generation = engine.freeze_ids().generation;
    let NodeOptions { recent_ids, open_payments_max, .. } = *options;
    let options = EngineOptions { secret: 0, recent_ids, open_payments_max, generation };
    let empty = Engine::new(options).freeze_ids();
    if index.add(&empty).is_ok() {
        drop(engine.drop_ids_through(generation));
    }
}

impl Machine {
    /// True for the reply that says the disk is full.
    pub(crate) fn note_full(&mut self, reply: &Reply) {
        if *reply == Reply::Unavailable(Unavailable::StorageFull) {
            self.marks.take(Mark::StorageFull);
            self.was_full = true;
        }
    }
}
