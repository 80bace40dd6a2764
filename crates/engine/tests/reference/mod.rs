//! A naive ledger, written for the tests alone: an independent opinion of what every command must
//! come to.
//!
//! It keeps everything in ordered maps, knows no bytes, and tries each command on a copy of the
//! book. It must never share code with the engine beyond the words commands are made of.

pub(crate) mod book;
pub(crate) mod payment;

use book::{Account, Book};
use courant_engine::command::{
    AccountChange, ChangeAccount, Command, CreateKey, OpenAccount, PaymentStep,
};
use courant_engine::{KEYS_MAX, SCOPE_ADMIN};
use courant_ledger::{AccountStatus, AccountTerms, Currency, Limits, Order, Reason, Side, Status};
use payment::Payment;
use std::collections::BTreeMap;

/// What a command came to. Records are numbered from 0 in the order they were made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Recorded.
    Done(Effect),
    /// Done before, by this record.
    Repeat(usize),
    /// The id or key was used for something else.
    Conflict,
    /// Refused; in a group, for this payment.
    Refused(Reason, Option<usize>),
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Opened { no: u32, outside: Option<u32> },
    Changed { no: u32, status: AccountStatus, limits: Limits },
    Paid(Paid),
    Group { payments: Vec<Payment>, accounts: Sums },
    KeyCreated,
    KeyRevoked,
}

/// A payment after a step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Paid {
    pub(crate) payment: Payment,
    pub(crate) origin: Option<usize>,
    pub(crate) previous: Option<usize>,
    pub(crate) moved: i128,
    pub(crate) accounts: Sums,
}

/// The accounts that changed: debits pending and posted, credits pending and posted.
pub(crate) type Sums = BTreeMap<&'static str, [i128; 4]>;

/// A key: scopes, expiry, time of revocation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) scopes: u32,
    pub(crate) expires_at: Option<u64>,
    pub(crate) revoked_at: Option<u64>,
}

/// A payment with the numbers of all records about it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) payment: Payment,
    pub(crate) records: Vec<usize>,
}

