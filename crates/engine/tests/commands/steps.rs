//! Random steps: mostly of open payments, with amounts near what is left.

use super::{CURRENCIES, Command, Commands, Id, PaymentStep, Portion, Reference, Step};
use crate::reference::payment::Payment;
use courant_engine::command::Money;
use courant_ledger::{Currency, GiveBack, LegRole, Part, Status};

impl Commands {
    /// A step that ends an open payment, whatever it waits for.
    pub(super) fn ending(&mut self, known: &Reference) -> Command<'static> {
        let payment = self.open_payment(known).unwrap_or(Self::id("nothing"));
        let step = if self.percent(50) { Step::Cancel } else { Step::RefuseOutside };
        Command::Step(PaymentStep { payment, step, reason: None })
    }

    fn open_payment(&mut self, known: &Reference) -> Option<Id<'static>> {
        let nth = self.rng.usize(..known.open.len().max(1));
        known.open.keys().nth(nth).map(|id| Self::id(id))
    }

    pub(super) fn step(&mut self, known: &Reference) -> PaymentStep<'static> {
        let from = self.recent();
        let any = (from < self.payments.len())
            .then(|| self.payments[self.rng.usize(from..self.payments.len())]);
        let waits = known.next_due(self.now).filter(|_| self.rng.bool()).map(Self::id);
        let id = match self.rng.u32(..100) {
            _ if waits.is_some() => waits,
            0..70 => self.open_payment(known).or(any),
            70..98 => any,
            _ => None,
        };
        let id = id.unwrap_or(Self::id("nothing"));
        let payment = known.payments.get(id.as_str()).map(|kept| kept.payment.clone());
        let currency = payment.as_ref().map_or(Currency::EUR, |p| p.currency);
        let strange = self.percent(self.habits.strange);
        let currency = if strange { self.pick(&CURRENCIES) } else { currency };
        let money = |commands: &mut Commands, back: bool| Money {
            currency: Some(currency),
            portion: commands.portion(payment.as_ref(), back),
        };
        let fitting = payment.as_ref().filter(|_| self.rng.u32(..10) < 6).map(fitting);
        let kind = match fitting {
            Some(kinds) if !kinds.is_empty() => self.pick(kinds),
            _ => self.weighted(&self.habits.steps.clone()),
        };
        let step = match kind {
            0 => Step::Capture {
                child: self.child(),
                portion: money(self, false),
                release_rest: self.percent(20),
            },
            1 => Step::Release { portion: money(self, false) },
            2 => Step::Increment { currency, amount_minor: self.amount() },
            3 => Step::Cancel,
            4 => Step::Confirm,
            5 => Step::RefuseOutside,
            6 => Step::Inquire,
            _ => Step::GiveBack {
                child: self.child(),
                why: self.pick(&[GiveBack::Refund, GiveBack::Return, GiveBack::Reversal]),
                portion: money(self, true),
            },
        };
        PaymentStep { payment: id, step, reason: None }
    }

    /// Where the payments begin from which a step picks: mostly late ones, sometimes any.
    fn recent(&mut self) -> usize {
        match self.percent(70) {
            true => self.payments.len().saturating_sub(30),
            false => 0,
        }
    }

    fn child(&mut self) -> Id<'static> {
        match self.percent(10) {
            true => Self::id(self.pick(&["first", "second", "third"])),
            false => Self::id(self.new_text("c")),
        }
    }

    fn portion(&mut self, payment: Option<&Payment>, back: bool) -> Portion<'static> {
        let Some(payment) = payment else { return Portion::All };
        let payees: Vec<(&'static str, u64)> = payment
            .payees()
            .map(|leg| (leg.to, if back { leg.captured } else { leg.left() }))
            .map(|(to, has)| (to, u64::try_from(has).expect("amounts fit")))
            .collect();
        let is_fee_due =
            payment.legs.iter().any(|l| l.role == LegRole::CreditorFee && l.left() > 0);
        match self.rng.u32(..10) {
            // Less than most fees that the payee bears.
            _ if !back && is_fee_due && self.percent(50) => Portion::Total(1),
            0..2 => Portion::All,
            2..7 if payees.len() == 1 => Portion::Total(self.part_of(payees[0].1)),
            2 => Portion::Total(self.amount()),
            _ => self.parts(&payees),
        }
    }

    fn parts(&mut self, payees: &[(&'static str, u64)]) -> Portion<'static> {
        let mut parts: smallvec::SmallVec<[Part<'static>; 0]> = Default::default();
        for (to, has) in payees {
            if self.percent(60) {
                let payee = Id::parse_any("id", to).expect("it was used before");
                parts.push(Part { payee, amount_minor: self.part_of(*has) });
            }
        }
        if self.percent(self.habits.strange) {
            let payee = parts.first().map_or(Self::id("nobody"), |p| p.payee);
            parts.push(Part { payee, amount_minor: 1 });
        }
        if parts.is_empty() { Portion::All } else { Portion::Parts(parts) }
    }

    /// Mostly a part, often all, sometimes one too many.
    fn part_of(&mut self, has: u64) -> u64 {
        let part = match self.rng.u32(..10) {
            0..3 => has,
            3 => has.saturating_add(1),
            4 => self.amount(),
            _ => self.rng.u64(..=has),
        };
        part.max(1)
    }
}

/// The numbers of the steps that can be taken in a payment's status.
fn fitting(payment: &Payment) -> &'static [usize] {
    match payment.status {
        Status::Authorised => &[0, 0, 0, 1, 2, 3, 7],
        Status::Processing => &[4, 5, 6],
        Status::Pending => &[3, 4, 4, 5],
        Status::Completed => &[7],
        Status::Received | Status::Rejected | Status::Cancelled | Status::Expired => &[],
    }
}
