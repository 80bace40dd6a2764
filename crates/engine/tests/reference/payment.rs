//! The payments of the naive ledger: what an order begins and what each step does, written as
//! plainly as can be.

use super::book::{self, Book, Checks, Way};
use courant_engine::command::{Money, Step};
use courant_ledger::{
    AHEAD_MAX_SECONDS, Bearer, Currency, GiveBack, HOLD_DEFAULT_SECONDS, LegRole, Mode, Order,
    OrderKind, Portion, Reason, Status,
};

/// One way of a payment's money and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leg {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) role: LegRole,
    pub(crate) ordered: i128,
    pub(crate) captured: i128,
    pub(crate) released: i128,
    pub(crate) refunded: i128,
    pub(crate) returned: i128,
    pub(crate) reversed: i128,
}

impl Leg {
    fn way(&self, amount: i128) -> Way {
        Way { from: self.from, to: self.to, amount }
    }

    fn back(&self, amount: i128) -> Way {
        Way { from: self.to, to: self.from, amount }
    }

    pub(crate) fn left(&self) -> i128 {
        self.ordered - self.captured - self.released
    }

    fn kept(&self) -> i128 {
        self.captured - self.refunded - self.returned - self.reversed
    }
}

/// A payment, all of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Payment {
    pub(crate) kind: OrderKind,
    pub(crate) mode: Mode,
    pub(crate) currency: Currency,
    pub(crate) status: Status,
    pub(crate) reason: Option<Reason>,
    pub(crate) created_at: u64,
    pub(crate) execute_at: Option<u64>,
    pub(crate) expires_at: Option<u64>,
    pub(crate) legs: Vec<Leg>,
}

type Done = Result<(), Reason>;

const SECOND: u64 = 1_000_000_000;

impl Payment {
    /// What an order begins with, before any money is touched.
    pub(crate) fn blank(order: &Order<'_>, at: u64) -> Payment {
        Payment {
            kind: order.kind,
            mode: order.mode,
            currency: order.currency,
            status: Status::Received,
            reason: None,
            created_at: at,
            execute_at: order.execute_at.map(|t| t.nanos()),
            expires_at: order.expires_at.map(|t| t.nanos()),
            legs: Vec::new(),
        }
    }

    pub(crate) fn rejected(mut self, reason: Reason) -> Payment {
        self.status = Status::Rejected;
        self.reason = Some(reason);
        self
    }

    pub(crate) fn begin(&mut self, book: &mut Book, order: &Order<'static>) -> Done {
        let now = self.created_at;
        self.legs = legs(book, order)?;
        let horizon = now + AHEAD_MAX_SECONDS * SECOND;
        if self.execute_at.is_some_and(|t| t > horizon) {
            return Err(Reason::ExecutionTooFar);
        }
        if self.expires_at.is_some_and(|t| t > horizon) {
            return Err(Reason::ExpiryTooFar);
        }
        if self.expires_at.is_some_and(|t| t <= now) {
            return Err(Reason::ExpiryPast);
        }
        if self.execute_at.is_some_and(|t| t > now) {
            self.reason = Some(Reason::Scheduled);
            return Ok(());
        }
        self.start(book, now)
    }

    /// Nothing begins that has lapsed before it began.
    pub(crate) fn execute(&mut self, book: &mut Book, now: u64) -> Done {
        if self.expires_at.is_some_and(|t| t <= now) {
            return Err(Reason::ExpiryPast);
        }
        self.start(book, now)
    }

    fn start(&mut self, book: &mut Book, now: u64) -> Done {
        self.reason = None;
        match (self.mode, self.kind) {
            (Mode::Pay, _) => self.complete_from_nothing(book)?,
            (Mode::AwaitConfirmation, OrderKind::TopUp) => {
                self.status = Status::Pending;
                self.reason = Some(Reason::AwaitingFunds);
                self.expires_at.get_or_insert(now + HOLD_DEFAULT_SECONDS * SECOND);
            }
            (Mode::AwaitConfirmation, _) => {
                self.hold_all(book)?;
                self.status = Status::Processing;
                self.reason = Some(Reason::AwaitingConfirmation);
            }
            (Mode::Authorise, _) => {
                self.hold_all(book)?;
                self.status = Status::Authorised;
                self.expires_at.get_or_insert(now + HOLD_DEFAULT_SECONDS * SECOND);
            }
        }
        Ok(())
    }

