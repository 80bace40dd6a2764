//! What the API shows of an account's entries: one for each payment that moved or held money of it.

use super::{Decimal, SumsView, Time};
use crate::events::EventsOf;
use crate::input::query::Place;
use crate::records;
use courant_engine::outcome::{AccountAfter, AccountsAfter};
use courant_engine::{Command, Lsn, Outcome, Record};
use courant_ledger::{Account, AccountNo, IdBuf, Leg, LegRole, Payment, Status, Sums};
use serde::Serialize;
use utoipa::ToSchema;

/// One line of an account's history. Amounts are decimal texts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct EntryView {
    /// The record.
    lsn: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    time: Time,
    /// What happened, as in the type of the record's event.
    kind: &'static str,
    /// The payment.
    #[schema(value_type = String)]
    payment: String,
    /// The capture, refund, return or reversal, if it was one.
    child: Option<String>,
    /// By how much the posted balance grew; below zero if it shrank.
    #[schema(value_type = String)]
    amount: Decimal,
    /// By how much what is held against the account grew; below zero if it shrank.
    #[schema(value_type = String)]
    held: Decimal,
    /// The accounts on the other side.
    counterparts: Vec<String>,
    /// The posted balance after it.
    #[schema(value_type = String)]
    balance: Decimal,
    /// The other sums after it.
    #[serde(flatten)]
    sums: SumsView,
    #[serde(skip)]
    pub(crate) place: Place,
}

/// A record of an account's chain, and the account's sums before and after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Movement<'r, 'a> {
    pub(crate) lsn: Lsn,
    pub(crate) record: &'r Record<'a>,
    pub(crate) before: Sums,
}

/// What a record says about an account that it touched.
pub(crate) fn account_in<'r>(record: &'r Record<'_>, no: AccountNo) -> Option<&'r AccountAfter> {
    touched(&record.outcome)?.iter().find(|account| account.no == no)
}

fn touched(outcome: &Outcome) -> Option<&AccountsAfter> {
    match outcome {
        Outcome::Payment(after) => Some(&after.accounts),
        Outcome::Group(group) => Some(&group.accounts),
        _ => None,
    }
}

impl Movement<'_, '_> {
    /// The entries of the record for an account, newest first.
    pub(crate) fn entries(self, no: AccountNo, account: &Account) -> Vec<EntryView> {
        let Some(after) = account_in(self.record, no) else { return Vec::new() };
        match &self.record.outcome {
            Outcome::Payment(outcome) => {
                let sums = (self.before, after.after);
                vec![self.entry((no, account), 0, &outcome.payment, sums)]
            }
            Outcome::Group(group) => {
                let mut sums = self.before;
                let mut entries = Vec::new();
                for (index, payment) in group.payments.iter().enumerate() {
                    let before = sums;
                    payment.legs.iter().for_each(|leg| begun(leg, payment.status, no, &mut sums));
                    if sums != before {
                        entries.push(self.entry((no, account), index, payment, (before, sums)));
                    }
                }
                entries.reverse();
                entries
            }
            _ => Vec::new(),
        }
    }

    fn entry(
        self,
        (no, account): (AccountNo, &Account),
        index: usize,
        payment: &Payment,
        (before, after): (Sums, Sums),
    ) -> EntryView {
        let Movement { lsn, record, .. } = self;
        let (side, currency) = (account.terms.side, account.terms.currency);
        let signed = |minor| Decimal::signed(minor, currency);
        let held = |sums: &Sums| sums.balance(side) - sums.balance_low(side);
        let events = EventsOf::record(record);
        let id = records::payment_id(record, index).map(IdBuf::from);
        let child = match &record.command {
            Command::Step(step) => step.step.child().map(|child| child.as_str().to_owned()),
            _ => None,
        };
        EntryView {
            lsn: lsn.0,
            time: Time(record.at),
            kind: events.kind(index as u32).name(),
            payment: id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            child,
            amount: signed(after.balance(side) - before.balance(side)),
            held: signed(held(&after) - held(&before)),
            counterparts: counterparts(no, payment, &record.outcome),
            balance: signed(after.balance(side)),
            sums: SumsView::new(after, currency),
            place: Place::part(lsn, index as u32),
        }
    }
}

/// The accounts on the other side of a payment's legs, as far as the record touched them.
fn counterparts(no: AccountNo, payment: &Payment, outcome: &Outcome) -> Vec<String> {
    let Some(touched) = touched(outcome) else { return Vec::new() };
    let others = payment.legs.iter().filter_map(|leg| match no {
        _ if leg.debit == no => Some(leg.credit),
        _ if leg.credit == no => Some(leg.debit),
        _ => None,
    });
    let mut names: Vec<String> = Vec::new();
    for other in others {
        let Some(other) = touched.iter().find(|account| account.no == other) else { continue };
        if !names.iter().any(|name| name == other.id.as_str()) {
            names.push(other.id.as_str().to_owned());
        }
    }
    names
}

/// Adds what the beginning of a payment moved by one leg to the sums of an account.
fn begun(leg: &Leg, status: Status, no: AccountNo, sums: &mut Sums) {
    let posted = u128::from(leg.captured_minor);
    let is_held = matches!(status, Status::Authorised | Status::Processing);
    let held = match leg.role {
        LegRole::Principal | LegRole::DebtorFee if is_held => u128::from(leg.amount_minor),
        _ => 0,
    };
    if leg.debit == no {
        sums.debits_posted += posted;
        sums.debits_pending += held;
    }
    if leg.credit == no {
        sums.credits_posted += posted;
        sums.credits_pending += held;
    }
}
