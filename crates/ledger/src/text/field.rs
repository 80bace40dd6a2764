//! The one error for a field that was refused: where, why, the limit, and a sentence for people.
//!
//! Every check of input in the system ends in a [`FieldError`], so that an API can name field, code
//! and limit in the same way everywhere. Making one allocates; accepting a field never does.

use std::borrow::Cow;
use std::fmt;

/// Why a field was refused. The codes of [`FieldProblem::code`] are stable and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FieldProblem {
    /// A required field is not there.
    Missing,
    /// The field is none that this object has.
    UnknownField,
    /// The value is of another type, such as a number where text belongs.
    WrongType,
    /// The text does not have the form that the field needs.
    Malformed,
    /// The text has more characters than the limit.
    TooLong,
    /// The text has fewer characters than the limit.
    TooShort,
    /// A character is not one that the field may hold.
    BadCharacter,
    /// The list has more entries than the limit.
    TooMany,
    /// The value stands twice where each may stand once.
    Duplicate,
    /// The currency code is not on the list.
    UnknownCurrency,
    /// The amount has more or fewer decimals than its currency.
    WrongDecimals,
    /// The number is below zero where none may be.
    Negative,
    /// The number is zero where none may be.
    Zero,
    /// The number is above the limit.
    TooLarge,
    /// The number is below the limit.
    TooSmall,
    /// The value is well formed, but may not be used here.
    NotAllowed,
}

impl FieldProblem {
    /// The stable code that programs read, as in `too_long`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            FieldProblem::Missing => "missing",
            FieldProblem::UnknownField => "unknown_field",
            FieldProblem::WrongType => "wrong_type",
            FieldProblem::Malformed => "malformed",
            FieldProblem::TooLong => "too_long",
            FieldProblem::TooShort => "too_short",
            FieldProblem::BadCharacter => "bad_character",
            FieldProblem::TooMany => "too_many",
            FieldProblem::Duplicate => "duplicate",
            FieldProblem::UnknownCurrency => "unknown_currency",
            FieldProblem::WrongDecimals => "wrong_decimals",
            FieldProblem::Negative => "negative",
            FieldProblem::Zero => "zero",
            FieldProblem::TooLarge => "too_large",
            FieldProblem::TooSmall => "too_small",
            FieldProblem::NotAllowed => "not_allowed",
        }
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A field that was refused. `Display` gives `payees[3].amount: ` and the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where the field is, as in `currency` or `payees[3].amount`.
    pub field: Cow<'static, str>,
    /// Why it was refused.
    pub code: FieldProblem,
    /// The limit it broke, if it is one number: characters, entries, decimals or minor units.
    pub limit: Option<u64>,
    sentence: Cow<'static, str>,
}

impl FieldError {
    /// A refusal in the caller's words: the sentence says what was found and what to write instead.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        code: FieldProblem,
        sentence: impl Into<Cow<'static, str>>,
    ) -> FieldError {
        FieldError { field: field.into(), code, limit: None, sentence: sentence.into() }
    }

    /// The same error with the limit that was broken.
    #[must_use]
    pub fn with_limit(self, limit: u64) -> FieldError {
        FieldError { limit: Some(limit), ..self }
    }

    /// The same error seen from the object around the field: `amount` within `payees[3]` is
    /// `payees[3].amount`.
    #[must_use]
    pub fn within(self, parent: impl fmt::Display) -> FieldError {
        FieldError { field: format!("{parent}.{}", self.field).into(), ..self }
    }

    /// The same error one level deeper: `metadata` below `order_no` is `metadata.order_no`.
    #[must_use]
    pub fn below(self, child: impl fmt::Display) -> FieldError {
        FieldError { field: format!("{}.{child}", self.field).into(), ..self }
    }

    /// What was wrong and what to do, without the name of the field.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// A required field that is not there.
    #[must_use]
    pub fn missing(field: impl Into<Cow<'static, str>>) -> FieldError {
        FieldError::new(field, FieldProblem::Missing, "this field is required: add it")
    }

    /// A text of `found` characters where at most `limit` may be.
    #[must_use]
    pub fn too_long(field: impl Into<Cow<'static, str>>, found: usize, limit: usize) -> FieldError {
        let sentence = format!("{found} characters are too many: write at most {limit}");
        FieldError::new(field, FieldProblem::TooLong, sentence).with_limit(limit as u64)
    }

    /// A text of `found` characters where at least `limit` must be.
    #[must_use]
    pub fn too_short(
        field: impl Into<Cow<'static, str>>,
        found: usize,
        limit: usize,
    ) -> FieldError {
        let sentence = match found {
            0 => "an empty text is not allowed: write something or leave the field out".into(),
            _ => format!("{found} characters are too few: write at least {limit}"),
        };
        FieldError::new(field, FieldProblem::TooShort, sentence).with_limit(limit as u64)
    }

    /// A character that the field may not hold; `position` counts characters from 1, `allowed` says
    /// which it may.
    #[must_use]
    pub fn bad_character(
        field: impl Into<Cow<'static, str>>,
        character: char,
        position: usize,
        allowed: &str,
    ) -> FieldError {
        let sentence =
            format!("{character:?} at character {position} is not allowed: use {allowed}");
        FieldError::new(field, FieldProblem::BadCharacter, sentence)
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.sentence)
    }
}

impl std::error::Error for FieldError {}
