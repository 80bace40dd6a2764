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

/// Values below this have a varint of at most eight bytes, which is made in one register.
const SHORT: u64 = 1 << 56;

/// Appends a varint.
#[inline]
pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else if value < 0x4000 {
        out.extend_from_slice(
            &(value as u16 & 0x7f | (value as u16) << 1 & 0x7f00 | 0x80).to_le_bytes(),
        );
    } else {
        put_long(out, value);
    }
}

#[inline(never)]
fn put_long(out: &mut Vec<u8>, mut value: u64) {
    if value < SHORT {
        let len = (70 - value.leading_zeros()) / 7;
        // Every byte but the last says that another follows.
        let follows = 0x8080_8080_8080_8080 & !(u64::MAX << (8 * (len - 1)));
        // Written as a whole and cut: one store, whatever the length.
        let end = out.len() + len as usize;
        out.extend_from_slice(&(spread(value) | follows).to_le_bytes());
        return out.truncate(end);
    }
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Puts each 7 bits of a value below [`SHORT`] into a byte of their own.
#[inline]
fn spread(value: u64) -> u64 {
    let value = (value & 0x0000_0000_0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
    let value = (value & 0x0000_3fff_0000_3fff) | (value & 0x0fff_c000_0fff_c000) << 2;
    (value & 0x007f_007f_007f_007f) | (value & 0x3f80_3f80_3f80_3f80) << 1
}

/// Undoes [`spread`]; the uppermost bit of each byte is left out.
#[inline]
fn gather(bytes: u64) -> u64 {
    let value = (bytes & 0x007f_007f_007f_007f) | (bytes & 0x7f00_7f00_7f00_7f00) >> 1;
    let value = (value & 0x0000_3fff_0000_3fff) | (value & 0x3fff_0000_3fff_0000) >> 2;
    (value & 0x0000_0000_0fff_ffff) | (value & 0x0fff_ffff_0000_0000) >> 4
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
        match *self.bytes {
            [first, ..] if first < 0x80 => self.u8().map(u64::from),
            [a, b, c, d, e, f, g, h, ..] => {
                let word = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
                self.u64_within(word)
            }
            _ => self.u64_slowly(),
        }
    }

    /// A varint that begins with these eight bytes; its first byte says that another follows.
    #[inline]
    fn u64_within(&mut self, word: u64) -> Result<u64, DecodeError> {
        let last_bits = !word & 0x8080_8080_8080_8080;
        if last_bits == 0 {
            return self.u64_slowly();
        }
        let bits = last_bits.trailing_zeros() + 1;
        let value = word & (u64::MAX >> (u64::BITS - bits));
        // A last byte of zero bits would be a second encoding of the same value.
        if value >> (bits - 8) == 0 {
            return Err(DecodeError::BadVarint);
        }
        self.bytes = &self.bytes[bits as usize / 8..];
        Ok(gather(value))
    }

    #[cold]
    fn u64_slowly(&mut self) -> Result<u64, DecodeError> {
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
        // Most sums are short.
        let before = self.bytes;
        if let Ok(value) = self.u64() {
            return Ok(u128::from(value));
        }
        self.bytes = before;
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

    /// Bytes behind their length.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = usize::try_from(self.u64()?).map_err(|_| DecodeError::Truncated)?;
        self.take(len)
    }

    /// A text behind its length.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        if bytes.is_empty() {
            return Ok("");
        }
        std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8)
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
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.u64() {
                let mut again = Vec::new();
                put_u64(&mut again, value);
                prop_assert_eq!(&bytes[..bytes.len() - reader.rest().len()], &again[..]);
            }
        }

        #[test]
        fn integers_stand_as_leb128(value: u64, bits in 0u32..64, more in 0usize..9) {
            let value = value >> bits;
            let mut out = Vec::new();
            put_u64(&mut out, value);
            let mut plain = Vec::new();
            let mut rest = value;
            while rest >= 0x80 {
                plain.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            plain.push(rest as u8);
            prop_assert_eq!(&out, &plain);
            out.extend(vec![0xff; more]);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.u64(), Ok(value));
            prop_assert_eq!(reader.rest().len(), more);
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