/// Who asks, under which idempotency key.
pub(crate) type Asker = (u32, Option<&'static str>);

/// The naive ledger.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    /// How many payments may be open.
    open_max: usize,
    pub(crate) now: u64,
    pub(crate) book: Book,
    pub(crate) names: Vec<&'static str>,
    pub(crate) payments: BTreeMap<&'static str, Kept>,
    /// The payments that are not final, and when the clock does something with each.
    pub(crate) open: BTreeMap<&'static str, Option<u64>>,
    pub(crate) keys: BTreeMap<u32, Key>,
    pub(crate) payments_count: u64,
    /// Every command that was recorded.
    records: Vec<Command<'static>>,
    children: BTreeMap<(&'static str, &'static str), usize>,
    requests: BTreeMap<(u32, &'static str), usize>,
}

impl Reference {
    /// A ledger with nothing in it, that keeps at most so many payments open.
    pub(crate) fn new(open_max: usize) -> Reference {
        Reference { open_max, ..Reference::default() }
    }

    /// What a command comes to at a time, and remembers it.
    pub(crate) fn submit(&mut self, now: u64, asker: Asker, command: &Command<'static>) -> Answer {
        let request = asker.1.map(|text| (asker.0, text));
        if let Some(record) = request.and_then(|r| self.requests.get(&r)) {
            return self.repeat(*record, command);
        }
        let at = now.max(self.now);
        let answer = match command {
            Command::OpenAccount(open) => self.open_account(open, command),
            Command::ChangeAccount(change) => self.change_account(change),
            Command::Pay(order) => self.pay(at, order, command),
            Command::PayGroup(orders) => self.pay_group(at, orders, command),
            Command::Step(step) => self.step(at, step, command),
            Command::CreateKey(key) => self.create_key(at, key),
            Command::RevokeKey { number } => self.revoke_key(at, *number),
            Command::Due { .. } => panic!("due payments are not submitted"),
        };
        if let (Answer::Done(_), Some(request)) = (&answer, request) {
            self.requests.insert(request, self.records.len());
        }
        self.recorded(at, &answer, command);
        answer
    }

    /// The payment that the clock moves on next, if its time has come.
    pub(crate) fn next_due(&self, now: u64) -> Option<&'static str> {
        let at = now.max(self.now);
        self.soonest().filter(|(due, _)| *due <= at).map(|(_, id)| id)
    }

    /// The payment that falls due first, and when.
    pub(crate) fn soonest(&self) -> Option<(u64, &'static str)> {
        self.open.iter().filter_map(|(id, due)| Some(((*due)?, *id))).min()
    }

    /// Executes or expires a payment whose time has come.
    pub(crate) fn fall_due(&mut self, now: u64, id: &'static str) -> Answer {
        let at = now.max(self.now);
        let mut book = self.book.clone();
        let mut payment = self.payments[id].payment.clone();
        let mut moved = 0;
        if payment.status == Status::Received {
            match payment.execute(&mut book, at) {
                Ok(()) => moved = completed_now(&payment),
                Err(reason) => {
                    book = self.book.clone();
                    payment = self.payments[id].payment.clone().rejected(reason);
                }
            }
        } else {
            payment.expire(&mut book);
        }
        let answer = self.moved_on(id, payment, moved, book);
        let payment = courant_ledger::Id::parse("id", id).expect("it was used before");
        self.recorded(at, &answer, &Command::Due { payment });
        answer
    }

    fn recorded(&mut self, at: u64, answer: &Answer, command: &Command<'static>) {
        if let Answer::Done(_) = answer {
            self.now = at;
            self.records.push(command.clone());
        }
    }

    fn repeat(&self, record: usize, command: &Command<'static>) -> Answer {
        match self.records[record] == *command {
            true => Answer::Repeat(record),
            false => Answer::Conflict,
        }
    }

    fn open_account(&mut self, open: &OpenAccount<'static>, command: &Command<'static>) -> Answer {
        let refused = |reason| Answer::Refused(reason, None);
        if open.id.is_reserved() {
            return refused(Reason::AccountReserved);
        }
        if crossed(open.terms.limits) {
            return refused(Reason::LimitsCrossed);
        }
        if self.book.contains_key(open.id.as_str()) {
            let opened = self
                .records
                .iter()
                .position(|c| matches!(c, Command::OpenAccount(earlier) if earlier.id == open.id));
            let opened = opened.expect("every account that clients know was opened by a record");
            return match self.repeat(opened, command) {
                Answer::Conflict => refused(Reason::AccountExists),
                repeat => repeat,
            };
        }
        let no = self.add_account(open.id.as_str(), open.terms);
        let currency = open.terms.currency;
        let outside = match self.book.contains_key(currency.outside_account()) {
            true => None,
            false => Some(self.add_account(currency.outside_account(), outside_terms(currency))),
        };
        Answer::Done(Effect::Opened { no, outside })
    }

    fn add_account(&mut self, name: &'static str, terms: AccountTerms) -> u32 {
        self.book.insert(name, Account::new(terms));
        self.names.push(name);
        self.names.len() as u32 - 1
    }

    fn change_account(&mut self, change: &ChangeAccount<'static>) -> Answer {
        use AccountStatus::{Closed, Frozen, Open};
        let refused = |reason| Answer::Refused(reason, None);
        if change.id.is_reserved() {
            return refused(Reason::AccountReserved);
        }
        let name = change.id.as_str();
        let Some(account) = self.book.get_mut(name) else {
            return refused(Reason::AccountNotFound);
        };
        match (change.change, account.status) {
            (_, Closed) => return refused(Reason::AccountClosed),
            (AccountChange::Freeze, Frozen) => return refused(Reason::AccountAlreadyFrozen),
            (AccountChange::Freeze, Open) => account.status = Frozen,
            (AccountChange::Unfreeze, Open) => return refused(Reason::AccountNotFrozen),
            (AccountChange::Unfreeze, Frozen) => account.status = Open,
            (AccountChange::Close, _) if account.held_from + account.held_for != 0 => {
                return refused(Reason::HoldsNotZero);
            }
            (AccountChange::Close, _) if account.balance() != 0 => {
                return refused(Reason::BalanceNotZero);
            }
            (AccountChange::Close, _) => account.status = Closed,
            (AccountChange::Limit(limits), _) if crossed(limits) => {
                return refused(Reason::LimitsCrossed);
            }
            (AccountChange::Limit(limits), _) => account.terms.limits = limits,
        }
        let (status, limits) = (account.status, account.terms.limits);
        let no = self.names.iter().position(|known| *known == name).expect("it is numbered") as u32;
        Answer::Done(Effect::Changed { no, status, limits })
    }

    fn made_before(&self, order: &Order<'static>, command: &Command<'static>) -> Option<Answer> {
        let kept = self.payments.get(order.id.as_str())?;
        Some(self.repeat(kept.records[0], command))
    }

    fn pay(&mut self, at: u64, order: &Order<'static>, command: &Command<'static>) -> Answer {
        if let Some(answer) = self.made_before(order, command) {
            return answer;
        }
        let mut book = self.book.clone();
        let mut payment = Payment::blank(order, at);
        if let Err(reason) = payment.begin(&mut book, order) {
            book = self.book.clone();
            payment = Payment::blank(order, at).rejected(reason);
        }
        if !payment.status.is_final() && self.open.len() >= self.open_max {
            return Answer::Refused(Reason::OpenPaymentsFull, None);
        }
        let accounts = self.turn_to(book);
        self.keep(order.id.as_str(), payment.clone());
        let moved = completed_now(&payment);
        let paid = Paid { payment, origin: None, previous: None, moved, accounts };
        Answer::Done(Effect::Paid(paid))
    }

    fn pay_group(
        &mut self,
        at: u64,
        orders: &[Order<'static>],
        command: &Command<'static>,
    ) -> Answer {
        for (index, order) in orders.iter().enumerate() {
            if orders[..index].iter().any(|earlier| earlier.id == order.id) {
                return Answer::Refused(Reason::GroupMemberRepeated, Some(index));
            }
            if let Some(answer) = self.made_before(order, command) {
                return answer;
            }
        }
        let mut book = self.book.clone();
        let mut payments = Vec::new();
        for (index, order) in orders.iter().enumerate() {
            let mut payment = Payment::blank(order, at);
            if let Err(reason) = payment.begin(&mut book, order) {
                return Answer::Refused(reason, Some(index));
            }
            payments.push(payment);
            let opened = payments.iter().filter(|p| !p.status.is_final()).count();
            if opened > 0 && self.open.len() + opened > self.open_max {
                return Answer::Refused(Reason::OpenPaymentsFull, Some(index));
            }
        }
        let accounts = self.turn_to(book);
        for (order, payment) in orders.iter().zip(&payments) {
            self.keep(order.id.as_str(), payment.clone());
        }
        Answer::Done(Effect::Group { payments, accounts })
    }

    fn keep(&mut self, id: &'static str, payment: Payment) {
        self.payments_count += 1;
        self.note_open(id, &payment);
        self.payments.insert(id, Kept { payment, records: vec![self.records.len()] });
    }

    fn step(&mut self, at: u64, step: &PaymentStep<'static>, command: &Command<'static>) -> Answer {
        let id = step.payment.as_str();
        let child = step.step.child().map(|child| (id, child.as_str()));
        if let Some(record) = child.and_then(|child| self.children.get(&child)) {
            return self.repeat(*record, command);
        }
        let Some(kept) = self.payments.get(id) else {
            return Answer::Refused(Reason::PaymentNotFound, None);
        };
        if kept.payment.due_at().is_some_and(|due| due <= at) {
            return Answer::Refused(Reason::PaymentBusy, None);
        }
        let mut book = self.book.clone();
        let mut payment = kept.payment.clone();
        match payment.step(&mut book, &step.step) {
            Ok(moved) => {
                if let Some(child) = child {
                    self.children.insert(child, self.records.len());
                }
                self.moved_on(id, payment, moved, book)
            }
            Err(reason) => Answer::Refused(reason, None),
        }
    }

    fn moved_on(&mut self, id: &'static str, payment: Payment, moved: i128, book: Book) -> Answer {
        let accounts = self.turn_to(book);
        let record = self.records.len();
        let kept = self.payments.get_mut(id).expect("it was made before");
        kept.payment = payment.clone();
        let (origin, previous) = (kept.records.first().copied(), kept.records.last().copied());
        kept.records.push(record);
        self.note_open(id, &payment);
        Answer::Done(Effect::Paid(Paid { payment, origin, previous, moved, accounts }))
    }

    fn note_open(&mut self, id: &'static str, payment: &Payment) {
        match payment.status.is_final() {
            true => self.open.remove(id),
            false => self.open.insert(id, payment.due_at()),
        };
    }

    fn create_key(&mut self, at: u64, key: &CreateKey<'static>) -> Answer {
        if key.number == 0 || self.keys.contains_key(&key.number) {
            return Answer::Refused(Reason::KeyExists, None);
        }
        if self.keys.len() == KEYS_MAX {
            let is_over =
                |key: &Key| key.revoked_at.is_some() || key.expires_at.is_some_and(|end| end <= at);
            let Some(over) = self.keys.iter().find(|(_, k)| is_over(k)).map(|(n, _)| *n) else {
                return Answer::Refused(Reason::KeysFull, None);
            };
            self.keys.remove(&over);
        }
        let expires_at = key.expires_at.map(|t| t.nanos());
        self.keys.insert(key.number, Key { scopes: key.scopes, expires_at, revoked_at: None });
        Answer::Done(Effect::KeyCreated)
    }

    fn revoke_key(&mut self, at: u64, number: u32) -> Answer {
        let works = |key: &Key| {
            key.scopes & SCOPE_ADMIN != 0
                && key.revoked_at.is_none()
                && key.expires_at.is_none_or(|end| at < end)
        };
        let admins: Vec<u32> =
            self.keys.iter().filter(|(_, k)| works(k)).map(|(number, _)| *number).collect();
        match self.keys.get_mut(&number) {
            None => Answer::Refused(Reason::KeyNotFound, None),
            Some(key) if key.revoked_at.is_some() => Answer::Refused(Reason::KeyRevoked, None),
            Some(_) if admins == [number] => Answer::Refused(Reason::LastAdminKey, None),
            Some(key) => {
                key.revoked_at = Some(at);
                Answer::Done(Effect::KeyRevoked)
            }
        }
    }

    /// Makes a tried book the real one; what changed.
    fn turn_to(&mut self, book: Book) -> Sums {
        let changed = book.iter().filter(|(name, account)| self.book[*name] != **account);
        let changes = changed.map(|(name, account)| (*name, account.sums())).collect();
        self.book = book;
        changes
    }
}

fn crossed(limits: Limits) -> bool {
    matches!((limits.floor, limits.ceiling), (Some(floor), Some(ceiling)) if floor > ceiling)
}

fn outside_terms(currency: Currency) -> AccountTerms {
    AccountTerms { currency, side: Side::Debit, limits: Limits::NONE, code: 0 }
}

fn completed_now(payment: &Payment) -> i128 {
    match payment.status {
        Status::Completed => payment.payees().map(|leg| leg.captured).sum(),
        _ => 0,
    }
}
