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

/// What a record says of an account that it touched, but for what the record before it says: what
/// the account's sums were.
#[derive(Debug)]
pub(crate) struct Movement {
    after: Sums,
    /// In the record's order.
    lines: Vec<Line>,
}

/// An entry without its amounts.
#[derive(Debug)]
struct Line {
    place: Place,
    time: Time,
    kind: &'static str,
    payment: String,
    child: Option<String>,
    counterparts: Vec<String>,
    /// What a payment of a group added to the sums; `None`: all that the record did.
    added: Option<Sums>,
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

impl Movement {
    /// What a record says of an account; `None` if it did not touch it.
    pub(crate) fn of(lsn: Lsn, record: &Record<'_>, no: AccountNo) -> Option<Movement> {
        let after = account_in(record, no)?.after;
        let line = |(index, payment, added)| Line::new((lsn, record), no, (index, payment), added);
        let lines = match &record.outcome {
            Outcome::Payment(outcome) => vec![line((0, &outcome.payment, None))],
            Outcome::Group(group) => {
                let added = |payment: &Payment| {
                    let mut sums = Sums::default();
                    payment.legs.iter().for_each(|leg| begun(leg, payment.status, no, &mut sums));
                    (sums != Sums::default()).then_some(sums)
                };
                let payments = group.payments.iter().enumerate();
                let touching = payments.filter_map(|(index, payment)| {
                    added(payment).map(|added| (index, payment, Some(added)))
                });
                touching.map(line).collect()
            }
            _ => Vec::new(),
        };
        Some(Movement { after, lines })
    }

    /// The account's sums after the record.
    pub(crate) fn after(&self) -> Sums {
        self.after
    }

    /// The entries of the record for its account, newest first.
    pub(crate) fn entries(self, before: Sums, account: &Account) -> Vec<EntryView> {
        let mut sums = before;
        let mut entries = Vec::with_capacity(self.lines.len());
        for line in self.lines {
            let before = sums;
            sums = line.added.map_or(self.after, |added| sum(before, added));
            entries.push(line.entry(account, before, sums));
        }
        entries.reverse();
        entries
    }
}

impl Line {
    fn new(
        (lsn, record): (Lsn, &Record<'_>),
        no: AccountNo,
        (index, payment): (usize, &Payment),
        added: Option<Sums>,
    ) -> Line {
        let id = records::payment_id(record, index).map(IdBuf::from);
        let child = match &record.command {
            Command::Step(step) => step.step.child().map(|child| child.as_str().to_owned()),
            _ => None,
        };
        Line {
            place: Place::part(lsn, index as u32),
            time: Time(record.at),
            kind: EventsOf::record(record).kind(index as u32).name(),
            payment: id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            child,
            counterparts: counterparts(no, payment, &record.outcome),
            added,
        }
    }

    fn entry(self, account: &Account, before: Sums, after: Sums) -> EntryView {
        let (side, currency) = (account.terms.side, account.terms.currency);
        let signed = |minor| Decimal::signed(minor, currency);
        let held = |sums: &Sums| sums.balance(side) - sums.balance_low(side);
        let Line { place, time, kind, payment, child, counterparts, .. } = self;
        EntryView {
            lsn: place.lsn.0,
            time,
            kind,
            payment,
            child,
            amount: signed(after.balance(side) - before.balance(side)),
            held: signed(held(&after) - held(&before)),
            counterparts,
            balance: signed(after.balance(side)),
            sums: SumsView::new(after, currency),
            place,
        }
    }
}

fn sum(one: Sums, other: Sums) -> Sums {
    Sums {
        debits_pending: one.debits_pending + other.debits_pending,
        debits_posted: one.debits_posted + other.debits_posted,
        credits_pending: one.credits_pending + other.credits_pending,
        credits_posted: one.credits_posted + other.credits_posted,
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
