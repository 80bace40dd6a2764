//! A draft of postings: what the accounts would be after them.
//!
//! A draft reads the accounts and never changes them. A posting that is refused leaves the draft
//! useless: its owner drops it, and so a refused command changes nothing. What a finished draft
//! holds is balanced per currency, or the process stops.

use crate::account::SUM_LIMIT;
use crate::{Account, AccountNo, AccountStatus, Accounts, Currency, IdBuf, Reason, Side, Sums};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// From this many accounts on, a draft finds its accounts by a tree instead of by looking through
/// them.
const LINEAR_MAX: usize = 8;

/// An account touched by a draft, as a reader of its record needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    /// The account.
    pub no: AccountNo,
    /// Its id.
    pub id: IdBuf,
    /// Its sums after all postings of the draft.
    pub after: Sums,
    /// The position, in its owner's log, of the record that touched it before; 0 if there is none.
    pub previous: u64,
}

/// The accounts that one record touches; two for a plain transfer.
pub type TouchedList = SmallVec<[Touched; 2]>;

/// One move of money between two accounts of the same currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The account that gives.
    pub debit: AccountNo,
    /// The account that takes.
    pub credit: AccountNo,
    /// How much, in minor units.
    pub amount_minor: u64,
}

impl Move {
    /// The same money back.
    pub fn reversed(self) -> Move {
        Move { debit: self.credit, credit: self.debit, ..self }
    }
}

/// Whether a posting must respect statuses and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Frozen and closed accounts and limits refuse.
    No,
    /// Limits do not refuse; closed accounts do. For corrections that must be booked.
    OverLimits,
}

/// The working set of accounts while postings are decided.
#[derive(Debug)]
pub struct Draft<'a> {
    accounts: &'a Accounts,
    touched: TouchedList,
    by_no: BTreeMap<AccountNo, usize>,
}

impl<'a> Draft<'a> {
    /// An empty draft over the accounts as they are.
    pub fn new(accounts: &'a Accounts) -> Draft<'a> {
        Draft { accounts, touched: TouchedList::new(), by_no: BTreeMap::new() }
    }

    /// The accounts that the draft reads.
    pub fn accounts(&self) -> &'a Accounts {
        self.accounts
    }

    /// Moves money now.
    #[inline]
    pub fn post(&mut self, step: Move, force: Force) -> Result<(), Reason> {
        let (debit, credit) = self.sides(step)?;
        match force {
            Force::No => movable(debit, credit)?,
            Force::OverLimits => not_closed(debit, credit)?,
        }
        let (debit_after, credit_after) = self.change(step, |debit, credit, amount| {
            debit.debits_posted += amount;
            credit.credits_posted += amount;
        });
        within(debit_after, credit_after)?;
        match force {
            Force::No => check_limits(debit, debit_after, credit, credit_after),
            Force::OverLimits => Ok(()),
        }
    }

    /// Sets money aside for a later [`Draft::post_held`] or [`Draft::release`].
    pub fn hold(&mut self, step: Move) -> Result<(), Reason> {
        let (debit, credit) = self.sides(step)?;
        movable(debit, credit)?;
        let (debit_after, credit_after) = self.change(step, |debit, credit, amount| {
            debit.debits_pending += amount;
            credit.credits_pending += amount;
        });
        within(debit_after, credit_after)?;
        check_limits(debit, debit_after, credit, credit_after)
    }

    /// Moves money that was held. Limits were checked by the hold and are not checked again.
    pub fn post_held(&mut self, step: Move) -> Result<(), Reason> {
        let (debit, credit) = self.sides(step)?;
        movable(debit, credit)?;
        let (debit_after, credit_after) = self.change(step, |debit, credit, amount| {
            end_hold(debit, credit, amount);
            debit.debits_posted += amount;
            credit.credits_posted += amount;
        });
        within(debit_after, credit_after)
    }

    /// Gives held money back. Always possible, on frozen accounts too.
    pub fn release(&mut self, step: Move) {
        self.change(step, end_hold);
    }

    /// The touched accounts.
    ///
    /// Panics if debits and credits differ in any currency: that would be a bug, and money would be
    /// made or lost.
    pub fn finish(self) -> TouchedList {
        assert_balanced(self.accounts, &self.touched);
        self.touched
    }

    #[inline]
    fn sides(&self, step: Move) -> Result<(&'a Account, &'a Account), Reason> {
        if step.debit == step.credit {
            return Err(Reason::AccountsMustDiffer);
        }
        let (debit, credit) = (self.accounts.get(step.debit), self.accounts.get(step.credit));
        assert!(
            debit.terms.currency == credit.terms.currency,
            "a move between two currencies is refused before it is drafted"
        );
        Ok((debit, credit))
    }

    /// Changes the sums of both sides by the amount of a move; returns them after it.
    #[inline]
    fn change(
        &mut self,
        step: Move,
        change: impl FnOnce(&mut Sums, &mut Sums, u128),
    ) -> (&Sums, &Sums) {
        let places = [self.place(step.debit), self.place(step.credit)];
        let both = self.touched.get_disjoint_mut(places);
        let [debit, credit] = both.expect("a move is between two accounts");
        change(&mut debit.after, &mut credit.after, u128::from(step.amount_minor));
        (&debit.after, &credit.after)
    }

    #[inline]
    fn place(&mut self, no: AccountNo) -> usize {
        self.position(no).unwrap_or_else(|| self.add(no))
    }

