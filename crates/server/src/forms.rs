//! The forms in which payment orders come, as functions on bytes: for whoever throws bytes at them.

use crate::body;
use crate::input::payment::PaymentBody;
use crate::problem::Problem;
use crate::proto::{Payment, PaymentBatch};
use bytes::Bytes;
use courant_engine::{Command, command};
use courant_ledger::FieldError;

/// Why an order was refused, as a problem document says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable name, such as `wrong_decimals`.
    pub code: String,
    /// The field that was wrong, if the form as a whole was not.
    pub field: Option<String>,
    /// What was wrong, for people.
    pub detail: String,
}

/// The encoded command that a JSON payment asks for.
pub fn payment_json(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let body: PaymentBody<'_> = body::parse(bytes)?;
    Ok(command(&body)?)
}

/// The encoded commands that a Protobuf batch asks for, one for each payment in it.
pub fn batch_protobuf(bytes: &[u8]) -> Result<Vec<Result<Vec<u8>, Refusal>>, Refusal> {
    let one = |payment: Result<Payment, FieldError>| {
        let payment = payment.map_err(Problem::from)?;
        Ok(command(&payment.body().map_err(Problem::from)?)?)
    };
    let bytes = Bytes::copy_from_slice(bytes);
    Ok(PaymentBatch::read(&bytes)?.payments.into_iter().map(one).collect())
}

fn command(body: &PaymentBody<'_>) -> Result<Vec<u8>, Problem> {
    let command = Command::Pay(body.order()?);
    command.check()?;
    let mut bytes = Vec::new();
    command::encode(&command, &mut bytes);
    Ok(bytes)
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        let document = problem.document(None);
        Refusal {
            code: document.code.to_owned(),
            field: document.field.map(str::to_owned),
            detail: document.detail.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
