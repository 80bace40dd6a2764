//! Records: one decision each, as the journal holds it.
//!
//! ```text
//! format u8 | time u64 | caller's key varint | idempotency key text
//! | command length varint | command | outcome
//! ```
//! The bytes of the command stand in the record as they came, so that a repeat is recognised by
//! comparing them. The format number changes when any encoding does, and decoders of all formats
//! stay.

use crate::command::{self, Caller, Command, IDEMPOTENCY_KEY_LENGTH_MAX};
use crate::outcome::{self, AccountsAfter, GroupOutcome, Outcome};
use crate::wire::{DecodeError, Reader, put_fixed, put_text, put_u64};
use courant_ledger::{Id, Timestamp};

/// The format this program writes.
const FORMAT: u8 = 1;

/// A decoded record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it was decided, by the engine's clock, which never goes back.
    pub at: Timestamp,
    /// Who asked.
    pub caller: Caller<'a>,
    /// What was asked.
    pub command: Command<'a>,
    /// What was asked, as it was encoded.
    pub command_bytes: &'a [u8],
    /// What it came to.
    pub outcome: Outcome,
}

/// Appends a record's bytes.
pub fn encode(
    at: Timestamp,
    caller: Caller<'_>,
    command_bytes: &[u8],
    outcome: &Outcome,
    out: &mut Vec<u8>,
) {
    out.push(FORMAT);
    put_fixed(out, at.nanos());
    put_u64(out, u64::from(caller.key));
    put_text(out, caller.idempotency_key.unwrap_or_default());
    put_u64(out, command_bytes.len() as u64);
    out.extend_from_slice(command_bytes);
    outcome::codec::encode(outcome, at, out);
}

/// Decodes a record that fills `bytes` to the end.
pub fn decode(bytes: &[u8]) -> Result<Record<'_>, DecodeError> {
    let (at, caller, command_bytes, outcome) = split(bytes)?;
    Ok(Record {
        at,
        caller,
        command: command::decode(command_bytes)?,
        command_bytes,
        outcome: outcome::codec::decode(outcome, at)?,
    })
}

/// As [`decode`], but of a group only the payment with this id is taken: the record then is that of
/// a group of one, or of none, and names no accounts. What comes after that payment is not looked
/// at, and no memory is taken for the others.
pub fn decode_one<'a>(bytes: &'a [u8], id: Id<'_>) -> Result<Record<'a>, DecodeError> {
    let (at, caller, command_bytes, outcome) = split(bytes)?;
    let Some(found) = command::codec::order_of_group(command_bytes, id)? else {
        return decode(bytes);
    };
    let (mut orders, mut payments) = (Vec::new(), Vec::new());
    if let Some((index, order)) = found {
        orders.push(order);
        payments.push(outcome::codec::payment_of_group(outcome, at, index)?);
    }
    let outcome = Outcome::Group(GroupOutcome { payments, accounts: AccountsAfter::new() });
    Ok(Record { at, caller, command: Command::PayGroup(orders), command_bytes, outcome })
}

/// The bytes of the command within a record's bytes.
pub fn command_bytes(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    split(bytes).map(|(_, _, command, _)| command)
}

type Split<'a> = (Timestamp, Caller<'a>, &'a [u8], &'a [u8]);

fn split(bytes: &[u8]) -> Result<Split<'_>, DecodeError> {
    let mut r = Reader::new(bytes);
    match r.u8()? {
        FORMAT => {}
        0 => return Err(DecodeError::BadValue("format number")),
        newer => return Err(DecodeError::NewerFormat(newer)),
    }
    let at = Timestamp(r.fixed()?);
    let key = r.u32()?;
    let idempotency_key = Some(r.text()?).filter(|k| !k.is_empty());
    if idempotency_key.is_some_and(|k| k.len() > IDEMPOTENCY_KEY_LENGTH_MAX) {
        return Err(DecodeError::BadValue("idempotency key"));
    }
    let len = usize::try_from(r.u64()?).map_err(|_| DecodeError::Truncated)?;
    let command = r.take(len)?;
    Ok((at, Caller { key, idempotency_key }, command, r.rest()))
}
