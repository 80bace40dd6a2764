//! Decimal texts to whole minor units and back, signed and unsigned.

use std::fmt;

use super::error::AmountError;
use crate::currency::Currency;

/// The longest text of any value: a sign, 39 digits of an `i128` and the point.
pub(super) const TEXT_LENGTH_MAX: usize = 41;

/// Reads the text of a value that is not below zero.
pub(super) fn parse_minor(text: &str, currency: Currency) -> Result<u64, AmountError> {
    let value = match read(text, currency) {
        // What they advise has the sign still.
        Err(AmountError::LeadingZero { .. } | AmountError::WrongDecimals { .. })
            if text.starts_with('-') =>
        {
            return Err(AmountError::Negative { text: text.into() });
        }
        read => read?,
    };
    if value.negative {
        return Err(AmountError::Negative { text: text.into() });
    }
    let minor = value.minor.and_then(|minor| u64::try_from(minor).ok());
    minor.ok_or(AmountError::TooLarge { currency, limit_minor: i128::from(u64::MAX) })
}

/// Reads a value that may be below zero, such as an account's floor: as [`crate::Amount::parse`],
/// with a `-` in front of what is below zero. `-0.00` is refused, for zero has one text.
///
/// # Errors
/// [`AmountError`]; the limit is the range of `i128`.
pub fn parse_signed_minor(text: &str, currency: Currency) -> Result<i128, AmountError> {
    let value = read(text, currency)?;
    if value.negative && value.minor == Some(0) {
        return Err(AmountError::NegativeZero { text: text.into() });
    }
    let minor = value.minor.and_then(|minor| match value.negative {
        true => 0_i128.checked_sub_unsigned(minor),
        false => i128::try_from(minor).ok(),
    });
    minor.ok_or(AmountError::TooLarge { currency, limit_minor: i128::MAX })
}

/// A text of the right form.
struct Value {
    negative: bool,
    /// Without sign; `None` beyond `u128`.
    minor: Option<u128>,
}

fn read(text: &str, currency: Currency) -> Result<Value, AmountError> {
    check_characters(text, currency)?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, decimals) = match digits.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (digits, None),
    };
    if whole.is_empty() || decimals.is_some_and(|text| text.is_empty() || text.contains('.')) {
        return Err(AmountError::Malformed { currency, text: text.into() });
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return Err(AmountError::LeadingZero { text: text.into() });
    }
    let decimals = decimals.unwrap_or_default();
    if decimals.len() != usize::from(currency.exponent()) {
        let (expected, found) = (currency.exponent(), decimals.len());
        return Err(AmountError::WrongDecimals { currency, expected, found, text: text.into() });
    }
    let minor = whole.bytes().chain(decimals.bytes()).try_fold(0_u128, |minor, digit| {
        minor.checked_mul(10)?.checked_add(u128::from(digit - b'0'))
    });
    Ok(Value { negative, minor })
}

/// Digits and points, after at most one sign; no longer than any value.
fn check_characters(text: &str, currency: Currency) -> Result<(), AmountError> {
    if text.is_empty() {
        return Err(AmountError::Empty { currency });
    }
    if text.len() > TEXT_LENGTH_MAX {
        return Err(AmountError::TooLong { length_bytes: text.len() });
    }
    let refused = |index, c: char| !(c.is_ascii_digit() || c == '.' || (c == '-' && index == 0));
    match text.chars().enumerate().find(|(index, c)| refused(*index, *c)) {
        Some((index, character)) => {
            Err(AmountError::BadCharacter { currency, character, position: index + 1 })
        }
        None => Ok(()),
    }
}

/// Shows minor units as the decimal text of their currency, as in `-500.00`; width and alignment of
/// the format apply.
pub fn format_minor(minor: i128, currency: Currency) -> impl fmt::Display + Copy {
    DecimalText { minor, currency }
}

#[derive(Clone, Copy)]
struct DecimalText {
    minor: i128,
    currency: Currency,
}

impl fmt::Display for DecimalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = usize::from(self.currency.exponent());
        let mut text = [0_u8; TEXT_LENGTH_MAX];
        let mut start = TEXT_LENGTH_MAX;
        let mut put = |byte| {
            start -= 1;
            text[start] = byte;
        };
        let mut rest = self.minor.unsigned_abs();
        let mut digits = 0;
        while rest > 0 || digits <= exponent {
            if digits == exponent && exponent > 0 {
                put(b'.');
            }
            put(b'0' + (rest % 10) as u8);
            rest /= 10;
            digits += 1;
        }
        if self.minor < 0 {
            put(b'-');
        }
        f.pad(std::str::from_utf8(&text[start..]).expect("digits, point and sign are ASCII"))
    }
}
