//! The smallest pieces of the record format: varints, texts, options.
//!
//! Little endian, no alignment, no padding. Integers are LEB128 varints where small values are
//! usual. A reader checks every length before it takes bytes, allocates nothing, and never panics.

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

/// Appends a varint.
#[inline]
pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a 128-bit varint.
#[inline]
pub(crate) fn put_u128(out: &mut Vec<u8>, mut value: u128) {
    while u64::try_from(value).is_err() {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    put_u64(out, value as u64);
}

/// Appends a signed 128-bit varint, zigzag.
pub(crate) fn put_i128(out: &mut Vec<u8>, value: i128) {
    put_u128(out, ((value << 1) ^ (value >> 127)) as u128);
}

/// Appends a fixed 64-bit integer.
#[inline]
pub(crate) fn put_fixed(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a text behind its length.
#[inline]
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// Appends bytes behind their length.
#[inline]
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

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.bytes.split_first().ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(*first)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        u64::try_from(self.varint(u64::BITS)?).map_err(|_| DecodeError::BadVarint)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.u64()?).map_err(|_| DecodeError::BadVarint)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        u16::try_from(self.u64()?).map_err(|_| DecodeError::BadVarint)
    }

    #[inline]
    pub(crate) fn u128(&mut self) -> Result<u128, DecodeError> {
        self.varint(u128::BITS)
    }

    pub(crate) fn i128(&mut self) -> Result<i128, DecodeError> {
        let zigzag = self.u128()?;
        Ok((zigzag >> 1) as i128 ^ -((zigzag & 1) as i128))
    }

    pub(crate) fn fixed(&mut self) -> Result<u64, DecodeError> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("8 bytes were taken")))
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let len = usize::try_from(self.u64()?).map_err(|_| DecodeError::Truncated)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| DecodeError::NotUtf8)
    }

    /// A count of things that each take at least one byte, so that it can never ask for more than
    /// is there.
    pub(crate) fn count(&mut self, what: &'static str, max: usize) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        if count > max {
            return Err(DecodeError::BadValue(what));
        }
        if count > self.bytes.len() { Err(DecodeError::Truncated) } else { Ok(count) }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }

    #[inline]
    fn varint(&mut self, bits: u32) -> Result<u128, DecodeError> {
        let first = self.u8()?;
        if first < 0x80 {
            return Ok(u128::from(first));
        }
        let mut value = u128::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.u8()?;
            let part = u128::from(byte & 0x7f);
            if shift >= bits || (part << shift) >> shift != part {
                return Err(DecodeError::BadVarint);
            }
            value |= part << shift;
            if byte < 0x80 {
                // One value has one encoding, so that equal commands have equal bytes.
                return if byte == 0 { Err(DecodeError::BadVarint) } else { Ok(value) };
            }
            shift += 7;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_round_trip(a: u64, b: u128, c: i128, small in 0u64..300) {
            let mut out = Vec::new();
            put_u64(&mut out, a);
            put_u128(&mut out, b);
            put_i128(&mut out, c);
            put_u64(&mut out, small);
            put_fixed(&mut out, a);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.u64(), Ok(a));
            prop_assert_eq!(reader.u128(), Ok(b));
            prop_assert_eq!(reader.i128(), Ok(c));
            prop_assert_eq!(reader.u64(), Ok(small));
            prop_assert_eq!(reader.fixed(), Ok(a));
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn a_decoded_integer_has_one_encoding(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.u128() {
                let mut again = Vec::new();
                put_u128(&mut again, value);
                prop_assert_eq!(&bytes[..bytes.len() - reader.rest().len()], &again[..]);
            }
        }
    }

    #[test]
    fn lengths_and_counts_beyond_the_bytes_are_refused() {
        assert_eq!(Reader::new(&[5, b'a']).text(), Err(DecodeError::Truncated));
        assert_eq!(Reader::new(&[1, 0xff]).text(), Err(DecodeError::NotUtf8));
        assert_eq!(Reader::new(&[9, 0]).count("legs", 100), Err(DecodeError::Truncated));
        assert_eq!(Reader::new(&[101]).count("legs", 100), Err(DecodeError::BadValue("legs")));
        assert_eq!(Reader::new(&[0x80, 0]).u64(), Err(DecodeError::BadVarint));
        assert_eq!(Reader::new(&[0xff; 20]).u64(), Err(DecodeError::BadVarint));
    }
}
