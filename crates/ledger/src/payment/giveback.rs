//! The last steps: money of a captured payment goes back, in parts, as a child with its own id.

use super::{Leg, MovedMinor, Payment, Portion};
use crate::Reason;
use crate::draft::{Draft, Force};

/// Why money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum GiveBack {
    /// The payee gives it back by choice.
    Refund = 0,
    /// It could not be applied and is sent back (ISO 20022 pacs.004).
    Return = 1,
    /// It is taken back to correct an error or after a chargeback, even below the payee's floor
    /// (pacs.007).
    Reversal = 2,
}

impl GiveBack {
    /// The name used in the API and in events.
    pub fn name(self) -> &'static str {
        match self {
            GiveBack::Refund => "refund",
            GiveBack::Return => "return",
            GiveBack::Reversal => "reversal",
        }
    }
}

impl Payment {
    /// Gives back some or all of what was captured and not given back before. Fees stay taken.
    pub fn give_back(
        &self,
        draft: &mut Draft<'_>,
        why: GiveBack,
        portion: &Portion<'_>,
    ) -> Result<(Payment, MovedMinor), Reason> {
        if self.principal().all(|l| l.captured_minor == 0) {
            return Err(Reason::PaymentNotRefundable);
        }
        let has = Leg::kept_minor;
        let parts = self.allot(draft.accounts(), portion, has, Reason::RefundExceedsCapture)?;
        let moved: u64 = parts.iter().map(|(_, amount)| amount).sum();
        if moved == 0 {
            return Err(Reason::RefundExceedsCapture);
        }
        let mut after = self.clone();
        let force = if why == GiveBack::Reversal { Force::OverLimits } else { Force::No };
        for (at, amount) in parts {
            let leg = &mut after.legs[at];
            draft.post(leg.moving(amount).reversed(), force)?;
            match why {
                GiveBack::Refund => leg.refunded_minor += amount,
                GiveBack::Return => leg.returned_minor += amount,
                GiveBack::Reversal => leg.reversed_minor += amount,
            }
        }
        Ok((after, moved))
    }
}
