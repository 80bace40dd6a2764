//! Evolving: applying a record to the state. The only code that changes it, live and in replay
//! alike.

use crate::command::Command;
use crate::decide::{Hints, idempotency_tag};
use crate::outcome::{AccountOpened, AccountsAfter, GroupOutcome, Outcome, PaymentOutcome};
use crate::state::{OpenPayment, State};
use crate::{Caller, Key, Lsn};
use courant_ledger::{
    Account, AccountTerms, Id, IdBuf, Limits, Side, TagDomain, Timestamp, outside_account,
};

/// Whether the state is just before the record, or may already show it or later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The state is exactly that before the record: every invariant is asserted.
    Exact,
    /// The state was saved while records went on (a snapshot), so parts of it may be later than the
    /// record. Applying all records up to the snapshot's end makes it exact.
    Converging,
}

/// A record as `evolve` takes it: just decided, or decoded.
#[derive(Debug, Clone, Copy)]
pub struct Applied<'r, 'c> {
    /// Where it is in the journal.
    pub lsn: Lsn,
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked.
    pub caller: Caller<'c>,
    /// What was asked.
    pub command: &'r Command<'c>,
    /// What it came to.
    pub outcome: &'r Outcome,
    /// What was looked up ahead for it.
    pub hints: Hints,
}

impl State {
    /// Applies one record.
    ///
    /// Panics if the record contradicts the state: then the journal is not the one the state came
    /// from, or there is a bug, and going on would spread it.
    #[inline]
    pub(crate) fn evolve(&mut self, record: Applied<'_, '_>, replay: Replay) {
        assert!(record.lsn > self.last, "records are applied once and in order");
        self.last = record.lsn;
        self.now = self.now.max(record.at);
        self.records_count += 1;
        self.remember(&record);
        match (record.command, record.outcome) {
            (Command::Pay(order), Outcome::Payment(after)) => {
                self.payments_count += 1;
                self.touch_accounts(&after.accounts, record.lsn, replay);
                self.keep(order.id.into(), after, record.lsn);
            }
            (Command::PayGroup(orders), Outcome::Group(group)) => {
                self.payments_count += orders.len() as u64;
                self.pay_group_after(orders, group, record.lsn, replay);
            }
            (Command::Step(step), Outcome::Payment(after)) => {
                self.touch_accounts(&after.accounts, record.lsn, replay);
                self.moved_on(step.payment.into(), after, record.lsn);
            }
            (Command::Due { payment }, Outcome::Payment(after)) => {
                self.touch_accounts(&after.accounts, record.lsn, replay);
                self.moved_on((*payment).into(), after, record.lsn);
            }
            (Command::OpenAccount(open), Outcome::AccountOpened(opened)) => {
                self.account_opened(Account::new(open.id, open.terms), *opened, record.lsn);
            }
            (Command::ChangeAccount(_), Outcome::AccountChanged(changed)) => {
                let mut account = self.accounts.get(changed.no).clone();
                account.status = changed.status;
                account.terms.limits = changed.limits;
                account.last_record = record.lsn.0;
                self.accounts.put(changed.no, account);
            }
            (Command::CreateKey(key), Outcome::KeyCreated { instead_of }) => {
                if let Some(number) = instead_of {
                    self.keys.remove(number);
                }
                let key = Key {
                    number: key.number,
                    name: key.name.to_string(),
                    scopes: key.scopes,
                    hash: key.hash,
                    created_at: record.at,
                    expires_at: key.expires_at,
                    revoked_at: None,
                };
                self.keys.insert(key.number, key);
            }
            (Command::RevokeKey { number }, Outcome::KeyRevoked) => {
                match self.keys.get_mut(number) {
                    Some(key) => key.revoked_at = Some(record.at),
                    // A snapshot under way may show that another key took its place later.
                    None => assert!(replay == Replay::Converging, "a revoked key is there"),
                }
            }
            (command, outcome) => panic!("{outcome:?} is no outcome of {command:?}"),
        }
    }

