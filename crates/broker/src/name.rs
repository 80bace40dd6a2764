//! Names: of virtual hosts, exchanges and queues, routing keys, and keys of arguments.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

/// UTF-8 of at most 255 bytes: what an AMQP short string can hold.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

/// A text of this many bytes is too long for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameTooLong(pub usize);

impl Name {
    /// The most bytes of a name.
    pub const BYTES_MAX: usize = 255;

    /// The name with this text.
    pub fn new(text: &str) -> Result<Name, NameTooLong> {
        match text.len() <= Name::BYTES_MAX {
            true => Ok(Name(text.into())),
            false => Err(NameTooLong(text.len())),
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for NameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a name has at most {} bytes, not {}", Name::BYTES_MAX, self.0)
    }
}

impl std::error::Error for NameTooLong {}
