//! Input: the JSON bodies that clients send, and their way to commands.
//!
//! Unknown fields are refused, texts are borrowed from the body, and every value is checked by the
//! ledger's own rules, so that there is one set of them.

pub(crate) mod account;
pub(crate) mod key;
pub(crate) mod payment;
pub(crate) mod query;
pub(crate) mod step;
mod text;

pub(crate) use text::{Object, Pairs, Text, words};

use courant_ledger::{Amount, Currency, FieldError, FieldProblem, Timestamp};
use serde::{Deserialize, Deserializer};

/// An amount in a currency, above zero.
pub(crate) fn amount(
    field: &'static str,
    text: &str,
    currency: Currency,
) -> Result<u64, FieldError> {
    match Amount::parse(text, currency).map_err(|error| error.at(field))? {
        zero if zero.is_zero() => {
            Err(FieldError::new(field, FieldProblem::Zero, "an amount must be above zero"))
        }
        amount => Ok(amount.minor()),
    }
}

pub(crate) fn currency(text: &str) -> Result<Currency, FieldError> {
    Currency::from_code(text).map_err(|error| error.at("currency"))
}

/// A time by RFC 3339, such as `2026-11-21T09:30:00Z`.
pub(crate) fn timestamp(field: &'static str, text: &str) -> Result<Timestamp, FieldError> {
    let parsed = text.parse::<jiff::Timestamp>().ok();
    let nanos = parsed.and_then(|time| u64::try_from(time.as_nanosecond()).ok());
    nanos.map(Timestamp).ok_or_else(|| {
        let sentence = "write a time since 1970 by RFC 3339, such as 2026-11-21T09:30:00Z";
        FieldError::new(field, FieldProblem::Malformed, sentence)
    })
}

/// Tells a field that is `null` from one that is not there.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
