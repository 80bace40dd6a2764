//! A draft of postings: what the accounts would be after them.
//!
//! A draft reads the accounts and never changes them. A posting that is refused leaves the draft
//! useless: its owner drops it, and so a refused command changes nothing. What a finished draft
//! holds is balanced per currency, or the process stops.

use crate::account::SUM_LIMIT;
use crate::{Account, AccountNo, AccountStatus, Accounts, Currency, Reason, Side, Sums};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// From this many accounts on, a draft finds its accounts by a tree instead of by looking through
/// them.
const LINEAR_MAX: usize = 8;

/// An account touched by a draft: its number and its sums after all postings of the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    /// The account.
    pub no: AccountNo,
    /// Its sums after.
    pub after: Sums,
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
    pub fn post(&mut self, step: Move, force: Force) -> Result<(), Reason> {
        let (debit, credit) = self.sides(step)?;
        if force == Force::No {
            movable(debit, credit)?;
        } else {
            not_closed(debit, credit)?;
        }
        let amount = u128::from(step.amount_minor);
        let debit_sums = self.sums_mut(step.debit);
        debit_sums.debits_posted += amount;
        let debit_after = *debit_sums;
        let credit_sums = self.sums_mut(step.credit);
        credit_sums.credits_posted += amount;
        let credit_after = *credit_sums;
        within(&debit_after, &credit_after)?;
        if force == Force::No {
            check_limits(debit, &debit_after, credit, &credit_after)?;
        }
        Ok(())
    }

    /// Sets money aside for a later [`Draft::post_held`] or [`Draft::release`].
    pub fn hold(&mut self, step: Move) -> Result<(), Reason> {
        let (debit, credit) = self.sides(step)?;
        movable(debit, credit)?;
        let amount = u128::from(step.amount_minor);
        let debit_sums = self.sums_mut(step.debit);
        debit_sums.debits_pending += amount;
        let debit_after = *debit_sums;
        let credit_sums = self.sums_mut(step.credit);
        credit_sums.credits_pending += amount;
        let credit_after = *credit_sums;
        within(&debit_after, &credit_after)?;
        check_limits(debit, &debit_after, credit, &credit_after)
    }

    /// Moves money that was held. Limits were checked by the hold and are not checked again.
    pub fn post_held(&mut self, step: Move) -> Result<(), Reason> {
        let (debit, credit) = self.sides(step)?;
        movable(debit, credit)?;
        self.end_hold(step);
        let amount = u128::from(step.amount_minor);
        let debit_sums = self.sums_mut(step.debit);
        debit_sums.debits_posted += amount;
        let debit_after = *debit_sums;
        let credit_sums = self.sums_mut(step.credit);
        credit_sums.credits_posted += amount;
        let credit_after = *credit_sums;
        within(&debit_after, &credit_after)
    }

    /// Gives held money back. Always possible, on frozen accounts too.
    pub fn release(&mut self, step: Move) {
        self.end_hold(step);
    }

    /// The touched accounts.
    ///
    /// Panics if debits and credits differ in any currency: that would be a bug, and money would be
    /// made or lost.
    pub fn finish(self) -> TouchedList {
        assert_balanced(self.accounts, &self.touched);
        self.touched
    }

    fn end_hold(&mut self, step: Move) {
        let amount = u128::from(step.amount_minor);
        let held = "a hold ends with no more than it began with";
        let debit = self.sums_mut(step.debit);
        debit.debits_pending = debit.debits_pending.checked_sub(amount).expect(held);
        let credit = self.sums_mut(step.credit);
        credit.credits_pending = credit.credits_pending.checked_sub(amount).expect(held);
    }

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

    #[inline]
    fn sums_mut(&mut self, no: AccountNo) -> &mut Sums {
        let at = self.position(no).unwrap_or_else(|| self.add(no));
        &mut self.touched[at].after
    }

    #[inline]
    fn position(&self, no: AccountNo) -> Option<usize> {
        if self.touched.len() <= LINEAR_MAX {
            self.touched.iter().position(|t| t.no == no)
        } else {
            self.by_no.get(&no).copied()
        }
    }

    fn add(&mut self, no: AccountNo) -> usize {
        let at = self.touched.len();
        self.touched.push(Touched { no, after: self.accounts.get(no).sums });
        if self.touched.len() == LINEAR_MAX + 1 {
            self.by_no = self.touched.iter().enumerate().map(|(at, t)| (t.no, at)).collect();
        } else if self.touched.len() > LINEAR_MAX {
            self.by_no.insert(no, at);
        }
        at
    }
}

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

fn above_floor(account: &Account, after: &Sums) -> Result<(), Reason> {
    match account.terms.limits.floor {
        Some(floor) if after.balance_low(account.terms.side) < floor => {
            Err(Reason::InsufficientFunds)
        }
        _ => Ok(()),
    }
}

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
pub fn assert_balanced(accounts: &Accounts, touched: &[Touched]) {
    let mut nets: SmallVec<[(Currency, i128, i128); 1]> = SmallVec::new();
    for t in touched {
        let account = accounts.get(t.no);
        let (before, currency) = (&account.sums, account.terms.currency);
        let gain = |after: u128, before: u128| after.wrapping_sub(before) as i128;
        let pending = gain(t.after.debits_pending, before.debits_pending)
            - gain(t.after.credits_pending, before.credits_pending);
        let posted = gain(t.after.debits_posted, before.debits_posted)
            - gain(t.after.credits_posted, before.credits_posted);
        match nets.iter_mut().find(|(c, _, _)| *c == currency) {
            Some(net) => (net.1, net.2) = (net.1 + pending, net.2 + posted),
            None => nets.push((currency, pending, posted)),
        }
    }
    for (currency, pending, posted) in nets {
        assert!(pending == 0 && posted == 0, "debits and credits differ in {}", currency.code());
    }
}
