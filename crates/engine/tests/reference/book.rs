//! The accounts of the naive ledger and what may be done with money.
//!
//! Every move is checked after it is done, on a copy of the whole book that is thrown away if any
//! check fails.

use courant_ledger::{AccountStatus, AccountTerms, Reason, Side};
use std::collections::BTreeMap;

/// No sum of an account may reach this.
const SUM_END: i128 = 1 << 126;

/// An account: everything as plain signed numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Account {
    pub(crate) terms: AccountTerms,
    pub(crate) status: AccountStatus,
    pub(crate) held_from: i128,
    pub(crate) taken: i128,
    pub(crate) held_for: i128,
    pub(crate) given: i128,
}

impl Account {
    pub(crate) fn new(terms: AccountTerms) -> Account {
        let status = AccountStatus::Open;
        Account { terms, status, held_from: 0, taken: 0, held_for: 0, given: 0 }
    }

    /// The sums in the order debits pending, debits posted, credits pending, credits posted.
    pub(crate) fn sums(&self) -> [i128; 4] {
        [self.held_from, self.taken, self.held_for, self.given]
    }

    pub(crate) fn balance(&self) -> i128 {
        match self.terms.side {
            Side::Credit => self.given - self.taken,
            Side::Debit => self.taken - self.given,
        }
    }

    /// The balance if all holds that lower it are captured, and if all that raise it are.
    pub(crate) fn range(&self) -> (i128, i128) {
        let (lowering, raising) = match self.terms.side {
            Side::Credit => (self.held_from, self.held_for),
            Side::Debit => (self.held_for, self.held_from),
        };
        (self.balance() - lowering, self.balance() + raising)
    }

    fn is_over(&self) -> bool {
        self.held_from + self.taken >= SUM_END || self.held_for + self.given >= SUM_END
    }

    /// Only what an account's change makes worse is refused: a floor is no reason to refuse money
    /// coming in.
    fn check(&self, lowered: bool) -> Result<(), Reason> {
        let (low, high) = self.range();
        let limits = self.terms.limits;
        if lowered && limits.floor.is_some_and(|floor| low < floor) {
            return Err(Reason::InsufficientFunds);
        }
        if !lowered && limits.ceiling.is_some_and(|ceiling| high > ceiling) {
            return Err(Reason::CeilingExceeded);
        }
        Ok(())
    }
}

/// All accounts by name.
pub(crate) type Book = BTreeMap<&'static str, Account>;

/// What must be checked before and after a move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Checks {
    StatusAndLimits,
    /// The limits were checked when the money was held.
    StatusOnly,
    /// A correction that must be booked: only closed accounts refuse it.
    NotClosed,
}

/// Money from one account to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) amount: i128,
}

pub(crate) fn transfer(book: &mut Book, way: Way, checks: Checks) -> Result<(), Reason> {
    statuses(book, way, checks)?;
    both(book, way, |from, to| {
        from.taken += way.amount;
        to.given += way.amount;
    });
    after(book, way, checks)
}

pub(crate) fn hold(book: &mut Book, way: Way) -> Result<(), Reason> {
    statuses(book, way, Checks::StatusAndLimits)?;
    both(book, way, |from, to| {
        from.held_from += way.amount;
        to.held_for += way.amount;
    });
    after(book, way, Checks::StatusAndLimits)
}

pub(crate) fn release(book: &mut Book, way: Way) {
    both(book, way, |from, to| {
        from.held_from -= way.amount;
        to.held_for -= way.amount;
        assert!(from.held_from >= 0 && to.held_for >= 0, "more released than held: {way:?}");
    });
}

pub(crate) fn capture(book: &mut Book, way: Way) -> Result<(), Reason> {
    release(book, way);
    transfer(book, way, Checks::StatusOnly)
}

fn both(book: &mut Book, way: Way, change: impl FnOnce(&mut Account, &mut Account)) {
    let mut from = book[way.from].clone();
    let mut to = book[way.to].clone();
    change(&mut from, &mut to);
    book.insert(way.from, from);
    book.insert(way.to, to);
}

fn statuses(book: &Book, way: Way, checks: Checks) -> Result<(), Reason> {
    let frozen = |status| status == AccountStatus::Frozen && checks != Checks::NotClosed;
    match book[way.from].status {
        AccountStatus::Closed => return Err(Reason::DebitAccountClosed),
        status if frozen(status) => return Err(Reason::DebitAccountFrozen),
        _ => {}
    }
    match book[way.to].status {
        AccountStatus::Closed => Err(Reason::CreditAccountClosed),
        status if frozen(status) => Err(Reason::CreditAccountFrozen),
        _ => Ok(()),
    }
}

fn after(book: &Book, way: Way, checks: Checks) -> Result<(), Reason> {
    let (from, to) = (&book[way.from], &book[way.to]);
    if from.is_over() || to.is_over() {
        return Err(Reason::BalanceOverflow);
    }
    if checks != Checks::StatusAndLimits {
        return Ok(());
    }
    from.check(from.terms.side == Side::Credit)?;
    to.check(to.terms.side == Side::Debit)
}
