//! What the API shows of a payment.

use super::{Decimal, PairsView, ReasonView, Time};
use courant_engine::Lsn;
use courant_ledger::{
    Bearer, Currency, Fee, Id, Leg, LegRole, Mode, Order, OrderKind, Payee, Payment, Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A payment: what was ordered, and what has become of it. Amounts are decimal texts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentView<'a> {
    /// Its id.
    id: &'a str,
    /// `transfer`, `top_up` or `withdrawal`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `pay`, `authorise` or `await_confirmation`.
    mode: &'static str,
    /// Where it stands.
    status: &'static str,
    /// The same in ISO 20022 (ExternalPaymentTransactionStatus1Code).
    iso_status: &'static str,
    /// Why it stands there, where the status alone does not say.
    reason: Option<ReasonView>,
    /// The account that pays.
    debtor: &'a str,
    /// The account that is paid, if it is one.
    creditor: Option<&'a str>,
    /// All that are paid.
    payees: Vec<PayeeView<'a>>,
    /// What all payees together are to receive, as ordered.
    #[schema(value_type = String)]
    amount: Decimal,
    /// The currency of all amounts.
    currency: &'static str,
    /// Fees, as ordered.
    fees: Vec<FeeView<'a>>,
    /// Not before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    execute_at: Option<Time>,
    /// When its hold or its wait lapses.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// Where the order came from.
    channel: Option<&'a str>,
    /// The payer's reference.
    end_to_end_id: Option<&'a str>,
    /// What it is for.
    remittance: Option<&'a str>,
    /// The caller's pairs.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    metadata: PairsView<'a>,
    /// What has become of the money of the payees; fees apart.
    amounts: AmountsView,
    /// Who gives how much to whom; payees first, then fees. None if it was rejected before its
    /// accounts were known.
    legs: Vec<LegView<'a>>,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
    /// The last record about it.
    version: u64,
    /// True in the answer to a request that had been answered before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
    /// The step that led here, in its answer and in its event.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<StepView<'a>>,
}

/// A capture, release, increment, refund, return or reversal.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Step)]
pub(crate) struct StepView<'a> {
    /// Its id, if it has one: releases and increments have none.
    pub(crate) child: Option<&'a str>,
    /// How much it captured, released, held more or gave back: for or from all payees together,
    /// fees apart. Null for a release if the record before it was archived or dropped.
    #[schema(value_type = Option<String>)]
    pub(crate) amount: Option<Decimal>,
    /// The currency of the amount.
    pub(crate) currency: &'static str,
}

/// One who is paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayeeView)]
struct PayeeView<'a> {
    creditor: &'a str,
    #[schema(value_type = String)]
    amount: Decimal,
}

/// A fee.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeeView)]
struct FeeView<'a> {
    account: &'a str,
    #[schema(value_type = String)]
    amount: Decimal,
    bearer: &'static str,
}

/// What has become of an amount. `authorised` is what was ordered or held, increments included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Amounts)]
struct AmountsView {
    #[schema(value_type = String)]
    authorised: Decimal,
    #[schema(value_type = String)]
    captured: Decimal,
    #[schema(value_type = String)]
    released: Decimal,
    #[schema(value_type = String)]
    refunded: Decimal,
    #[schema(value_type = String)]
    returned: Decimal,
    #[schema(value_type = String)]
    reversed: Decimal,
    #[schema(value_type = String)]
    remaining: Decimal,
}

/// Money from one account to another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Leg)]
struct LegView<'a> {
    /// `principal`, `debtor_fee` or `creditor_fee`.
    role: &'static str,
    /// The account that gives.
    debit: &'a str,
    /// The account that takes.
    credit: &'a str,
    #[serde(flatten)]
    amounts: AmountsView,
}

/// A payment as of one of its records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PaymentAsOf<'r, 'a> {
    /// The order, from the record that made it.
    pub(crate) order: &'r Order<'a>,
    /// The payment after the record.
    pub(crate) payment: &'r Payment,
    /// The record.
    pub(crate) lsn: Lsn,
    /// The time of the record.
    pub(crate) at: Timestamp,
}

