//! The auditor's books: what the records of a journal come to, added up by its own small rules.
//!
//! It decodes records, and uses no engine: sums follow from the counters of payments before and
//! after each record, by the meaning of a hold, a posting and a giving-back. A record that says
//! otherwise is a finding.

use courant_engine::command::{AccountChange, ChangeAccount, OpenAccount, PaymentStep, Step};
use courant_engine::outcome::{AccountAfter, PaymentOutcome};
use courant_engine::{Command, Lsn, Outcome, Record, record};
use courant_ledger::{
    AccountStatus, AccountTerms, Currency, Id, Leg, LegRole, Limits, Order, Payment, Reason, Side,
    Status, Sums, Timestamp, outside_account,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong, in a sentence.
pub(crate) type Finding = String;

/// An account by the books.
#[derive(Debug, Clone)]
pub(crate) struct BookAccount {
    /// Its id.
    pub(crate) id: String,
    /// What it was opened with, and its limits now.
    pub(crate) terms: AccountTerms,
    /// Its status.
    pub(crate) status: AccountStatus,
    /// The record that opened it.
    pub(crate) opened: Lsn,
    /// Its sums after each record that touched it, oldest first.
    pub(crate) history: Vec<(Lsn, Sums)>,
}

impl BookAccount {
    /// Its sums now.
    pub(crate) fn sums(&self) -> Sums {
        self.history.last().map_or(Sums::default(), |(_, sums)| *sums)
    }

    /// The last record that touched it.
    pub(crate) fn last(&self) -> Lsn {
        self.history.last().map_or(Lsn::NONE, |(lsn, _)| *lsn)
    }
}

/// A payment by the books.
#[derive(Debug, Clone)]
pub(crate) struct BookPayment {
    /// As its last record shows it.
    pub(crate) payment: Payment,
    /// The record that made it.
    pub(crate) origin: Lsn,
    /// Its last record.
    pub(crate) latest: Lsn,
}

/// An API key by the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BookKey {
    /// Bits of what it may do.
    pub(crate) scopes: u32,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it was revoked.
    pub(crate) revoked_at: Option<Timestamp>,
}

/// What names a record forever: whatever is named twice was done twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// A payment's id.
    Payment(String),
    /// The id of a capture, refund, return or reversal of a payment.
    Child(String, String),
    /// An idempotency key of a caller.
    Key(u32, String),
    /// An account's id.
    Account(String),
}

/// A payment that the clock alone moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByTheClock {
    /// The record that made it.
    pub(crate) origin: Lsn,
    /// Where it stood before.
    pub(crate) before: Status,
}

/// The books.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    /// In the order of their numbers.
    pub(crate) accounts: Vec<BookAccount>,
    /// By id, open and final ones.
    pub(crate) payments: BTreeMap<String, BookPayment>,
    /// The ids of payments that are not final.
    pub(crate) open: BTreeSet<String>,
    /// By number.
    pub(crate) keys: BTreeMap<u32, BookKey>,
    /// Which record carries which name.
    pub(crate) names: BTreeMap<Name, Lsn>,
    /// The time of the last record.
    pub(crate) at: Timestamp,
    /// The last record.
    pub(crate) last: Lsn,
    /// How many records there are.
    pub(crate) records: u64,
    /// What the clock moved on since somebody looked here.
    pub(crate) by_the_clock: Vec<ByTheClock>,
    by_id: BTreeMap<String, usize>,
}

/// Where and when a record was made.
#[derive(Debug, Clone, Copy)]
struct Made {
    lsn: Lsn,
    at: Timestamp,
}

/// Changes of an account's sums by one record, signed.
#[derive(Debug, Clone, Copy, Default)]
struct Delta {
    debits_pending: i128,
    debits_posted: i128,
    credits_pending: i128,
    credits_posted: i128,
}

type Deltas = BTreeMap<u32, Delta>;

macro_rules! check {
    ($holds:expr, $($words:tt)*) => {
        if !$holds {
            return Err(format!($($words)*));
        }
    };
}

