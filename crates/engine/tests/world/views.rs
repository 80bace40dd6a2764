//! The engine's answers and state in the words of the reference, and what must hold of each record
//! by itself.

use super::World;
use crate::reference::payment::{Leg, Payment};
use crate::reference::{Effect, Key, Paid, Reference, Sums};
use courant_engine::command::Command;
use courant_engine::outcome::AccountsAfter;
use courant_engine::{Lsn, Outcome};
use courant_ledger::{Account, AccountNo};
use std::collections::BTreeMap;

impl World {
    /// What a record says, before it is applied.
    pub(super) fn effect(&mut self, lsn: Lsn, command: &Command<'_>, outcome: &Outcome) -> Effect {
        match outcome {
            Outcome::AccountOpened(opened) => {
                let Command::OpenAccount(open) = command else { panic!("{command:?}") };
                // Names live as long as the test: they are few.
                let name: &'static str = String::from(open.id.as_str()).leak();
                let outside = opened.outside.map(|_| open.terms.currency.outside_account());
                for name in [Some(name), outside].into_iter().flatten() {
                    self.names.push(name);
                    self.last_record.insert(name, lsn);
                }
                Effect::Opened { no: opened.no.0, outside: opened.outside.map(|no| no.0) }
            }
            Outcome::AccountChanged(changed) => {
                let previous = self.last_record.insert(self.name(changed.no), lsn);
                assert_eq!(previous, Some(changed.previous), "an account's records are linked");
                let (status, limits) = (changed.status, changed.limits);
                Effect::Changed { no: changed.no.0, status, limits }
            }
            Outcome::Payment(after) => Effect::Paid(Paid {
                payment: self.payment(&after.payment),
                origin: self.index_of_some(after.origin),
                previous: self.index_of_some(after.previous),
                moved: i128::from(after.moved_minor),
                accounts: self.sums_after(lsn, &after.accounts),
            }),
            Outcome::Group(group) => Effect::Group {
                payments: group.payments.iter().map(|p| self.payment(p)).collect(),
                accounts: self.sums_after(lsn, &group.accounts),
            },
            Outcome::KeyCreated { .. } => Effect::KeyCreated,
            Outcome::KeyRevoked => Effect::KeyRevoked,
        }
    }

