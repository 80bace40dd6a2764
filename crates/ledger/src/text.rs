//! The free-text fields of orders and accounts: how long each may be and which characters it may
//! hold.
//!
//! Each field has one [`TextRule`]; lengths count characters (Unicode scalar values), not bytes,
//! and a character takes at most [`BYTES_PER_CHARACTER_MAX`] bytes. A rule accepts or refuses a
//! text and never changes it: no trimming, no case folding, no normalisation, so that what is
//! stored is what was signed. An accepted text costs no allocation.

pub(crate) mod field;
#[cfg(test)]
mod tests;

use field::{FieldError, FieldProblem};

/// Bytes that one character takes at most in UTF-8; a text of n characters is at most this many
/// times n bytes.
pub const BYTES_PER_CHARACTER_MAX: usize = 4;

/// Key and value pairs in the metadata of one object, at most.
pub const METADATA_PAIRS_MAX: usize = 16;

/// Where an order came from, as in `mobile`: 1 to 32 characters of a-z 0-9 _ -.
pub const CHANNEL: TextRule = TextRule::new(1, 32, Alphabet::Channel);
/// The payer's reference that travels unchanged to the payee: 1 to 35 characters (ISO 20022
/// Max35Text).
pub const END_TO_END_ID: TextRule = TextRule::new(1, 35, Alphabet::Printable);
/// What the payment is for, in the payer's words: 1 to 140 characters (ISO 20022 Max140Text).
pub const REMITTANCE: TextRule = TextRule::new(1, 140, Alphabet::Printable);
/// Why somebody did something, such as freezing an account: 1 to 140 characters.
pub const REASON: TextRule = TextRule::new(1, 140, Alphabet::Printable);
/// What people call an account: 1 to 140 characters.
pub const ACCOUNT_NAME: TextRule = TextRule::new(1, 140, Alphabet::Printable);
/// The key of a metadata pair: 1 to 40 characters of A-Z a-z 0-9 _ - .
pub const METADATA_KEY: TextRule = TextRule::new(1, 40, Alphabet::MetadataKey);
/// The value of a metadata pair: up to 256 characters, may be empty.
pub const METADATA_VALUE: TextRule = TextRule::new(0, 256, Alphabet::Printable);

/// What one field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextRule {
    length_min: usize,
    length_max: usize,
    alphabet: Alphabet,
}

impl TextRule {
    pub(crate) const fn new(length_min: usize, length_max: usize, alphabet: Alphabet) -> TextRule {
        assert!(length_min <= length_max, "a text can be as long as it must be");
        TextRule { length_min, length_max, alphabet }
    }

    /// The least number of characters.
    #[must_use]
    pub const fn length_min(&self) -> usize {
        self.length_min
    }

    /// The greatest number of characters.
    #[must_use]
    pub const fn length_max(&self) -> usize {
        self.length_max
    }

    /// The greatest number of bytes in UTF-8, which follows from the characters.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.length_max * BYTES_PER_CHARACTER_MAX
    }

    /// Gives the text back if it keeps the rule; `field` names it in the error.
    ///
    /// # Errors
    /// `too_short`, `too_long` or `bad_character`, in this order.
    pub fn check<'a>(&self, field: &'static str, text: &'a str) -> Result<&'a str, FieldError> {
        if self.accepts(text) { Ok(text) } else { Err(self.explain(field, text)) }
    }

    fn accepts(&self, text: &str) -> bool {
        // Most texts are ASCII, where bytes are characters; looking is faster than counting.
        let length = if text.is_ascii() { text.len() } else { text.chars().count() };
        (self.length_min..=self.length_max).contains(&length) && self.alphabet.holds_all_of(text)
    }

    #[cold]
    fn explain(&self, field: &'static str, text: &str) -> FieldError {
        let length = text.chars().count();
        if length < self.length_min {
            return FieldError::too_short(field, length, self.length_min);
        }
        if length > self.length_max {
            return FieldError::too_long(field, length, self.length_max);
        }
        let (index, character) = text
            .chars()
            .enumerate()
            .find(|(_, character)| !self.alphabet.holds(*character))
            .expect("a text of allowed length is refused only for a character");
        FieldError::bad_character(field, character, index + 1, self.alphabet.in_words())
    }
}

/// Which characters a text may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    Channel,
    Id,
    MetadataKey,
    Printable,
}

impl Alphabet {
    fn holds_all_of(self, text: &str) -> bool {
        match self {
            // Ids are checked far more often than anything else. All of this alphabet is ASCII, so
            // bytes do, and without an early exit the compiler compares many of them at once.
            Alphabet::Id => text.bytes().fold(true, |all, byte| all & is_id_byte(byte)),
            _ => text.chars().all(|character| self.holds(character)),
        }
    }

    fn holds(self, character: char) -> bool {
        match self {
            Alphabet::Channel => matches!(character, 'a'..='z' | '0'..='9' | '_' | '-'),
            Alphabet::Id => u8::try_from(character).is_ok_and(is_id_byte),
            Alphabet::MetadataKey => {
                matches!(character, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' | '.')
            }
            Alphabet::Printable => is_printable(character),
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Alphabet::Channel => "a-z 0-9 _ -",
            Alphabet::Id => "A-Z a-z 0-9 . _ : @ ~ -",
            Alphabet::MetadataKey => "A-Z a-z 0-9 _ - .",
            Alphabet::Printable => "printable characters in one line",
        }
    }
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'@' | b'~' | b'-')
}

/// Refused beside the control characters: line and paragraph separators and the signs that turn the
/// reading direction, because they let a text look like another one; U+FFFE and U+FFFF, because
/// XML, and with it any ISO 20022 message, cannot carry them.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}'
        )
}

/// Checks the metadata of one object: at most [`METADATA_PAIRS_MAX`] pairs, each key once, keys and
/// values by [`METADATA_KEY`] and [`METADATA_VALUE`].
///
/// # Errors
/// The first pair that breaks a rule: a key's error is at `metadata`, a value's at `metadata.KEY`.
pub fn check_metadata<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> Result<(), FieldError> {
    if pairs.len() > METADATA_PAIRS_MAX {
        let sentence = format!("{} pairs are too many: keep {METADATA_PAIRS_MAX}", pairs.len());
        return Err(FieldError::new("metadata", FieldProblem::TooMany, sentence)
            .with_limit(METADATA_PAIRS_MAX as u64));
    }
    for (index, (key, value)) in pairs.iter().enumerate() {
        let key = METADATA_KEY.check("metadata", key.as_ref())?;
        // Sixteen pairs at most: comparing each with those before it needs no set.
        if pairs[..index].iter().any(|(earlier, _)| earlier.as_ref() == key) {
            let sentence = format!("the key {key:?} stands twice: keep one of the two");
            return Err(FieldError::new("metadata", FieldProblem::Duplicate, sentence));
        }
        METADATA_VALUE.check("metadata", value.as_ref()).map_err(|error| error.below(key))?;
    }
    Ok(())
}
