//! Amounts of money: whole minor units with their currency, and the decimal texts that stand for
//! them.
//!
//! Each value has exactly one text: `12.34` in EUR, `12` in JPY, `1.234` in KWD. Reading is as
//! strict as writing: ASCII digits, exactly the currency's decimals, no sign, no exponent, no
//! spaces, no needless zero in front. Nothing is ever rounded, nothing is converted, and no
//! floating point is involved. What is accepted costs no allocation.

mod decimal;
mod error;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::currency::Currency;
pub use decimal::{format_minor, parse_signed_minor};
pub use error::AmountError;

/// A sum of money that is never below zero. At most `u64::MAX` minor units:
/// 184,467,440,737,095,516.15 in EUR.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    minor: u64,
    currency: Currency,
}

impl Amount {
    /// The most minor units an amount can have.
    pub const MINOR_MAX: u64 = u64::MAX;

    /// An amount of `minor` minor units, such as cents.
    #[must_use]
    pub const fn new(minor: u64, currency: Currency) -> Amount {
        Amount { minor, currency }
    }

    /// Reads the decimal text of an amount. Zero is an amount.
    ///
    /// # Errors
    /// [`AmountError`] says what to write instead; its [`AmountError::at`] makes a field's error of
    /// it.
    pub fn parse(text: &str, currency: Currency) -> Result<Amount, AmountError> {
        decimal::parse_minor(text, currency).map(|minor| Amount { minor, currency })
    }

    /// The whole number of minor units.
    #[must_use]
    pub const fn minor(self) -> u64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether there is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum; `None` if the currencies differ or it would be above [`Amount::MINOR_MAX`].
    #[must_use]
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        let minor = self.minor.checked_add(other.minor)?;
        (self.currency == other.currency).then_some(Amount { minor, ..self })
    }

    /// The difference; `None` if the currencies differ or it would be below zero.
    #[must_use]
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        let minor = self.minor.checked_sub(other.minor)?;
        (self.currency == other.currency).then_some(Amount { minor, ..self })
    }
}

/// The decimal text without the currency, as in `12.34`; [`Amount::parse`] reads it back.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format_minor(i128::from(self.minor), self.currency).fmt(f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", self.currency)
    }
}
