//! Decisions about payments.

use super::{Decision, Facts, Hints};
use crate::command::{Money, PaymentStep, Step};
use crate::outcome::{AccountsAfter, GroupOutcome, Outcome, PaymentOutcome};
use crate::state::{OpenPayment, State};
use crate::{Candidates, Lsn};
use courant_ledger::{
    Draft, Id, IdBuf, MovedMinor, Order, Parties, Payment, Reason, Status, TagDomain, Timestamp,
};
use std::collections::BTreeSet;

impl State {
    #[inline]
    pub(super) fn pay(
        &self,
        now: Timestamp,
        order: &Order<'_>,
        facts: &Facts,
        hints: Hints,
    ) -> Decision {
        let tag = || self.tagger.tag(TagDomain::Payment, order.id.as_bytes());
        let seen = self.seen(hints.payment_tag.unwrap_or_else(tag), facts);
        if !seen.is_empty() {
            return Decision::Look(seen);
        }
        let at = now.max(self.now);
        let mut draft = Draft::new(&self.accounts);
        let (payment, touched) = match Payment::begin(&mut draft, order, hints.parties, at) {
            Ok(payment) => (payment, draft.finish()),
            Err(reason) => (Payment::rejected(order, reason, at), AccountsAfter::new()),
        };
        if !payment.status.is_final() && !self.can_open(1) {
            return Decision::Refused(Reason::OpenPaymentsFull, None);
        }
        let moved_minor = moved_at_once(&payment);
        Decision::Record(Outcome::Payment(PaymentOutcome {
            payment,
            origin: Lsn::NONE,
            previous: Lsn::NONE,
            moved_minor,
            accounts: touched,
        }))
    }

