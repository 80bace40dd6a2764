//! Currencies: the codes of ISO 4217 list one as published on 2026-01-01, their numbers of decimals
//! and names.
//!
//! A [`Currency`] is always one that an account can be kept in: it is on the list and has a number
//! of decimals. Withdrawn codes are unknown here (the lev, BGN, left the list on 2026-01-01).
//! Look-ups take constant time and allocate nothing unless they fail. This module never converts
//! between currencies and knows no rates.

mod table;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::text::field::{FieldError, FieldProblem};
use table::{CURRENCIES, Row, WITHOUT_MINOR_UNIT};

/// A currency of ISO 4217 that has a minor unit. Two bytes; ordered by numeric code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u16);

impl Currency {
    /// Australian dollar, 2 decimals.
    pub const AUD: Currency = listed("AUD");
    /// Bahraini dinar, 3 decimals.
    pub const BHD: Currency = listed("BHD");
    /// Canadian dollar, 2 decimals.
    pub const CAD: Currency = listed("CAD");
    /// Swiss franc, 2 decimals.
    pub const CHF: Currency = listed("CHF");
    /// Unidad de fomento, a Chilean fund code with 4 decimals.
    pub const CLF: Currency = listed("CLF");
    /// Yuan renminbi, 2 decimals.
    pub const CNY: Currency = listed("CNY");
    /// Czech koruna, 2 decimals.
    pub const CZK: Currency = listed("CZK");
    /// Danish krone, 2 decimals.
    pub const DKK: Currency = listed("DKK");
    /// Euro, 2 decimals.
    pub const EUR: Currency = listed("EUR");
    /// Pound sterling, 2 decimals.
    pub const GBP: Currency = listed("GBP");
    /// Forint, 2 decimals.
    pub const HUF: Currency = listed("HUF");
    /// Yen, no decimals.
    pub const JPY: Currency = listed("JPY");
    /// Kuwaiti dinar, 3 decimals.
    pub const KWD: Currency = listed("KWD");
    /// Norwegian krone, 2 decimals.
    pub const NOK: Currency = listed("NOK");
    /// Zloty, 2 decimals.
    pub const PLN: Currency = listed("PLN");
    /// Swedish krona, 2 decimals.
    pub const SEK: Currency = listed("SEK");
    /// US dollar, 2 decimals.
    pub const USD: Currency = listed("USD");

    /// The most decimals any currency has; the least is 0.
    pub const EXPONENT_MAX: u8 = exponent_max();

    /// Finds a currency by its three capital letters, as in `EUR`.
    ///
    /// # Errors
    /// [`CurrencyError`] for what is not a code of the list, and for codes that have no minor unit.
    pub fn from_code(code: &str) -> Result<Currency, CurrencyError> {
        find(code).ok_or_else(|| CurrencyError::explain(code))
    }

    /// Finds a currency by its ISO 4217 numeric code, as in 978; `None` if none with a minor unit
    /// has it.
    #[must_use]
    pub fn from_numeric(numeric: u16) -> Option<Currency> {
        let row = *ROW_BY_NUMERIC.get(usize::from(numeric))?;
        (row != NO_ROW).then_some(Currency(numeric))
    }

    /// The three capital letters, as in `EUR`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// The ISO 4217 numeric code, 1 to 999; it fits records better than letters do.
    #[must_use]
    pub const fn numeric(self) -> u16 {
        self.0
    }

    /// How many decimals an amount has: 2 for EUR, 0 for JPY, at most [`Currency::EXPONENT_MAX`].
    #[must_use]
    pub fn exponent(self) -> u8 {
        self.row().exponent
    }

    /// The English name in the ISO list, as in `Czech Koruna`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The id of the account that stands for the outside world in this currency, as in
    /// `@outside:EUR`.
    #[must_use]
    pub fn outside_account(self) -> &'static str {
        self.row().outside
    }

    /// Every currency, sorted by code.
    pub fn all() -> impl ExactSizeIterator<Item = Currency> {
        CURRENCIES.iter().map(|row| Currency(row.numeric))
    }

    fn row(self) -> &'static Row {
        &CURRENCIES[usize::from(ROW_BY_NUMERIC[usize::from(self.0)])]
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// Why a text names no currency that an account can be kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CurrencyError {
    /// The text is not an active code of ISO 4217.
    Unknown {
        /// The text as it came, cut after [`CurrencyError::EXCERPT_LENGTH_MAX`] characters.
        text: Box<str>,
    },
    /// The code is on the list but has no minor unit, so no amount can be written in it.
    WithoutMinorUnit {
        /// The code, as in `XAU`.
        code: &'static str,
        /// What the list calls it, as in `Gold`.
        name: &'static str,
    },
}

