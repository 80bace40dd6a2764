//! The smallest pieces of the format of changes: varints and texts.
//!
//! A reader checks every length before it takes bytes, and never panics. One value has one
//! encoding, so that equal changes have equal bytes.

use crate::Name;
use std::fmt;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end within a value.
    Truncated,
    /// A varint is longer than its type, or not in its shortest form.
    BadVarint,
    /// A text is not UTF-8.
    NotUtf8,
    /// A tag, count or value is none that the format has; says of which field.
    BadValue(&'static str),
    /// Bytes follow where the value should have ended.
    TrailingBytes,
    /// The format version is newer than this program.
    NewerFormat(u8),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Truncated => f.write_str("it ends within a value"),
            DecodeError::BadVarint => f.write_str("it has a malformed integer"),
            DecodeError::NotUtf8 => f.write_str("it has a text that is not UTF-8"),
            DecodeError::BadValue(what) => write!(f, "its {what} is none that the format has"),
            DecodeError::TrailingBytes => f.write_str("bytes follow after its end"),
            DecodeError::NewerFormat(found) => write!(
                f,
                "its format {found} is newer than this program: use the release that wrote it"
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Appends a LEB128 varint.
pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends bytes behind their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes values off the front of a byte slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.bytes.split_first().ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            if shift >= u64::BITS || (part << shift) >> shift != part {
                return Err(DecodeError::BadVarint);
            }
            value |= part << shift;
            if byte < 0x80 {
                let is_shortest = byte != 0 || shift == 0;
                return if is_shortest { Ok(value) } else { Err(DecodeError::BadVarint) };
            }
            shift += 7;
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// Bytes behind their length.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = usize::try_from(self.u64()?).map_err(|_| DecodeError::Truncated)?;
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn name(&mut self) -> Result<Name, DecodeError> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|_| DecodeError::NotUtf8)?;
        Name::new(text).map_err(|_| DecodeError::BadValue("length of a name"))
    }

    /// A count of things that each take at least one byte, so that it can never ask for more than
    /// is there.
    pub(crate) fn count(&mut self) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        if count > self.bytes.len() { Err(DecodeError::Truncated) } else { Ok(count) }
    }

    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }
}
