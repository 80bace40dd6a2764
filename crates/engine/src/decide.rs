//! Deciding: from the state and a command to an outcome, changing nothing.

mod account;
mod key;
mod payment;

use crate::command::{Caller, Command};
use crate::ids::Candidates;
use crate::outcome::Outcome;
use crate::state::State;
use crate::{Lsn, OpenPayment};
use courant_ledger::{Order, Parties, Reason, TagDomain, Timestamp};
use smallvec::SmallVec;

/// What the owner looked up before asking, because the state alone does not know.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// All generations of ids before this one were looked through on disk and held nothing for
    /// this command but what stands here.
    pub searched_before: u64,
    /// Records that share a tag with the command but were read and are about something else.
    pub unrelated: SmallVec<[Lsn; 1]>,
    /// The payment that the command is about, as its last record says, if it is not open.
    pub payment: Option<OpenPayment>,
}

/// What was looked up in memory ahead of deciding, for a group of commands at once so that their
/// waits for memory overlap. It never changes an outcome.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints {
    /// The tag of the payment that is made.
    pub(crate) payment_tag: Option<u64>,
    /// Its accounts.
    pub(crate) parties: Parties,
}

/// The most commands that are looked ahead for together: enough to overlap their waits for memory,
/// few enough to stay in the first cache.
pub const AHEAD_MAX: usize = 16;

impl State {
    /// Looks ahead for some commands. In rounds, each of which reads only where the round before
    /// said: within a round no read waits for another. The first only computes: what stands
    /// between two reads keeps the processor from having both under way.
    pub(crate) fn look_ahead(&self, commands: &[Command<'_>]) -> [Hints; AHEAD_MAX] {
        assert!(commands.len() <= AHEAD_MAX, "more commands than are looked ahead for at once");
        let mut hints = [Hints::default(); AHEAD_MAX];
        let orders = || commands.iter().zip(0..AHEAD_MAX).filter_map(order_of);
        let mut tags = [[0; 3]; AHEAD_MAX];
        let mut read = 0;
        for (order, at) in orders() {
            let tag = self.tagger.tag(TagDomain::Payment, order.id.as_bytes());
            hints[at].payment_tag = Some(tag);
            let payee = order.payees.first().map_or(order.debtor, |payee| payee.creditor);
            tags[at] = [tag, self.accounts.tag(order.debtor), self.accounts.tag(payee)];
        }
        for &[payment, debtor, creditor] in &tags[..commands.len()] {
            read ^= self.ids.touch(payment);
            read ^= self.accounts.touch_index(debtor) ^ self.accounts.touch_index(creditor);
        }
        for (_, at) in orders() {
            let [debtor, creditor] = [1, 2].map(|party| self.accounts.guess(tags[at][party]));
            for no in [debtor, creditor].into_iter().flatten() {
                read ^= self.accounts.get(no).touch();
            }
            hints[at].parties = Parties { debtor, creditor };
        }
        std::hint::black_box(read);
        for (order, at) in orders() {
            hints[at].parties = hints[at].parties.checked(order, &self.accounts);
        }
        hints
    }
}

fn order_of<'c, 'a>((command, at): (&'c Command<'a>, usize)) -> Option<(&'c Order<'a>, usize)> {
    match command {
        Command::Pay(order) => Some((order, at)),
        _ => None,
    }
}

/// What a command came to.
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every decision is a record; a box would cost an allocation each"
)]
pub enum Decision {
    /// To be recorded, and then evolved.
    Record(Outcome),
    /// Refused; nothing is recorded. For a group, the place of the payment it is about.
    Refused(Reason, Option<usize>),
    /// These records may be about the same id, newest first: read them, and answer the repeat, or
    /// ask again with what they say in the facts.
    Look(Candidates),
    /// The index on disk has to be looked through again: a generation moved there since.
    LookOnDisk,
}

impl State {
    /// Decides a command that passed [`Command::check`]. `now` is the owner's clock; the decision
    /// is made at the later of it and the last record.
    #[inline]
    pub(crate) fn decide(
        &self,
        now: Timestamp,
        (caller, command): (Caller<'_>, &Command<'_>),
        facts: &Facts,
        hints: Hints,
    ) -> Decision {
        let needs_ids = !matches!(command, Command::Due { .. });
        if needs_ids && facts.searched_before < self.ids.first_generation() {
            return Decision::LookOnDisk;
        }
        if let Some(key) = caller.idempotency_key {
            let seen = self.seen(idempotency_tag(self, caller.key, key), facts);
            if !seen.is_empty() {
                return Decision::Look(seen);
            }
        }
        match command {
            Command::Pay(order) => self.pay(now, order, facts, hints),
            Command::PayGroup(orders) => self.pay_group(now, orders, facts),
            Command::Step(step) => self.step(now, step, facts),
            Command::Due { payment } => self.due(now, *payment),
            Command::OpenAccount(open) => self.open_account(open),
            Command::ChangeAccount(change) => self.change_account(change),
            Command::CreateKey(key) => self.create_key(now, key),
            Command::RevokeKey { number } => self.revoke_key(now, *number),
        }
    }

    /// The records that may be about a tag and were not ruled out.
    #[inline]
    fn seen(&self, tag: u64, facts: &Facts) -> Candidates {
        let mut seen = self.ids.candidates(tag);
        if !seen.is_empty() {
            seen.retain(|lsn| !facts.unrelated.contains(lsn));
        }
        seen
    }
}

/// The tag of an idempotency key: keys of different callers are different.
pub(crate) fn idempotency_tag(state: &State, key_number: u32, text: &str) -> u64 {
    state.tagger.tag_below(TagDomain::IdempotencyKey, &key_number.to_le_bytes(), text.as_bytes())
}
