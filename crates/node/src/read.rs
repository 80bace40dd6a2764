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
    /// The record that made it.
    pub fn origin_record(&self) -> Result<Record<'_>, DecodeError> {
        record::decode(&self.origin)
    }

    /// The last record about it.
    pub fn latest_record(&self) -> Result<Record<'_>, DecodeError> {
        record::decode(&self.latest)
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

/// The payment as a record about it shows it.
pub fn payment_in<'r>(record: &'r Record<'_>, id: Id<'_>) -> Option<&'r Payment> {
    match (&record.command, &record.outcome) {
        (Command::PayGroup(orders), Outcome::Group(group)) => {
            let at = orders.iter().position(|o| o.id == id)?;
            group.payments.get(at)
        }
        (_, Outcome::Payment(after)) => Some(&after.payment),
        _ => None,
    }
}