impl Book {
    /// Enters the next record of the journal.
    ///
    /// # Errors
    /// The record contradicts those before it, or itself.
    pub(crate) fn enter(&mut self, lsn: Lsn, bytes: &[u8]) -> Result<(), Finding> {
        let record = record::decode(bytes).map_err(|e| format!("record {lsn}: {e}"))?;
        self.enter_record(lsn, &record).map_err(|what| format!("record {lsn}: {what}"))
    }

    fn enter_record(&mut self, lsn: Lsn, record: &Record<'_>) -> Result<(), Finding> {
        check!(lsn > self.last, "it does not come after record {}", self.last);
        check!(record.at >= self.at, "its time is before that of the record before");
        self.enter_names(lsn, record)?;
        let made = Made { lsn, at: record.at };
        match (&record.command, &record.outcome) {
            (Command::OpenAccount(open), Outcome::AccountOpened(opened)) => {
                let outside = opened.outside.map(|no| no.0);
                self.account_opened(lsn, open, opened.no.0, outside)?;
            }
            (Command::ChangeAccount(change), Outcome::AccountChanged(changed)) => {
                let after = (changed.no.0, changed.status, changed.limits, changed.previous);
                self.account_changed(lsn, change, after)?;
            }
            (Command::Pay(order), Outcome::Payment(after)) => {
                check!(after.previous == Lsn::NONE, "a first record names one before it");
                let mut deltas = Deltas::new();
                self.begun(made, order, &after.payment, &mut deltas)?;
                check!(after.moved_minor == moved(None, &after.payment), "what it moved is wrong");
                self.touched(lsn, &after.accounts, &deltas)?;
            }
            (Command::PayGroup(orders), Outcome::Group(group)) => {
                check!(orders.len() == group.payments.len(), "a group is not whole");
                let mut deltas = Deltas::new();
                for (order, payment) in orders.iter().zip(&group.payments) {
                    let refused = payment.status == Status::Rejected;
                    check!(!refused, "a payment of an atomic group was rejected");
                    self.begun(made, order, payment, &mut deltas)?;
                }
                self.touched(lsn, &group.accounts, &deltas)?;
            }
            (Command::Step(step), Outcome::Payment(after)) => {
                self.stepped(made, step.payment, Some(step), after)?;
            }
            (Command::Due { payment }, Outcome::Payment(after)) => {
                self.stepped(made, *payment, None, after)?;
            }
            (Command::CreateKey(key), Outcome::KeyCreated { instead_of: None }) => {
                let (scopes, created_at) = (key.scopes, record.at);
                let known =
                    self.keys.insert(key.number, BookKey { scopes, created_at, revoked_at: None });
                check!(known.is_none(), "key {} was made twice", key.number);
            }
            (Command::RevokeKey { number }, Outcome::KeyRevoked) => {
                let key = self.keys.get_mut(number).ok_or("a key was revoked that is not there")?;
                check!(key.revoked_at.is_none(), "key {number} was revoked twice");
                key.revoked_at = Some(record.at);
            }
            (command, outcome) => return Err(format!("{outcome:?} is no outcome of {command:?}")),
        }
        self.last = lsn;
        self.at = record.at;
        self.records += 1;
        Ok(())
    }

    fn enter_names(&mut self, lsn: Lsn, record: &Record<'_>) -> Result<(), Finding> {
        for name in names(record.caller.key, record.caller.idempotency_key, &record.command) {
            if let Some(before) = self.names.get(&name) {
                return Err(format!("{name:?} was done before, by record {before}"));
            }
            self.names.insert(name, lsn);
        }
        Ok(())
    }

    fn account_opened(
        &mut self,
        lsn: Lsn,
        open: &OpenAccount<'_>,
        no: u32,
        outside: Option<u32>,
    ) -> Result<(), Finding> {
        check!(no as usize == self.accounts.len(), "account {no} is not the next");
        let outside_id = outside_account(open.terms.currency).as_str();
        let expected = (!self.by_id.contains_key(outside_id)).then_some(no + 1);
        check!(outside == expected, "the outside account is {outside:?}, not {expected:?}");
        self.put_account(lsn, open.id.as_str(), open.terms);
        if outside.is_some() {
            let (currency, side) = (open.terms.currency, Side::Debit);
            let terms = AccountTerms { currency, side, limits: Limits::NONE, code: 0 };
            self.put_account(lsn, outside_id, terms);
        }
        Ok(())
    }

