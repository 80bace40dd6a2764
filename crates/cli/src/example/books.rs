//! The bank's books as they were published: movements and closing balances, and the payments they
//! become.
//!
//! The files are part of this binary. They are the bank's, so a line that does not fit is a broken
//! build, not input.

use std::io::Read;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::exit::Failure;

const MOVEMENTS: &[u8] = include_bytes!("../../../../examples/czech-bank-1993/movements.csv.gz");
const BALANCES: &[u8] = include_bytes!("../../../../examples/czech-bank-1993/balances.csv.gz");

/// The currency of everything.
pub(super) const CURRENCY: &str = "CZK";

/// A movement on an account.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Movement {
    pub(super) id: String,
    pub(super) date: String,
    pub(super) account: String,
    pub(super) kind: Kind,
    pub(super) direction: Direction,
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) counterparty_bank: String,
    pub(super) counterparty_account: String,
    pub(super) purpose: String,
}

/// What a movement was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    CashDeposit,
    CashWithdrawal,
    CardWithdrawal,
    TransferIn,
    TransferOut,
    Interest,
    PenaltyInterest,
    AccountFee,
    Rounding,
}

/// Seen from the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    Credit,
    Debit,
}

/// The balance of an account at the end of a day on which it moved.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ClosingBalance {
    pub(super) date: String,
    pub(super) account: String,
    pub(super) closing_balance: String,
}

pub(super) fn movements() -> Result<Vec<Movement>, Failure> {
    rows(MOVEMENTS)
}

pub(super) fn closing_balances() -> Result<Vec<ClosingBalance>, Failure> {
    rows(BALANCES)
}

fn rows<T: DeserializeOwned>(gzip: &[u8]) -> Result<Vec<T>, Failure> {
    let mut text = String::new();
    let read = GzDecoder::new(gzip).read_to_string(&mut text);
    read.map_err(|error| Failure::internal(format!("the example's data: {error}")))?;
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::internal(format!("the example's data: {error}")))
}

/// The id in Courant of one of the bank's accounts.
pub(super) fn account_id(account: &str) -> String {
    format!("czech-{account}")
}

/// The id in Courant of a movement's payment.
pub(super) fn payment_id(movement: &str) -> String {
    format!("czech-{movement}")
}

impl Kind {
    pub(super) const BANKS_OWN: [Kind; 4] =
        [Kind::Interest, Kind::PenaltyInterest, Kind::AccountFee, Kind::Rounding];

    /// The bank's own account on the other side; `None` if the outside world is there.
    pub(super) fn bank_account(self) -> Option<&'static str> {
        match self {
            Kind::Interest => Some("czech-bank-interest"),
            Kind::PenaltyInterest => Some("czech-bank-penalty-interest"),
            Kind::AccountFee => Some("czech-bank-fees"),
            Kind::Rounding => Some("czech-bank-rounding"),
            Kind::CashDeposit
            | Kind::CashWithdrawal
            | Kind::CardWithdrawal
            | Kind::TransferIn
            | Kind::TransferOut => None,
        }
    }

    /// The channel that its payments come from.
    fn channel(self) -> &'static str {
        match self {
            Kind::CashDeposit | Kind::CashWithdrawal => "branch",
            Kind::CardWithdrawal => "atm",
            Kind::TransferIn | Kind::TransferOut => "interbank",
            Kind::Interest | Kind::PenaltyInterest | Kind::AccountFee | Kind::Rounding => "bank",
        }
    }
}

impl Movement {
    /// The payment that this movement is: between the account and the outside world, or the bank
    /// itself.
    pub(super) fn payment(&self) -> Map<String, Value> {
        let account = account_id(&self.account);
        let (kind, debtor, creditor) = match (self.kind.bank_account(), self.direction) {
            (None, Direction::Credit) => ("top_up", None, Some(account)),
            (None, Direction::Debit) => ("withdrawal", Some(account), None),
            (Some(bank), Direction::Credit) => ("transfer", Some(bank.to_owned()), Some(account)),
            (Some(bank), Direction::Debit) => ("transfer", Some(account), Some(bank.to_owned())),
        };
        let mut metadata = Map::from_iter([("booked_on".to_owned(), json!(self.date))]);
        let bank = [
            ("counterparty_bank", &self.counterparty_bank),
            ("counterparty_account", &self.counterparty_account),
            ("purpose", &self.purpose),
        ];
        for (key, value) in bank.iter().filter(|(_, value)| !value.is_empty()) {
            metadata.insert((*key).to_owned(), json!(value));
        }
        let members = [
            ("id", Some(json!(payment_id(&self.id)))),
            ("type", Some(json!(kind))),
            ("debtor", debtor.map(Value::from)),
            ("creditor", creditor.map(Value::from)),
            ("amount", Some(json!(self.amount))),
            ("currency", Some(json!(self.currency))),
            ("channel", Some(json!(self.kind.channel()))),
            ("metadata", Some(Value::Object(metadata))),
        ];
        let present = members.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
        present.collect()
    }
}
