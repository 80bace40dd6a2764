//! Views: what the API shows of accounts, payments, entries and keys.

pub(crate) mod account;
pub(crate) mod entry;
pub(crate) mod key;
pub(crate) mod payment;

use courant_ledger::{Currency, Reason, Sums, Timestamp, format_minor};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::fmt;
use utoipa::ToSchema;

/// An amount in minor units, shown as the decimal text of its currency.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    minor: i128,
    currency: Currency,
}

impl Decimal {
    pub(crate) fn signed(minor: i128, currency: Currency) -> Decimal {
        Decimal { minor, currency }
    }

    /// Sums of accounts stay below 2^126, so that none is cut off here.
    pub(crate) fn sum(minor: u128, currency: Currency) -> Decimal {
        let minor = i128::try_from(minor).expect("no sum of the ledger reaches 2^126");
        Decimal { minor, currency }
    }

    pub(crate) fn amount(minor: u64, currency: Currency) -> Decimal {
        Decimal { minor: i128::from(minor), currency }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_minor(self.minor, self.currency))
    }
}

/// The four sums of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sums)]
pub(crate) struct SumsView {
    /// Held against the account.
    #[schema(value_type = String)]
    debits_pending: Decimal,
    /// Taken from the account.
    #[schema(value_type = String)]
    debits_posted: Decimal,
    /// Held in favour of the account.
    #[schema(value_type = String)]
    credits_pending: Decimal,
    /// Given to the account.
    #[schema(value_type = String)]
    credits_posted: Decimal,
}

impl SumsView {
    pub(crate) fn new(sums: Sums, currency: Currency) -> SumsView {
        let sum = |minor| Decimal::sum(minor, currency);
        SumsView {
            debits_pending: sum(sums.debits_pending),
            debits_posted: sum(sums.debits_posted),
            credits_pending: sum(sums.credits_pending),
            credits_posted: sum(sums.credits_posted),
        }
    }
}

/// A time, shown by RFC 3339 in UTC with nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 64 bits of nanoseconds end in the year 2554, well inside what the calendar knows.
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.0.nanos()));
        time.expect("the year 2554 is in the calendar").fmt(f)
    }
}

/// Pairs of texts, shown as an object.
#[derive(Debug, Clone)]
pub(crate) struct PairsView<'a>(pub(crate) &'a [(&'a str, &'a str)]);

impl Serialize for PairsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// Why something is as it is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Reason)]
pub(crate) struct ReasonView {
    /// The stable name, such as `insufficient_funds`.
    code: &'static str,
    /// The reason code of ISO 20022, where one exists.
    iso: Option<&'static str>,
    /// What happened and what to do.
    text: &'static str,
}

impl ReasonView {
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> ReasonView {
        ReasonView { code: reason.name(), iso: reason.iso20022(), text: reason.sentence() }
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The entries.
    pub(crate) items: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
}