    fn put_account(&mut self, lsn: Lsn, id: &str, terms: AccountTerms) {
        self.by_id.insert(id.to_string(), self.accounts.len());
        self.accounts.push(BookAccount {
            id: id.to_string(),
            terms,
            status: AccountStatus::Open,
            opened: lsn,
            history: vec![(lsn, Sums::default())],
        });
    }

    fn account_changed(
        &mut self,
        lsn: Lsn,
        change: &ChangeAccount<'_>,
        after: (u32, AccountStatus, Limits, Lsn),
    ) -> Result<(), Finding> {
        let (no, status, limits, previous) = after;
        let known = self.by_id.get(change.id.as_str());
        check!(known == Some(&(no as usize)), "{} is not account {no}", change.id);
        let account = &mut self.accounts[no as usize];
        let expected = match change.change {
            AccountChange::Freeze => (AccountStatus::Frozen, account.terms.limits),
            AccountChange::Unfreeze => (AccountStatus::Open, account.terms.limits),
            AccountChange::Close => (AccountStatus::Closed, account.terms.limits),
            AccountChange::Limit(limits) => (account.status, limits),
        };
        check!(account.status != AccountStatus::Closed, "{} was closed", change.id);
        check!((status, limits) == expected, "{} is not changed as asked", change.id);
        check!(previous == account.last(), "{} was touched by another record before", change.id);
        (account.status, account.terms.limits) = (status, limits);
        account.history.push((lsn, account.sums()));
        Ok(())
    }

    fn begun(
        &mut self,
        made: Made,
        order: &Order<'_>,
        payment: &Payment,
        deltas: &mut Deltas,
    ) -> Result<(), Finding> {
        let id = order.id.as_str();
        check!(
            payment.created_at == made.at,
            "payment {id} was not made at the time of its record"
        );
        check!(
            (payment.kind, payment.mode, payment.currency)
                == (order.kind, order.mode, order.currency),
            "payment {id} is not what was ordered"
        );
        if payment.status == Status::Rejected {
            check!(payment.legs.is_empty(), "rejected payment {id} has legs");
        } else {
            self.check_legs(order, payment)?;
        }
        self.add_up(None, payment, deltas);
        self.keep(id, BookPayment { payment: payment.clone(), origin: made.lsn, latest: made.lsn });
        Ok(())
    }

    fn check_legs(&self, order: &Order<'_>, payment: &Payment) -> Result<(), Finding> {
        let ordered: Vec<(&str, u64)> = order
            .payees
            .iter()
            .map(|p| (p.creditor.as_str(), p.amount_minor))
            .chain(order.fees.iter().map(|f| (f.account.as_str(), f.amount_minor)))
            .collect();
        let id = |no: u32| self.accounts.get(no as usize).map_or("?", |a| a.id.as_str());
        let made: Vec<(&str, u64)> =
            payment.legs.iter().map(|leg| (id(leg.credit.0), leg.amount_minor)).collect();
        check!(ordered == made, "the legs of payment {} are not what was ordered", order.id);
        let debited = payment.legs.first().map_or("?", |leg| id(leg.debit.0));
        check!(debited == order.debtor.as_str(), "payment {} debits {debited}", order.id);
        Ok(())
    }

    fn stepped(
        &mut self,
        made: Made,
        id: Id<'_>,
        step: Option<&PaymentStep<'_>>,
        after: &PaymentOutcome,
    ) -> Result<(), Finding> {
        let id = id.as_str();
        let before = self.payments.get(id).ok_or(format!("payment {id} is not there"))?.clone();
        check!(after.origin == before.origin, "payment {id} was made by another record");
        check!(after.previous == before.latest, "a record of payment {id} was left out");
        check_step(id, step, &before.payment, after, made.at)?;
        let mut deltas = Deltas::new();
        self.add_up(Some(&before.payment), &after.payment, &mut deltas);
        self.touched(made.lsn, &after.accounts, &deltas)?;
        if step.is_none() {
            let (origin, before) = (before.origin, before.payment.status);
            self.by_the_clock.push(ByTheClock { origin, before });
        }
        let payment = after.payment.clone();
        self.keep(id, BookPayment { payment, origin: before.origin, latest: made.lsn });
        Ok(())
    }

