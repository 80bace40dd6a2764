//! The forms in which payment orders come, as functions on bytes: for whoever throws bytes at them.

use crate::body;
use crate::input::payment::PaymentBody;
use crate::problem::Problem;
use crate::proto::PaymentBatch;
use courant_engine::{Command, command};

/// The encoded command that a JSON payment asks for; `None` if it is refused.
pub fn payment_json(bytes: &[u8]) -> Option<Vec<u8>> {
    let body: PaymentBody<'_> = body::parse(bytes).ok()?;
    command(&body).ok()
}

/// The encoded commands that a Protobuf batch asks for; `None` for those that are refused, and an
/// empty list if the whole batch is.
pub fn batch_protobuf(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let Ok(batch) = PaymentBatch::read(bytes) else { return Vec::new() };
    let one = |payment: &crate::proto::Payment| command(&payment.body().ok()?).ok();
    batch.payments.iter().map(one).collect()
}

fn command(body: &PaymentBody<'_>) -> Result<Vec<u8>, Problem> {
    let command = Command::Pay(body.order()?);
    command.check()?;
    let mut bytes = Vec::new();
    command::encode(&command, &mut bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
