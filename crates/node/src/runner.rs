//! The engine with all it needs: the one writer of the state. Its thread runs it, or a lone caller.
//!
//! It takes whatever waits, decides it into a batch, and sees to it that the batch is committed: by
//! itself when nothing else waits, so that a lone caller pays one sync and no more hops; by the
//! writer thread under load, so that the next batch is decided while this one is synced. There are
//! no timers: who waits is in the next batch.

use crate::clock::Clock;
use crate::committer::Committer;
use crate::inbox::{IDLE, Next, Shared};
use crate::messages::{Completion, Lookup, Message, Work};
use crate::options::FROZEN_MAX;
use crate::pending::Pending;
use crate::prepared::{Known, Prepared};
use crate::request::{Reply, Unavailable};
use crate::stats::Counters;
use crate::store::{Ahead, Step, Store, unavailable};
use courant_engine::{AHEAD_MAX, Command, Facts, Frozen, Lsn};
use courant_journal::{Batch, Storage};
use courant_ledger::Timestamp;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// A batch of this size goes to the writer as soon as it is free: 256 KiB, where a longer write
/// begins to cost more than another sync.
const HAND_OVER_BYTES: usize = 256 << 10;

/// A batch of this size waits for the writer instead of growing: 2 MiB, which bounds the time of
/// one commit.
const BATCH_BYTES: usize = 2 << 20;

/// Replies that are worth sending apart from those that follow.
const SEND_AFTER: usize = 64;

/// How long to wait for space that is being prepared.
const SPACE_WAIT: Duration = Duration::from_millis(2);

/// How often in a row preparing space may fail before the node stops, once a batch waits for it. A
/// full disk is no failure.
const SPACE_FAILURES_MAX: u32 = 5;

/// Payments that fall due and are handled before requests get their turn.
const DUE_TURN: usize = 1_000;

/// How often the engine thread gives way to others before it commits a small batch.
const YIELDS_MAX: usize = 16;

/// The engine, and what whoever runs it needs.
pub(crate) struct Runner<S: Storage> {
    pub(crate) store: Store<S>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) committer: Arc<Committer<S>>,
    pub(crate) lookups: Sender<Lookup>,
    pub(crate) frozen: Sender<Arc<Frozen>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) wake_preparer: Box<dyn Fn() + Send>,
    batch: Option<Batch>,
    /// The segment of the last batch.
    segment: Option<u64>,
    completions: Vec<Completion>,
    crowd: Crowd,
    due_left: bool,
    clock: Clock,
    /// The node's time, looked at each time something is to be done.
    now: Timestamp,
    /// Too many generations of ids wait to be written to disk.
    behind: bool,
}

/// How many were answered by the last batch: about as many will soon ask again.
///
/// They were just woken and are ready to run. Committing the first of them at once would let all
/// others wait for a second sync, so the engine thread lets them run first, without ever sleeping:
/// a lone caller, and a machine with nothing else to run, lose nothing.
#[derive(Debug, Default)]
struct Crowd {
    last: usize,
    yielded: usize,
}

impl Crowd {
    /// Gives way to others, if more are to be expected; false if it is time to commit.
    fn gather(&mut self, gathered: usize) -> bool {
        if gathered >= self.last || self.yielded >= YIELDS_MAX {
            return false;
        }
        self.yielded += 1;
        std::thread::yield_now();
        true
    }

    fn commits(&mut self, gathered: usize) {
        *self = Crowd { last: gathered, yielded: 0 };
    }
}

/// What became of one command.
enum Decided {
    /// It is answered.
    Reply(Reply),
    /// It has to be looked up first and will come again.
    Look(Vec<Lsn>),
}

/// Why the engine thread ends.
enum End {
    Stopped,
}

impl<S: Storage> Runner<S> {
    pub(crate) fn new(
        store: Store<S>,
        shared: Arc<Shared>,
        committer: Arc<Committer<S>>,
        senders: (Sender<Lookup>, Sender<Arc<Frozen>>),
        (wake_preparer, clock): (Box<dyn Fn() + Send>, Clock),
    ) -> Runner<S> {
        let counters = Arc::clone(committer.counters());
        let (lookups, frozen) = senders;
        let mut this = Runner {
            store,
            shared,
            committer,
            lookups,
            frozen,
            counters,
            wake_preparer,
            batch: None,
            segment: None,
            completions: Vec::new(),
            crowd: Crowd::default(),
            due_left: false,
            behind: false,
            clock,
            now: Timestamp(0),
        };
        this.look_at_clock();
        this
    }

    /// Looks at the clock.
    fn look_at_clock(&mut self) {
        let look = self.clock.look();
        self.now = look.now;
        self.counters.clock(look);
    }

