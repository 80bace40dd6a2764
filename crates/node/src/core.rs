//! What the threads of a node share, and what they do with each other.

use crate::committer::Committer;
use crate::cursors::Cursors;
use crate::error::{CallError, SubmitError};
use crate::history::History;
use crate::ids::index::IdIndex;
use crate::inbox::{Admitted, Refused, Shared, StopOnPanic};
use crate::incarnation::Incarnations;
use crate::lookup::{self, LookupError};
use crate::messages::{Afterwards, Job, Lookup, Message};
use crate::options::NodeOptions;
use crate::pending::{Load, Pending, Replies};
use crate::prepared::Prepared;
use crate::read::{PaymentRead, origin_of, payment_in};
use crate::recover::OpenReport;
use crate::request::Request;
use crate::retention::{Retired, RetiredLog};
use crate::runner::Runner;
use crate::stats::Counters;
use crate::ticket::{Stopped, Ticket};
use courant_engine::{Candidates, Engine, Lsn, record};
use courant_journal::{Payload, Storage};
use courant_ledger::{IdBuf, TagDomain, Tagger};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the node's threads share.
pub(crate) struct Core<S: Storage> {
    pub(crate) shared: Arc<Shared>,
    /// Whoever runs the engine has it; gone once the node has ended.
    pub(crate) engine: Mutex<Option<Runner<S>>>,
    pub(crate) committer: Arc<Committer<S>>,
    pub(crate) index: IdIndex<S>,
    pub(crate) history: History<S>,
    pub(crate) retired: RetiredLog<S>,
    pub(crate) incarnations: Incarnations,
    pub(crate) cursors: Arc<Cursors>,
    pub(crate) snapshots: S,
    pub(crate) tagger: Tagger,
    pub(crate) options: NodeOptions,
    pub(crate) report: OpenReport,
    /// Where the last snapshot begins.
    pub(crate) snapshot_at: AtomicU64,
    /// A merge of ids is under way.
    pub(crate) merging: AtomicBool,
    pub(crate) lookups: Mutex<Option<Sender<Lookup>>>,
    pub(crate) jobs: Mutex<Option<Sender<Job>>>,
    pub(crate) warnings: Mutex<Warnings>,
    /// Held while a snapshot is made: of two at a time, one would prune what the other writes.
    pub(crate) snapshotting: Mutex<()>,
}

/// What went wrong and was or will be tried again.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    texts: Vec<String>,
    /// How many more there were.
    left_out: usize,
}

/// How many warnings are kept until somebody takes them; of more, only how many.
const WARNINGS_MAX: usize = 100;

impl Warnings {
    fn add(&mut self, text: String) {
        match self.texts.len() < WARNINGS_MAX {
            true => self.texts.push(text),
            false => self.left_out += 1,
        }
    }

    fn take(&mut self) -> Vec<String> {
        let Warnings { mut texts, left_out } = std::mem::take(self);
        if left_out > 0 {
            texts.push(format!("{left_out} more warnings were left out"));
        }
        texts
    }
}

