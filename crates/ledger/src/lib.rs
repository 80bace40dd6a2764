//! Money: currencies, amounts, accounts, transfers, holds, limits and the life of a payment.
//!
//! Pure: no clock, no entropy, no I/O, no threads, no floating point. Time and ids are inputs.
#![forbid(unsafe_code)]

mod amount;
mod currency;
mod id;
pub mod text;

pub use amount::{Amount, AmountError, format_minor, parse_signed_minor};
pub use currency::{Currency, CurrencyError};
pub use id::{Id, IdBuf};
pub use text::field::{FieldError, FieldProblem};

mod account;
mod accounts;
mod draft;
mod order;
mod payment;
mod reason;
mod tag;
pub mod tag_table;
mod time;

pub use account::{Account, AccountNo, AccountStatus, AccountTerms, Limits, SUM_LIMIT, Side, Sums};
pub use accounts::{ACCOUNTS_MAX, Accounts};
pub use draft::{Draft, Force, Move, Touched, TouchedList, assert_balanced};
pub use order::{
    Bearer, Details, FEES_MAX, Fee, Metadata, Mode, Order, OrderKind, PAYEES_MAX, Payee,
    outside_account,
};
pub use payment::{
    AHEAD_MAX_SECONDS, GiveBack, HOLD_DEFAULT_SECONDS, Leg, LegRole, Legs, MovedMinor, Part,
    Parties, Payment, Portion, Status,
};
pub use reason::Reason;
pub use tag::{TagDomain, Tagger};
pub use time::Timestamp;
