//! The encoding of outcomes. Kind numbers and flag bits are never reused.

use super::{
    AccountAfter, AccountChanged, AccountOpened, AccountsAfter, GroupOutcome, Outcome,
    PaymentOutcome,
};
use crate::Lsn;
use crate::command::GROUP_PAYMENTS_MAX;
use crate::command::codec::{known_currency, limits, mode, order_kind, put_limits};
use crate::wire::{DecodeError, Reader, put_bytes, put_fixed, put_u64, put_u128};
use courant_ledger::{
    AccountNo, AccountStatus, FEES_MAX, Id, Leg, LegRole, Legs, PAYEES_MAX, Payment, Reason,
    Status, Sums, Timestamp,
};

const ACCOUNT_OPENED: u8 = 1;
const ACCOUNT_CHANGED: u8 = 2;
const PAYMENT: u8 = 3;
const GROUP: u8 = 4;
const KEY_CREATED: u8 = 5;
const KEY_REVOKED: u8 = 6;
const KEY_CREATED_INSTEAD: u8 = 7;

/// The most accounts that one record touches: every payee and fee of every payment of a group, and
/// its payer.
const ACCOUNTS_AFTER_MAX: usize = GROUP_PAYMENTS_MAX * (1 + PAYEES_MAX + FEES_MAX);

/// Appends the encoding of an outcome. `at` is the time of the record.
pub(crate) fn encode(outcome: &Outcome, at: Timestamp, out: &mut Vec<u8>) {
    match outcome {
        Outcome::AccountOpened(opened) => {
            out.push(ACCOUNT_OPENED);
            put_u64(out, u64::from(opened.no.0));
            put_u64(out, opened.outside.map_or(0, |no| u64::from(no.0) + 1));
        }
        Outcome::AccountChanged(changed) => {
            out.push(ACCOUNT_CHANGED);
            put_u64(out, u64::from(changed.no.0));
            out.push(changed.status as u8);
            put_limits(out, changed.limits);
            put_u64(out, changed.previous.0);
        }
        Outcome::Payment(payment) => {
            out.push(PAYMENT);
            put_payment(&payment.payment, at, out);
            put_u64(out, payment.origin.0);
            put_u64(out, payment.previous.0);
            put_u64(out, payment.moved_minor);
            put_accounts(&payment.accounts, out);
        }
        Outcome::Group(group) => {
            out.push(GROUP);
            put_u64(out, group.payments.len() as u64);
            group.payments.iter().for_each(|p| put_payment(p, at, out));
            put_accounts(&group.accounts, out);
        }
        Outcome::KeyCreated { instead_of: None } => out.push(KEY_CREATED),
        Outcome::KeyCreated { instead_of: Some(number) } => {
            out.push(KEY_CREATED_INSTEAD);
            put_u64(out, u64::from(*number));
        }
        Outcome::KeyRevoked => out.push(KEY_REVOKED),
    }
}

/// Decodes an outcome that fills `bytes` to the end.
pub(crate) fn decode(bytes: &[u8], at: Timestamp) -> Result<Outcome, DecodeError> {
    let mut r = Reader::new(bytes);
    let outcome = match r.u8()? {
        ACCOUNT_OPENED => Outcome::AccountOpened(AccountOpened {
            no: AccountNo(r.u32()?),
            outside: r.u32()?.checked_sub(1).map(AccountNo),
        }),
        ACCOUNT_CHANGED => Outcome::AccountChanged(AccountChanged {
            no: AccountNo(r.u32()?),
            status: account_status(r.u8()?)?,
            limits: limits(&mut r)?,
            previous: Lsn(r.u64()?),
        }),
        PAYMENT => Outcome::Payment(PaymentOutcome {
            payment: payment(&mut r, at)?,
            origin: Lsn(r.u64()?),
            previous: Lsn(r.u64()?),
            moved_minor: r.u64()?,
            accounts: accounts(&mut r)?,
        }),
        GROUP => {
            let count = r.count("number of payments", GROUP_PAYMENTS_MAX)?;
            let payments: Result<Vec<_>, _> = (0..count).map(|_| payment(&mut r, at)).collect();
            Outcome::Group(GroupOutcome { payments: payments?, accounts: accounts(&mut r)? })
        }
        KEY_CREATED => Outcome::KeyCreated { instead_of: None },
        KEY_CREATED_INSTEAD => Outcome::KeyCreated { instead_of: Some(r.u32()?) },
        KEY_REVOKED => Outcome::KeyRevoked,
        _ => return Err(DecodeError::BadValue("kind of outcome")),
    };
    r.end()?;
    Ok(outcome)
}