impl<S: Storage> Core<S> {
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        self.committer.counters()
    }

    pub(crate) fn archive(&self) -> lookup::Archive<'_, S> {
        lookup::Archive { index: &self.index, history: &self.history, tagger: &self.tagger }
    }

    /// Takes a request, never waits.
    pub(crate) fn submit(&self, request: Request) -> Result<Ticket<Replies>, SubmitError> {
        self.admit(request, false).map(|(ticket, _)| ticket)
    }

    /// Takes a request and waits for its replies. If the engine rests, it is run right here: a lone
    /// caller wakes no thread and waits for none.
    pub(crate) fn call(&self, request: Request) -> Result<Replies, CallError> {
        let (ticket, leads) = self.admit(request, true).map_err(CallError::Submit)?;
        if leads {
            let panicking = StopOnPanic(&self.shared);
            let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(engine) = engine.as_mut() {
                engine.run(|| ticket.is_ready());
            }
            drop(panicking);
        }
        ticket.wait().map_err(CallError::Stopped)
    }

    /// Takes a request, and says whether the caller is to run the engine now.
    fn admit(
        &self,
        request: Request,
        may_lead: bool,
    ) -> Result<(Ticket<Replies>, bool), SubmitError> {
        if request.is_empty() {
            return Err(SubmitError::Empty);
        }
        let (ticket, answer) = Ticket::new();
        let pending = Arc::new(Pending::new(request, answer, self.shared.room()));
        loop {
            let runs = self.index.runs();
            let generations = runs.generations();
            let count = pending.request.len();
            let on_disk = generations > 0
                && (0..count)
                    .any(|i| lookup::may_hold(&runs, &self.tagger, pending.request.asked(i)));
            let limit = self.options.inbox_max();
            let admitted = if on_disk {
                self.shared.admit_look(&pending.request, limit).map(|()| {
                    self.send_lookup(Lookup::Request(Arc::clone(&pending)));
                    Admitted::Queued
                })
            } else {
                let mut prepared = Prepared::default();
                prepared.usual.searched_before = generations;
                let unchanged = || self.index.runs().generations() == generations;
                self.shared.admit((&pending, prepared), limit, may_lead, unchanged)
            };
            match admitted {
                Ok(Admitted::Queued) => return Ok((ticket, false)),
                Ok(Admitted::Leads) => return Ok((ticket, true)),
                // A generation went to disk in the meantime: look there too.
                Ok(Admitted::OutOfDate) => {}
                Err(Refused::Full(Load { commands: waiting, bytes })) => {
                    return Err(SubmitError::Full { waiting, bytes });
                }
                Err(Refused::Stopped(stopped)) => return Err(SubmitError::Stopped(stopped)),
            }
        }
    }

    /// Does something with the engine between two commands; the ticket gives its result once
    /// everything it can have seen is durable.
    pub(crate) fn visit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Ticket<T> {
        let (ticket, answer) = Ticket::new();
        let visit = Box::new(move |engine: &mut Engine| {
            let result = work(engine);
            let then = move |durable: Result<(), Stopped>| answer.give(durable.map(|()| result));
            Box::new(then) as Afterwards
        });
        // If it is refused the answer is dropped, which says that the node stopped.
        let _ = self.shared.push(Message::Visit(visit), || true);
        ticket
    }

    fn send_lookup(&self, lookup: Lookup) {
        send(&self.lookups, lookup);
    }

    pub(crate) fn payment(
        self: &Arc<Self>,
        id: IdBuf,
    ) -> Ticket<Result<Option<PaymentRead>, Retired>> {
        let (ticket, answer) = Ticket::new();
        let this = Arc::clone(self);
        self.visit_then(
            move |engine| match engine.open_payment(id.as_id()) {
                Some(open) => Candidates::from_slice(&[open.latest]),
                None => engine.payment_candidates(id.as_id()),
            },
            move |candidates| {
                let core = Arc::clone(&this);
                let job = move || match core.read_payment(id, &candidates) {
                    Ok(found) => answer.give(Ok(Ok(found))),
                    Err(LookupError::Retired { lsn, .. }) => {
                        answer.give(Ok(Err(core.retired(lsn))));
                    }
                    Err(error) => {
                        let why = format!("a payment cannot be read: {error}");
                        core.warn(why.clone());
                        answer.give(Err(Stopped { why: why.into() }));
                    }
                };
                send(&this.jobs, Box::new(job));
            },
        );
        ticket
    }

    /// As [`Core::visit`], and then something with the result, on the thread that committed.
    fn visit_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine) -> T + Send + 'static,
        then: impl FnOnce(T) + Send + 'static,
    ) {
        let visit = Box::new(move |engine: &mut Engine| {
            let result = work(engine);
            let afterwards = move |durable: Result<(), Stopped>| {
                if durable.is_ok() {
                    then(result);
                }
            };
            Box::new(afterwards) as Afterwards
        });
        // If it is refused, what `then` holds is dropped, and with it an answer that waits.
        let _ = self.shared.push(Message::Visit(visit), || true);
    }

    fn read_payment(
        &self,
        id: IdBuf,
        candidates: &[Lsn],
    ) -> Result<Option<PaymentRead>, LookupError> {
        let tag = self.tagger.tag(TagDomain::Payment, id.as_bytes());
        let mut all = candidates.to_vec();
        all.extend(self.index.find(tag)?);
        all.sort_unstable_by(|a, b| b.cmp(a));
        for lsn in all {
            let latest = self.read(lsn)?;
            let decoded = record::decode_one(&latest, id.as_id());
            let decoded = decoded.map_err(|e| LookupError::Record(lsn, e))?;
            if payment_in(&decoded, id.as_id()).is_some() {
                let origin_lsn = origin_of(lsn, &decoded);
                drop(decoded);
                let origin =
                    if origin_lsn == lsn { latest.clone() } else { self.read(origin_lsn)? };
                return Ok(Some(PaymentRead { id, origin_lsn, origin, latest_lsn: lsn, latest }));
            }
        }
        Ok(None)
    }

    fn read(&self, lsn: Lsn) -> Result<Payload, LookupError> {
        self.history.read(lsn)?.ok_or(LookupError::Missing(lsn))
    }

    /// What is known about a record that was archived or dropped.
    pub(crate) fn retired(&self, lsn: Lsn) -> Retired {
        let begin = Lsn(self.history.reader.begin().0);
        Retired { lsn, begin, retirement: self.retired.find(lsn) }
    }

    /// Waits until the record at a position is durable, or the node stops.
    pub(crate) fn wait_durable(&self, lsn: Lsn) {
        let at = courant_journal::Lsn(lsn.0);
        let reader = &self.history.reader;
        while reader.durable_end() <= at && self.shared.stopped().is_none() {
            let _ = reader.wait_durable(at, Duration::from_millis(100));
        }
    }

    /// True if enough was written since the last snapshot began.
    pub(crate) fn snapshot_is_due(&self) -> bool {
        let end = self.history.reader.durable_end().0;
        end.saturating_sub(self.snapshot_at.load(Relaxed)) >= self.options.snapshot_bytes
    }

    /// True once no more is to be done in the background.
    pub(crate) fn is_ending(&self) -> bool {
        self.shared.stopped().is_some() || self.shared.is_closing()
    }

    pub(crate) fn end_look_ups(&self) {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(crate) fn take_warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn warn(&self, text: String) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).add(text);
    }

    /// Ends the node because something broke that cannot be tried again.
    pub(crate) fn fail(&self, why: String) {
        self.shared.stop(Stopped { why: why.into() });
    }
}

/// Sends something to a thread; when that is gone the node ends, and what is dropped says so.
pub(crate) fn send<T>(to: &Mutex<Option<Sender<T>>>, what: T) {
    let sender = to.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = &*sender {
        let _ = sender.send(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_warnings_it_is_said_how_many_were_left_out() {
        let mut warnings = Warnings::default();
        (0..WARNINGS_MAX + 7).for_each(|n| warnings.add(format!("warning {n}")));
        let texts = warnings.take();
        assert_eq!(texts.len(), WARNINGS_MAX + 1);
        assert_eq!(texts[WARNINGS_MAX], "7 more warnings were left out");
        warnings.add("again".into());
        assert_eq!(warnings.take(), ["again"]);
    }
}
