//! The engine's one interface: decide, evolve, and read.

use crate::decide::{AHEAD_MAX, Decision, Facts, Hints};
use crate::evolve::{Applied, Replay};
use crate::ids::{Frozen, RecentIds, Spare};
use crate::state::{OpenPayment, State};
use crate::{Caller, Command, DecodeError, Key, Lsn, record};
use courant_ledger::{Account, AccountNo, Currency, Id, IdBuf, Sums, TagDomain, Tagger, Timestamp};
use std::ops::Bound;
use std::sync::Arc;

/// How an engine is set up.
#[derive(Debug, Clone, Copy)]
pub struct EngineOptions {
    /// The data directory's secret, under which ids are hashed.
    pub secret: u128,
    /// How many ids a generation in memory holds, 32 bytes each.
    pub recent_ids: usize,
    /// How many payments may be open, some hundred bytes each. One that would stay open beyond it
    /// is refused; whatever is replayed is kept all the same.
    pub open_payments_max: usize,
    /// The number of the first generation in memory: all earlier ones are in the index on disk.
    pub generation: u64,
}

/// The state and what can be done with it.
#[derive(Debug)]
pub struct Engine {
    pub(crate) state: State,
}

impl Engine {
    /// An empty engine.
    pub fn new(options: EngineOptions) -> Engine {
        Engine { state: State::new(options) }
    }

    /// Decides a command at a time; changes nothing.
    ///
    /// The command must have passed [`Command::check`]. A recorded decision is to be encoded with
    /// [`record::encode`] at [`Engine::time_of`] `now`, appended, and given to [`Engine::evolve`].
    #[inline]
    pub fn decide(
        &self,
        now: Timestamp,
        caller: Caller<'_>,
        command: &Command<'_>,
        facts: &Facts,
    ) -> Decision {
        self.state.decide(now, (caller, command), facts, Hints::default())
    }

    /// As [`Engine::decide`], with what was looked up ahead.
    #[inline]
    pub fn decide_ahead(
        &self,
        now: Timestamp,
        asked: (Caller<'_>, &Command<'_>),
        facts: &Facts,
        hints: Hints,
    ) -> Decision {
        self.state.decide(now, asked, facts, hints)
    }

    /// The time at which something is decided if the owner's clock shows `now`: time never goes
    /// back.
    #[inline]
    pub fn time_of(&self, now: Timestamp) -> Timestamp {
        now.max(self.state.now)
    }

    /// Applies what was just decided.
    #[inline]
    pub fn evolve(&mut self, decided: Applied<'_, '_>) {
        self.state.evolve(decided, Replay::Exact);
    }

    /// Applies a record of the journal.
    pub fn replay(&mut self, lsn: Lsn, bytes: &[u8], replay: Replay) -> Result<(), DecodeError> {
        let record = record::decode(bytes)?;
        let applied = Applied {
            lsn,
            at: record.at,
            caller: record.caller,
            command: &record.command,
            outcome: &record.outcome,
            hints: Hints::default(),
        };
        self.state.evolve(applied, replay);
        Ok(())
    }

    /// Remembers only the ids of a record of the journal: for records that a snapshot shows already
    /// and the index on disk does not.
    pub fn replay_ids(&mut self, lsn: Lsn, bytes: &[u8]) -> Result<(), DecodeError> {
        let record = record::decode(bytes)?;
        let applied = Applied {
            lsn,
            at: record.at,
            caller: record.caller,
            command: &record.command,
            outcome: &record.outcome,
            hints: Hints::default(),
        };
        self.state.remember(&applied);
        Ok(())
    }