    fn name(&self, no: AccountNo) -> &'static str {
        self.names[no.0 as usize]
    }

    fn index_of_some(&self, lsn: Lsn) -> Option<usize> {
        (lsn != Lsn::NONE).then(|| self.index_of(lsn))
    }

    /// The sums a record leaves behind. Checks its links, and that it makes and loses no money.
    fn sums_after(&mut self, lsn: Lsn, accounts: &AccountsAfter) -> Sums {
        let mut sums = Sums::new();
        let mut nets: BTreeMap<_, (i128, i128)> = BTreeMap::new();
        for account in accounts {
            let name = self.name(account.no);
            assert_eq!(account.id.as_str(), name, "a record names its accounts");
            let previous = self.last_record.insert(name, lsn);
            assert_eq!(previous, Some(Lsn(account.previous)), "an account's records are linked");
            let (_, before) = self.engine.account(account.id.as_id()).expect("it was opened");
            let (before, after) = (sums_of(before), sums_of_sums(&account.after));
            let currency = self.currency(account.no);
            let net = nets.entry(currency).or_default();
            net.0 += (after[0] - before[0]) - (after[2] - before[2]);
            net.1 += (after[1] - before[1]) - (after[3] - before[3]);
            assert!(sums.insert(name, after).is_none(), "a record names an account once");
        }
        assert!(nets.values().all(|net| *net == (0, 0)), "money was made or lost: {nets:?}");
        sums
    }

    fn currency(&self, no: AccountNo) -> u16 {
        let mut from = self.engine.accounts_from(no);
        from.next().expect("it was opened").1.terms.currency.numeric()
    }

    fn payment(&self, payment: &courant_ledger::Payment) -> Payment {
        let leg = |leg: &courant_ledger::Leg| Leg {
            from: self.name(leg.debit),
            to: self.name(leg.credit),
            role: leg.role,
            ordered: leg.amount_minor.into(),
            captured: leg.captured_minor.into(),
            released: leg.released_minor.into(),
            refunded: leg.refunded_minor.into(),
            returned: leg.returned_minor.into(),
            reversed: leg.reversed_minor.into(),
        };
        Payment {
            kind: payment.kind,
            mode: payment.mode,
            currency: payment.currency,
            status: payment.status,
            reason: payment.reason,
            created_at: payment.created_at.nanos(),
            execute_at: payment.execute_at.map(|t| t.nanos()),
            expires_at: payment.expires_at.map(|t| t.nanos()),
            legs: payment.legs.iter().map(leg).collect(),
        }
    }

    /// Compares the whole state with the reference's, and checks what must hold of any state.
    pub(crate) fn assert_equals(&self, reference: &Reference) {
        let engine = &self.engine;
        assert_eq!(engine.accounts_count(), reference.names.len(), "accounts");
        let mut totals: BTreeMap<u16, [i128; 4]> = BTreeMap::new();
        for (no, account) in engine.accounts_from(AccountNo(0)) {
            let name = reference.names[no.0 as usize];
            let expected = &reference.book[name];
            assert_eq!(account.id().as_str(), name);
            assert_eq!(sums_of(account), expected.sums(), "sums of {name}");
            assert_eq!(
                (account.status, account.terms),
                (expected.status, expected.terms),
                "{name}"
            );
            assert_eq!(Lsn(account.last_record), self.last_record[name], "{name}");
            assert_available(account, expected);
            let total = totals.entry(account.terms.currency.numeric()).or_default();
            total.iter_mut().zip(sums_of(account)).for_each(|(total, sum)| *total += sum);
        }
        let told: BTreeMap<u16, [i128; 4]> =
            engine.totals().map(|(c, s)| (c.numeric(), sums_of_sums(&s))).collect();
        assert_eq!(told, totals, "the trial balance is the sum of the accounts");
        assert!(totals.values().all(|[dp, d, cp, c]| dp == cp && d == c), "{totals:?}");
        assert!(engine.is_balanced());
        self.assert_open_payments(reference);
        assert_eq!(engine.now().nanos(), reference.now);
        assert_eq!(engine.records_count(), self.journal.len() as u64);
        assert_eq!(engine.payments_count(), reference.payments_count);
        let key = |k: &courant_engine::Key| {
            let nanos = |t: Option<courant_ledger::Timestamp>| t.map(|t| t.nanos());
            let (expires_at, revoked_at) = (nanos(k.expires_at), nanos(k.revoked_at));
            (k.number, Key { scopes: k.scopes, expires_at, revoked_at })
        };
        let keys: BTreeMap<u32, Key> = engine.keys().map(key).collect();
        assert_eq!(keys, reference.keys);
    }

    /// Every open payment, and that the accounts hold exactly what the open payments have left to
    /// capture.
    fn assert_open_payments(&self, reference: &Reference) {
        assert_eq!(self.engine.open_payments_count(), reference.open.len(), "open payments");
        let mut held: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
        for id in reference.open.keys() {
            let kept = &reference.payments[id];
            let parsed = courant_ledger::Id::parse("id", id).expect("it was used before");
            let open = self.engine.open_payment(parsed).expect("the reference has it open");
            assert_eq!(self.payment(&open.payment), kept.payment, "payment {id}");
            assert_eq!(self.index_of(open.origin), kept.records[0], "payment {id}");
            assert_eq!(Some(&self.index_of(open.latest)), kept.records.last(), "payment {id}");
            let holding =
                kept.payment.legs.iter().filter(|l| {
                    kept.payment.holds() && l.role != courant_ledger::LegRole::CreditorFee
                });
            for leg in holding {
                held.entry(leg.from).or_default().0 += leg.left();
                held.entry(leg.to).or_default().1 += leg.left();
            }
        }
        for (name, account) in &reference.book {
            let (from, to) = held.get(name).copied().unwrap_or_default();
            assert_eq!((account.held_from, account.held_for), (from, to), "holds of {name}");
        }
        let soonest = reference.soonest().map(|(at, _)| at);
        assert_eq!(self.engine.due_at().map(|t| t.nanos()), soonest, "what falls due next");
    }
}

/// What can be drawn is what the limits allow: that much could be held, and one more could not.
fn assert_available(account: &Account, expected: &crate::reference::book::Account) {
    let room = expected.terms.limits.floor.map(|floor| expected.range().0 - floor);
    let expected = room.map(|room| room.max(0) as u128);
    assert_eq!(account.available(), expected, "available of {}", account.id());
}

fn sums_of(account: &Account) -> [i128; 4] {
    sums_of_sums(&account.sums)
}

fn sums_of_sums(sums: &courant_ledger::Sums) -> [i128; 4] {
    [sums.debits_pending, sums.debits_posted, sums.credits_pending, sums.credits_posted]
        .map(|sum| i128::try_from(sum).expect("a sum is below 2^126"))
}