    fn keep(&mut self, id: &str, payment: BookPayment) {
        match payment.payment.status.is_final() {
            true => self.open.remove(id),
            false => self.open.insert(id.to_string()),
        };
        self.payments.insert(id.to_string(), payment);
    }

    /// What a step of a payment does to accounts, from its counters before and after.
    fn add_up(&self, before: Option<&Payment>, after: &Payment, deltas: &mut Deltas) {
        for (at, leg) in after.legs.iter().enumerate() {
            let was = before.and_then(|p| Some((p, p.legs.get(at)?)));
            let held = |p: &Payment, leg: &Leg| if is_held(p, leg) { remaining(leg) } else { 0 };
            let held = held(after, leg) - was.map_or(0, |(p, leg)| held(p, leg));
            let posted = i128::from(leg.captured_minor)
                - was.map_or(0, |(_, leg)| i128::from(leg.captured_minor));
            let returned = back(leg) - was.map_or(0, |(_, leg)| back(leg));
            let debit = deltas.entry(leg.debit.0).or_default();
            debit.debits_pending += held;
            debit.debits_posted += posted;
            debit.credits_posted += returned;
            let credit = deltas.entry(leg.credit.0).or_default();
            credit.credits_pending += held;
            credit.credits_posted += posted;
            credit.debits_posted += returned;
        }
    }

    /// Compares what a record says about accounts with what it must come to, and enters it.
    fn touched(
        &mut self,
        lsn: Lsn,
        accounts: &[AccountAfter],
        deltas: &Deltas,
    ) -> Result<(), Finding> {
        let listed: BTreeSet<u32> = accounts.iter().map(|a| a.no.0).collect();
        check!(listed.len() == accounts.len(), "an account is listed twice");
        for (no, delta) in deltas {
            let moves = !delta.is_zero();
            check!(!moves || listed.contains(no), "account {no} is not listed though it moves");
        }
        for touched in accounts {
            let no = touched.no.0;
            let account =
                self.accounts.get_mut(no as usize).ok_or(format!("account {no} is not there"))?;
            check!(account.id == touched.id.as_str(), "account {no} is {}", account.id);
            check!(
                Lsn(touched.previous) == account.last(),
                "a record of {} was left out",
                account.id
            );
            let delta = deltas.get(&no).copied().unwrap_or_default();
            let expected = delta.applied_to(account.sums());
            check!(
                expected == Some(touched.after),
                "{} has {:?} but must have {expected:?}",
                account.id,
                touched.after
            );
            account.history.push((lsn, touched.after));
        }
        Ok(())
    }

    /// The payment whose time comes first.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.open.iter().filter_map(|id| due_at(&self.payments[id].payment)).min()
    }

    /// Sums over all accounts of a currency must be the same on both sides.
    pub(crate) fn check_conservation(&self) -> Result<(), Finding> {
        let mut totals: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
        for account in &self.accounts {
            let (sums, total) = (account.sums(), totals.entry(account.terms.currency).or_default());
            total.0 += sums.debits_posted as i128 - sums.credits_posted as i128;
            total.1 += sums.debits_pending as i128 - sums.credits_pending as i128;
        }
        match totals.iter().find(|(_, nets)| **nets != (0, 0)) {
            Some((currency, nets)) => {
                Err(format!("debits and credits of {} differ by {nets:?}", currency.code()))
            }
            None => Ok(()),
        }
    }
}

impl Delta {
    fn is_zero(&self) -> bool {
        let Delta { debits_pending, debits_posted, credits_pending, credits_posted } = *self;
        [debits_pending, debits_posted, credits_pending, credits_posted] == [0; 4]
    }

