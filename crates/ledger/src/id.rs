//! Ids that clients make for accounts, payments and their children.
//!
//! An id is 1 to 64 characters of `A-Z a-z 0-9 . _ : @ ~ -`, compared byte by byte: `a` and `A` are
//! two ids. Ids that begin with `@` are Courant's own, so no client can make one. `.` and `..` are
//! none: in the path of a URL they mean a folder, and nobody could ask for such an object. This
//! module never makes ids up.

#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::text::field::{FieldError, FieldProblem};
use crate::text::{Alphabet, TextRule};

const ID_TEXT: TextRule = TextRule::new(1, Id::LENGTH_MAX, Alphabet::Id);

/// A checked id, borrowed from the text it was read from. Ordered by its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<'a>(&'a [u8]);

impl<'a> Id<'a> {
    /// The most characters of an id; each is one byte.
    pub const LENGTH_MAX: usize = 64;

    /// What the ids that Courant keeps for itself begin with.
    pub const RESERVED_PREFIX: char = '@';

    /// Reads an id that a client made; `field` names it in the error.
    ///
    /// # Errors
    /// `too_short`, `too_long` or `bad_character`; `not_allowed` for `.`, `..` and what begins with
    /// `@`.
    pub fn parse(field: &'static str, text: &'a str) -> Result<Id<'a>, FieldError> {
        let id = Id::parse_any(field, text)?;
        if id.is_reserved() { Err(reserved(field)) } else { Ok(id) }
    }

    /// Reads an id that a client or Courant made, as where an existing object is named.
    ///
    /// # Errors
    /// As [`Id::parse`], but a leading `@` is accepted.
    pub fn parse_any(field: &'static str, text: &'a str) -> Result<Id<'a>, FieldError> {
        let text = ID_TEXT.check(field, text)?;
        if matches!(text, "." | "..") { Err(dots(field)) } else { Ok(Id(text.as_bytes())) }
    }

    /// An id that was checked when it was written down, as in a record; of its rules only the
    /// length and that it is ASCII are looked at again. `None` if no id can be that.
    #[must_use]
    #[inline]
    pub fn recorded(bytes: &'a [u8]) -> Option<Id<'a>> {
        let possible = (1..=Id::LENGTH_MAX).contains(&bytes.len()) && bytes.is_ascii();
        possible.then_some(Id(bytes))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        std::str::from_utf8(self.0).expect("an id is ASCII")
    }

    /// The id as bytes of ASCII: what to hash and compare, without a look at each byte.
    #[must_use]
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether Courant made the id, not a client.
    #[must_use]
    pub fn is_reserved(self) -> bool {
        self.0.first() == Some(&(Id::RESERVED_PREFIX as u8))
    }
}

#[cold]
fn reserved(field: &'static str) -> FieldError {
    let sentence = "ids that begin with '@' are Courant's own: begin with another character";
    FieldError::new(field, FieldProblem::NotAllowed, sentence)
}

#[cold]
fn dots(field: &'static str) -> FieldError {
    let sentence = "\".\" and \"..\" cannot stand in a URL: add another character";
    FieldError::new(field, FieldProblem::NotAllowed, sentence)
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl AsRef<str> for Id<'_> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// An owned id of 65 bytes that lives where it is put: it needs no allocation and is copied freely.
/// It compares and hashes like its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdBuf {
    len: u8,
    /// Zero after `len`, so that equal ids have equal bytes.
    bytes: [u8; Id::LENGTH_MAX],
}

impl IdBuf {
    /// The id, borrowed.
    #[must_use]
    pub fn as_id(&self) -> Id<'_> {
        Id(self.as_bytes())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.as_id().as_str()
    }

    /// The bytes of the id's text.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Whether it is this id.
    #[must_use]
    #[inline]
    pub fn is(&self, id: Id<'_>) -> bool {
        self.as_bytes() == id.as_bytes()
    }
}

impl From<Id<'_>> for IdBuf {
    fn from(id: Id<'_>) -> IdBuf {
        let mut bytes = [0; Id::LENGTH_MAX];
        bytes[..id.as_bytes().len()].copy_from_slice(id.as_bytes());
        IdBuf { len: id.as_bytes().len() as u8, bytes }
    }
}

impl PartialOrd for IdBuf {
    fn partial_cmp(&self, other: &IdBuf) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for IdBuf {
    fn cmp(&self, other: &IdBuf) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for IdBuf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for IdBuf {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for IdBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_id(), f)
    }
}

impl fmt::Debug for IdBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_id(), f)
    }
}