    /// Works until there is nothing more to do, or it is `enough`.
    pub(crate) fn run(&mut self, enough: impl Fn() -> bool) {
        let mut done = Ok(());
        while let Ok(()) = done.and_then(|()| self.take_due()).and_then(|()| self.send_off()) {
            self.counters.open_payments(self.store.engine().open_payments_count());
            let in_hand = self.batch.is_some() || !self.completions.is_empty();
            let sleep = self.sleep();
            let next = match enough() {
                true => Next::Rest,
                false => self.shared.next(in_hand, sleep),
            };
            self.look_at_clock();
            done = match next {
                Next::Messages(messages) => self.take(messages),
                Next::Continue => Ok(()),
                Next::Rest => {
                    let sleep = self.sleep();
                    return self.shared.rest(in_hand, sleep);
                }
            };
        }
        // The journal has stopped, and will not be written to again.
        self.shared.rest(false, IDLE);
    }

    fn take(&mut self, messages: VecDeque<Message>) -> Result<(), End> {
        for message in messages {
            match message {
                Message::Commands { pending, range, prepared } => {
                    self.decide_all(pending, range, &prepared)?;
                }
                Message::Visit(visit) => {
                    let then = visit(self.store.engine_mut());
                    self.freeze_if_full();
                    self.completions.push(Completion::Afterwards(then));
                }
            }
        }
        Ok(())
    }

    fn decide_all(
        &mut self,
        pending: Arc<Pending>,
        range: Range<usize>,
        prepared: &Prepared,
    ) -> Result<(), End> {
        let now = self.now;
        self.counters.commands(range.len());
        let mut replies = Vec::with_capacity(range.len());
        for from in range.clone().step_by(AHEAD_MAX) {
            let group = from..range.end.min(from + AHEAD_MAX);
            self.decide_group(now, &pending, group, (prepared, &mut replies))?;
            if replies.len() >= SEND_AFTER && self.is_time_to_send() {
                let part = std::mem::take(&mut replies);
                self.completions.push(Completion::Replies(Arc::clone(&pending), part));
                self.hand_over()?;
            }
        }
        if !replies.is_empty() {
            self.completions.push(Completion::Replies(pending, replies));
        }
        Ok(())
    }