    /// `None` if a sum would be negative.
    fn applied_to(&self, sums: Sums) -> Option<Sums> {
        let add = |sum: u128, delta: i128| u128::try_from(sum as i128 + delta).ok();
        Some(Sums {
            debits_pending: add(sums.debits_pending, self.debits_pending)?,
            debits_posted: add(sums.debits_posted, self.debits_posted)?,
            credits_pending: add(sums.credits_pending, self.credits_pending)?,
            credits_posted: add(sums.credits_posted, self.credits_posted)?,
        })
    }
}

/// What a step may have done to a payment, told from its counters.
fn check_step(
    id: &str,
    step: Option<&PaymentStep<'_>>,
    before: &Payment,
    after: &PaymentOutcome,
    at: Timestamp,
) -> Result<(), Finding> {
    let payment = &after.payment;
    let same = before.legs.len() == payment.legs.len()
        && before.legs.iter().zip(&payment.legs).all(|(a, b)| {
            (a.debit, a.credit, a.role) == (b.debit, b.credit, b.role)
                && a.amount_minor <= b.amount_minor
                && a.captured_minor <= b.captured_minor
                && a.released_minor <= b.released_minor
                && back(a) <= back(b)
                && b.is_sound()
        });
    check!(same, "the legs of payment {id} are not those before");
    check!(payment.created_at == before.created_at, "payment {id} has another time");
    let is_final = before.status.is_final();
    check!(!is_final || payment.status == before.status, "payment {id} was final");
    let gave_back = matches!(step, Some(PaymentStep { step: Step::GiveBack { .. }, .. }));
    check!(!is_final || gave_back, "payment {id} was final and only gives back");
    let moved = moved(Some(before), payment);
    check!(after.moved_minor == moved, "what a step of payment {id} moved is wrong");
    if step.is_none() {
        let due = due_at(before);
        check!(due.is_some_and(|due| due <= at), "payment {id} was not due but at {due:?}");
    }
    Ok(())
}

/// When the clock alone moves a payment on.
fn due_at(payment: &Payment) -> Option<Timestamp> {
    match (payment.status, payment.reason) {
        (Status::Received, _) => payment.execute_at,
        (Status::Authorised, _) | (Status::Pending, Some(Reason::AwaitingFunds)) => {
            payment.expires_at
        }
        _ => None,
    }
}

fn is_held(payment: &Payment, leg: &Leg) -> bool {
    let holds = matches!(
        (payment.status, payment.reason),
        (Status::Authorised | Status::Processing, _) | (Status::Pending, Some(Reason::Inquiry))
    );
    holds && leg.role != LegRole::CreditorFee
}

fn remaining(leg: &Leg) -> i128 {
    i128::from(leg.amount_minor) - i128::from(leg.captured_minor) - i128::from(leg.released_minor)
}

fn back(leg: &Leg) -> i128 {
    i128::from(leg.refunded_minor) + i128::from(leg.returned_minor) + i128::from(leg.reversed_minor)
}

/// What payees received or gave back by a step.
fn moved(before: Option<&Payment>, after: &Payment) -> u64 {
    let sum = |p: &Payment| {
        p.principal().map(|leg| i128::from(leg.captured_minor) + back(leg)).sum::<i128>()
    };
    u64::try_from(sum(after) - before.map_or(0, sum)).unwrap_or(u64::MAX)
}

/// The names that a command gives to its record.
pub(crate) fn names(key: u32, idempotency_key: Option<&str>, command: &Command<'_>) -> Vec<Name> {
    let mut names: Vec<Name> =
        idempotency_key.map(|text| Name::Key(key, text.to_string())).into_iter().collect();
    match command {
        Command::OpenAccount(open) => names.push(Name::Account(open.id.to_string())),
        Command::Pay(order) => names.push(Name::Payment(order.id.to_string())),
        Command::PayGroup(orders) => {
            names.extend(orders.iter().map(|order| Name::Payment(order.id.to_string())));
        }
        Command::Step(step) => {
            let child = step.step.child();
            names.extend(child.map(|c| Name::Child(step.payment.to_string(), c.to_string())));
        }
        Command::ChangeAccount(_)
        | Command::CreateKey(_)
        | Command::RevokeKey { .. }
        | Command::Due { .. } => {}
    }
    names
}