impl CurrencyError {
    /// Characters of an unknown code that the error repeats.
    pub const EXCERPT_LENGTH_MAX: usize = 16;

    /// The same refusal as the error of the field that the code came in.
    #[must_use]
    pub fn at(self, field: &'static str) -> FieldError {
        let problem = match self {
            CurrencyError::Unknown { .. } => FieldProblem::UnknownCurrency,
            CurrencyError::WithoutMinorUnit { .. } => FieldProblem::NotAllowed,
        };
        FieldError::new(field, problem, self.to_string())
    }

    #[cold]
    fn explain(text: &str) -> CurrencyError {
        match WITHOUT_MINOR_UNIT.iter().find(|(code, _)| *code == text) {
            Some((code, name)) => CurrencyError::WithoutMinorUnit { code, name },
            None => CurrencyError::Unknown {
                text: text.chars().take(CurrencyError::EXCERPT_LENGTH_MAX).collect(),
            },
        }
    }
}

impl fmt::Display for CurrencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CurrencyError::Unknown { text } => {
                write!(f, "{text:?} is not an active currency code of ISO 4217: ")?;
                match find(&text.trim().to_ascii_uppercase()) {
                    Some(meant) => write!(f, "write \"{meant}\""),
                    None => write!(f, "write three capital letters such as \"EUR\""),
                }
            }
            CurrencyError::WithoutMinorUnit { code, name } => write!(
                f,
                "{code} ({name}) has no minor unit in ISO 4217, so no account or amount can be in \
                 it: use a currency that has one"
            ),
        }
    }
}

impl std::error::Error for CurrencyError {}

/// Stands in the look-up tables where no currency is.
const NO_ROW: u8 = u8::MAX;
const NUMERIC_MAX: u16 = 999;
const LETTERS: usize = 26;

static ROW_BY_NUMERIC: [u8; NUMERIC_MAX as usize + 1] = rows_by_numeric();
static ROW_BY_CODE: [u8; LETTERS * LETTERS * LETTERS] = rows_by_code();

fn find(code: &str) -> Option<Currency> {
    let row = ROW_BY_CODE[code_slot(code)?];
    (row != NO_ROW).then(|| Currency(CURRENCIES[usize::from(row)].numeric))
}

/// Where [`ROW_BY_CODE`] keeps a code; `None` for what is not three capital letters.
const fn code_slot(code: &str) -> Option<usize> {
    let &[a, b, c] = code.as_bytes() else { return None };
    if !(a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_uppercase()) {
        return None;
    }
    Some(((a - b'A') as usize * LETTERS + (b - b'A') as usize) * LETTERS + (c - b'A') as usize)
}

/// A currency known when the program is built: the build stops if the code is not on the list.
const fn listed(code: &str) -> Currency {
    let slot = code_slot(code).expect("a currency code is three capital letters");
    let row = rows_by_code()[slot];
    assert!(row != NO_ROW, "the code is on the list");
    Currency(CURRENCIES[row as usize].numeric)
}

const fn rows_by_numeric() -> [u8; NUMERIC_MAX as usize + 1] {
    let mut rows = [NO_ROW; NUMERIC_MAX as usize + 1];
    let mut row = 0;
    while row < CURRENCIES.len() {
        let numeric = CURRENCIES[row].numeric as usize;
        assert!(rows[numeric] == NO_ROW, "a numeric code stands on the list once");
        rows[numeric] = row as u8;
        row += 1;
    }
    rows
}

const fn rows_by_code() -> [u8; LETTERS * LETTERS * LETTERS] {
    assert!(CURRENCIES.len() < NO_ROW as usize, "row numbers fit into a byte");
    let mut rows = [NO_ROW; LETTERS * LETTERS * LETTERS];
    let mut previous = None;
    let mut row = 0;
    while row < CURRENCIES.len() {
        let slot = code_slot(CURRENCIES[row].code).expect("a listed code is three capital letters");
        if let Some(previous) = previous {
            assert!(previous < slot, "the list is sorted by code, each code once");
        }
        rows[slot] = row as u8;
        previous = Some(slot);
        row += 1;
    }
    rows
}

const fn exponent_max() -> u8 {
    let mut max = 0;
    let mut row = 0;
    while row < CURRENCIES.len() {
        if CURRENCIES[row].exponent > max {
            max = CURRENCIES[row].exponent;
        }
        row += 1;
    }
    max
}
