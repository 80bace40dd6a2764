//! The life of a payment: which step leads from which status to which, and what it moves.
//!
//! A payment is a set of legs that are posted, held, released or given back together. Every step is
//! a function from a payment and a draft of postings to the payment after it; a refused step
//! returns its reason, and payment and accounts stay as they are. The table of statuses is in
//! docs/payments.md.

mod begin;
mod giveback;
mod held;

pub use begin::{AHEAD_MAX_SECONDS, HOLD_DEFAULT_SECONDS, Parties};
pub use giveback::GiveBack;

use crate::{AccountNo, Accounts, Currency, Id, Mode, Move, OrderKind, Reason, Timestamp};
use smallvec::SmallVec;

/// Where a payment stands; the ISO 20022 code of each is given by [`Status::iso20022`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// Its identity is claimed and no money is touched: it waits for its time of execution.
    Received = 0,
    /// It waits for something; the reason says for what.
    Pending = 1,
    /// The money is held and can be captured.
    Authorised = 2,
    /// The instruction is outside; the money is held.
    Processing = 3,
    /// Final: the money is posted. Only children follow.
    Completed = 4,
    /// Final: invalid or not allowed; nothing moved.
    Rejected = 5,
    /// Final: taken back before anything was posted.
    Cancelled = 6,
    /// Final: lapsed before anything was posted.
    Expired = 7,
}

impl Status {
    /// Every status, in the order of their numbers.
    pub const ALL: [Status; 8] = [
        Status::Received,
        Status::Pending,
        Status::Authorised,
        Status::Processing,
        Status::Completed,
        Status::Rejected,
        Status::Cancelled,
        Status::Expired,
    ];

    /// The name used in the API and in events.
    pub fn name(self) -> &'static str {
        match self {
            Status::Received => "received",
            Status::Pending => "pending",
            Status::Authorised => "authorised",
            Status::Processing => "processing",
            Status::Completed => "completed",
            Status::Rejected => "rejected",
            Status::Cancelled => "cancelled",
            Status::Expired => "expired",
        }
    }

    /// The code of ExternalPaymentTransactionStatus1Code.
    pub fn iso20022(self) -> &'static str {
        match self {
            Status::Received => "RCVD",
            Status::Pending => "PDNG",
            Status::Authorised => "ACFC",
            Status::Processing => "ACSP",
            Status::Completed => "ACCC",
            Status::Rejected | Status::Expired => "RJCT",
            Status::Cancelled => "CANC",
        }
    }

    /// True if no step changes the status any more.
    pub fn is_final(self) -> bool {
        match self {
            Status::Received | Status::Pending | Status::Authorised | Status::Processing => false,
            Status::Completed | Status::Rejected | Status::Cancelled | Status::Expired => true,
        }
    }
}

/// What a leg is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LegRole {
    /// A payee's money.
    Principal = 0,
    /// A fee on top of it, held with it.
    DebtorFee = 1,
    /// A fee taken from what the payee has just received; never held.
    CreditorFee = 2,
}

/// One debit account, one credit account and what became of the amount between them.
///
/// Invariants: `amount >= captured + released` and `captured >= refunded + returned + reversed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The account that gives.
    pub debit: AccountNo,
    /// The account that takes.
    pub credit: AccountNo,
    /// What the leg is for.
    pub role: LegRole,
    /// What was ordered or authorised, in minor units.
    pub amount_minor: u64,
    /// What was posted.
    pub captured_minor: u64,
    /// What was held and given up.
    pub released_minor: u64,
    /// What the payee gave back by choice.
    pub refunded_minor: u64,
    /// What was sent back because it could not be applied.
    pub returned_minor: u64,
    /// What was taken back to correct an error.
    pub reversed_minor: u64,
}

impl Leg {
    fn new(debit: AccountNo, credit: AccountNo, role: LegRole, amount_minor: u64) -> Leg {
        Leg {
            debit,
            credit,
            role,
            amount_minor,
            captured_minor: 0,
            released_minor: 0,
            refunded_minor: 0,
            returned_minor: 0,
            reversed_minor: 0,
        }
    }

    /// What is neither captured nor released.
    pub fn remaining_minor(&self) -> u64 {
        self.amount_minor - self.captured_minor - self.released_minor
    }

    /// What is captured and not given back in any way.
    pub fn kept_minor(&self) -> u64 {
        self.captured_minor - self.refunded_minor - self.returned_minor - self.reversed_minor
    }

    fn moving(&self, amount_minor: u64) -> Move {
        Move { debit: self.debit, credit: self.credit, amount_minor }
    }