    pub(super) fn pay_group(
        &self,
        now: Timestamp,
        orders: &[Order<'_>],
        facts: &Facts,
    ) -> Decision {
        let mut ids = BTreeSet::new();
        for (index, order) in orders.iter().enumerate() {
            if !ids.insert(order.id) {
                return Decision::Refused(Reason::GroupMemberRepeated, Some(index));
            }
            let seen = self.seen(self.tagger.tag(TagDomain::Payment, order.id.as_bytes()), facts);
            if !seen.is_empty() {
                return Decision::Look(seen);
            }
        }
        let at = now.max(self.now);
        let mut draft = Draft::new(&self.accounts);
        let mut payments = Vec::with_capacity(orders.len());
        let mut opened = 0;
        for (index, order) in orders.iter().enumerate() {
            let payment = match Payment::begin(&mut draft, order, Parties::default(), at) {
                Ok(payment) => payment,
                Err(reason) => return Decision::Refused(reason, Some(index)),
            };
            if !payment.status.is_final() {
                opened += 1;
                if !self.can_open(opened) {
                    return Decision::Refused(Reason::OpenPaymentsFull, Some(index));
                }
            }
            payments.push(payment);
        }
        let accounts = draft.finish();
        Decision::Record(Outcome::Group(GroupOutcome { payments, accounts }))
    }

    pub(super) fn step(&self, now: Timestamp, step: &PaymentStep<'_>, facts: &Facts) -> Decision {
        if let Some(child) = step.step.child() {
            let scope = step.payment.as_bytes();
            let tag = self.tagger.tag_below(TagDomain::Child, scope, child.as_bytes());
            let seen = self.seen(tag, facts);
            if !seen.is_empty() {
                return Decision::Look(seen);
            }
        }
        let known = match self.known(step.payment, facts) {
            Ok(Some(known)) => known,
            Ok(None) => return Decision::Refused(Reason::PaymentNotFound, None),
            Err(candidates) => return Decision::Look(candidates),
        };
        let mut draft = Draft::new(&self.accounts);
        match take(&known.payment, &mut draft, &step.step) {
            Ok((payment, moved_minor)) => {
                self.stepped(&known, payment, moved_minor, draft.finish())
            }
            // A hold that should have lapsed by now must not be captured in the meantime.
            Err(reason) => Decision::Refused(reason, None),
        }
        .unless_due(&known.payment, now.max(self.now))
    }

    /// Executes or expires a payment whose time has come.
    ///
    /// Panics if it has not come: only the engine asks, and it looks first.
    pub(super) fn due(&self, now: Timestamp, id: Id<'_>) -> Decision {
        let at = now.max(self.now);
        let known = self.open.get(&IdBuf::from(id)).expect("only an open payment falls due");
        let due_at = known.payment.due_at().expect("and only one with a time");
        assert!(due_at <= at, "and only when that time has come");
        let mut draft = Draft::new(&self.accounts);
        let (payment, moved_minor, touched) = match known.payment.status {
            Status::Received => match known.payment.execute(&mut draft, at) {
                Ok(payment) => {
                    let moved_minor = moved_at_once(&payment);
                    (payment, moved_minor, draft.finish())
                }
                Err(reason) => (known.payment.refused(reason), 0, AccountsAfter::new()),
            },
            _ => (known.payment.expire(&mut draft), 0, draft.finish()),
        };
        self.stepped(known, payment, moved_minor, touched)
    }

    fn stepped(
        &self,
        known: &OpenPayment,
        payment: Payment,
        moved_minor: MovedMinor,
        accounts: AccountsAfter,
    ) -> Decision {
        payment.assert_sound();
        Decision::Record(Outcome::Payment(PaymentOutcome {
            payment,
            origin: known.origin,
            previous: known.latest,
            moved_minor,
            accounts,
        }))
    }

    /// Whether so many more payments may stay open. Steps of open ones are always decided, and what
    /// was recorded is never refused, so the limit may be lowered below what is open.
    fn can_open(&self, more: usize) -> bool {
        more <= self.open_max.saturating_sub(self.open.len())
    }

    /// The payment with this id: open, or as the facts say. `Err`: newer records may be about it.
    fn known(&self, id: Id<'_>, facts: &Facts) -> Result<Option<OpenPayment>, Candidates> {
        if let Some(open) = self.open.get(&IdBuf::from(id)) {
            return Ok(Some(open.clone()));
        }
        let read = facts.payment.as_ref().map_or(Lsn::NONE, |p| p.latest);
        let mut newer = self.seen(self.tagger.tag(TagDomain::Payment, id.as_bytes()), facts);
        newer.retain(|lsn| *lsn > read);
        if newer.is_empty() { Ok(facts.payment.clone()) } else { Err(newer) }
    }
}

impl Decision {
    /// Refuses a step of a payment whose own time has come: its expiry or execution goes first.
    fn unless_due(self, payment: &Payment, now: Timestamp) -> Self {
        match payment.due_at() {
            Some(at) if at <= now => Decision::Refused(Reason::PaymentBusy, None),
            _ => self,
        }
    }
}

fn take(
    payment: &Payment,
    draft: &mut Draft<'_>,
    step: &Step<'_>,
) -> Result<(Payment, MovedMinor), Reason> {
    match step {
        Step::Capture { portion, release_rest, .. } => {
            in_currency(payment, portion)?;
            payment.capture(draft, &portion.portion, *release_rest)
        }
        Step::Release { portion } => {
            in_currency(payment, portion)?;
            payment.release(draft, &portion.portion).map(|after| (after, 0))
        }
        Step::GiveBack { why, portion, .. } => {
            in_currency(payment, portion)?;
            payment.give_back(draft, *why, &portion.portion)
        }
        Step::Increment { currency, .. } if *currency != payment.currency => {
            Err(Reason::PaymentCurrencyMismatch)
        }
        Step::Increment { amount_minor, .. } => {
            payment.increment(draft, *amount_minor).map(|after| (after, 0))
        }
        Step::Cancel => payment.cancel(draft).map(|after| (after, 0)),
        Step::Confirm => payment.confirm(draft).map(|after| {
            let moved = moved_at_once(&after);
            (after, moved)
        }),
        Step::RefuseOutside => payment.refuse_outside(draft).map(|after| (after, 0)),
        Step::Inquire => payment.inquire().map(|after| (after, 0)),
    }
}

fn in_currency(payment: &Payment, money: &Money<'_>) -> Result<(), Reason> {
    match money.currency {
        Some(currency) if currency != payment.currency => Err(Reason::PaymentCurrencyMismatch),
        _ => Ok(()),
    }
}

/// What payees have received by a payment that was just completed; it fits, as the order's total
/// does.
fn moved_at_once(payment: &Payment) -> MovedMinor {
    if payment.status != Status::Completed {
        return 0;
    }
    payment.principal().map(|leg| leg.captured_minor).sum()
}
