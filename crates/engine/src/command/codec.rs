//! The encoding of commands. Kind numbers and flag bits are never reused.

use super::{
    AccountChange, ChangeAccount, Command, CreateKey, GROUP_PAYMENTS_MAX, Money, OpenAccount,
    PaymentStep, Step,
};
use crate::wire::{DecodeError, Reader, put_bytes, put_fixed, put_i128, put_text, put_u64};
use courant_ledger::{
    AccountTerms, Bearer, Currency, Details, FEES_MAX, Fee, GiveBack, Id, Limits, Metadata, Mode,
    Order, OrderKind, PAYEES_MAX, Part, Payee, Portion, Side, Timestamp, text::METADATA_PAIRS_MAX,
};
use smallvec::SmallVec;

const OPEN_ACCOUNT: u8 = 1;
const CHANGE_ACCOUNT: u8 = 2;
const PAY: u8 = 3;
const PAY_GROUP: u8 = 4;
const STEP: u8 = 5;
const CREATE_KEY: u8 = 6;
const REVOKE_KEY: u8 = 7;
const DUE: u8 = 8;

/// Appends the encoding of a command.
pub fn encode(command: &Command<'_>, out: &mut Vec<u8>) {
    match command {
        Command::OpenAccount(open) => put_open_account(out, open),
        Command::ChangeAccount(change) => put_change_account(out, change),
        Command::Pay(order) => {
            out.push(PAY);
            put_order(out, order);
        }
        Command::PayGroup(orders) => {
            out.push(PAY_GROUP);
            put_u64(out, orders.len() as u64);
            orders.iter().for_each(|order| put_order(out, order));
        }
        Command::Step(step) => put_step(out, step),
        Command::CreateKey(key) => put_create_key(out, key),
        Command::RevokeKey { number } => {
            out.push(REVOKE_KEY);
            put_u64(out, u64::from(*number));
        }
        Command::Due { payment } => {
            out.push(DUE);
            put_bytes(out, payment.as_bytes());
        }
    }
}

/// Decodes a command that fills `bytes` to the end. Its form is checked, its meaning by
/// [`Command::check`].
pub fn decode(bytes: &[u8]) -> Result<Command<'_>, DecodeError> {
    let mut r = Reader::new(bytes);
    let command = match r.u8()? {
        OPEN_ACCOUNT => Command::OpenAccount(open_account(&mut r)?),
        CHANGE_ACCOUNT => Command::ChangeAccount(change_account(&mut r)?),
        PAY => Command::Pay(order(&mut r)?),
        PAY_GROUP => {
            let count = r.count("number of payments", GROUP_PAYMENTS_MAX)?;
            let orders: Result<Vec<_>, _> = (0..count).map(|_| order(&mut r)).collect();
            Command::PayGroup(orders?)
        }
        STEP => Command::Step(step(&mut r)?),
        CREATE_KEY => Command::CreateKey(create_key(&mut r)?),
        REVOKE_KEY => Command::RevokeKey { number: r.u32()? },
        DUE => Command::Due { payment: id(&mut r)? },
        _ => return Err(DecodeError::BadValue("kind of command")),
    };
    r.end()?;
    Ok(command)
}

/// The order with this id in the encoding of a group, and its place. The outer `None`: this is no
/// group.
pub(crate) fn order_of_group<'a>(
    bytes: &'a [u8],
    wanted: Id<'_>,
) -> Result<Option<Option<(usize, Order<'a>)>>, DecodeError> {
    let mut r = Reader::new(bytes);
    if r.u8()? != PAY_GROUP {
        return Ok(None);
    }
    let count = r.count("number of payments", GROUP_PAYMENTS_MAX)?;
    for index in 0..count {
        let order = order(&mut r)?;
        if order.id == wanted {
            return Ok(Some(Some((index, order))));
        }
    }
    Ok(Some(None))
}

// Orders. The first byte holds kind and mode, the second says which optional fields follow.

const HAS_EXECUTE_AT: u8 = 1;
const HAS_EXPIRES_AT: u8 = 1 << 1;
const HAS_CHANNEL: u8 = 1 << 2;
const HAS_END_TO_END_ID: u8 = 1 << 3;
const HAS_REMITTANCE: u8 = 1 << 4;
const HAS_METADATA: u8 = 1 << 5;
const HAS_FEES: u8 = 1 << 6;
const HAS_PAYEES: u8 = 1 << 7;

