//! An account: four unsigned sums, a normal side, limits and a status.

use crate::{Currency, Id, IdBuf, Reason};

/// The number of an account in this ledger, dense from 0 in the order of opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNo(pub u32);

/// No sum may reach this; it leaves room to add sums as signed 128-bit numbers without overflow.
pub const SUM_LIMIT: u128 = 1 << 126;

/// The side on which an account's balance grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Side {
    /// Liabilities, equity and income: customers' deposits. The balance is credits less debits.
    Credit = 0,
    /// Assets and expenses: money held elsewhere. The balance is debits less credits.
    Debit = 1,
}

/// Whether an account takes part in payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum AccountStatus {
    /// Money can be moved.
    Open = 0,
    /// No new movement; holds can still be released, and expire.
    Frozen = 1,
    /// Final: no balance, no movement.
    Closed = 2,
}

/// The four sums of an account, in minor units. They never shrink, but for the pending ones when a
/// hold ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Held against the account.
    pub debits_pending: u128,
    /// Taken from the account.
    pub debits_posted: u128,
    /// Held in favour of the account.
    pub credits_pending: u128,
    /// Given to the account.
    pub credits_posted: u128,
}

impl Sums {
    /// The posted balance as seen from a normal side.
    pub fn balance(&self, side: Side) -> i128 {
        let (debits, credits) = (self.debits_posted as i128, self.credits_posted as i128);
        match side {
            Side::Credit => credits - debits,
            Side::Debit => debits - credits,
        }
    }

    /// The lowest the balance can become if every hold against it is captured and none in its
    /// favour.
    pub fn balance_low(&self, side: Side) -> i128 {
        let held = match side {
            Side::Credit => self.debits_pending,
            Side::Debit => self.credits_pending,
        };
        self.balance(side) - held as i128
    }

    /// The highest the balance can become if every hold in its favour is captured and none against
    /// it.
    pub fn balance_high(&self, side: Side) -> i128 {
        let held = match side {
            Side::Credit => self.credits_pending,
            Side::Debit => self.debits_pending,
        };
        self.balance(side) + held as i128
    }
}

/// How far an account's balance may go, in minor units on its normal side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The lowest balance; below zero it is a credit limit. `None`: no floor.
    pub floor: Option<i128>,
    /// The highest balance. `None`: no ceiling.
    pub ceiling: Option<i128>,
}

impl Limits {
    /// Neither floor nor ceiling.
    pub const NONE: Limits = Limits { floor: None, ceiling: None };
    /// May not go below zero: the default of an account.
    pub const NOT_NEGATIVE: Limits = Limits { floor: Some(0), ceiling: None };

    /// Checks that the floor is not above the ceiling.
    pub fn check(self) -> Result<Limits, Reason> {
        match (self.floor, self.ceiling) {
            (Some(floor), Some(ceiling)) if floor > ceiling => Err(Reason::LimitsCrossed),
            _ => Ok(self),
        }
    }
}

/// What an account is opened with. `code` is the owner's own classification, not interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountTerms {
    /// The currency of all its money.
    pub currency: Currency,
    /// Where its balance grows.
    pub side: Side,
    /// How far its balance may go.
    pub limits: Limits,
    /// The owner's classification, not interpreted.
    pub code: u16,
}

/// An account as the ledger keeps it in memory: four whole lines of cache.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Account {
    /// The four sums.
    pub sums: Sums,
    /// The position, in its owner's log, of the last record that touched it. The ledger only
    /// carries it.
    pub last_record: u64,
    /// The position, in its owner's log, of the record that opened it. The ledger only carries it.
    pub opened_record: u64,
    id: IdBuf,
    /// Open, frozen or closed.
    pub status: AccountStatus,
    /// Currency, side, limits, code.
    pub terms: AccountTerms,
}

const _: () = assert!(size_of::<Account>() == 256, "an account fills its lines");

impl Account {
    /// A new, open, empty account.
    pub fn new(id: Id<'_>, terms: AccountTerms) -> Account {
        Account {
            sums: Sums::default(),
            terms,
            status: AccountStatus::Open,
            last_record: 0,
            opened_record: 0,
            id: IdBuf::from(id),
        }
    }

    /// The client-made id.
    pub fn id(&self) -> Id<'_> {
        self.id.as_id()
    }

    /// Reads from each of its lines, so that their loads overlap with those of other accounts.
    #[inline]
    pub fn touch(&self) -> u64 {
        let (first, second) = (self.sums.debits_posted as u64, self.last_record);
        let (third, fourth) = (self.terms.limits.floor.is_some(), self.terms.code);
        first ^ second ^ u64::from(third) ^ u64::from(self.status as u8) ^ u64::from(fourth)
    }

    /// True if this is its id.
    #[inline]
    pub fn has_id(&self, id: Id<'_>) -> bool {
        self.id.is(id)
    }

    /// The client-made id, as a copy.
    pub fn id_buf(&self) -> IdBuf {
        self.id
    }

    /// The posted balance on the normal side.
    pub fn balance(&self) -> i128 {
        self.sums.balance(self.terms.side)
    }

    /// What can still be drawn: balance less holds less floor, never below zero. `None`: without
    /// limit.
    pub fn available(&self) -> Option<u128> {
        let floor = self.terms.limits.floor?;
        let low = self.sums.balance_low(self.terms.side);
        Some(u128::try_from(low.saturating_sub(floor)).unwrap_or(0))
    }

    /// The status after freezing.
    pub fn frozen(&self) -> Result<AccountStatus, Reason> {
        match self.status {
            AccountStatus::Open => Ok(AccountStatus::Frozen),
            AccountStatus::Frozen => Err(Reason::AccountAlreadyFrozen),
            AccountStatus::Closed => Err(Reason::AccountClosed),
        }
    }

    /// The status after unfreezing.
    pub fn unfrozen(&self) -> Result<AccountStatus, Reason> {
        match self.status {
            AccountStatus::Frozen => Ok(AccountStatus::Open),
            AccountStatus::Open => Err(Reason::AccountNotFrozen),
            AccountStatus::Closed => Err(Reason::AccountClosed),
        }
    }

    /// The status after closing, which needs a zero balance and no holds.
    pub fn closed(&self) -> Result<AccountStatus, Reason> {
        if self.status == AccountStatus::Closed {
            return Err(Reason::AccountClosed);
        }
        if self.sums.debits_pending != 0 || self.sums.credits_pending != 0 {
            return Err(Reason::HoldsNotZero);
        }
        if self.balance() != 0 {
            return Err(Reason::BalanceNotZero);
        }
        Ok(AccountStatus::Closed)
    }

    /// The limits after a change. A floor above the present balance is allowed: it stops further
    /// debits.
    pub fn limited(&self, limits: Limits) -> Result<Limits, Reason> {
        if self.status == AccountStatus::Closed {
            return Err(Reason::AccountClosed);
        }
        limits.check()
    }
}

#[cfg(test)]
mod tests;
