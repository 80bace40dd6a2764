//! What reads give: copies of the state, and records.

use courant_engine::{Command, DecodeError, Lsn, Outcome, Record, record};
use courant_journal::Payload;
use courant_ledger::{Account, AccountNo, Currency, Id, IdBuf, Order, Payment, Sums, Timestamp};

/// An account as it was at some durable moment.
#[derive(Debug, Clone)]
pub struct AccountRead {
    /// Its number.
    pub no: AccountNo,
    /// The account.
    pub account: Account,
}

/// The sums of all accounts at some durable moment.
#[derive(Debug, Clone)]
pub struct TrialBalance {
    /// The last record it shows.
    pub lsn: Lsn,
    /// The time of that record.
    pub at: Timestamp,
    /// Per currency, in the order of the numeric codes.
    pub currencies: Vec<(Currency, Sums)>,
    /// True if debits equal credits in every currency.
    pub balanced: bool,
    /// How many accounts there are.
    pub accounts: usize,
    /// How many records there are since the journal began.
    pub records: u64,
    /// How many payments were made since the journal began, refused ones too.
    pub payments: u64,
    /// How many payments are not final.
    pub open_payments: usize,
}

/// A payment: the record that made it and the last one about it.
#[derive(Debug, Clone)]
pub struct PaymentRead {
    /// The payment's id.
    pub id: IdBuf,
    /// The record that made it.
    pub origin_lsn: Lsn,
    /// The bytes of that record.
    pub origin: Payload,
    /// The last record about it.
    pub latest_lsn: Lsn,
    /// The bytes of that record.
    pub latest: Payload,
}

impl PaymentRead {
    /// The record that made it; of a group, what is about this payment.
    pub fn origin_record(&self) -> Result<Record<'_>, DecodeError> {
        record::decode_one(&self.origin, self.id.as_id())
    }

    /// The last record about it; of a group, what is about this payment.
    pub fn latest_record(&self) -> Result<Record<'_>, DecodeError> {
        record::decode_one(&self.latest, self.id.as_id())
    }
}

/// The order of a payment in the record that made it, alone or in a group.
pub fn order_in<'r, 'a>(record: &'r Record<'a>, id: Id<'_>) -> Option<&'r Order<'a>> {
    match &record.command {
        Command::Pay(order) if order.id == id => Some(order),
        Command::PayGroup(orders) => orders.iter().find(|o| o.id == id),
        _ => None,
    }
}

/// The payment with this id as a record shows it; `None` if the record is not about it.
pub fn payment_in<'r>(record: &'r Record<'_>, id: Id<'_>) -> Option<&'r Payment> {
    let about = match &record.command {
        Command::PayGroup(orders) => {
            let Outcome::Group(group) = &record.outcome else { return None };
            return group.payments.get(orders.iter().position(|order| order.id == id)?);
        }
        Command::Pay(order) => order.id,
        Command::Step(step) => step.payment,
        Command::Due { payment } => *payment,
        _ => return None,
    };
    match &record.outcome {
        Outcome::Payment(after) if about == id => Some(&after.payment),
        _ => None,
    }
}

/// Where the record is that made the payments which the record at `lsn` is about.
pub fn origin_of(lsn: Lsn, record: &Record<'_>) -> Lsn {
    match &record.outcome {
        Outcome::Payment(after) if after.origin != Lsn::NONE => after.origin,
        _ => lsn,
    }
}
