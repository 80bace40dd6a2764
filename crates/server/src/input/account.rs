//! Bodies about accounts.

use super::{Pairs, Text, currency, present, words};
use courant_engine::command::{AccountChange, ChangeAccount, OpenAccount};
use courant_ledger::{AccountTerms, Currency, FieldError, Id, Limits, Side, parse_signed_minor};
use serde::Deserialize;
use utoipa::ToSchema;

/// Opens an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpenAccount)]
pub(crate) struct OpenBody<'a> {
    /// Your id of the account: 1 to 64 characters of A-Z a-z 0-9 . _ : @ ~ -, not beginning with @.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 64, example = "alice")]
    id: Text<'a>,
    /// The currency of all its money, by ISO 4217.
    #[schema(value_type = String, example = "EUR")]
    currency: Text<'a>,
    /// Where its balance grows: `credit` (the default) for what you owe, `debit` for what you own.
    side: Option<SideName>,
    /// The lowest balance, `"0.00"` if left out; below zero it is a credit limit, `null` is none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "0.00")]
    floor: Option<Option<Text<'a>>>,
    /// The highest balance; none if left out.
    #[schema(value_type = Option<String>)]
    ceiling: Option<Text<'a>>,
    /// Your own classification, not interpreted.
    code: Option<u16>,
    /// What people call it: up to 140 characters.
    #[schema(value_type = Option<String>, max_length = 140)]
    name: Option<Text<'a>>,
    /// Up to 16 pairs of your own.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    metadata: Option<Pairs<'a>>,
}

/// Where a balance grows.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = Side, rename_all = "snake_case")]
pub(crate) enum SideName {
    Credit,
    Debit,
}

words!(SideName { "credit" => Credit, "debit" => Debit, });

impl OpenBody<'_> {
    pub(crate) fn command(&self) -> Result<OpenAccount<'_>, FieldError> {
        let id = Id::parse("id", &self.id)?;
        let currency = currency(&self.currency)?;
        let floor = match &self.floor {
            None => Limits::NOT_NEGATIVE.floor,
            Some(floor) => limit("floor", floor.as_ref(), currency)?,
        };
        let ceiling = limit("ceiling", self.ceiling.as_ref(), currency)?;
        let side = match self.side {
            Some(SideName::Debit) => Side::Debit,
            Some(SideName::Credit) | None => Side::Credit,
        };
        let limits = Limits { floor, ceiling };
        Ok(OpenAccount {
            id,
            terms: AccountTerms { currency, side, limits, code: self.code.unwrap_or_default() },
            name: self.name.as_deref(),
            metadata: self.metadata.as_ref().map(Pairs::metadata).unwrap_or_default(),
        })
    }
}

/// Says why an account is changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeReason)]
pub(crate) struct ReasonBody<'a> {
    /// Why, for the audit trail: up to 140 characters.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 140)]
    pub(crate) reason: Option<Text<'a>>,
}

impl ReasonBody<'_> {
    pub(crate) fn command<'a>(&'a self, id: Id<'a>, change: AccountChange) -> ChangeAccount<'a> {
        ChangeAccount { id, change, reason: self.reason.as_deref() }
    }
}

/// Other limits for an account. Both must be named, so that none is lifted by leaving it out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountLimits)]
pub(crate) struct LimitsBody<'a> {
    /// The lowest balance; `null`: none.
    #[serde(borrow, default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, required = true)]
    floor: Option<Option<Text<'a>>>,
    /// The highest balance; `null`: none.
    #[serde(borrow, default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, required = true)]
    ceiling: Option<Option<Text<'a>>>,
    /// Why, for the audit trail: up to 140 characters.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 140)]
    reason: Option<Text<'a>>,
}

impl LimitsBody<'_> {
    /// The command for an account whose currency is known.
    pub(crate) fn command<'a>(
        &'a self,
        id: Id<'a>,
        currency: Currency,
    ) -> Result<ChangeAccount<'a>, FieldError> {
        let named = |field: &'static str, value: &'a Option<Option<Text<'_>>>| match value {
            None => Err(FieldError::missing(field)),
            Some(value) => limit(field, value.as_ref(), currency),
        };
        let floor = named("floor", &self.floor)?;
        let ceiling = named("ceiling", &self.ceiling)?;
        let change = AccountChange::Limit(Limits { floor, ceiling });
        Ok(ChangeAccount { id, change, reason: self.reason.as_deref() })
    }
}

fn limit(
    field: &'static str,
    text: Option<&Text<'_>>,
    currency: Currency,
) -> Result<Option<i128>, FieldError> {
    let parse = |text: &Text<'_>| parse_signed_minor(text, currency).map_err(|e| e.at(field));
    text.map(parse).transpose()
}
