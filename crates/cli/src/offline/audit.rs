//! The auditor: replays records into a fresh engine, and checks each one against the state before
//! it goes in.
//!
//! The engine takes its own records as true and stops the process when they contradict each other.
//! Here a contradiction is a finding: whoever altered a record and its checksums is to be told what
//! does not fit.

use std::collections::BTreeMap;

use courant_engine::outcome::{AccountsAfter, Outcome};
use courant_engine::{Command, Engine, EngineOptions, Lsn, Record, Replay, record};
use courant_ledger::{Account, AccountNo, Currency, Payment};
use courant_node::parts::Extent;

/// A ledger that is built up record by record, from nothing or from a snapshot.
#[derive(Debug)]
pub(super) struct Audit {
    pub(super) engine: Engine,
    /// The snapshot shows records up to its begin, and of those up to its end a part.
    base: Extent,
}

/// Ids are gathered elsewhere, and nothing is decided.
const OPTIONS: EngineOptions =
    EngineOptions { secret: 1, recent_ids: 10_000, open_payments_max: 0, generation: 0 };

impl Audit {
    pub(super) fn new() -> Audit {
        let base = Extent { begin: Lsn::NONE, end: Lsn::NONE };
        Audit { engine: Engine::new(OPTIONS), base }
    }

    /// An audit of what follows a snapshot.
    pub(super) fn from_snapshot(engine: Engine, base: Extent) -> Audit {
        Audit { engine, base }
    }

    /// Takes the next record; says what is wrong with it if it does not fit.
    pub(super) fn take(&mut self, lsn: Lsn, bytes: &[u8]) -> Result<(), String> {
        let decoded = record::decode(bytes).map_err(|error| error.to_string())?;
        if lsn <= self.base.begin {
            return Ok(());
        }
        let is_exact = lsn > self.base.end;
        if is_exact {
            self.check(lsn, &decoded)?;
        }
        let mode = if is_exact { Replay::Exact } else { Replay::Converging };
        self.engine.replay(lsn, bytes, mode).map_err(|error| error.to_string())?;
        if self.engine.ids().is_full() {
            let frozen = self.engine.freeze_ids();
            drop(self.engine.drop_ids_through(frozen.generation));
        }
        Ok(())
    }

    fn check(&self, lsn: Lsn, record: &Record<'_>) -> Result<(), String> {
        if lsn <= self.engine.last() {
            return Err("it does not come after the record before it".to_owned());
        }
        if record.at < self.engine.now() {
            return Err("its time is before that of the record before it".to_owned());
        }
        match (&record.command, &record.outcome) {
            (Command::Pay(_) | Command::Step(_) | Command::Due { .. }, Outcome::Payment(after)) => {
                check_payment(&after.payment)?;
                self.check_accounts(&after.accounts)
            }
            (Command::PayGroup(orders), Outcome::Group(group)) => {
                if orders.len() != group.payments.len() {
                    return Err("its group has not one payment per order".to_owned());
                }
                group.payments.iter().try_for_each(check_payment)?;
                self.check_accounts(&group.accounts)
            }
            (Command::OpenAccount(open), Outcome::AccountOpened(opened)) => {
                let next = self.engine.accounts_count() as u32;
                let numbers_fit =
                    opened.no.0 == next && opened.outside.is_none_or(|no| no.0 == next + 1);
                match numbers_fit && self.engine.account(open.id).is_none() {
                    true => Ok(()),
                    false => Err("the account it opens is there already".to_owned()),
                }
            }
            (Command::ChangeAccount(_), Outcome::AccountChanged(changed)) => {
                let account = self.account(changed.no)?;
                follows(account, changed.previous)
            }
            (Command::CreateKey(_), Outcome::KeyCreated { instead_of }) => match instead_of {
                Some(gone) if !self.engine.keys().any(|key| key.number == *gone) => {
                    Err("it takes the place of a key that is not there".to_owned())
                }
                _ => Ok(()),
            },
            (Command::RevokeKey { number }, Outcome::KeyRevoked) => {
                let is_known = self.engine.keys().any(|key| key.number == *number);
                is_known
                    .then_some(())
                    .ok_or_else(|| "it revokes a key that is not there".to_owned())
            }
            _ => Err("its outcome is none of its command".to_owned()),
        }
    }

    fn account(&self, no: AccountNo) -> Result<&Account, String> {
        let mut from = self.engine.accounts_from(no);
        let found = if (no.0 as usize) < self.engine.accounts_count() { from.next() } else { None };
        found.map(|(_, account)| account).ok_or_else(|| format!("there is no account {}", no.0))
    }

    /// What the accounts gain and lose must add up to nothing in every currency.
    fn check_accounts(&self, accounts: &AccountsAfter) -> Result<(), String> {
        let mut nets: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
        for touched in accounts {
            let account = self.account(touched.no)?;
            if account.id() != touched.id.as_id() {
                return Err(format!(
                    "account {} is {}, not {}",
                    touched.no.0,
                    account.id(),
                    touched.id
                ));
            }
            follows(account, Lsn(touched.previous))?;
            let (before, after) = (&account.sums, &touched.after);
            let gain = |after: u128, before: u128| after.wrapping_sub(before) as i128;
            let net = nets.entry(account.terms.currency).or_default();
            let pending = gain(after.debits_pending, before.debits_pending)
                .wrapping_sub(gain(after.credits_pending, before.credits_pending));
            let posted = gain(after.debits_posted, before.debits_posted)
                .wrapping_sub(gain(after.credits_posted, before.credits_posted));
            *net = (net.0.wrapping_add(pending), net.1.wrapping_add(posted));
        }
        match nets.iter().find(|(_, net)| **net != (0, 0)) {
            Some((currency, _)) => Err(format!("its debits and credits differ in {currency}")),
            None => Ok(()),
        }
    }
}

fn check_payment(payment: &Payment) -> Result<(), String> {
    match payment.legs.iter().all(|leg| leg.is_sound()) {
        true => Ok(()),
        false => {
            Err("a leg of its payment has captured or given back more than there was".to_owned())
        }
    }
}

fn follows(account: &Account, previous: Lsn) -> Result<(), String> {
    match account.last_record == previous.0 {
        true => Ok(()),
        false => {
            Err(format!("it does not follow the record before it on account {}", account.id()))
        }
    }
}
