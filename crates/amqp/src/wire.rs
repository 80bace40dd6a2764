//! The smallest pieces: big-endian integers, strings, and bits that share an octet.
//!
//! A reader checks every length before it takes bytes, allocates nothing and never panics.

use crate::{Problem, ShortStr, Table};

/// Takes fields off the front of a byte slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// The octet of bits that is being read, and how many of its bits were.
    bits: u8,
    bits_read: u8,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        // As if the last octet of bits were used up.
        Reader { bytes, bits: 0, bits_read: 8 }
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Problem::Truncated)?;
        self.bytes = rest;
        self.bits_read = 8;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(Problem::Truncated)?;
        self.bytes = rest;
        self.bits_read = 8;
        Ok(*taken)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Problem> {
        self.array().map(u8::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, Problem> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, Problem> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, Problem> {
        self.array().map(u64::from_be_bytes)
    }

    /// The next bit of the octet that the bit before it lay in, or of a new one.
    #[inline]
    fn bit(&mut self) -> Result<bool, Problem> {
        if self.bits_read == 8 {
            self.bits = self.u8()?;
            self.bits_read = 0;
        }
        let bit = self.bits >> self.bits_read & 1;
        self.bits_read += 1;
        Ok(bit == 1)
    }

    #[inline]
    pub(crate) fn short(&mut self) -> Result<ShortStr<'a>, Problem> {
        let length = self.u8()?;
        let bytes = self.take(usize::from(length))?;
        Ok(ShortStr::new(bytes).expect("an octet counts at most 255 bytes"))
    }

    /// Bytes behind a length of four octets.
    #[inline]
    pub(crate) fn long(&mut self) -> Result<&'a [u8], Problem> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| Problem::Truncated)?)
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub(crate) fn end(self) -> Result<(), Problem> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Problem::TrailingBytes) }
    }
}

/// Appends bytes behind their length of four octets.
///
/// # Panics
/// If there are 4 GiB of them or more; no frame could carry that.
pub(crate) fn put_long(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("a long string is shorter than 4 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Appends a short string behind its length.
#[inline]
pub(crate) fn put_short(out: &mut Vec<u8>, string: ShortStr<'_>) {
    out.push(string.len() as u8);
    out.extend_from_slice(string.bytes());
}

/// Appends the fields of one method; bits that follow each other share octets, lowest bit first.
#[derive(Debug)]
pub(crate) struct Writer<'o> {
    pub(crate) out: &'o mut Vec<u8>,
    /// Bits in the last octet; 8 or more if it is none of bits.
    bits_written: u8,
}

impl<'o> Writer<'o> {
    #[inline]
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Writer<'o> {
        Writer { out, bits_written: 8 }
    }

    #[inline]
    fn bit(&mut self, bit: bool) {
        if self.bits_written == 8 {
            self.out.push(0);
            self.bits_written = 0;
        }
        let last = self.out.last_mut().expect("an octet for bits was just appended");
        *last |= u8::from(bit) << self.bits_written;
        self.bits_written += 1;
    }

    /// The vector for a field that is not a bit: the next bit begins a new octet.
    #[inline]
    fn octets(&mut self) -> &mut Vec<u8> {
        self.bits_written = 8;
        self.out
    }
}

/// How many octets a field takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Width {
    Octets(usize),
    Short,
    Long,
}

/// A type of field.
pub(crate) trait Field<'a>: Sized {
    /// How to step over one; a bit alone takes an octet.
    const WIDTH: Width;

    /// Takes one off a reader.
    fn take(from: &mut Reader<'a>) -> Result<Self, Problem>;

    /// Whether what lies inside is well-formed, where [`take`](Field::take) does not look.
    #[inline]
    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }

    /// Appends it.
    fn put(&self, to: &mut Writer<'_>);
}

impl<'a> Field<'a> for bool {
    const WIDTH: Width = Width::Octets(1);

    #[inline]
    fn take(from: &mut Reader<'a>) -> Result<bool, Problem> {
        from.bit()
    }

    #[inline]
    fn put(&self, to: &mut Writer<'_>) {
        to.bit(*self);
    }
}

macro_rules! integer_fields {
    ($($int:ident: $octets:literal),*) => {$(
        impl<'a> Field<'a> for $int {
            const WIDTH: Width = Width::Octets($octets);

            #[inline]
            fn take(from: &mut Reader<'a>) -> Result<$int, Problem> {
                from.$int()
            }

            #[inline]
            fn put(&self, to: &mut Writer<'_>) {
                to.octets().extend_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}

integer_fields!(u8: 1, u16: 2, u32: 4, u64: 8);

impl<'a> Field<'a> for ShortStr<'a> {
    const WIDTH: Width = Width::Short;

    #[inline]
    fn take(from: &mut Reader<'a>) -> Result<ShortStr<'a>, Problem> {
        from.short()
    }

    #[inline]
    fn put(&self, to: &mut Writer<'_>) {
        put_short(to.octets(), *self);
    }
}

impl<'a> Field<'a> for &'a [u8] {
    const WIDTH: Width = Width::Long;

    #[inline]
    fn take(from: &mut Reader<'a>) -> Result<&'a [u8], Problem> {
        from.long()
    }

    #[inline]
    fn put(&self, to: &mut Writer<'_>) {
        put_long(to.octets(), self);
    }
}

impl<'a> Field<'a> for Table<'a> {
    const WIDTH: Width = Width::Long;

    #[inline]
    fn take(from: &mut Reader<'a>) -> Result<Table<'a>, Problem> {
        from.long().map(Table::from_raw)
    }

    fn check(&self) -> Result<(), Problem> {
        Table::check(*self)
    }

    #[inline]
    fn put(&self, to: &mut Writer<'_>) {
        put_long(to.octets(), self.raw());
    }
}
