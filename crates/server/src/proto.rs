//! The Protobuf form of a batch of payments. The description for clients is docs/payments.proto.
//!
//! Protobuf leaves out what it does not know. An order must not lose a field that way (an
//! `execute_at` that is not understood would pay at once), so unknown fields are looked for and
//! refused, as in JSON.

use crate::input::payment::{BearerName, FeeBody, KindName, ModeName, PayeeBody, PaymentBody};
use crate::input::{Object, Pairs, Text};
use crate::problem::{Fault, Problem};
use courant_ledger::{FieldError, FieldProblem};
use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A batch as it comes.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PaymentBatch {
    #[prost(message, repeated, tag = "1")]
    pub(crate) payments: Vec<Payment>,
}

/// A payment order; an empty text stands for a field that is left out.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Payment {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(int32, tag = "2")]
    kind: i32,
    #[prost(int32, tag = "3")]
    mode: i32,
    #[prost(string, tag = "4")]
    debtor: String,
    #[prost(string, tag = "5")]
    creditor: String,
    #[prost(message, repeated, tag = "6")]
    payees: Vec<Payee>,
    #[prost(string, tag = "7")]
    amount: String,
    #[prost(string, tag = "8")]
    currency: String,
    #[prost(message, repeated, tag = "9")]
    fees: Vec<Fee>,
    #[prost(string, tag = "10")]
    execute_at: String,
    #[prost(string, tag = "11")]
    expires_at: String,
    #[prost(string, tag = "12")]
    channel: String,
    #[prost(string, tag = "13")]
    end_to_end_id: String,
    #[prost(string, tag = "14")]
    remittance: String,
    #[prost(btree_map = "string, string", tag = "15")]
    metadata: BTreeMap<String, String>,
}

/// One who is paid.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Payee {
    #[prost(string, tag = "1")]
    creditor: String,
    #[prost(string, tag = "2")]
    amount: String,
}

/// A fee.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Fee {
    #[prost(string, tag = "1")]
    account: String,
    #[prost(string, tag = "2")]
    amount: String,
    #[prost(int32, tag = "3")]
    bearer: i32,
}

/// The answer to a batch.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PaymentResults {
    #[prost(message, repeated, tag = "1")]
    pub(crate) results: Vec<PaymentResult>,
}

/// What became of one payment: either a status, or the code of a problem.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PaymentResult {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) status: String,
    #[prost(string, tag = "3")]
    pub(crate) reason: String,
    #[prost(uint64, tag = "4")]
    pub(crate) version: u64,
    #[prost(bool, tag = "5")]
    pub(crate) repeat: bool,
    #[prost(string, tag = "6")]
    pub(crate) problem: String,
    #[prost(string, tag = "7")]
    pub(crate) detail: String,
    #[prost(string, tag = "8")]
    pub(crate) field: String,
}

impl PaymentBatch {
    /// Reads a batch; what it holds is not checked yet.
    pub(crate) fn read(bytes: &[u8]) -> Result<PaymentBatch, Problem> {
        let batch = PaymentBatch::decode(bytes).map_err(|error| {
            Problem::because(Fault::BadProtobuf, format!("the body is not a PaymentBatch: {error}"))
        })?;
        match unknown_field(bytes, &BATCH) {
            None => Ok(batch),
            Some(number) => {
                let sentence = format!("there is no field {number} here: see docs/payments.proto");
                Err(FieldError::new(number.to_string(), FieldProblem::UnknownField, sentence)
                    .into())
            }
        }
    }
}

impl Payment {
    /// The same order as it would come in JSON.
    pub(crate) fn body(&self) -> Result<PaymentBody<'_>, FieldError> {
        Ok(PaymentBody {
            id: text(&self.id),
            kind: Some(match self.kind {
                0 => KindName::Transfer,
                1 => KindName::TopUp,
                2 => KindName::Withdrawal,
                _ => return Err(unknown_number("type")),
            }),
            mode: Some(match self.mode {
                0 => ModeName::Pay,
                1 => ModeName::Authorise,
                2 => ModeName::AwaitConfirmation,
                _ => return Err(unknown_number("mode")),
            }),
            debtor: given(&self.debtor),
            creditor: given(&self.creditor),
            payees: (!self.payees.is_empty())
                .then(|| self.payees.iter().map(|payee| Object(payee.body())).collect()),
            amount: given(&self.amount),
            currency: text(&self.currency),
            fees: Some(
                self.fees.iter().map(|fee| fee.body().map(Object)).collect::<Result<_, _>>()?,
            ),
            execute_at: given(&self.execute_at),
            expires_at: given(&self.expires_at),
            channel: given(&self.channel),
            end_to_end_id: given(&self.end_to_end_id),
            remittance: given(&self.remittance),
            metadata: (!self.metadata.is_empty()).then(|| {
                let pairs = self.metadata.iter().map(|(key, value)| (text(key), text(value)));
                Pairs::new(pairs.collect())
            }),
        })
    }
}

impl Payee {
    fn body(&self) -> PayeeBody<'_> {
        PayeeBody { creditor: text(&self.creditor), amount: text(&self.amount) }
    }
}

impl Fee {
    fn body(&self) -> Result<FeeBody<'_>, FieldError> {
        let bearer = match self.bearer {
            1 => BearerName::Debtor,
            2 => BearerName::Creditor,
            _ => return Err(unknown_number("fees.bearer")),
        };
        Ok(FeeBody { account: text(&self.account), amount: text(&self.amount), bearer })
    }
}

fn text(text: &str) -> Text<'_> {
    Text(Cow::Borrowed(text))
}

fn given(value: &str) -> Option<Text<'_>> {
    (!value.is_empty()).then(|| text(value))
}

fn unknown_number(field: &'static str) -> FieldError {
    let sentence = "this number stands for nothing: see docs/payments.proto";
    FieldError::new(field, FieldProblem::NotAllowed, sentence)
}

/// Which field numbers a message has, and which of them are messages.
struct Shape {
    fields_max: u32,
    messages: &'static [(u32, &'static Shape)],
}

const PAIR: Shape = Shape { fields_max: 2, messages: &[] };
const PAYEE: Shape = Shape { fields_max: 2, messages: &[] };
const FEE: Shape = Shape { fields_max: 3, messages: &[] };
const PAYMENT: Shape = Shape { fields_max: 15, messages: &[(6, &PAYEE), (9, &FEE), (15, &PAIR)] };
const BATCH: Shape = Shape { fields_max: 1, messages: &[(1, &PAYMENT)] };

/// The number of the first field that a well-formed message should not have.
fn unknown_field(mut bytes: &[u8], shape: &Shape) -> Option<u32> {
    while bytes.has_remaining() {
        let (number, wire_type) = decode_key(&mut bytes).ok()?;
        if number > shape.fields_max {
            return Some(number);
        }
        match wire_type {
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let (inner, rest) = bytes.split_at_checked(length)?;
                let message = shape.messages.iter().find(|(of, _)| *of == number);
                let unknown = message.and_then(|(_, shape)| unknown_field(inner, shape));
                if unknown.is_some() {
                    return unknown;
                }
                bytes = rest;
            }
            // A message that was decoded has only numbers elsewhere.
            _ => {
                decode_varint(&mut bytes).ok()?;
            }
        }
    }
    None
}
