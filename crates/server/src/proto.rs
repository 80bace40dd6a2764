//! The Protobuf form of a batch of payments. The description for clients is docs/payments.proto.
//!
//! Protobuf leaves out what it does not know. An order must not lose a field that way (an
//! `execute_at` that is not understood would pay at once), so unknown fields are looked for and
//! refused, as in JSON.
//!
//! A decoded message can take fifty times its bytes, so what repeats is counted before it is
//! decoded.

use crate::input::payment::{
    BearerName, FeeBody, KindName, ModeName, PayeeBody, PaymentBody, check_count,
};
use crate::input::{Object, Pairs, Text};
use crate::problem::{Fault, Problem};
use bytes::Bytes;
use courant_ledger::text::METADATA_PAIRS_MAX;
use courant_ledger::{FEES_MAX, FieldError, FieldProblem, PAYEES_MAX};
use prost::encoding::{WireType, decode_key, decode_varint};
use prost::{DecodeError, Message};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A batch as it comes. Of a payment with too much in it there is only the error.
#[derive(Debug)]
pub(crate) struct PaymentBatch {
    pub(crate) payments: Vec<Result<Payment, FieldError>>,
}

/// A batch whose payments are still encoded.
#[derive(Clone, PartialEq, Message)]
struct EncodedBatch {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    payments: Vec<Bytes>,
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
    /// Reads a batch; what its payments hold is not checked yet.
    pub(crate) fn read(bytes: &Bytes) -> Result<PaymentBatch, Problem> {
        let bad = |error: DecodeError| {
            Problem::because(Fault::BadProtobuf, format!("the body is not a PaymentBatch: {error}"))
        };
        // One that is refused for its form may have none that can be counted.
        check_count(Fields(bytes).count().max(1))?;
        let batch = EncodedBatch::decode(bytes.clone()).map_err(bad)?;
        let payments = batch.payments.into_iter().map(|payment| match check_sizes(&payment) {
            Ok(()) => Payment::decode(payment).map(Ok),
            Err(error) => Ok(Err(error)),
        });
        let payments = payments.collect::<Result<Vec<_>, _>>().map_err(bad)?;
        if let Some(number) = unknown_field(bytes, &BATCH) {
            let sentence = format!("there is no field {number} here: see docs/payments.proto");
            let field = number.to_string();
            return Err(FieldError::new(field, FieldProblem::UnknownField, sentence).into());
        }
        check_count(payments.len())?;
        Ok(PaymentBatch { payments })
    }
}

/// Checks how often the fields of an encoded payment stand that may stand more than once.
fn check_sizes(payment: &[u8]) -> Result<(), FieldError> {
    const LIMITS: [(u32, &str, usize); 3] =
        [(6, "payees", PAYEES_MAX), (9, "fees", FEES_MAX), (15, "metadata", METADATA_PAIRS_MAX)];
    let mut counts = [0; LIMITS.len()];
    for (number, _) in Fields(payment) {
        let Some(at) = LIMITS.iter().position(|(of, ..)| *of == number) else { continue };
        let (_, field, limit) = LIMITS[at];
        counts[at] += 1;
        if counts[at] > limit {
            let sentence = format!("at most {limit} are allowed in a payment");
            let error = FieldError::new(field, FieldProblem::TooMany, sentence);
            return Err(error.with_limit(limit as u64));
        }
    }
    Ok(())
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
fn unknown_field(bytes: &[u8], shape: &Shape) -> Option<u32> {
    Fields(bytes).find_map(|(number, inner)| {
        if number > shape.fields_max {
            return Some(number);
        }
        let (_, shape) = shape.messages.iter().find(|(of, _)| *of == number)?;
        unknown_field(inner, shape)
    })
}

/// The fields of a message in their order: the number of each, and its bytes if it has a length.
/// Ends where the message cannot be read on.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<(u32, &'a [u8])> {
        let (number, wire_type) = decode_key(&mut self.0).ok()?;
        let length = match wire_type {
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut self.0).ok()?).ok()?;
                let (inner, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                return Some((number, inner));
            }
            WireType::Varint => {
                decode_varint(&mut self.0).ok()?;
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::StartGroup | WireType::EndGroup => 0,
        };
        self.0 = self.0.get(length..)?;
        Some((number, &[]))
    }
}