    fn hold_all(&self, book: &mut Book) -> Done {
        for leg in self.legs.iter().filter(|l| l.role != LegRole::CreditorFee) {
            book::hold(book, leg.way(leg.ordered))?;
        }
        Ok(())
    }

    fn complete_from_nothing(&mut self, book: &mut Book) -> Done {
        let is_below = self.is_below_fee(self.payees().map(|l| l.ordered).sum());
        for leg in &mut self.legs {
            book::transfer(book, leg.way(leg.ordered), Checks::StatusAndLimits).map_err(
                |reason| match reason {
                    Reason::InsufficientFunds if is_below && leg.role == LegRole::CreditorFee => {
                        Reason::PaymentBelowFee
                    }
                    reason => reason,
                },
            )?;
            leg.captured = leg.ordered;
        }
        self.status = Status::Completed;
        self.reason = None;
        Ok(())
    }

    /// When the clock does something with it.
    pub(crate) fn due_at(&self) -> Option<u64> {
        match self.status {
            Status::Received => self.execute_at,
            Status::Authorised => self.expires_at,
            Status::Pending if self.awaits_funds() => self.expires_at,
            _ => None,
        }
    }

    pub(crate) fn holds(&self) -> bool {
        self.status == Status::Authorised || self.is_outside()
    }

    fn awaits_funds(&self) -> bool {
        self.status == Status::Pending && self.reason == Some(Reason::AwaitingFunds)
    }

    fn is_outside(&self) -> bool {
        self.status == Status::Processing
            || (self.status == Status::Pending && self.reason == Some(Reason::Inquiry))
    }