#[inline]
fn put_order(out: &mut Vec<u8>, order: &Order<'_>) {
    out.push(order.kind as u8 | (order.mode as u8) << 4);
    out.push(order_flags(order));
    put_bytes(out, order.id.as_bytes());
    put_bytes(out, order.debtor.as_bytes());
    put_u64(out, u64::from(order.currency.numeric()));
    if order.payees.len() != 1 {
        put_u64(out, order.payees.len() as u64);
    }
    for payee in &order.payees {
        put_bytes(out, payee.creditor.as_bytes());
        put_u64(out, payee.amount_minor);
    }
    if !order.fees.is_empty() {
        put_u64(out, order.fees.len() as u64);
    }
    for fee in &order.fees {
        out.push(fee.bearer as u8);
        put_bytes(out, fee.account.as_bytes());
        put_u64(out, fee.amount_minor);
    }
    if let Some(at) = order.execute_at {
        put_fixed(out, at.nanos());
    }
    if let Some(at) = order.expires_at {
        put_fixed(out, at.nanos());
    }
    let details = &order.details;
    let texts = [details.channel, details.end_to_end_id, details.remittance];
    texts.into_iter().flatten().for_each(|text| put_text(out, text));
    if !details.metadata.is_empty() {
        put_metadata(out, &details.metadata);
    }
}

#[inline]
fn order_flags(order: &Order<'_>) -> u8 {
    let details = &order.details;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    flag(order.execute_at.is_some(), HAS_EXECUTE_AT)
        | flag(order.expires_at.is_some(), HAS_EXPIRES_AT)
        | flag(details.channel.is_some(), HAS_CHANNEL)
        | flag(details.end_to_end_id.is_some(), HAS_END_TO_END_ID)
        | flag(details.remittance.is_some(), HAS_REMITTANCE)
        | flag(!details.metadata.is_empty(), HAS_METADATA)
        | flag(!order.fees.is_empty(), HAS_FEES)
        | flag(order.payees.len() != 1, HAS_PAYEES)
}

#[inline]
fn order<'a>(r: &mut Reader<'a>) -> Result<Order<'a>, DecodeError> {
    let first = r.u8()?;
    let flags = r.u8()?;
    let has = |bit: u8| flags & bit != 0;
    let kind = order_kind(first & 0x0f)?;
    let mode = mode(first >> 4)?;
    let order_id = id(r)?;
    let debtor = id(r)?;
    let currency = currency(r)?;
    let count = if has(HAS_PAYEES) { r.count("number of payees", PAYEES_MAX)? } else { 1 };
    if has(HAS_PAYEES) && count == 1 {
        return Err(DecodeError::BadValue("number of payees"));
    }
    let mut payees = SmallVec::new();
    for _ in 0..count {
        payees.push(Payee { creditor: id(r)?, amount_minor: r.u64()? });
    }
    let fees = if has(HAS_FEES) { fees(r)? } else { SmallVec::new() };
    let time = |r: &mut Reader<'a>, on: bool| match on {
        true => r.fixed().map(|t| Some(Timestamp(t))),
        false => Ok(None),
    };
    let execute_at = time(r, has(HAS_EXECUTE_AT))?;
    let expires_at = time(r, has(HAS_EXPIRES_AT))?;
    let text = |r: &mut Reader<'a>, on: bool| match on {
        true => r.text().map(Some),
        false => Ok(None),
    };
    let details = Details {
        channel: text(r, has(HAS_CHANNEL))?,
        end_to_end_id: text(r, has(HAS_END_TO_END_ID))?,
        remittance: text(r, has(HAS_REMITTANCE))?,
        metadata: if has(HAS_METADATA) { metadata(r)? } else { Metadata::new() },
    };
    Ok(Order {
        id: order_id,
        kind,
        mode,
        debtor,
        payees,
        fees,
        currency,
        execute_at,
        expires_at,
        details,
    })
}

fn fees<'a>(r: &mut Reader<'a>) -> Result<SmallVec<[Fee<'a>; 0]>, DecodeError> {
    let count = r.count("number of fees", FEES_MAX)?;
    if count == 0 {
        return Err(DecodeError::BadValue("number of fees"));
    }
    let fee = |r: &mut Reader<'a>| {
        let bearer = match r.u8()? {
            0 => Bearer::Debtor,
            1 => Bearer::Creditor,
            _ => return Err(DecodeError::BadValue("bearer of a fee")),
        };
        Ok(Fee { bearer, account: id(r)?, amount_minor: r.u64()? })
    };
    (0..count).map(|_| fee(r)).collect()
}

// Accounts.

fn put_open_account(out: &mut Vec<u8>, open: &OpenAccount<'_>) {
    out.push(OPEN_ACCOUNT);
    put_bytes(out, open.id.as_bytes());
    put_u64(out, u64::from(open.terms.currency.numeric()));
    out.push(open.terms.side as u8);
    put_limits(out, open.terms.limits);
    put_u64(out, u64::from(open.terms.code));
    put_optional(out, open.name);
    put_metadata(out, &open.metadata);
}