    /// Decides some commands, after looking ahead for all of them.
    fn decide_group(
        &mut self,
        now: Timestamp,
        pending: &Arc<Pending>,
        group: Range<usize>,
        (prepared, replies): (&Prepared, &mut Vec<(usize, Reply)>),
    ) -> Result<(), End> {
        let asked = |index| pending.request.asked(index);
        let commands: SmallVec<[Command<'_>; AHEAD_MAX]> =
            group.clone().map(|index| asked(index).command()).collect();
        let hints = self.store.engine().look_ahead(&commands);
        for ((index, command), hints) in group.zip(&commands).zip(hints) {
            let facts = match prepared.found.get(&index) {
                None => &prepared.usual,
                Some(Known::Facts(facts)) => facts,
                Some(Known::Answer(reply)) => {
                    self.counters.reply(reply);
                    replies.push((index, *reply));
                    continue;
                }
            };
            match self.decide(now, Ahead { asked: asked(index), command, hints }, facts)? {
                Decided::Reply(reply) => replies.push((index, reply)),
                Decided::Look(candidates) => self.look(pending, index, candidates),
            }
        }
        Ok(())
    }

    /// Decides one command.
    #[inline]
    fn decide(
        &mut self,
        now: Timestamp,
        ahead: Ahead<'_, '_>,
        facts: &Facts,
    ) -> Result<Decided, End> {
        loop {
            let step = match self.make_room(now)? {
                Ok(()) => {
                    let batch = self.batch.as_mut().expect("a batch was just made sure of");
                    self.store.step_ahead(batch, now, ahead, facts)
                }
                // What was done before is told all the same.
                Err(reply) => {
                    self.store.step_without_record(now, ahead, facts).unwrap_or(Step::Reply(reply))
                }
            };
            match step {
                Step::Reply(reply) => {
                    self.counters.reply(&reply);
                    self.freeze_if_full();
                    return Ok(Decided::Reply(reply));
                }
                Step::Look(candidates) => return Ok(Decided::Look(candidates.to_vec())),
                Step::LookOnDisk => return Ok(Decided::Look(Vec::new())),
                Step::BatchFull => self.hand_over()?,
            }
        }
    }

    fn look(&self, pending: &Arc<Pending>, index: usize, candidates: Vec<Lsn>) {
        self.shared.begin_look();
        let again = Lookup::Again { pending: Arc::clone(pending), index, candidates };
        if self.lookups.send(again).is_err() {
            // The look-up thread is gone only when the node stops; the dropped request tells its
            // caller.
            self.shared.end_look();
        }
    }

    /// Handles some of the payments that are due; `due_left` says whether there are more.
    fn take_due(&mut self) -> Result<(), End> {
        let now = self.now;
        self.due_left = false;
        let mut handled = 0;
        while self.store.engine().next_due(now).is_some() {
            if handled == DUE_TURN {
                self.due_left = true;
                break;
            }
            if self.make_batch(now)?.is_err() {
                break;
            }
            let batch = self.batch.as_mut().expect("a batch was just made sure of");
            match self.store.step_due(batch, now) {
                Some(Step::BatchFull) => self.hand_over()?,
                Some(Step::Reply(_)) => {
                    handled += 1;
                    self.counters.due();
                    self.freeze_if_full();
                }
                Some(Step::Look(_) | Step::LookOnDisk) | None => {
                    unreachable!("what falls due is in memory")
                }
            }
            if self.is_time_to_send() {
                self.hand_over()?;
            }
        }
        Ok(())
    }

    /// Makes sure that there is a batch and that ids may come to be; `Ok(Err(reply))` if the disk
    /// has no room for them.
    fn make_room(&mut self, now: Timestamp) -> Result<Result<(), Reply>, End> {
        if self.behind && self.shared.ids_lack_room() {
            return Ok(Err(Reply::Unavailable(Unavailable::StorageFull)));
        }
        self.make_batch(now)
    }

    /// Makes sure there is a batch; `Ok(Err(reply))` if the disk has no room for one.
    fn make_batch(&mut self, now: Timestamp) -> Result<Result<(), Reply>, End> {
        while self.batch.is_none() {
            match self.store.begin(now) {
                Ok(batch) => {
                    if self.segment.replace(batch.segment()) != Some(batch.segment()) {
                        (self.wake_preparer)();
                    }
                    self.batch = Some(batch);
                    self.counters.storage_full(false);
                }
                Err(error) => {
                    (self.wake_preparer)();
                    if let Some(reply) = unavailable(&error) {
                        self.counters.storage_full(true);
                        return Ok(Err(reply));
                    }
                    if self.shared.stopped().is_some() {
                        return Err(End::Stopped);
                    }
                    let failures_max =
                        if self.shared.is_closing() { 1 } else { SPACE_FAILURES_MAX };
                    let waited = self.committer.wait_for_space(SPACE_WAIT, failures_max);
                    waited.map_err(|_| End::Stopped)?;
                }
            }
        }
        Ok(Ok(()))
    }

    fn freeze_if_full(&mut self) {
        let engine = self.store.engine_mut();
        if !engine.ids().is_full() {
            return;
        }
        // When too many wait to be written, nothing new is admitted; what was admitted goes on top.
        self.behind = engine.ids().frozen().len() >= FROZEN_MAX;
        self.shared.set_behind(self.behind);
        if !self.behind {
            let frozen = engine.freeze_ids();
            let _ = self.frozen.send(frozen);
        }
    }

    fn is_time_to_send(&self) -> bool {
        let bytes = self.batch.as_ref().map_or(0, Batch::bytes);
        bytes >= BATCH_BYTES || bytes >= HAND_OVER_BYTES && self.shared.writer_is_free()
    }

    /// Commits what is in hand if that is the best thing to do now; else it waits for more, or for
    /// the writer.
    fn send_off(&mut self) -> Result<(), End> {
        let bytes = self.batch.as_ref().map_or(0, Batch::bytes);
        if bytes >= BATCH_BYTES {
            return self.hand_over();
        }
        if (self.batch.is_none() && self.completions.is_empty()) || !self.shared.writer_is_free() {
            return Ok(());
        }
        if self.crowd.gather(self.completions.len()) {
            return Ok(());
        }
        self.crowd.commits(self.completions.len());
        if bytes < HAND_OVER_BYTES && self.shared.is_quiet() {
            return self.commit_here();
        }
        self.hand_over()
    }

    fn commit_here(&mut self) -> Result<(), End> {
        let completions = std::mem::take(&mut self.completions);
        match self.batch.take().and_then(|batch| self.store.finish(batch)) {
            Some(batch) => {
                self.committer.commit(Work { batch, completions }, || {}).map_err(|_| End::Stopped)
            }
            None => {
                completions.into_iter().for_each(Completion::complete);
                Ok(())
            }
        }
    }

    fn hand_over(&mut self) -> Result<(), End> {
        let Some(batch) = self.batch.take().and_then(|batch| self.store.finish(batch)) else {
            // Nothing was recorded since the last batch, so what waits, waits for that one.
            return match self.shared.writer_is_free() {
                true => self.commit_here(),
                false => Ok(()),
            };
        };
        let completions = std::mem::take(&mut self.completions);
        self.shared.hand_over(Work { batch, completions }).map_err(|_| End::Stopped)
    }

    fn sleep(&mut self) -> Duration {
        if self.due_left {
            return Duration::ZERO;
        }
        let Some(due) = self.store.engine().due_at() else { return IDLE };
        if self.counters.is_storage_full() {
            return IDLE;
        }
        self.look_at_clock();
        Duration::from_nanos(due.nanos().saturating_sub(self.now.nanos())).min(IDLE)
    }
}
