//! The middle steps: what can happen to a payment whose money is held or awaited.

use super::{LegRole, MovedMinor, Payment, Portion, Status};
use crate::Reason;
use crate::draft::Draft;

impl Payment {
    /// Captures some or all of an authorised payment. Fees are taken in full with the first
    /// capture. With `release_rest`, what is left is released and the payment is completed.
    pub fn capture(
        &self,
        draft: &mut Draft<'_>,
        portion: &Portion<'_>,
        release_rest: bool,
    ) -> Result<(Payment, MovedMinor), Reason> {
        if self.status != Status::Authorised {
            return Err(Reason::PaymentNotCapturable);
        }
        let has = |l: &super::Leg| l.remaining_minor();
        let parts = self.allot(draft.accounts(), portion, has, Reason::CaptureExceedsHold)?;
        let moved: u64 = parts.iter().map(|(_, amount)| amount).sum();
        if moved == 0 {
            return Err(Reason::PaymentNotCapturable);
        }
        let mut after = self.clone();
        let first = after.principal().all(|l| l.captured_minor == 0);
        for (at, amount) in parts {
            let leg = &mut after.legs[at];
            draft.post_held(leg.moving(amount))?;
            leg.captured_minor += amount;
        }
        if first {
            let below = Reason::CaptureBelowFee;
            let taken = after.take_fees(draft);
            taken.map_err(|reason| after.unless_below_fee(reason, below))?;
        }
        if release_rest {
            after.release_remaining(draft);
        }
        after.end_if_nothing_is_left(Status::Completed, None);
        Ok((after, moved))
    }

    /// Releases some or all of what an authorised payment still holds.
    pub fn release(&self, draft: &mut Draft<'_>, portion: &Portion<'_>) -> Result<Payment, Reason> {
        if self.status != Status::Authorised {
            return Err(Reason::PaymentNotAuthorised);
        }
        let has = |l: &super::Leg| l.remaining_minor();
        let parts = self.allot(draft.accounts(), portion, has, Reason::ReleaseExceedsHold)?;
        let mut after = self.clone();
        for (at, amount) in parts {
            let leg = &mut after.legs[at];
            draft.release(leg.moving(amount));
            leg.released_minor += amount;
        }
        if after.principal().all(|l| l.remaining_minor() == 0) {
            after.release_remaining(draft);
        }
        after.end_if_nothing_is_left(Status::Cancelled, Some(Reason::CancelledByRequest));
        Ok(after)
    }

    /// Holds more under the same payment.
    pub fn increment(&self, draft: &mut Draft<'_>, amount_minor: u64) -> Result<Payment, Reason> {
        if self.status != Status::Authorised || self.principal().count() != 1 {
            return Err(Reason::IncrementNotPossible);
        }
        let total: u128 = self.legs.iter().map(|l| u128::from(l.amount_minor)).sum();
        if total + u128::from(amount_minor) > u128::from(u64::MAX) {
            return Err(Reason::AmountOverflow);
        }
        let mut after = self.clone();
        let leg = &mut after.legs[0];
        draft.hold(leg.moving(amount_minor))?;
        leg.amount_minor += amount_minor;
        Ok(after)
    }

    /// Takes a payment back before it is completed. What was captured stays captured.
    pub fn cancel(&self, draft: &mut Draft<'_>) -> Result<Payment, Reason> {
        let awaits_funds =
            self.status == Status::Pending && self.reason == Some(Reason::AwaitingFunds);
        let cancellable =
            awaits_funds || matches!(self.status, Status::Received | Status::Authorised);
        if !cancellable {
            return Err(Reason::PaymentNotCancellable);
        }
        Ok(self.ended(draft, Status::Cancelled, Reason::CancelledByRequest))
    }

    /// Ends a payment whose time has run out. What was captured stays captured.
    ///
    /// Panics if the payment does not expire by the clock.
    pub fn expire(&self, draft: &mut Draft<'_>) -> Payment {
        assert!(self.due_at().is_some(), "only what is due expires");
        let reason = match self.status {
            Status::Authorised => Reason::HoldExpired,
            _ => Reason::FundingExpired,
        };
        self.ended(draft, Status::Expired, reason)
    }