fn open_account<'a>(r: &mut Reader<'a>) -> Result<OpenAccount<'a>, DecodeError> {
    Ok(OpenAccount {
        id: id(r)?,
        terms: AccountTerms {
            currency: currency(r)?,
            side: side(r.u8()?)?,
            limits: limits(r)?,
            code: r.u16()?,
        },
        name: optional(r)?,
        metadata: metadata(r)?,
    })
}

fn put_change_account(out: &mut Vec<u8>, change: &ChangeAccount<'_>) {
    out.push(CHANGE_ACCOUNT);
    put_bytes(out, change.id.as_bytes());
    match change.change {
        AccountChange::Freeze => out.push(0),
        AccountChange::Unfreeze => out.push(1),
        AccountChange::Close => out.push(2),
        AccountChange::Limit(limits) => {
            out.push(3);
            put_limits(out, limits);
        }
    }
    put_optional(out, change.reason);
}

fn change_account<'a>(r: &mut Reader<'a>) -> Result<ChangeAccount<'a>, DecodeError> {
    let id = id(r)?;
    let change = match r.u8()? {
        0 => AccountChange::Freeze,
        1 => AccountChange::Unfreeze,
        2 => AccountChange::Close,
        3 => AccountChange::Limit(limits(r)?),
        _ => return Err(DecodeError::BadValue("kind of account change")),
    };
    Ok(ChangeAccount { id, change, reason: optional(r)? })
}

// Steps.

fn put_step(out: &mut Vec<u8>, step: &PaymentStep<'_>) {
    out.push(STEP);
    put_bytes(out, step.payment.as_bytes());
    match &step.step {
        Step::Capture { child, portion, release_rest } => {
            out.push(0);
            put_bytes(out, child.as_bytes());
            put_money(out, portion);
            out.push(u8::from(*release_rest));
        }
        Step::Release { portion } => {
            out.push(1);
            put_money(out, portion);
        }
        Step::Increment { currency, amount_minor } => {
            out.push(2);
            put_u64(out, u64::from(currency.numeric()));
            put_u64(out, *amount_minor);
        }
        Step::Cancel => out.push(3),
        Step::Confirm => out.push(4),
        Step::RefuseOutside => out.push(5),
        Step::Inquire => out.push(6),
        Step::GiveBack { child, why, portion } => {
            out.push(7);
            put_bytes(out, child.as_bytes());
            out.push(*why as u8);
            put_money(out, portion);
        }
    }
    put_optional(out, step.reason);
}

fn step<'a>(r: &mut Reader<'a>) -> Result<PaymentStep<'a>, DecodeError> {
    let payment = id(r)?;
    let step = match r.u8()? {
        0 => {
            let (child, portion) = (id(r)?, money(r)?);
            Step::Capture { child, portion, release_rest: flag(r)? }
        }
        1 => Step::Release { portion: money(r)? },
        2 => Step::Increment { currency: currency(r)?, amount_minor: r.u64()? },
        3 => Step::Cancel,
        4 => Step::Confirm,
        5 => Step::RefuseOutside,
        6 => Step::Inquire,
        7 => {
            let child = id(r)?;
            let why = match r.u8()? {
                0 => GiveBack::Refund,
                1 => GiveBack::Return,
                2 => GiveBack::Reversal,
                _ => return Err(DecodeError::BadValue("kind of giving back")),
            };
            Step::GiveBack { child, why, portion: money(r)? }
        }
        _ => return Err(DecodeError::BadValue("kind of step")),
    };
    Ok(PaymentStep { payment, step, reason: optional(r)? })
}

fn put_money(out: &mut Vec<u8>, money: &Money<'_>) {
    put_u64(out, money.currency.map_or(0, |c| u64::from(c.numeric())));
    match &money.portion {
        Portion::All => out.push(0),
        Portion::Total(amount) => {
            out.push(1);
            put_u64(out, *amount);
        }
        Portion::Parts(parts) => {
            out.push(2);
            put_u64(out, parts.len() as u64);
            for part in parts {
                put_bytes(out, part.payee.as_bytes());
                put_u64(out, part.amount_minor);
            }
        }
    }
}

fn money<'a>(r: &mut Reader<'a>) -> Result<Money<'a>, DecodeError> {
    let currency = match r.u16()? {
        0 => None,
        numeric => Some(known_currency(numeric)?),
    };
    let portion = match r.u8()? {
        0 => Portion::All,
        1 => Portion::Total(r.u64()?),
        2 => {
            let count = r.count("number of parts", PAYEES_MAX)?;
            let part = |r: &mut Reader<'a>| Ok(Part { payee: id(r)?, amount_minor: r.u64()? });
            let parts: Result<_, DecodeError> = (0..count).map(|_| part(r)).collect();
            Portion::Parts(parts?)
        }
        _ => return Err(DecodeError::BadValue("kind of portion")),
    };
    Ok(Money { currency, portion })
}