impl<'r> PaymentAsOf<'r, '_> {
    pub(crate) fn view(self) -> PaymentView<'r> {
        let PaymentAsOf { order, payment, lsn, at } = self;
        let currency = order.currency;
        let total: u128 = order.payees.iter().map(|p| u128::from(p.amount_minor)).sum();
        let details = &order.details;
        PaymentView {
            id: order.id.as_str(),
            kind: kind_name(order.kind),
            mode: mode_name(order.mode),
            status: payment.status.name(),
            iso_status: payment.status.iso20022(),
            reason: payment.reason.map(ReasonView::from),
            debtor: order.debtor.as_str(),
            creditor: match order.payees.as_slice() {
                [only] => Some(only.creditor.as_str()),
                _ => None,
            },
            payees: order.payees.iter().map(|payee| payee_view(payee, currency)).collect(),
            amount: Decimal::sum(total, currency),
            currency: currency.code(),
            fees: order.fees.iter().map(|fee| fee_view(fee, currency)).collect(),
            execute_at: payment.execute_at.map(Time),
            expires_at: payment.expires_at.map(Time),
            channel: details.channel,
            end_to_end_id: details.end_to_end_id,
            remittance: details.remittance,
            metadata: PairsView(&details.metadata),
            amounts: amounts(currency, || payment.principal()),
            legs: legs(order, payment),
            created_at: Time(payment.created_at),
            updated_at: Time(at),
            version: lsn.0,
            repeat: false,
            step: None,
        }
    }
}

impl<'a> PaymentView<'a> {
    pub(crate) fn repeated(self, repeat: bool) -> PaymentView<'a> {
        PaymentView { repeat, ..self }
    }

    /// As the step left it.
    pub(crate) fn after(self, step: Option<StepView<'a>>) -> PaymentView<'a> {
        PaymentView { step, ..self }
    }
}

fn payee_view<'a>(payee: &Payee<'a>, currency: Currency) -> PayeeView<'a> {
    PayeeView {
        creditor: payee.creditor.as_str(),
        amount: Decimal::amount(payee.amount_minor, currency),
    }
}

fn fee_view<'a>(fee: &Fee<'a>, currency: Currency) -> FeeView<'a> {
    FeeView {
        account: fee.account.as_str(),
        amount: Decimal::amount(fee.amount_minor, currency),
        bearer: match fee.bearer {
            Bearer::Debtor => "debtor",
            Bearer::Creditor => "creditor",
        },
    }
}

fn amounts<'l, I: Iterator<Item = &'l Leg>>(
    currency: Currency,
    legs: impl Fn() -> I,
) -> AmountsView {
    let sum =
        |of: fn(&Leg) -> u64| Decimal::sum(legs().map(|leg| u128::from(of(leg))).sum(), currency);
    AmountsView {
        authorised: sum(|leg| leg.amount_minor),
        captured: sum(|leg| leg.captured_minor),
        released: sum(|leg| leg.released_minor),
        refunded: sum(|leg| leg.refunded_minor),
        returned: sum(|leg| leg.returned_minor),
        reversed: sum(|leg| leg.reversed_minor),
        remaining: sum(Leg::remaining_minor),
    }
}

/// The legs with the names of their accounts, which the order has in the order of the legs.
fn legs<'a>(order: &Order<'a>, payment: &Payment) -> Vec<LegView<'a>> {
    let takers =
        order.payees.iter().map(|p| p.creditor).chain(order.fees.iter().map(|f| f.account));
    let view = |(leg, taker): (&Leg, Id<'a>)| LegView {
        role: match leg.role {
            LegRole::Principal => "principal",
            LegRole::DebtorFee => "debtor_fee",
            LegRole::CreditorFee => "creditor_fee",
        },
        debit: match leg.role {
            LegRole::Principal | LegRole::DebtorFee => order.debtor.as_str(),
            LegRole::CreditorFee => order.payees[0].creditor.as_str(),
        },
        credit: taker.as_str(),
        amounts: amounts(order.currency, || std::iter::once(leg)),
    };
    payment.legs.iter().zip(takers).map(view).collect()
}

pub(crate) fn kind_name(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Transfer => "transfer",
        OrderKind::TopUp => "top_up",
        OrderKind::Withdrawal => "withdrawal",
    }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Pay => "pay",
        Mode::Authorise => "authorise",
        Mode::AwaitConfirmation => "await_confirmation",
    }
}