    /// The outside leg succeeded: the money is posted.
    pub fn confirm(&self, draft: &mut Draft<'_>) -> Result<Payment, Reason> {
        let mut after = self.clone();
        if self.status == Status::Pending && self.reason == Some(Reason::AwaitingFunds) {
            after.post_all(draft)?;
        } else if self.is_outside() {
            for leg in after.legs.iter_mut().filter(|l| l.role == LegRole::Principal) {
                draft.post_held(leg.moving(leg.amount_minor))?;
                leg.captured_minor = leg.amount_minor;
            }
            let below = Reason::PaymentBelowFee;
            let taken = after.take_fees(draft);
            taken.map_err(|reason| after.unless_below_fee(reason, below))?;
        } else {
            return Err(Reason::PaymentNotConfirmable);
        }
        after.status = Status::Completed;
        after.reason = None;
        Ok(after)
    }

    /// The outside leg failed: the money is given back to whom it was held for.
    pub fn refuse_outside(&self, draft: &mut Draft<'_>) -> Result<Payment, Reason> {
        let awaits_funds =
            self.status == Status::Pending && self.reason == Some(Reason::AwaitingFunds);
        if !awaits_funds && !self.is_outside() {
            return Err(Reason::PaymentNotConfirmable);
        }
        Ok(self.ended(draft, Status::Rejected, Reason::OutsideRefused))
    }

    /// Nobody knows yet what became of the instruction outside; the money stays held.
    pub fn inquire(&self) -> Result<Payment, Reason> {
        if self.status != Status::Processing {
            return Err(Reason::PaymentNotConfirmable);
        }
        Ok(Payment { status: Status::Pending, reason: Some(Reason::Inquiry), ..self.clone() })
    }

    fn is_outside(&self) -> bool {
        self.status == Status::Processing
            || (self.status == Status::Pending && self.reason == Some(Reason::Inquiry))
    }

    /// The payment without its holds: completed if some of it was captured, else in `status`.
    fn ended(&self, draft: &mut Draft<'_>, status: Status, reason: Reason) -> Payment {
        let mut after = self.clone();
        if self.is_held() {
            after.release_remaining(draft);
        }
        let captured = after.principal().any(|l| l.captured_minor > 0);
        after.status = if captured { Status::Completed } else { status };
        after.reason = Some(reason);
        after
    }

    fn end_if_nothing_is_left(&mut self, unless_captured: Status, reason: Option<Reason>) {
        if self.principal().any(|l| l.remaining_minor() > 0) {
            return;
        }
        let captured = self.principal().any(|l| l.captured_minor > 0);
        self.status = if captured { Status::Completed } else { unless_captured };
        self.reason = if captured { None } else { reason };
    }

    /// Debtor's fees were held with the principal; the creditor's are taken from what was just
    /// posted.
    fn take_fees(&mut self, draft: &mut Draft<'_>) -> Result<(), Reason> {
        for leg in &mut self.legs {
            match leg.role {
                LegRole::Principal => continue,
                LegRole::DebtorFee => draft.post_held(leg.moving(leg.amount_minor))?,
                LegRole::CreditorFee => {
                    draft.post(leg.moving(leg.amount_minor), crate::draft::Force::No)?;
                }
            }
            leg.captured_minor = leg.amount_minor;
        }
        Ok(())
    }

    /// Why the fees of the payee could not be taken from what was just posted: `below`, if it was
    /// less than they are, so that it is not the debtor who lacks money.
    pub(super) fn unless_below_fee(&self, reason: Reason, below: Reason) -> Reason {
        let fees = self.legs.iter().filter(|l| l.role == LegRole::CreditorFee);
        let fees: u128 = fees.map(|l| u128::from(l.amount_minor)).sum();
        let posted: u128 = self.principal().map(|l| u128::from(l.captured_minor)).sum();
        match reason {
            Reason::InsufficientFunds if posted < fees => below,
            reason => reason,
        }
    }

    /// Gives up everything that is neither captured nor released; a creditor's fee never was held.
    fn release_remaining(&mut self, draft: &mut Draft<'_>) {
        for leg in &mut self.legs {
            let amount = leg.remaining_minor();
            if leg.role != LegRole::CreditorFee && amount > 0 {
                draft.release(leg.moving(amount));
            }
            leg.released_minor += amount;
        }
    }
}