    fn payment_tag(&self, id: Id<'_>) -> u64 {
        self.tagger.tag(TagDomain::Payment, id.as_bytes())
    }

    #[inline]
    fn touch_accounts(&mut self, accounts: &AccountsAfter, lsn: Lsn, replay: Replay) {
        for account in accounts {
            self.accounts.set_sums(account.no, account.after, lsn.0);
        }
        if replay == Replay::Exact {
            accounts.iter().for_each(|account| self.accounts.assert_balanced(account.no));
        }
    }

    /// Keeps a payment in memory until it is final.
    #[inline]
    fn keep(&mut self, id: IdBuf, after: &PaymentOutcome, lsn: Lsn) {
        if after.payment.status.is_final() {
            return;
        }
        let origin = if after.origin == Lsn::NONE { lsn } else { after.origin };
        let open = OpenPayment { payment: after.payment.clone(), origin, latest: lsn };
        self.set_open(id, Some(open));
    }

    /// A step of a known payment. Once it is final its last record is found by its id.
    fn moved_on(&mut self, id: IdBuf, after: &PaymentOutcome, lsn: Lsn) {
        if after.payment.status.is_final() {
            self.set_open(id, None);
        } else {
            self.keep(id, after, lsn);
        }
    }

    fn pay_group_after(
        &mut self,
        orders: &[courant_ledger::Order<'_>],
        group: &GroupOutcome,
        lsn: Lsn,
        replay: Replay,
    ) {
        self.touch_accounts(&group.accounts, lsn, replay);
        assert!(orders.len() == group.payments.len(), "a group has one payment per order");
        for (order, payment) in orders.iter().zip(&group.payments) {
            if !payment.status.is_final() {
                let open = OpenPayment { payment: payment.clone(), origin: lsn, latest: lsn };
                self.set_open(order.id.into(), Some(open));
            }
        }
    }

    /// Remembers every id under which a record will be looked for. An open payment is found by its
    /// id in memory, so of its later records only the final one is remembered under it.
    #[inline]
    pub(crate) fn remember(&mut self, record: &Applied<'_, '_>) {
        let Applied { lsn, caller, command, outcome, hints, .. } = *record;
        if let Some(key) = caller.idempotency_key {
            self.ids.insert(idempotency_tag(self, caller.key, key), lsn);
        }
        let is_final = matches!(outcome, Outcome::Payment(p) if p.payment.status.is_final());
        match command {
            Command::Pay(order) => {
                let tag = || self.payment_tag(order.id);
                let tag = hints.payment_tag.unwrap_or_else(tag);
                self.ids.insert(tag, lsn);
            }
            Command::PayGroup(orders) => {
                for order in orders {
                    self.ids.insert(self.payment_tag(order.id), lsn);
                }
            }
            Command::Step(step) => {
                if let Some(child) = step.step.child() {
                    let scope = step.payment.as_bytes();
                    let tag = self.tagger.tag_below(TagDomain::Child, scope, child.as_bytes());
                    self.ids.insert(tag, lsn);
                }
                if is_final {
                    self.ids.insert(self.payment_tag(step.payment), lsn);
                }
            }
            Command::Due { payment } if is_final => {
                self.ids.insert(self.payment_tag(*payment), lsn);
            }
            Command::Due { .. }
            | Command::OpenAccount(_)
            | Command::ChangeAccount(_)
            | Command::CreateKey(_)
            | Command::RevokeKey { .. } => {}
        }
    }

    fn account_opened(&mut self, mut account: Account, opened: AccountOpened, lsn: Lsn) {
        let currency = account.terms.currency;
        let put = |state: &mut State, no, account: &mut Account| {
            account.last_record = lsn.0;
            account.opened_record = lsn.0;
            state.accounts.put(no, account.clone());
        };
        put(self, opened.no, &mut account);
        if let Some(outside) = opened.outside {
            let terms = AccountTerms { currency, side: Side::Debit, limits: Limits::NONE, code: 0 };
            put(self, outside, &mut Account::new(outside_account(currency), terms));
        }
    }
}