    /// True if the leg's counters do not contradict each other.
    pub fn is_sound(&self) -> bool {
        let ended = self.captured_minor.checked_add(self.released_minor);
        let back = self.refunded_minor.checked_add(self.returned_minor);
        let back = back.and_then(|b| b.checked_add(self.reversed_minor));
        ended.is_some_and(|e| e <= self.amount_minor)
            && back.is_some_and(|b| b <= self.captured_minor)
    }
}

/// The legs of a payment: payees first, in the order of the order, then fees.
pub type Legs = SmallVec<[Leg; 1]>;

/// A payment as a value: everything later steps need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Transfer, top-up or withdrawal.
    pub kind: OrderKind,
    /// How far it was to go at once.
    pub mode: Mode,
    /// Where it stands.
    pub status: Status,
    /// Why it stands there, where the status alone does not say.
    pub reason: Option<Reason>,
    /// The currency of all its legs.
    pub currency: Currency,
    /// When it was received.
    pub created_at: Timestamp,
    /// Not before this time.
    pub execute_at: Option<Timestamp>,
    /// When its hold or its wait lapses.
    pub expires_at: Option<Timestamp>,
    /// Its legs; none if it was rejected before its accounts were known.
    pub legs: Legs,
}

/// Which money of a payment a step is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portion<'a> {
    /// All there is.
    All,
    /// This much, of a payment with one payee.
    Total(u64),
    /// This much for each of these payees.
    Parts(SmallVec<[Part<'a>; 0]>),
}

/// How much for which payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// A payee of the payment.
    pub payee: Id<'a>,
    /// How much, in minor units.
    pub amount_minor: u64,
}

/// What a step posted, in minor units, over all payees; fees apart. Holding and releasing post
/// nothing.
pub type MovedMinor = u64;

impl Payment {
    /// True while money is held for it.
    pub fn is_held(&self) -> bool {
        match self.status {
            Status::Authorised | Status::Processing => true,
            Status::Pending => self.reason == Some(Reason::Inquiry),
            Status::Received
            | Status::Completed
            | Status::Rejected
            | Status::Cancelled
            | Status::Expired => false,
        }
    }

    /// The time at which the clock alone moves it on: to be executed or to expire.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.status {
            Status::Received => self.execute_at,
            Status::Authorised => self.expires_at,
            // What is outside, or may be, is never ended by the clock.
            Status::Pending if self.reason == Some(Reason::AwaitingFunds) => self.expires_at,
            _ => None,
        }
    }

    /// The payees' legs.
    pub fn principal(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|l| l.role == LegRole::Principal)
    }

    /// What the payees' legs add up to by some measure, in minor units.
    pub fn sum_minor(&self, of: impl Fn(&Leg) -> u64) -> u128 {
        self.principal().map(|l| u128::from(of(l))).sum()
    }

    /// Panics if its counters contradict each other or its status.
    pub fn assert_sound(&self) {
        assert!(self.legs.iter().all(Leg::is_sound), "counters fit each other: {self:?}");
        if self.status.is_final() {
            let unfinished = |l: &Leg| self.status == Status::Completed && l.remaining_minor() != 0;
            assert!(!self.legs.iter().any(unfinished), "nothing is held when completed: {self:?}");
        }
    }

    /// Says which principal legs a portion is about and how much of each, given how much each has.
    /// Legs of which it takes nothing are not among them, so that nothing touches their
    /// accounts.
    fn allot(
        &self,
        accounts: &Accounts,
        portion: &Portion<'_>,
        has: impl Fn(&Leg) -> u64,
        exceeded: Reason,
    ) -> Result<SmallVec<[(usize, u64); 1]>, Reason> {
        let payees = self.principal().count();
        match portion {
            Portion::All => {
                let all = (0..payees).map(|at| (at, has(&self.legs[at])));
                Ok(all.filter(|(_, amount)| *amount > 0).collect())
            }
            Portion::Total(_) if payees != 1 => Err(Reason::PartsRequired),
            Portion::Total(amount) if *amount > has(&self.legs[0]) => Err(exceeded),
            Portion::Total(amount) => Ok(SmallVec::from_buf([(0, *amount)])),
            Portion::Parts(parts) => {
                let mut allotted: SmallVec<[(usize, u64); 1]> = SmallVec::new();
                for part in parts {
                    let is_payee = |l: &Leg| accounts.get(l.credit).id() == part.payee;
                    let at = self.legs[..payees].iter().position(is_payee);
                    let at = at.ok_or(Reason::PartPayeeUnknown)?;
                    if allotted.iter().any(|(known, _)| *known == at) {
                        return Err(Reason::PartPayeeUnknown);
                    }
                    if part.amount_minor > has(&self.legs[at]) {
                        return Err(exceeded);
                    }
                    allotted.push((at, part.amount_minor));
                }
                Ok(allotted)
            }
        }
    }
}
