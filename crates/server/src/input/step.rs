//! Bodies of the steps of a payment.

use super::{Object, Text, amount, currency};
use courant_engine::command::{Money, PaymentStep, Step};
use courant_ledger::{Currency, FieldError, FieldProblem, GiveBack, Id, PAYEES_MAX, Part, Portion};
use serde::Deserialize;
use smallvec::SmallVec;
use utoipa::ToSchema;

/// A capture, refund, return or reversal: a child of its payment with an id of its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChildOrder)]
pub(crate) struct ChildBody<'a> {
    /// Your id of the child, its idempotency key within the payment: 1 to 64 characters.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 64, example = "shipment-1")]
    id: Text<'a>,
    /// How much, for a payment with one payee. Left out with `parts`: all there is.
    #[schema(value_type = Option<String>)]
    amount: Option<Text<'a>>,
    /// How much for which payees.
    #[schema(value_type = Option<Vec<PartBody<'a>>>)]
    parts: Option<Vec<Object<PartBody<'a>>>>,
    /// The currency of the amounts; needed where there are any.
    #[schema(value_type = Option<String>)]
    currency: Option<Text<'a>>,
    /// Of a capture: give up what is left after it.
    release_rest: Option<bool>,
    /// Why: up to 140 characters.
    #[schema(value_type = Option<String>, max_length = 140)]
    reason: Option<Text<'a>>,
}

/// How much for which payee.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Part)]
pub(crate) struct PartBody<'a> {
    /// A payee of the payment.
    #[serde(borrow)]
    #[schema(value_type = String)]
    creditor: Text<'a>,
    /// How much.
    #[schema(value_type = String)]
    amount: Text<'a>,
}

/// Which money is released.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReleaseOrder)]
pub(crate) struct ReleaseBody<'a> {
    /// How much, for a payment with one payee. Left out with `parts`: all that is held.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    amount: Option<Text<'a>>,
    /// How much for which payees.
    #[schema(value_type = Option<Vec<PartBody<'a>>>)]
    parts: Option<Vec<Object<PartBody<'a>>>>,
    /// The currency of the amounts; needed where there are any.
    #[schema(value_type = Option<String>)]
    currency: Option<Text<'a>>,
    /// Why: up to 140 characters.
    #[schema(value_type = Option<String>, max_length = 140)]
    reason: Option<Text<'a>>,
}

/// How much more is held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IncrementOrder)]
pub(crate) struct IncrementBody<'a> {
    /// How much more.
    #[serde(borrow)]
    #[schema(value_type = String)]
    amount: Text<'a>,
    /// The currency of the payment.
    #[schema(value_type = String)]
    currency: Text<'a>,
    /// Why: up to 140 characters.
    #[schema(value_type = Option<String>, max_length = 140)]
    reason: Option<Text<'a>>,
}

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChildKind {
    Capture,
    GiveBack(GiveBack),
}

impl ChildBody<'_> {
    pub(crate) fn command<'a>(
        &'a self,
        payment: Id<'a>,
        kind: ChildKind,
    ) -> Result<PaymentStep<'a>, FieldError> {
        let child = Id::parse("id", &self.id)?;
        let portion = money(self.amount.as_ref(), self.parts.as_deref(), self.currency.as_ref())?;
        let step = match kind {
            ChildKind::Capture => {
                let release_rest = self.release_rest.unwrap_or_default();
                Step::Capture { child, portion, release_rest }
            }
            ChildKind::GiveBack(why) if self.release_rest.is_none() => {
                Step::GiveBack { child, why, portion }
            }
            ChildKind::GiveBack(_) => {
                let sentence = "only a capture can release what is left: leave it out";
                let problem = FieldProblem::NotAllowed;
                return Err(FieldError::new("release_rest", problem, sentence));
            }
        };
        Ok(PaymentStep { payment, step, reason: self.reason.as_deref() })
    }
}

impl ReleaseBody<'_> {
    pub(crate) fn command<'a>(&'a self, payment: Id<'a>) -> Result<PaymentStep<'a>, FieldError> {
        let portion = money(self.amount.as_ref(), self.parts.as_deref(), self.currency.as_ref())?;
        let step = Step::Release { portion };
        Ok(PaymentStep { payment, step, reason: self.reason.as_deref() })
    }
}

impl IncrementBody<'_> {
    pub(crate) fn command<'a>(&'a self, payment: Id<'a>) -> Result<PaymentStep<'a>, FieldError> {
        let currency = currency(&self.currency)?;
        let amount_minor = amount("amount", &self.amount, currency)?;
        let step = Step::Increment { currency, amount_minor };
        Ok(PaymentStep { payment, step, reason: self.reason.as_deref() })
    }
}

fn money<'a>(
    total: Option<&'a Text<'_>>,
    parts: Option<&'a [Object<PartBody<'_>>]>,
    code: Option<&'a Text<'_>>,
) -> Result<Money<'a>, FieldError> {
    let currency = code.map(|code| currency(code)).transpose()?;
    let needed = || currency.ok_or_else(|| FieldError::missing("currency"));
    let portion = match (total, parts) {
        (None, None) => Portion::All,
        (Some(total), None) => Portion::Total(amount("amount", total, needed()?)?),
        (None, Some(parts)) if parts.len() > PAYEES_MAX => {
            let sentence = format!("a payment has at most {PAYEES_MAX} payees");
            let error = FieldError::new("parts", FieldProblem::TooMany, sentence);
            return Err(error.with_limit(PAYEES_MAX as u64));
        }
        (None, Some(parts)) => {
            let currency = needed()?;
            let parts = parts.iter().enumerate().map(|(at, part)| part.read(currency, at));
            let parts: Result<SmallVec<_>, _> = parts.collect();
            Portion::Parts(parts?)
        }
        (Some(_), Some(_)) => {
            let sentence = "say how much in `amount` or in `parts`, not in both";
            return Err(FieldError::new("amount", FieldProblem::NotAllowed, sentence));
        }
    };
    Ok(Money { currency, portion })
}

impl PartBody<'_> {
    fn read(&self, currency: Currency, at: usize) -> Result<Part<'_>, FieldError> {
        let read = || {
            let payee = Id::parse_any("creditor", &self.creditor)?;
            Ok(Part { payee, amount_minor: amount("amount", &self.amount, currency)? })
        };
        read().map_err(|error: FieldError| error.within(format_args!("parts[{at}]")))
    }
}