// Keys.

fn put_create_key(out: &mut Vec<u8>, key: &CreateKey<'_>) {
    out.push(CREATE_KEY);
    put_u64(out, u64::from(key.number));
    put_text(out, key.name);
    put_u64(out, u64::from(key.scopes));
    out.extend_from_slice(&key.hash);
    put_time(out, key.expires_at);
}

fn create_key<'a>(r: &mut Reader<'a>) -> Result<CreateKey<'a>, DecodeError> {
    Ok(CreateKey {
        number: r.u32()?,
        name: r.text()?,
        scopes: r.u32()?,
        hash: r.take(32)?.try_into().expect("32 bytes were taken"),
        expires_at: time(r)?,
    })
}

// Pieces.

#[inline]
fn id<'a>(r: &mut Reader<'a>) -> Result<Id<'a>, DecodeError> {
    Id::recorded(r.bytes()?).ok_or(DecodeError::BadValue("id"))
}

#[inline]
fn currency(r: &mut Reader<'_>) -> Result<Currency, DecodeError> {
    known_currency(r.u16()?)
}

#[inline]
pub(crate) fn known_currency(numeric: u16) -> Result<Currency, DecodeError> {
    Currency::from_numeric(numeric).ok_or(DecodeError::BadValue("currency"))
}

pub(crate) fn side(byte: u8) -> Result<Side, DecodeError> {
    match byte {
        0 => Ok(Side::Credit),
        1 => Ok(Side::Debit),
        _ => Err(DecodeError::BadValue("normal side")),
    }
}

#[inline]
pub(crate) fn order_kind(nibble: u8) -> Result<OrderKind, DecodeError> {
    match nibble {
        0 => Ok(OrderKind::Transfer),
        1 => Ok(OrderKind::TopUp),
        2 => Ok(OrderKind::Withdrawal),
        _ => Err(DecodeError::BadValue("kind of order")),
    }
}

#[inline]
pub(crate) fn mode(nibble: u8) -> Result<Mode, DecodeError> {
    match nibble {
        0 => Ok(Mode::Pay),
        1 => Ok(Mode::Authorise),
        2 => Ok(Mode::AwaitConfirmation),
        _ => Err(DecodeError::BadValue("mode of order")),
    }
}

fn flag(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::BadValue("flag")),
    }
}

/// Floor and ceiling, each behind a byte that says whether it is there.
pub(crate) fn put_limits(out: &mut Vec<u8>, limits: Limits) {
    for limit in [limits.floor, limits.ceiling] {
        match limit {
            None => out.push(0),
            Some(limit) => {
                out.push(1);
                put_i128(out, limit);
            }
        }
    }
}

pub(crate) fn limits(r: &mut Reader<'_>) -> Result<Limits, DecodeError> {
    let mut limit = || if flag(r)? { r.i128().map(Some) } else { Ok(None) };
    Ok(Limits { floor: limit()?, ceiling: limit()? })
}

/// A time that may be missing, behind a byte that says whether it is there: every time is one that
/// can be meant.
pub(crate) fn put_time(out: &mut Vec<u8>, time: Option<Timestamp>) {
    out.push(u8::from(time.is_some()));
    if let Some(time) = time {
        put_fixed(out, time.nanos());
    }
}

pub(crate) fn time(r: &mut Reader<'_>) -> Result<Option<Timestamp>, DecodeError> {
    if flag(r)? { r.fixed().map(|t| Some(Timestamp(t))) } else { Ok(None) }
}

/// A text that may be missing: its length plus one, or 0.
fn put_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => put_u64(out, 0),
        Some(text) => {
            put_u64(out, text.len() as u64 + 1);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn optional<'a>(r: &mut Reader<'a>) -> Result<Option<&'a str>, DecodeError> {
    let Some(len) = r.u64()?.checked_sub(1) else { return Ok(None) };
    let len = usize::try_from(len).map_err(|_| DecodeError::Truncated)?;
    std::str::from_utf8(r.take(len)?).map(Some).map_err(|_| DecodeError::NotUtf8)
}

fn put_metadata(out: &mut Vec<u8>, metadata: &Metadata<'_>) {
    put_u64(out, metadata.len() as u64);
    for (key, value) in metadata {
        put_text(out, key);
        put_text(out, value);
    }
}

fn metadata<'a>(r: &mut Reader<'a>) -> Result<Metadata<'a>, DecodeError> {
    let count = r.count("number of metadata pairs", METADATA_PAIRS_MAX)?;
    (0..count).map(|_| Ok((r.text()?, r.text()?))).collect()
}
