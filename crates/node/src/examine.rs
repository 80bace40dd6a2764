//! Reading a record to see what it says about a command: the same again, a conflict, or the payment
//! it needs.
//!
//! Tags are hashes, so a record found by one is only a candidate. Here the names themselves are
//! compared.

use crate::read::{origin_of, payment_in};
use crate::request::{Asked, Reply};
use crate::store::reply;
use courant_engine::command::{OpenAccount, PaymentStep};
use courant_engine::{Command, DecodeError, Lsn, OpenPayment, Outcome, Record, record};
use courant_ledger::{Id, Order, Reason};
use std::collections::BTreeSet;

/// What a record says about a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was made under the command's idempotency key, which is asked before any id: a repeat, or
    /// a conflict.
    Keyed(Reply),
    /// It answers the command by an id: a repeat, or a conflict.
    Answer(Reply),
    /// It is about the payment the command needs, and shows it.
    Payment(OpenPayment),
    /// It is about a payment that this other record made: look there.
    Origin(Lsn),
    /// It is about something else and only shares a tag.
    Unrelated,
}

/// Compares a command with the record at `lsn`.
pub(crate) fn examine(
    asked: Asked<'_>,
    command: &Command<'_>,
    lsn: Lsn,
    record_bytes: &[u8],
) -> Result<Verdict, DecodeError> {
    let record = record::decode(record_bytes)?;
    let Asked { caller, bytes } = asked;
    if caller.idempotency_key.is_some()
        && record.caller.idempotency_key == caller.idempotency_key
        && record.caller.key == caller.key
    {
        return Ok(Verdict::Keyed(answer(&record, lsn, bytes, Reason::IdempotencyConflict)));
    }
    Ok(match command {
        Command::Pay(order) => about_payment(&record, lsn, bytes, order.id),
        Command::PayGroup(orders) => about_group(&record, lsn, bytes, orders),
        Command::Step(step) => about_step(&record, lsn, bytes, step),
        Command::OpenAccount(open) => about_account(&record, lsn, bytes, open),
        Command::ChangeAccount(_)
        | Command::CreateKey(_)
        | Command::RevokeKey { .. }
        | Command::Due { .. } => Verdict::Unrelated,
    })
}

/// The payment that a record shows under an id, with the records it came from.
pub(crate) fn open_payment(record: &Record<'_>, lsn: Lsn, id: Id<'_>) -> Option<OpenPayment> {
    let payment = payment_in(record, id)?.clone();
    Some(OpenPayment { payment, origin: origin_of(lsn, record), latest: lsn })
}

fn about_payment(record: &Record<'_>, lsn: Lsn, bytes: &[u8], id: Id<'_>) -> Verdict {
    match payment_in(record, id).map(|_| origin_of(lsn, record)) {
        None => Verdict::Unrelated,
        Some(origin) if origin != lsn => Verdict::Origin(origin),
        Some(_) => same_or_conflict(record, lsn, bytes, Reason::IdempotencyConflict),
    }
}

fn about_group(record: &Record<'_>, lsn: Lsn, bytes: &[u8], orders: &[Order<'_>]) -> Verdict {
    let shared = match &record.command {
        Command::PayGroup(before) => {
            let ids: BTreeSet<Id<'_>> = orders.iter().map(|order| order.id).collect();
            before.iter().map(|order| order.id).find(|id| ids.contains(id))
        }
        Command::Pay(Order { id, .. })
        | Command::Step(PaymentStep { payment: id, .. })
        | Command::Due { payment: id } => orders.iter().map(|o| o.id).find(|known| known == id),
        _ => None,
    };
    shared.map_or(Verdict::Unrelated, |id| about_payment(record, lsn, bytes, id))
}

fn about_step(record: &Record<'_>, lsn: Lsn, bytes: &[u8], step: &PaymentStep<'_>) -> Verdict {
    if let (Command::Step(before), Some(child)) = (&record.command, step.step.child())
        && before.payment == step.payment
        && before.step.child() == Some(child)
    {
        return same_or_conflict(record, lsn, bytes, Reason::IdempotencyConflict);
    }
    match open_payment(record, lsn, step.payment) {
        Some(open) => Verdict::Payment(open),
        None => Verdict::Unrelated,
    }
}

fn about_account(record: &Record<'_>, lsn: Lsn, bytes: &[u8], open: &OpenAccount<'_>) -> Verdict {
    match &record.command {
        Command::OpenAccount(before) if before.id == open.id => {
            same_or_conflict(record, lsn, bytes, Reason::AccountExists)
        }
        _ => Verdict::Unrelated,
    }
}

fn same_or_conflict(record: &Record<'_>, lsn: Lsn, bytes: &[u8], conflict: Reason) -> Verdict {
    Verdict::Answer(answer(record, lsn, bytes, conflict))
}

fn answer(record: &Record<'_>, lsn: Lsn, bytes: &[u8], conflict: Reason) -> Reply {
    if record.command_bytes != bytes {
        return Reply::Refused { reason: conflict, index: None };
    }
    let payment = match &record.outcome {
        Outcome::Payment(after) => Some(&after.payment),
        _ => None,
    };
    reply(lsn, true, payment)
}
