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
