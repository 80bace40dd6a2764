//! The body of a payment, alone or in a batch.

use super::{Object, Pairs, Text, amount, currency, timestamp, words};
use crate::config::BATCH_PAYMENTS_MAX;
use courant_ledger::{
    Bearer, Currency, Details, Fee, FieldError, FieldProblem, Id, Mode, Order, OrderKind, Payee,
    Timestamp, outside_account,
};
use serde::Deserialize;
use smallvec::{SmallVec, smallvec};
use utoipa::ToSchema;

/// Whether there may be so many payments in a batch. Asked before any of them is kept or decoded.
pub(crate) fn check_count(count: usize) -> Result<(), FieldError> {
    match count {
        0 => Err(FieldError::missing("payments")),
        1..=BATCH_PAYMENTS_MAX => Ok(()),
        _ => {
            let sentence =
                format!("{count} payments are too many: send {BATCH_PAYMENTS_MAX} at once");
            let error = FieldError::new("payments", FieldProblem::TooMany, sentence);
            Err(error.with_limit(BATCH_PAYMENTS_MAX as u64))
        }
    }
}

/// A payment order.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentOrder)]
pub(crate) struct PaymentBody<'a> {
    /// Your id of the payment, its idempotency key for ever: 1 to 64 characters of A-Z a-z 0-9 . _
    /// : @ ~ -.
    #[serde(borrow)]
    #[schema(value_type = String, max_length = 64, example = "order-1")]
    pub(crate) id: Text<'a>,
    /// What it is; `transfer` if left out.
    #[serde(rename = "type")]
    pub(crate) kind: Option<KindName>,
    /// How far it goes at once; `pay` if left out.
    pub(crate) mode: Option<ModeName>,
    /// The account that pays; left out of a top-up.
    #[schema(value_type = Option<String>, example = "alice")]
    pub(crate) debtor: Option<Text<'a>>,
    /// The account that is paid; left out of a withdrawal, and where `payees` says who is paid.
    #[schema(value_type = Option<String>, example = "bob")]
    pub(crate) creditor: Option<Text<'a>>,
    /// Up to 100 accounts that are paid together, all or nothing.
    #[schema(value_type = Option<Vec<PayeeBody<'a>>>)]
    pub(crate) payees: Option<Vec<Object<PayeeBody<'a>>>>,
    /// The amount, with exactly the decimals of its currency. With `payees` it may be left out, or
    /// must be their sum.
    #[schema(value_type = Option<String>, example = "12.34")]
    pub(crate) amount: Option<Text<'a>>,
    /// The currency of all amounts, by ISO 4217.
    #[schema(value_type = String, example = "EUR")]
    pub(crate) currency: Text<'a>,
    /// Up to 16 fees, taken with the first money that is posted.
    #[schema(value_type = Option<Vec<FeeBody<'a>>>)]
    pub(crate) fees: Option<Vec<Object<FeeBody<'a>>>>,
    /// Not before this time (RFC 3339), at most 366 days ahead.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) execute_at: Option<Text<'a>>,
    /// When a hold or a wait for confirmation lapses (RFC 3339), at most 366 days ahead.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires_at: Option<Text<'a>>,
    /// Where the order came from: up to 32 characters of a-z 0-9 _ -.
    #[schema(value_type = Option<String>, max_length = 32, example = "mobile")]
    pub(crate) channel: Option<Text<'a>>,
    /// The payer's reference, carried to the payee unchanged: up to 35 characters.
    #[schema(value_type = Option<String>, max_length = 35)]
    pub(crate) end_to_end_id: Option<Text<'a>>,
    /// What the payment is for: up to 140 characters.
    #[schema(value_type = Option<String>, max_length = 140)]
    pub(crate) remittance: Option<Text<'a>>,
    /// Up to 16 pairs of your own.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub(crate) metadata: Option<Pairs<'a>>,
}

/// What a payment is.
#[derive(Debug, Clone, Copy, Default, ToSchema)]
#[schema(as = PaymentType, rename_all = "snake_case")]
pub(crate) enum KindName {
    /// From an account to one or more accounts.
    #[default]
    Transfer,
    /// From the outside world to an account.
    TopUp,
    /// From an account to the outside world.
    Withdrawal,
}

words!(KindName {
    "transfer" => Transfer,
    "top_up" => TopUp,
    "withdrawal" => Withdrawal,
});

/// How far a payment goes at once.
#[derive(Debug, Clone, Copy, Default, ToSchema)]
#[schema(as = PaymentMode, rename_all = "snake_case")]
pub(crate) enum ModeName {
    /// Post the money.
    #[default]
    Pay,
    /// Hold the money for later captures.
    Authorise,
    /// Wait until the outside leg of a top-up or withdrawal is confirmed.
    AwaitConfirmation,
}

words!(ModeName {
    "pay" => Pay,
    "authorise" => Authorise,
    "await_confirmation" => AwaitConfirmation,
});

/// One who is paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Payee)]
pub(crate) struct PayeeBody<'a> {
    /// The account that is paid.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) creditor: Text<'a>,
    /// How much.
    #[schema(value_type = String)]
    pub(crate) amount: Text<'a>,
}

