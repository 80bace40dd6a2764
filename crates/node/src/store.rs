//! The single-threaded core: commands in, records appended, state evolved. It never waits and never
//! syncs.
//!
//! Whoever drives it, the threads of a node or the simulator, commits each batch and only then lets
//! anybody see the replies that belong to it.

use crate::request::{Asked, Reply, Unavailable};
use courant_engine::{
    Applied, Caller, Candidates, Command, Decision, Engine, Facts, Hints, Lsn, Outcome, command,
    record,
};
use courant_journal::{Appender, Batch, BeginError, SealedBatch, Storage};
use courant_ledger::{Payment, Reason, Timestamp};

/// Engine and appender, and the place where records are put together.
#[derive(Debug)]
pub struct Store<S: Storage> {
    engine: Engine,
    appender: Appender<S>,
    encoded: Vec<u8>,
}

/// A command that was read, and what was looked up ahead for it.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'r, 'a> {
    /// Who asks what.
    pub asked: Asked<'a>,
    /// The command of `asked`.
    pub command: &'r Command<'a>,
    /// From [`Engine::look_ahead`].
    pub hints: Hints,
}

/// What came of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Answered. A recorded answer may be seen once its batch is durable, any other once all
    /// records before are.
    Reply(Reply),
    /// Read these records and ask again with what they say.
    Look(Candidates),
    /// Look through the index on disk again and ask again with what it says.
    LookOnDisk,
    /// The batch has no room for the record: finish it, begin another, and ask again.
    BatchFull,
}

impl<S: Storage> Store<S> {
    /// A store over a recovered state.
    pub fn new(engine: Engine, appender: Appender<S>) -> Store<S> {
        Store { engine, appender, encoded: Vec::new() }
    }

    /// The engine, to read.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, to freeze and drop generations of ids; records are evolved by [`Store::step`]
    /// only.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Begins a batch.
    pub fn begin(&mut self, now: Timestamp) -> Result<Batch, BeginError> {
        self.appender.begin(self.engine.time_of(now).nanos())
    }

    /// Ends a batch; `None` if nothing was recorded in it.
    pub fn finish(&mut self, batch: Batch) -> Option<SealedBatch> {
        self.appender.finish(batch)
    }

    /// Decides one command and, if it is to be recorded, appends it to the batch and evolves the
    /// state.
    pub fn step(
        &mut self,
        batch: &mut Batch,
        now: Timestamp,
        asked: Asked<'_>,
        facts: &Facts,
    ) -> Step {
        self.step_ahead(
            batch,
            now,
            Ahead { asked, command: &asked.command(), hints: Hints::default() },
            facts,
        )
    }

    /// As [`Store::step`], for a command that was looked ahead for.
    #[inline]
    pub fn step_ahead(
        &mut self,
        batch: &mut Batch,
        now: Timestamp,
        ahead: Ahead<'_, '_>,
        facts: &Facts,
    ) -> Step {
        let Ahead { asked: Asked { caller, bytes }, command, hints } = ahead;
        let outcome = match self.engine.decide_ahead(now, (caller, command), facts, hints) {
            Decision::Record(outcome) => outcome,
            Decision::Refused(reason, index) => return refused(reason, index),
            Decision::Look(candidates) => return Step::Look(candidates),
            Decision::LookOnDisk => return Step::LookOnDisk,
        };
        let at = self.engine.time_of(now);
        self.encoded.clear();
        record::encode(at, caller, bytes, &outcome, &mut self.encoded);
        if !batch.fits(self.encoded.len()) {
            return match batch.is_empty() {
                true => Step::Reply(Reply::Refused { reason: too_large(command), index: None }),
                false => Step::BatchFull,
            };
        }
        let pushed = batch.push(|record| record.extend_from_slice(&self.encoded));
        let lsn = Lsn(pushed.expect("it fits").0);
        self.engine.evolve(Applied { lsn, at, caller, command, outcome: &outcome, hints });
        Step::Reply(recorded(lsn, &outcome))
    }

    /// What a command comes to while nothing can be recorded: a repeat, a conflict and a refusal
    /// need no room. `None` if it would have to be recorded.
    pub fn step_without_record(
        &self,
        now: Timestamp,
        ahead: Ahead<'_, '_>,
        facts: &Facts,
    ) -> Option<Step> {
        let Ahead { asked: Asked { caller, .. }, command, hints } = ahead;
        match self.engine.decide_ahead(now, (caller, command), facts, hints) {
            Decision::Record(_) => None,
            Decision::Refused(reason, index) => Some(refused(reason, index)),
            Decision::Look(candidates) => Some(Step::Look(candidates)),
            Decision::LookOnDisk => Some(Step::LookOnDisk),
        }
    }

    /// Executes or expires the next payment whose time has come; `None` if there is none.
    pub fn step_due(&mut self, batch: &mut Batch, now: Timestamp) -> Option<Step> {
        let id = self.engine.next_due(now)?;
        let mut bytes = Vec::with_capacity(80);
        command::encode(&Command::Due { payment: id.as_id() }, &mut bytes);
        let asked = Asked { caller: Caller::default(), bytes: &bytes };
        let step = self.step(batch, now, asked, &Facts::default());
        // Else it would fall due again and again, and nothing after it ever.
        let is_refused = matches!(step, Step::Reply(Reply::Refused { .. }));
        assert!(!is_refused, "what falls due fits into a batch: raise batch_bytes_max ({id:?})");
        Some(step)
    }
}

/// Why a record does not fit into an empty batch. With the smallest batches that `courant serve`
/// allows this is so of groups only.
fn too_large(command: &Command<'_>) -> Reason {
    match command {
        Command::PayGroup(_) => Reason::GroupTooLarge,
        _ => Reason::RecordTooLarge,
    }
}

/// Why there is no batch, as a reply; `None` if there will be one in a moment.
pub fn unavailable(error: &BeginError) -> Option<Reply> {
    match error {
        BeginError::Full(_) => Some(Reply::Unavailable(Unavailable::StorageFull)),
        BeginError::NotReady => None,
    }
}

fn refused(reason: Reason, index: Option<usize>) -> Step {
    let index = index.map(|i| u32::try_from(i).expect("groups are small"));
    Step::Reply(Reply::Refused { reason, index })
}

fn recorded(lsn: Lsn, outcome: &Outcome) -> Reply {
    let payment = match outcome {
        Outcome::Payment(after) => Some(&after.payment),
        _ => None,
    };
    reply(lsn, false, payment)
}

/// The reply to a command that is in the journal.
pub(crate) fn reply(lsn: Lsn, repeat: bool, payment: Option<&Payment>) -> Reply {
    let status = payment.map(|p| p.status);
    Reply::Recorded { lsn, repeat, status, reason: payment.and_then(|p| p.reason) }
}