    #[inline]
    fn position(&self, no: AccountNo) -> Option<usize> {
        if self.touched.len() <= LINEAR_MAX {
            self.touched.iter().position(|t| t.no == no)
        } else {
            self.by_no.get(&no).copied()
        }
    }

    #[inline]
    fn add(&mut self, no: AccountNo) -> usize {
        let at = self.touched.len();
        let account = self.accounts.get(no);
        let (id, after, previous) = (account.id_buf(), account.sums, account.last_record);
        self.touched.push(Touched { no, id, after, previous });
        if self.touched.len() == LINEAR_MAX + 1 {
            self.by_no = self.touched.iter().enumerate().map(|(at, t)| (t.no, at)).collect();
        } else if self.touched.len() > LINEAR_MAX {
            self.by_no.insert(no, at);
        }
        at
    }
}

/// Takes an amount off what is held on both sides.
#[inline]
fn end_hold(debit: &mut Sums, credit: &mut Sums, amount: u128) {
    let held = "a hold ends with no more than it began with";
    debit.debits_pending = debit.debits_pending.checked_sub(amount).expect(held);
    credit.credits_pending = credit.credits_pending.checked_sub(amount).expect(held);
}

#[inline]
fn movable(debit: &Account, credit: &Account) -> Result<(), Reason> {
    match debit.status {
        AccountStatus::Open => {}
        AccountStatus::Frozen => return Err(Reason::DebitAccountFrozen),
        AccountStatus::Closed => return Err(Reason::DebitAccountClosed),
    }
    match credit.status {
        AccountStatus::Open => Ok(()),
        AccountStatus::Frozen => Err(Reason::CreditAccountFrozen),
        AccountStatus::Closed => Err(Reason::CreditAccountClosed),
    }
}

fn not_closed(debit: &Account, credit: &Account) -> Result<(), Reason> {
    if debit.status == AccountStatus::Closed {
        return Err(Reason::DebitAccountClosed);
    }
    if credit.status == AccountStatus::Closed {
        return Err(Reason::CreditAccountClosed);
    }
    Ok(())
}

#[inline]
fn within(debit: &Sums, credit: &Sums) -> Result<(), Reason> {
    let in_range = |s: &Sums| {
        s.debits_posted + s.debits_pending < SUM_LIMIT
            && s.credits_posted + s.credits_pending < SUM_LIMIT
    };
    if in_range(debit) && in_range(credit) { Ok(()) } else { Err(Reason::BalanceOverflow) }
}

/// A debit lowers the balance of a credit-normal account and raises that of a debit-normal one, and
/// a credit the other way round: the floor guards whichever is lowered, the ceiling whichever is
/// raised.
#[inline]
fn check_limits(
    debit: &Account,
    debit_after: &Sums,
    credit: &Account,
    credit_after: &Sums,
) -> Result<(), Reason> {
    let allowed = match debit.terms.side {
        Side::Credit => above_floor(debit, debit_after),
        Side::Debit => below_ceiling(debit, debit_after),
    };
    allowed?;
    match credit.terms.side {
        Side::Credit => below_ceiling(credit, credit_after),
        Side::Debit => above_floor(credit, credit_after),
    }
}

#[inline]
fn above_floor(account: &Account, after: &Sums) -> Result<(), Reason> {
    match account.terms.limits.floor {
        Some(floor) if after.balance_low(account.terms.side) < floor => {
            Err(Reason::InsufficientFunds)
        }
        _ => Ok(()),
    }
}

#[inline]
fn below_ceiling(account: &Account, after: &Sums) -> Result<(), Reason> {
    match account.terms.limits.ceiling {
        Some(ceiling) if after.balance_high(account.terms.side) > ceiling => {
            Err(Reason::CeilingExceeded)
        }
        _ => Ok(()),
    }
}

/// Panics unless what a record changes is balanced: per currency, debits posted by as much as
/// credits, and the same for what is pending.
#[inline]
pub fn assert_balanced(accounts: &Accounts, touched: &[Touched]) {
    let mut rest = touched.len();
    let mut checked: SmallVec<[Currency; 2]> = SmallVec::new();
    for t in touched {
        if rest == 0 {
            return;
        }
        let currency = accounts.get(t.no).terms.currency;
        if !checked.contains(&currency) {
            rest -= assert_currency_balanced(accounts, touched, currency);
            checked.push(currency);
        }
    }
}

/// Panics unless one currency is balanced; returns how many accounts have it. Wrapping: only the
/// sum of all gains says something.
#[inline]
fn assert_currency_balanced(accounts: &Accounts, touched: &[Touched], currency: Currency) -> usize {
    let (mut pending, mut posted, mut count) = (0u128, 0u128, 0);
    for t in touched {
        let account = accounts.get(t.no);
        if account.terms.currency != currency {
            continue;
        }
        let (before, after) = (&account.sums, &t.after);
        let debits = after.debits_pending.wrapping_sub(before.debits_pending);
        let credits = after.credits_pending.wrapping_sub(before.credits_pending);
        pending = pending.wrapping_add(debits).wrapping_sub(credits);
        let debits = after.debits_posted.wrapping_sub(before.debits_posted);
        let credits = after.credits_posted.wrapping_sub(before.credits_posted);
        posted = posted.wrapping_add(debits).wrapping_sub(credits);
        count += 1;
    }
    assert!(pending == 0 && posted == 0, "debits and credits differ in {}", currency.code());
    count
}