    pub(crate) fn payees(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|l| l.role == LegRole::Principal)
    }

    fn any_captured(&self) -> bool {
        self.payees().any(|l| l.captured > 0)
    }

    pub(crate) fn expire(&mut self, book: &mut Book) {
        let held = self.status == Status::Authorised;
        let reason = if held { Reason::HoldExpired } else { Reason::FundingExpired };
        self.end(book, Status::Expired, reason);
    }

    fn end(&mut self, book: &mut Book, status: Status, reason: Reason) {
        if self.holds() {
            self.release_everything(book);
        }
        self.status = if self.any_captured() { Status::Completed } else { status };
        self.reason = Some(reason);
    }

    fn release_everything(&mut self, book: &mut Book) {
        for leg in &mut self.legs {
            let left = leg.left();
            if leg.role != LegRole::CreditorFee {
                book::release(book, leg.way(left));
            }
            leg.released += left;
        }
    }

    /// Takes a step; what it moved for payees.
    pub(crate) fn step(&mut self, book: &mut Book, step: &Step<'static>) -> Result<i128, Reason> {
        let other_currency = |c: Option<Currency>| c.is_some_and(|c| c != self.currency);
        let currency = match step {
            Step::Capture { portion, .. }
            | Step::Release { portion }
            | Step::GiveBack { portion, .. } => portion.currency,
            Step::Increment { currency, .. } => Some(*currency),
            _ => None,
        };
        if other_currency(currency) {
            return Err(Reason::PaymentCurrencyMismatch);
        }
        match step {
            Step::Capture { portion, release_rest, .. } => {
                self.capture(book, portion, *release_rest)
            }
            Step::Release { portion } => self.release(book, portion),
            Step::GiveBack { why, portion, .. } => self.give_back(book, *why, portion),
            Step::Increment { amount_minor, .. } => {
                self.increment(book, i128::from(*amount_minor)).map(|()| 0)
            }
            Step::Cancel => {
                let can = matches!(self.status, Status::Received | Status::Authorised);
                if !can && !self.awaits_funds() {
                    return Err(Reason::PaymentNotCancellable);
                }
                self.end(book, Status::Cancelled, Reason::CancelledByRequest);
                Ok(0)
            }
            Step::RefuseOutside => {
                if !self.awaits_funds() && !self.is_outside() {
                    return Err(Reason::PaymentNotConfirmable);
                }
                self.end(book, Status::Rejected, Reason::OutsideRefused);
                Ok(0)
            }
            Step::Inquire => {
                if self.status != Status::Processing {
                    return Err(Reason::PaymentNotConfirmable);
                }
                self.status = Status::Pending;
                self.reason = Some(Reason::Inquiry);
                Ok(0)
            }
            Step::Confirm => self.confirm(book),
        }
    }

    fn confirm(&mut self, book: &mut Book) -> Result<i128, Reason> {
        if self.awaits_funds() {
            self.complete_from_nothing(book)?;
        } else if self.is_outside() {
            let is_below = self.is_below_fee(self.payees().map(|l| l.ordered).sum());
            self.capture_each(book, &self.all(Leg::left)).map_err(|reason| match reason {
                Reason::InsufficientFunds if is_below => Reason::PaymentBelowFee,
                reason => reason,
            })?;
            self.status = Status::Completed;
            self.reason = None;
        } else {
            return Err(Reason::PaymentNotConfirmable);
        }
        Ok(self.payees().map(|l| l.captured).sum())
    }

    fn capture(
        &mut self,
        book: &mut Book,
        money: &Money<'static>,
        release_rest: bool,
    ) -> Result<i128, Reason> {
        if self.status != Status::Authorised {
            return Err(Reason::PaymentNotCapturable);
        }
        let parts = self.parts(money, Leg::left, Reason::CaptureExceedsHold)?;
        let captured: i128 = parts.iter().map(|(_, amount)| amount).sum();
        let is_below = self.is_below_fee(captured);
        let is_first = !self.any_captured();
        self.capture_each(book, &parts).map_err(|reason| match reason {
            Reason::InsufficientFunds if is_first && is_below => Reason::CaptureBelowFee,
            reason => reason,
        })?;
        if release_rest {
            self.release_everything(book);
        }
        self.finish_if_nothing_left();
        Ok(captured)
    }

    fn is_below_fee(&self, paid: i128) -> bool {
        let fees = self.legs.iter().filter(|l| l.role == LegRole::CreditorFee);
        paid < fees.map(|l| l.ordered).sum()
    }

    fn capture_each(&mut self, book: &mut Book, parts: &[(usize, i128)]) -> Done {
        let fees_too = !self.any_captured();
        for (at, amount) in parts {
            book::capture(book, self.legs[*at].way(*amount))?;
            self.legs[*at].captured += amount;
        }
        for leg in self.legs.iter_mut().filter(|l| fees_too && l.role != LegRole::Principal) {
            if leg.role == LegRole::DebtorFee {
                book::capture(book, leg.way(leg.ordered))?;
            } else {
                book::transfer(book, leg.way(leg.ordered), Checks::StatusAndLimits)?;
            }
            leg.captured = leg.ordered;
        }
        Ok(())
    }

    fn release(&mut self, book: &mut Book, money: &Money<'static>) -> Result<i128, Reason> {
        if self.status != Status::Authorised {
            return Err(Reason::PaymentNotAuthorised);
        }
        let parts = self.parts(money, Leg::left, Reason::ReleaseExceedsHold)?;
        for (at, amount) in &parts {
            book::release(book, self.legs[*at].way(*amount));
            self.legs[*at].released += amount;
        }
        if self.payees().all(|l| l.left() == 0) {
            self.release_everything(book);
        }
        self.finish_if_nothing_left();
        Ok(0)
    }

    fn finish_if_nothing_left(&mut self) {
        if self.payees().all(|l| l.left() == 0) {
            let captured = self.any_captured();
            self.status = if captured { Status::Completed } else { Status::Cancelled };
            self.reason = if captured { None } else { Some(Reason::CancelledByRequest) };
        }
    }

    fn increment(&mut self, book: &mut Book, amount: i128) -> Done {
        if self.status != Status::Authorised || self.payees().count() != 1 {
            return Err(Reason::IncrementNotPossible);
        }
        if self.legs.iter().map(|l| l.ordered).sum::<i128>() + amount > i128::from(u64::MAX) {
            return Err(Reason::AmountOverflow);
        }
        book::hold(book, self.legs[0].way(amount))?;
        self.legs[0].ordered += amount;
        Ok(())
    }

    fn give_back(
        &mut self,
        book: &mut Book,
        why: GiveBack,
        money: &Money<'static>,
    ) -> Result<i128, Reason> {
        if !self.any_captured() {
            return Err(Reason::PaymentNotRefundable);
        }
        let parts = self.parts(money, Leg::kept, Reason::RefundExceedsCapture)?;
        if parts.is_empty() {
            return Err(Reason::RefundExceedsCapture);
        }
        for (at, amount) in &parts {
            let leg = &mut self.legs[*at];
            let checks = match why {
                GiveBack::Refund | GiveBack::Return => Checks::StatusAndLimits,
                GiveBack::Reversal => Checks::NotClosed,
            };
            book::transfer(book, leg.back(*amount), checks)?;
            *match why {
                GiveBack::Refund => &mut leg.refunded,
                GiveBack::Return => &mut leg.returned,
                GiveBack::Reversal => &mut leg.reversed,
            } += amount;
        }
        Ok(parts.iter().map(|(_, amount)| amount).sum())
    }

    fn all(&self, has: impl Fn(&Leg) -> i128) -> Vec<(usize, i128)> {
        let parts = self.payees().map(has).enumerate();
        parts.filter(|(_, amount)| *amount > 0).collect()
    }

    /// The payees' legs that a portion means and how much of each; never more than each has.
    fn parts(
        &self,
        money: &Money<'static>,
        has: impl Fn(&Leg) -> i128,
        too_much: Reason,
    ) -> Result<Vec<(usize, i128)>, Reason> {
        let mut parts = Vec::new();
        match &money.portion {
            Portion::All => parts = self.all(has),
            Portion::Total(_) if self.payees().count() > 1 => return Err(Reason::PartsRequired),
            Portion::Total(amount) if i128::from(*amount) > has(&self.legs[0]) => {
                return Err(too_much);
            }
            Portion::Total(amount) => parts.push((0, i128::from(*amount))),
            Portion::Parts(asked) => {
                for part in asked {
                    let at = self.payees().position(|l| l.to == part.payee.as_str());
                    let at = at.filter(|at| parts.iter().all(|(known, _)| known != at));
                    let at = at.ok_or(Reason::PartPayeeUnknown)?;
                    let amount = i128::from(part.amount_minor);
                    if amount > has(&self.legs[at]) {
                        return Err(too_much);
                    }
                    parts.push((at, amount));
                }
            }
        }
        Ok(parts)
    }
}