/// The payment at a place in the encoding of a group's outcome.
pub(crate) fn payment_of_group(
    bytes: &[u8],
    at: Timestamp,
    index: usize,
) -> Result<Payment, DecodeError> {
    let mut r = Reader::new(bytes);
    let is_group = r.u8()? == GROUP;
    let count = r.count("number of payments", GROUP_PAYMENTS_MAX)?;
    if !is_group || index >= count {
        return Err(DecodeError::BadValue("outcome of a group"));
    }
    for _ in 0..index {
        payment(&mut r, at)?;
    }
    payment(&mut r, at)
}

// Payments. The first byte holds kind and mode, the second status and flags.

const CREATED_BEFORE: u8 = 1 << 4;
const HAS_EXECUTE_AT: u8 = 1 << 5;
const HAS_EXPIRES_AT: u8 = 1 << 6;
const HAS_REASON: u8 = 1 << 7;

/// Appends the encoding of a payment. Its time of creation is left out where it is the record's
/// own.
#[inline]
pub(crate) fn put_payment(payment: &Payment, at: Timestamp, out: &mut Vec<u8>) {
    out.push(payment.kind as u8 | (payment.mode as u8) << 4);
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    out.push(
        payment.status as u8
            | flag(payment.created_at != at, CREATED_BEFORE)
            | flag(payment.execute_at.is_some(), HAS_EXECUTE_AT)
            | flag(payment.expires_at.is_some(), HAS_EXPIRES_AT)
            | flag(payment.reason.is_some(), HAS_REASON),
    );
    put_u64(out, u64::from(payment.currency.numeric()));
    if let Some(reason) = payment.reason {
        put_u64(out, reason as u64);
    }
    if payment.created_at != at {
        put_fixed(out, payment.created_at.nanos());
    }
    for time in [payment.execute_at, payment.expires_at].into_iter().flatten() {
        put_fixed(out, time.nanos());
    }
    put_u64(out, payment.legs.len() as u64);
    payment.legs.iter().for_each(|leg| put_leg(leg, out));
}

/// Decodes a payment of a record made at `at`, and checks that its counters make sense.
#[inline]
pub(crate) fn payment(r: &mut Reader<'_>, at: Timestamp) -> Result<Payment, DecodeError> {
    let first = r.u8()?;
    let second = r.u8()?;
    let has = |bit: u8| second & bit != 0;
    let kind = order_kind(first & 0x0f)?;
    let mode = mode(first >> 4)?;
    let status = Status::ALL.get(usize::from(second & 0x0f));
    let status = *status.ok_or(DecodeError::BadValue("status"))?;
    let currency = known_currency(r.u16()?)?;
    let reason = if has(HAS_REASON) { Some(reason(r)?) } else { None };
    let created_at = if has(CREATED_BEFORE) { Timestamp(r.fixed()?) } else { at };
    let mut time = |on: bool| match on {
        true => r.fixed().map(|t| Some(Timestamp(t))),
        false => Ok(None),
    };
    let execute_at = time(has(HAS_EXECUTE_AT))?;
    let expires_at = time(has(HAS_EXPIRES_AT))?;
    let count = r.count("number of legs", PAYEES_MAX + FEES_MAX)?;
    let mut legs = Legs::new();
    for _ in 0..count {
        legs.push(leg(r)?);
    }
    Ok(Payment { kind, mode, status, reason, currency, created_at, execute_at, expires_at, legs })
}

fn reason(r: &mut Reader<'_>) -> Result<Reason, DecodeError> {
    Reason::from_number(r.u16()?).ok_or(DecodeError::BadValue("reason"))
}

/// The counters of a leg that are not zero, as bits 2 to 6 of its first byte; bits 0 and 1 are its
/// role. Bit 7: captured in full, the usual case.
const CAPTURED_IN_FULL: u8 = 1 << 7;

