//! The values of a field table, each with the type it has on the wire.

use super::{Array, DEPTH_MAX, Table};
use crate::Problem;
use crate::wire::{Reader, put_long};

/// A typed value. Written back it has the type it was read with.
///
/// Floating-point numbers are kept as their bits: they are passed on and compared, not reckoned
/// with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// `t`: true or false; every octet but 0 is read as true.
    Bool(bool),
    /// `b`
    I8(i8),
    /// `B`
    U8(u8),
    /// `s`
    I16(i16),
    /// `u`
    U16(u16),
    /// `I`
    I32(i32),
    /// `i`
    U32(u32),
    /// `l`, which is what clients usually send.
    I64(i64),
    /// `L`, read as signed like `l`.
    LongLong(i64),
    /// `f`: the bits of an IEEE 754 number of 32 bits.
    Float(u32),
    /// `d`: the bits of an IEEE 754 number of 64 bits.
    Double(u64),
    /// `D`: `unscaled` divided by ten to the power of `scale`.
    Decimal {
        /// Digits after the decimal point.
        scale: u8,
        /// The digits as a whole number.
        unscaled: u32,
    },
    /// `S`: text, usually UTF-8.
    Text(&'a [u8]),
    /// `x`: bytes that are no text.
    Bytes(&'a [u8]),
    /// `A`: a list of values.
    Array(Array<'a>),
    /// `T`: seconds since 1970.
    Timestamp(u64),
    /// `F`: a table inside the table.
    Table(Table<'a>),
    /// `V`: nothing.
    Void,
}

impl<'a> Value<'a> {
    /// The whole number that an integer of any width is; nothing else is converted.
    pub const fn as_integer(self) -> Option<i64> {
        Some(match self {
            Value::I8(value) => value as i64,
            Value::U8(value) => value as i64,
            Value::I16(value) => value as i64,
            Value::U16(value) => value as i64,
            Value::I32(value) => value as i64,
            Value::U32(value) => value as i64,
            Value::I64(value) | Value::LongLong(value) => value,
            _ => return None,
        })
    }

    /// The bytes of a text; nothing else is converted.
    pub const fn as_text(self) -> Option<&'a [u8]> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// True or false; nothing else is converted.
    pub const fn as_bool(self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The octet that says its type.
    pub const fn tag(self) -> u8 {
        match self {
            Value::Bool(_) => b't',
            Value::I8(_) => b'b',
            Value::U8(_) => b'B',
            Value::I16(_) => b's',
            Value::U16(_) => b'u',
            Value::I32(_) => b'I',
            Value::U32(_) => b'i',
            Value::I64(_) => b'l',
            Value::LongLong(_) => b'L',
            Value::Float(_) => b'f',
            Value::Double(_) => b'd',
            Value::Decimal { .. } => b'D',
            Value::Text(_) => b'S',
            Value::Bytes(_) => b'x',
            Value::Array(_) => b'A',
            Value::Timestamp(_) => b'T',
            Value::Table(_) => b'F',
            Value::Void => b'V',
        }
    }

    /// Whether what lies in it is well-formed.
    pub(super) fn check(self) -> Result<(), Problem> {
        match self {
            Value::Table(table) => table.check(),
            Value::Array(array) => array.values().try_for_each(|value| value?.check()),
            _ => Ok(()),
        }
    }

    /// Appends type and value.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.push(self.tag());
        match self {
            Value::Bool(value) => out.push(u8::from(value)),
            Value::I8(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::U8(value) => out.push(value),
            Value::I16(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::U16(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::I32(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::U32(value) | Value::Float(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::I64(value) | Value::LongLong(value) => {
                out.extend_from_slice(&value.to_be_bytes());
            }
            Value::Double(value) | Value::Timestamp(value) => {
                out.extend_from_slice(&value.to_be_bytes());
            }
            Value::Decimal { scale, unscaled } => {
                out.push(scale);
                out.extend_from_slice(&unscaled.to_be_bytes());
            }
            Value::Text(bytes) | Value::Bytes(bytes) => put_long(out, bytes),
            Value::Array(array) => put_long(out, array.raw()),
            Value::Table(table) => put_long(out, table.raw()),
            Value::Void => {}
        }
    }
}

/// Takes type and value off a reader; what it lies in lies in `depth` tables and arrays.
pub(super) fn take<'a>(reader: &mut Reader<'a>, depth: u8) -> Result<Value<'a>, Problem> {
    Ok(match reader.u8()? {
        b't' => Value::Bool(reader.u8()? != 0),
        b'b' => Value::I8(reader.u8()?.cast_signed()),
        b'B' => Value::U8(reader.u8()?),
        b's' => Value::I16(reader.u16()?.cast_signed()),
        b'u' => Value::U16(reader.u16()?),
        b'I' => Value::I32(reader.u32()?.cast_signed()),
        b'i' => Value::U32(reader.u32()?),
        b'l' => Value::I64(reader.u64()?.cast_signed()),
        b'L' => Value::LongLong(reader.u64()?.cast_signed()),
        b'f' => Value::Float(reader.u32()?),
        b'd' => Value::Double(reader.u64()?),
        b'D' => Value::Decimal { scale: reader.u8()?, unscaled: reader.u32()? },
        b'S' => Value::Text(reader.long()?),
        b'x' => Value::Bytes(reader.long()?),
        b'A' => Value::Array(Array { raw: reader.long()?, depth: deeper(depth)? }),
        b'T' => Value::Timestamp(reader.u64()?),
        b'F' => Value::Table(Table { raw: reader.long()?, depth: deeper(depth)? }),
        b'V' => Value::Void,
        tag => return Err(Problem::UnknownType(tag)),
    })
}

/// The depth of what lies in something that is at `depth`, the outermost at 0.
fn deeper(depth: u8) -> Result<u8, Problem> {
    if depth + 1 < DEPTH_MAX { Ok(depth + 1) } else { Err(Problem::TooDeep) }
}