fn legs(book: &Book, order: &Order<'static>) -> Result<Vec<Leg>, Reason> {
    let at_home = order.kind == OrderKind::Transfer;
    let or_outside = |reason| if at_home { reason } else { Reason::OutsideNotOpen };
    let find = |name: &'static str, missing: Reason, other_currency: Reason| {
        let account = book.get(name).ok_or(missing)?;
        let fits = account.terms.currency == order.currency;
        if fits { Ok(name) } else { Err(other_currency) }
    };
    let debtor = order.debtor.as_str();
    let missing = or_outside(Reason::DebitAccountNotFound);
    find(debtor, missing, Reason::DebitCurrencyMismatch)?;
    let missing = or_outside(Reason::CreditAccountNotFound);
    let payees = order.payees.iter().map(|p| {
        let to = (p.creditor.as_str(), missing);
        (debtor, to, LegRole::Principal, p.amount_minor)
    });
    let fees = order.fees.iter().map(|f| {
        let (from, role) = match f.bearer {
            Bearer::Debtor => (debtor, LegRole::DebtorFee),
            Bearer::Creditor => (order.payees[0].creditor.as_str(), LegRole::CreditorFee),
        };
        (from, (f.account.as_str(), Reason::FeeAccountNotFound), role, f.amount_minor)
    });
    let mut legs: Vec<Leg> = Vec::new();
    for (from, (to, missing), role, amount) in payees.chain(fees) {
        find(to, missing, Reason::CreditCurrencyMismatch)?;
        if from == to {
            return Err(Reason::AccountsMustDiffer);
        }
        let (ordered, nothing) = (i128::from(amount), 0);
        let (captured, released, refunded) = (nothing, nothing, nothing);
        let (returned, reversed) = (nothing, nothing);
        let leg = Leg { from, to, role, ordered, captured, released, refunded, returned, reversed };
        legs.push(leg);
        if legs.iter().map(|l| l.ordered).sum::<i128>() > i128::from(u64::MAX) {
            return Err(Reason::AmountOverflow);
        }
    }
    Ok(legs)
}
