//! Short strings: at most 255 bytes, in no particular character set.

use std::fmt;

/// A short string of the protocol: at most 255 bytes, usually but not necessarily UTF-8.
///
/// Names of queues, exchanges and consumers, routing keys and most properties are short strings.
/// They are compared byte by byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShortStr<'a>(&'a [u8]);

impl<'a> ShortStr<'a> {
    /// Bytes of the longest one.
    pub const BYTES_MAX: usize = 255;

    /// The empty string.
    pub const EMPTY: ShortStr<'static> = ShortStr(&[]);

    /// These bytes, if there are at most 255.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Option<ShortStr<'a>> {
        if bytes.len() <= Self::BYTES_MAX { Some(ShortStr(bytes)) } else { None }
    }

    /// A text of the program itself.
    ///
    /// # Panics
    /// If it is longer than 255 bytes; in a constant, that is an error of the compiler.
    pub const fn literal(text: &'a str) -> ShortStr<'a> {
        assert!(text.len() <= Self::BYTES_MAX, "a short string has at most 255 bytes");
        ShortStr(text.as_bytes())
    }

    /// As much of a text as fits, cut between two characters.
    pub fn cut(text: &'a str) -> ShortStr<'a> {
        ShortStr(&text.as_bytes()[..text.floor_char_boundary(Self::BYTES_MAX)])
    }

    /// The bytes.
    #[inline]
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text, if the bytes are UTF-8.
    pub fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.0).ok()
    }

    /// How many bytes it has.
    #[inline]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether it has no bytes.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ShortStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Bytes that are not UTF-8 are shown as replacement characters.
impl fmt::Display for ShortStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0))
    }
}

impl PartialEq<str> for ShortStr<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for ShortStr<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}
