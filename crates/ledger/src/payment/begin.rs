//! The first steps: from an order to a payment, and from a scheduled payment to its execution.

use super::{Leg, LegRole, Legs, Payment, Status};
use crate::draft::{Draft, Force};
use crate::{AccountNo, Accounts, Bearer, Mode, Order, OrderKind, Reason, Timestamp};

/// How long money is held, or awaited from outside, if the order does not say, in seconds: seven
/// days.
pub const HOLD_DEFAULT_SECONDS: u64 = 7 * 86_400;

/// How far ahead an execution or an expiry may lie, in seconds: 366 days.
pub const AHEAD_MAX_SECONDS: u64 = 366 * 86_400;

/// The accounts of an order as far as they were looked up before its payment is begun. An account
/// keeps its number, so what was found stays true; what was not is looked up then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parties {
    /// The debtor's account.
    pub debtor: Option<AccountNo>,
    /// The first payee's account.
    pub creditor: Option<AccountNo>,
}

impl Parties {
    /// These accounts as far as they are those that the order names.
    #[inline]
    pub fn checked(self, order: &Order<'_>, accounts: &Accounts) -> Parties {
        let debtor = self.debtor.filter(|no| accounts.get(*no).has_id(order.debtor));
        let payee = order.payees.first();
        let creditor = self.creditor.zip(payee);
        let creditor = creditor.filter(|(no, payee)| accounts.get(*no).has_id(payee.creditor));
        Parties { debtor, creditor: creditor.map(|(no, _)| no) }
    }
}

impl Payment {
    /// Begins the payment that an order asks for. An error is the reason of its rejection: drop the
    /// draft, and record [`Payment::rejected`]. `known` are accounts that were found ahead.
    #[inline]
    pub fn begin(
        draft: &mut Draft<'_>,
        order: &Order<'_>,
        known: Parties,
        now: Timestamp,
    ) -> Result<Payment, Reason> {
        let mut payment = Payment::blank(order, now);
        payment.legs = legs(draft, order, known)?;
        check_times(order, now)?;
        if order.execute_at.is_some_and(|at| at > now) {
            payment.status = Status::Received;
            payment.reason = Some(Reason::Scheduled);
            return Ok(payment);
        }
        payment.start(draft, now)?;
        Ok(payment)
    }

    /// The payment of an order that is refused: its identity is claimed, no money moves.
    pub fn rejected(order: &Order<'_>, reason: Reason, now: Timestamp) -> Payment {
        let mut payment = Payment::blank(order, now);
        payment.status = Status::Rejected;
        payment.reason = Some(reason);
        payment
    }

    /// Executes a scheduled payment when its time has come. One that has lapsed by then, because
    /// nobody looked in time, is refused: else an instruction would go out after its expiry.
    ///
    /// Panics if it is not scheduled.
    pub fn execute(&self, draft: &mut Draft<'_>, now: Timestamp) -> Result<Payment, Reason> {
        assert!(self.status == Status::Received, "only a scheduled payment is executed");
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(Reason::ExpiryPast);
        }
        let mut after = self.clone();
        after.reason = None;
        after.start(draft, now)?;
        Ok(after)
    }

    /// A payment that an execution refused.
    pub fn refused(&self, reason: Reason) -> Payment {
        Payment { status: Status::Rejected, reason: Some(reason), ..self.clone() }
    }

    #[inline]
    fn blank(order: &Order<'_>, now: Timestamp) -> Payment {
        Payment {
            kind: order.kind,
            mode: order.mode,
            status: Status::Received,
            reason: None,
            currency: order.currency,
            created_at: now,
            execute_at: order.execute_at,
            expires_at: order.expires_at,
            legs: Legs::new(),
        }
    }

    #[inline]
    fn start(&mut self, draft: &mut Draft<'_>, now: Timestamp) -> Result<(), Reason> {
        match self.mode {
            Mode::Pay => {
                self.post_all(draft)?;
                self.status = Status::Completed;
            }
            Mode::Authorise => {
                self.hold_all(draft)?;
                self.status = Status::Authorised;
                self.lapse_by_itself(now);
            }
            Mode::AwaitConfirmation if self.kind == OrderKind::TopUp => {
                self.status = Status::Pending;
                self.reason = Some(Reason::AwaitingFunds);
                self.lapse_by_itself(now);
            }
            Mode::AwaitConfirmation => {
                self.hold_all(draft)?;
                self.status = Status::Processing;
                self.reason = Some(Reason::AwaitingConfirmation);
            }
        }
        Ok(())
    }

    /// Whatever waits ends by itself, if only after the default time.
    fn lapse_by_itself(&mut self, now: Timestamp) {
        self.expires_at.get_or_insert(now.plus_seconds(HOLD_DEFAULT_SECONDS));
    }

    /// Posts every leg; principal first, so that a fee borne by the creditor finds the money there.
    #[inline]
    pub(super) fn post_all(&mut self, draft: &mut Draft<'_>) -> Result<(), Reason> {
        for leg in &mut self.legs {
            let role = leg.role;
            if let Err(reason) = draft.post(leg.moving(leg.amount_minor), Force::No) {
                return Err(self.why_not_posted(role, reason));
            }
            leg.captured_minor = leg.amount_minor;
        }
        Ok(())
    }

    #[cold]
    fn why_not_posted(&self, role: LegRole, reason: Reason) -> Reason {
        match role {
            LegRole::CreditorFee => self.unless_below_fee(reason, Reason::PaymentBelowFee),
            LegRole::Principal | LegRole::DebtorFee => reason,
        }
    }

    fn hold_all(&self, draft: &mut Draft<'_>) -> Result<(), Reason> {
        let held = self.legs.iter().filter(|l| l.role != LegRole::CreditorFee);
        held.into_iter().try_for_each(|leg| draft.hold(leg.moving(leg.amount_minor)))
    }
}