    /// Looks up in memory what commands will need: their waits for memory overlap. The hints stand
    /// in the order of the commands and stay true whatever is evolved in between.
    ///
    /// Panics if there are more than [`AHEAD_MAX`] commands.
    #[inline]
    pub fn look_ahead(&self, commands: &[Command<'_>]) -> [Hints; AHEAD_MAX] {
        self.state.look_ahead(commands)
    }

    /// The payment whose time has come soonest, if any has at `now`: decide [`Command::Due`] for
    /// it.
    pub fn next_due(&self, now: Timestamp) -> Option<IdBuf> {
        let (at, id) = self.state.due.first()?;
        (*at <= self.time_of(now)).then_some(*id)
    }

    /// When the next payment falls due.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.state.due.first().map(|(at, _)| *at)
    }

    /// An account by its id.
    pub fn account(&self, id: Id<'_>) -> Option<(AccountNo, &Account)> {
        let no = self.state.accounts.find(id)?;
        Some((no, self.state.accounts.get(no)))
    }

    /// Accounts from a number on, in the order of their opening.
    pub fn accounts_from(&self, no: AccountNo) -> impl Iterator<Item = (AccountNo, &Account)> {
        self.state.accounts.iter_from(no)
    }

    /// How many accounts there are.
    pub fn accounts_count(&self) -> usize {
        self.state.accounts.len()
    }

    /// A payment that is not final.
    pub fn open_payment(&self, id: Id<'_>) -> Option<&OpenPayment> {
        self.state.open.get(&IdBuf::from(id))
    }

    /// Payments that are not final and whose ids come after this one, in the order of their ids.
    pub fn open_payments_after(
        &self,
        after: Option<IdBuf>,
    ) -> impl Iterator<Item = (&IdBuf, &OpenPayment)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.state.open.range((from, Bound::Unbounded))
    }

    /// How many payments are not final.
    pub fn open_payments_count(&self) -> usize {
        self.state.open.len()
    }

    /// The records in memory's reach that may be about a payment, newest first.
    pub fn payment_candidates(&self, id: Id<'_>) -> crate::Candidates {
        self.state.ids.candidates(self.state.tagger.tag(TagDomain::Payment, id.as_bytes()))
    }

    /// The tag under which a name is found in the index on disk.
    pub fn tag_of(&self, domain: TagDomain, scope: &[u8], name: &[u8]) -> u64 {
        self.state.tagger.tag_below(domain, scope, name)
    }

    /// What makes tags under the directory's secret.
    pub fn tagger(&self) -> Tagger {
        self.state.tagger
    }

    /// The sums of all accounts, per currency: the trial balance.
    pub fn totals(&self) -> impl Iterator<Item = (Currency, Sums)> + '_ {
        self.state.accounts.totals()
    }

    /// True if debits equal credits in every currency.
    pub fn is_balanced(&self) -> bool {
        self.totals().all(|(_, s)| {
            s.debits_posted == s.credits_posted && s.debits_pending == s.credits_pending
        })
    }

    /// All API keys, in the order of their numbers.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.state.keys.values()
    }

    /// The last record evolved.
    pub fn last(&self) -> Lsn {
        self.state.last
    }

    /// The time of the last record.
    pub fn now(&self) -> Timestamp {
        self.state.now
    }

    /// How many records were evolved since the journal began.
    pub fn records_count(&self) -> u64 {
        self.state.records_count
    }

    /// How many payments were made since the journal began, refused ones too.
    pub fn payments_count(&self) -> u64 {
        self.state.payments_count
    }

    /// The ids in memory.
    pub fn ids(&self) -> &RecentIds {
        &self.state.ids
    }

    /// Freezes the present generation of ids, to be written to disk, and begins the next.
    pub fn freeze_ids(&mut self) -> Arc<Frozen> {
        self.state.ids.freeze()
    }

    /// Keeps room for the next generation of ids; what was kept before is returned, to be dropped
    /// where it takes no time.
    pub fn keep_spare(&mut self, spare: Spare) -> Option<Spare> {
        self.state.ids.keep_spare(spare)
    }

    /// Forgets generations of ids that are in the index on disk now; drop them where it takes no
    /// time.
    pub fn drop_ids_through(&mut self, generation: u64) -> Vec<Arc<Frozen>> {
        self.state.ids.drop_through(generation)
    }
}