#[inline]
fn put_leg(leg: &Leg, out: &mut Vec<u8>) {
    let full = leg.captured_minor == leg.amount_minor;
    let captured = if full { 0 } else { leg.captured_minor };
    let counters =
        [captured, leg.released_minor, leg.refunded_minor, leg.returned_minor, leg.reversed_minor];
    let mut first = leg.role as u8 | if full { CAPTURED_IN_FULL } else { 0 };
    for (bit, counter) in counters.iter().enumerate() {
        first |= u8::from(*counter != 0) << (bit + 2);
    }
    out.push(first);
    put_u64(out, u64::from(leg.debit.0));
    put_u64(out, u64::from(leg.credit.0));
    put_u64(out, leg.amount_minor);
    counters.into_iter().filter(|c| *c != 0).for_each(|c| put_u64(out, c));
}

#[inline]
fn leg(r: &mut Reader<'_>) -> Result<Leg, DecodeError> {
    let first = r.u8()?;
    let role = match first & 0b11 {
        0 => LegRole::Principal,
        1 => LegRole::DebtorFee,
        2 => LegRole::CreditorFee,
        _ => return Err(DecodeError::BadValue("role of a leg")),
    };
    let debit = AccountNo(r.u32()?);
    let credit = AccountNo(r.u32()?);
    let amount_minor = r.u64()?;
    let mut counters = [0u64; 5];
    for (bit, counter) in counters.iter_mut().enumerate() {
        if first & (1 << (bit + 2)) != 0 {
            *counter = r.u64()?;
        }
    }
    let [captured, released_minor, refunded_minor, returned_minor, reversed_minor] = counters;
    let captured_minor = if first & CAPTURED_IN_FULL != 0 { amount_minor } else { captured };
    let leg = Leg {
        debit,
        credit,
        role,
        amount_minor,
        captured_minor,
        released_minor,
        refunded_minor,
        returned_minor,
        reversed_minor,
    };
    if leg.is_sound() { Ok(leg) } else { Err(DecodeError::BadValue("set of leg counters")) }
}

// Accounts. The first byte of each says which of its sums are not zero.

fn put_accounts(accounts: &AccountsAfter, out: &mut Vec<u8>) {
    put_u64(out, accounts.len() as u64);
    for account in accounts {
        put_u64(out, u64::from(account.no.0));
        put_bytes(out, account.id.as_bytes());
        put_sums(&account.after, out);
        put_u64(out, account.previous);
    }
}

fn accounts(r: &mut Reader<'_>) -> Result<AccountsAfter, DecodeError> {
    let count = r.count("number of accounts", ACCOUNTS_AFTER_MAX)?;
    let mut accounts = AccountsAfter::new();
    for _ in 0..count {
        let no = AccountNo(r.u32()?);
        let id = Id::recorded(r.bytes()?).ok_or(DecodeError::BadValue("account id"))?;
        accounts.push(AccountAfter { no, id: id.into(), after: sums(r)?, previous: r.u64()? });
    }
    Ok(accounts)
}

/// Appends four sums.
#[inline]
pub(crate) fn put_sums(sums: &Sums, out: &mut Vec<u8>) {
    let sums = [sums.debits_pending, sums.debits_posted, sums.credits_pending, sums.credits_posted];
    let mut mask = 0;
    for (bit, sum) in sums.iter().enumerate() {
        mask |= u8::from(*sum != 0) << bit;
    }
    out.push(mask);
    sums.into_iter().filter(|s| *s != 0).for_each(|s| put_u128(out, s));
}

/// Decodes four sums.
#[inline]
pub(crate) fn sums(r: &mut Reader<'_>) -> Result<Sums, DecodeError> {
    let mask = r.u8()?;
    if mask > 0b1111 {
        return Err(DecodeError::BadValue("mask of sums"));
    }
    let mut values = [0u128; 4];
    for (bit, value) in values.iter_mut().enumerate() {
        if mask & (1 << bit) != 0 {
            *value = r.u128()?;
        }
    }
    if values.iter().any(|v| *v >= courant_ledger::SUM_LIMIT) {
        return Err(DecodeError::BadValue("sum"));
    }
    let [debits_pending, debits_posted, credits_pending, credits_posted] = values;
    Ok(Sums { debits_pending, debits_posted, credits_pending, credits_posted })
}

/// Decodes an account's status.
pub(crate) fn account_status(byte: u8) -> Result<AccountStatus, DecodeError> {
    match byte {
        0 => Ok(AccountStatus::Open),
        1 => Ok(AccountStatus::Frozen),
        2 => Ok(AccountStatus::Closed),
        _ => Err(DecodeError::BadValue("account status")),
    }
}