fn check_times(order: &Order<'_>, now: Timestamp) -> Result<(), Reason> {
    let horizon = now.plus_seconds(AHEAD_MAX_SECONDS);
    match (order.execute_at, order.expires_at) {
        (Some(at), _) if at > horizon => Err(Reason::ExecutionTooFar),
        (_, Some(at)) if at > horizon => Err(Reason::ExpiryTooFar),
        (_, Some(at)) if at <= now => Err(Reason::ExpiryPast),
        _ => Ok(()),
    }
}

#[inline]
fn legs(draft: &Draft<'_>, order: &Order<'_>, known: Parties) -> Result<Legs, Reason> {
    let outside = order.kind != OrderKind::Transfer;
    let missing = |reason| if outside { Reason::OutsideNotOpen } else { reason };
    let found = known.debtor.or_else(|| draft.accounts().find(order.debtor));
    let debit = found.ok_or_else(|| missing(Reason::DebitAccountNotFound))?;
    if draft.accounts().get(debit).terms.currency != order.currency {
        return Err(Reason::DebitCurrencyMismatch);
    }
    let mut total: u64 = 0;
    let mut legs = Legs::new();
    for (nth, payee) in order.payees.iter().enumerate() {
        let known = known.creditor.filter(|_| nth == 0);
        let found = known.or_else(|| draft.accounts().find(payee.creditor));
        let credit = found.ok_or_else(|| missing(Reason::CreditAccountNotFound))?;
        if draft.accounts().get(credit).terms.currency != order.currency {
            return Err(Reason::CreditCurrencyMismatch);
        }
        if credit == debit {
            return Err(Reason::AccountsMustDiffer);
        }
        total = total.checked_add(payee.amount_minor).ok_or(Reason::AmountOverflow)?;
        legs.push(Leg::new(debit, credit, LegRole::Principal, payee.amount_minor));
    }
    for fee in &order.fees {
        let account = draft.accounts().find(fee.account).ok_or(Reason::FeeAccountNotFound)?;
        if draft.accounts().get(account).terms.currency != order.currency {
            return Err(Reason::CreditCurrencyMismatch);
        }
        let (from, role) = match fee.bearer {
            Bearer::Debtor => (debit, LegRole::DebtorFee),
            Bearer::Creditor => (legs[0].credit, LegRole::CreditorFee),
        };
        if from == account {
            return Err(Reason::AccountsMustDiffer);
        }
        total = total.checked_add(fee.amount_minor).ok_or(Reason::AmountOverflow)?;
        legs.push(Leg::new(from, account, role, fee.amount_minor));
    }
    Ok(legs)
}