/// A fee.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Fee)]
pub(crate) struct FeeBody<'a> {
    /// The account that takes it.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) account: Text<'a>,
    /// How much.
    #[schema(value_type = String)]
    pub(crate) amount: Text<'a>,
    /// Who bears it: `debtor` pays it on top, `creditor` out of what it received.
    pub(crate) bearer: BearerName,
}

/// Who bears a fee.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = Bearer, rename_all = "snake_case")]
pub(crate) enum BearerName {
    Debtor,
    Creditor,
}

words!(BearerName {
    "debtor" => Debtor,
    "creditor" => Creditor,
});

impl PaymentBody<'_> {
    /// The order. [`Order::check`] is still to come; it is part of making a request.
    pub(crate) fn order(&self) -> Result<Order<'_>, FieldError> {
        let id = Id::parse("id", &self.id)?;
        let currency = currency(&self.currency)?;
        let kind = match self.kind.unwrap_or_default() {
            KindName::Transfer => OrderKind::Transfer,
            KindName::TopUp => OrderKind::TopUp,
            KindName::Withdrawal => OrderKind::Withdrawal,
        };
        let debtor = match (&self.debtor, kind) {
            (Some(debtor), _) => Id::parse_any("debtor", debtor)?,
            (None, OrderKind::TopUp) => outside_account(currency),
            (None, _) => return Err(FieldError::missing("debtor")),
        };
        let time = |field, text: Option<&Text<'_>>| -> Result<Option<Timestamp>, FieldError> {
            text.map(|text| timestamp(field, text)).transpose()
        };
        Ok(Order {
            id,
            kind,
            mode: match self.mode.unwrap_or_default() {
                ModeName::Pay => Mode::Pay,
                ModeName::Authorise => Mode::Authorise,
                ModeName::AwaitConfirmation => Mode::AwaitConfirmation,
            },
            debtor,
            payees: self.all_payees(kind, currency)?,
            fees: self.all_fees(currency)?,
            currency,
            execute_at: time("execute_at", self.execute_at.as_ref())?,
            expires_at: time("expires_at", self.expires_at.as_ref())?,
            details: Details {
                channel: self.channel.as_deref(),
                end_to_end_id: self.end_to_end_id.as_deref(),
                remittance: self.remittance.as_deref(),
                metadata: self.metadata.as_ref().map(Pairs::metadata).unwrap_or_default(),
            },
        })
    }

    fn all_payees(
        &self,
        kind: OrderKind,
        currency: Currency,
    ) -> Result<SmallVec<[Payee<'_>; 1]>, FieldError> {
        let total =
            self.amount.as_ref().map(|text| amount("amount", text, currency)).transpose()?;
        let Some(payees) = &self.payees else {
            let creditor = match (&self.creditor, kind) {
                (Some(creditor), _) => Id::parse_any("creditor", creditor)?,
                (None, OrderKind::Withdrawal) => outside_account(currency),
                (None, _) => return Err(FieldError::missing("creditor")),
            };
            let amount_minor = total.ok_or_else(|| FieldError::missing("amount"))?;
            return Ok(smallvec![Payee { creditor, amount_minor }]);
        };
        if self.creditor.is_some() {
            let sentence = "say who is paid in `creditor` or in `payees`, not in both";
            return Err(FieldError::new("creditor", FieldProblem::NotAllowed, sentence));
        }
        let payees = payees.iter().enumerate().map(|(at, payee)| payee.read(currency, at));
        let payees: SmallVec<[Payee<'_>; 1]> = payees.collect::<Result<_, _>>()?;
        let sum: u128 = payees.iter().map(|payee| u128::from(payee.amount_minor)).sum();
        if total.is_some_and(|total| u128::from(total) != sum) {
            let sentence = "the payees' amounts add up to another sum: correct it or leave it out";
            return Err(FieldError::new("amount", FieldProblem::NotAllowed, sentence));
        }
        Ok(payees)
    }

    fn all_fees(&self, currency: Currency) -> Result<SmallVec<[Fee<'_>; 0]>, FieldError> {
        let fees = self.fees.iter().flatten().enumerate();
        fees.map(|(at, fee)| fee.read(currency, at)).collect()
    }
}

impl FeeBody<'_> {
    fn read(&self, currency: Currency, at: usize) -> Result<Fee<'_>, FieldError> {
        let read = || {
            let account = Id::parse_any("account", &self.account)?;
            let bearer = match self.bearer {
                BearerName::Debtor => Bearer::Debtor,
                BearerName::Creditor => Bearer::Creditor,
            };
            Ok(Fee { account, amount_minor: amount("amount", &self.amount, currency)?, bearer })
        };
        read().map_err(|error: FieldError| error.within(format_args!("fees[{at}]")))
    }
}

impl PayeeBody<'_> {
    fn read(&self, currency: Currency, at: usize) -> Result<Payee<'_>, FieldError> {
        let read = || {
            let creditor = Id::parse_any("creditor", &self.creditor)?;
            Ok(Payee { creditor, amount_minor: amount("amount", &self.amount, currency)? })
        };
        read().map_err(|error: FieldError| error.within(format_args!("payees[{at}]")))
    }
}
