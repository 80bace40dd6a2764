//! Why a text is not an amount, as facts and as a sentence.

use std::fmt;

use super::decimal::{TEXT_LENGTH_MAX, format_minor};
use crate::currency::Currency;
use crate::text::field::{FieldError, FieldProblem};

/// Why a text does not stand for an amount. A `text` is the whole text as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AmountError {
    /// The text is empty.
    Empty {
        /// The currency of the amount.
        currency: Currency,
    },
    /// The text is longer than that of any value, which has at most 41 characters.
    TooLong {
        /// Bytes found.
        length_bytes: usize,
    },
    /// A character is no digit, no point and no sign in front.
    BadCharacter {
        /// The currency of the amount.
        currency: Currency,
        /// The character.
        character: char,
        /// Where it stands, counted in characters from 1.
        position: usize,
    },
    /// Digits are missing before or after the point, or there are two points.
    Malformed {
        /// The currency of the amount.
        currency: Currency,
        /// The refused text.
        text: Box<str>,
    },
    /// There is a zero in front that says nothing, as in `012.00`.
    LeadingZero {
        /// The refused text.
        text: Box<str>,
    },
    /// The text has more or fewer decimals than the currency.
    WrongDecimals {
        /// The currency of the amount.
        currency: Currency,
        /// Decimals of the currency.
        expected: u8,
        /// Decimals of the text.
        found: usize,
        /// The refused text.
        text: Box<str>,
    },
    /// There is a sign where no value may be below zero.
    Negative {
        /// The refused text.
        text: Box<str>,
    },
    /// Zero has a sign, as in `-0.00`.
    NegativeZero {
        /// The refused text.
        text: Box<str>,
    },
    /// The value is beyond the limit.
    TooLarge {
        /// The currency of the amount.
        currency: Currency,
        /// Minor units allowed; on both sides of zero where a sign is allowed.
        limit_minor: i128,
    },
}

impl AmountError {
    /// The same refusal as the error of the field that the text came in.
    #[must_use]
    pub fn at(self, field: &'static str) -> FieldError {
        let error = FieldError::new(field, self.problem(), self.to_string());
        match self.limit() {
            Some(limit) => error.with_limit(limit),
            None => error,
        }
    }

    fn problem(&self) -> FieldProblem {
        match self {
            AmountError::Empty { .. } => FieldProblem::TooShort,
            AmountError::TooLong { .. } => FieldProblem::TooLong,
            AmountError::BadCharacter { .. } => FieldProblem::BadCharacter,
            AmountError::Malformed { .. }
            | AmountError::LeadingZero { .. }
            | AmountError::NegativeZero { .. } => FieldProblem::Malformed,
            AmountError::WrongDecimals { .. } => FieldProblem::WrongDecimals,
            AmountError::Negative { .. } => FieldProblem::Negative,
            AmountError::TooLarge { .. } => FieldProblem::TooLarge,
        }
    }

    fn limit(&self) -> Option<u64> {
        match self {
            AmountError::Empty { .. } => Some(1),
            AmountError::TooLong { .. } => Some(TEXT_LENGTH_MAX as u64),
            AmountError::WrongDecimals { expected, .. } => Some(u64::from(*expected)),
            AmountError::TooLarge { limit_minor, .. } => u64::try_from(*limit_minor).ok(),
            _ => None,
        }
    }
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AmountError::Empty { currency } => {
                write!(f, "an amount is missing: write it like \"{}\"", example(*currency))
            }
            AmountError::TooLong { length_bytes } => write!(
                f,
                "{length_bytes} bytes are too many for an amount: write at most {TEXT_LENGTH_MAX}"
            ),
            AmountError::BadCharacter { currency, character, position } => write!(
                f,
                "{character:?} at character {position} does not belong into an amount: \
                 write it like \"{}\"",
                example(*currency)
            ),
            AmountError::Malformed { currency, text } => {
                write!(f, "{text:?} is not an amount: write it like \"{}\"", example(*currency))
            }
            AmountError::LeadingZero { text } => write!(
                f,
                "{text:?} begins with a zero that says nothing: write \"{}\"",
                without_leading_zeros(text)
            ),
            AmountError::WrongDecimals { currency, expected, found, text } => {
                let expected_words = in_words(usize::from(*expected));
                write!(f, "{currency} has {expected_words}, {text:?} has {}: ", number(*found))?;
                match with_decimals(text, usize::from(*expected)) {
                    Some(meant) => write!(f, "write \"{meant}\""),
                    None => write!(f, "round it to {expected_words}"),
                }
            }
            AmountError::Negative { text } => {
                write!(f, "{text:?} has a sign, but no amount is below zero: leave the sign out")
            }
            AmountError::NegativeZero { text } => {
                write!(f, "{text:?} is zero with a sign: leave the sign out")
            }
            AmountError::TooLarge { currency, limit_minor } => write!(
                f,
                "the amount is beyond the limit of {} {currency}: write a smaller one",
                format_minor(*limit_minor, *currency)
            ),
        }
    }
}

impl std::error::Error for AmountError {}

/// `12.34` with as many decimals as the currency has.
fn example(currency: Currency) -> impl fmt::Display {
    const MINOR: [i128; Currency::EXPONENT_MAX as usize + 1] = [12, 123, 1_234, 12_345, 123_456];
    format_minor(MINOR[usize::from(currency.exponent())], currency)
}

fn number(count: usize) -> String {
    if count == 0 { "none".into() } else { count.to_string() }
}

fn in_words(decimals: usize) -> String {
    match decimals {
        0 => "no decimals".into(),
        1 => "1 decimal".into(),
        _ => format!("{decimals} decimals"),
    }
}

fn without_leading_zeros(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let kept = digits.trim_start_matches('0');
    let zero = if kept.is_empty() || kept.starts_with('.') { "0" } else { "" };
    format!("{sign}{zero}{kept}")
}

/// The same value with another number of decimals; `None` if that would lose a digit.
fn with_decimals(text: &str, decimals: usize) -> Option<String> {
    let (whole, found) = text.split_once('.').unwrap_or((text, ""));
    if found.bytes().skip(decimals).any(|digit| digit != b'0') {
        return None;
    }
    let kept = &found[..found.len().min(decimals)];
    Some(if decimals == 0 { whole.into() } else { format!("{whole}.{kept:0<decimals$}") })
}
