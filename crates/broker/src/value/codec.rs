//! The bytes of values and tables: a type's letter as AMQP has it, then the value.

use super::{Table, Value};
use crate::wire::{DecodeError, Reader, put_bytes, put_u64};

/// How deep lists and tables may lie in each other.
pub(crate) const DEPTH_MAX: usize = 16;

pub(crate) fn put_table(table: &Table, out: &mut Vec<u8>) {
    put_u64(out, table.len() as u64);
    for (name, value) in table.iter() {
        put_bytes(out, name.as_bytes());
        put_value(value, out);
    }
}

fn put_value(value: &Value, out: &mut Vec<u8>) {
    let fixed = |letter: u8, bytes: &[u8], out: &mut Vec<u8>| {
        out.push(letter);
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Void => out.push(b'V'),
        Value::Bool(value) => fixed(b't', &[u8::from(*value)], out),
        Value::Byte(n) => fixed(b'b', &n.to_le_bytes(), out),
        Value::UnsignedByte(n) => fixed(b'B', &n.to_le_bytes(), out),
        Value::Short(n) => fixed(b's', &n.to_le_bytes(), out),
        Value::UnsignedShort(n) => fixed(b'u', &n.to_le_bytes(), out),
        Value::Int(n) => fixed(b'I', &n.to_le_bytes(), out),
        Value::UnsignedInt(n) => fixed(b'i', &n.to_le_bytes(), out),
        Value::Long(n) => fixed(b'l', &n.to_le_bytes(), out),
        Value::Float(bits) => fixed(b'f', &bits.to_le_bytes(), out),
        Value::Double(bits) => fixed(b'd', &bits.to_le_bytes(), out),
        Value::Timestamp(seconds) => fixed(b'T', &seconds.to_le_bytes(), out),
        Value::Decimal { scale, digits } => {
            fixed(b'D', &[*scale], out);
            out.extend_from_slice(&digits.to_le_bytes());
        }
        Value::Text(bytes) => {
            out.push(b'S');
            put_bytes(out, bytes);
        }
        Value::Binary(bytes) => {
            out.push(b'x');
            put_bytes(out, bytes);
        }
        Value::List(values) => {
            out.push(b'A');
            put_u64(out, values.len() as u64);
            values.iter().for_each(|value| put_value(value, out));
        }
        Value::Table(table) => {
            out.push(b'F');
            put_table(table, out);
        }
    }
}

/// Reads a table; its names stand in their order, each once.
pub(crate) fn table(r: &mut Reader<'_>) -> Result<Table, DecodeError> {
    table_at(r, 0)
}

fn table_at(r: &mut Reader<'_>, depth: usize) -> Result<Table, DecodeError> {
    let mut table = Table::new();
    for _ in 0..r.count()? {
        let name = r.name()?;
        if table.iter().next_back().is_some_and(|(last, _)| *last >= name) {
            return Err(DecodeError::BadValue("order of names"));
        }
        table.insert(name, value_at(r, depth)?);
    }
    Ok(table)
}

fn value_at(r: &mut Reader<'_>, depth: usize) -> Result<Value, DecodeError> {
    Ok(match r.u8()? {
        b'V' => Value::Void,
        b't' => match r.u8()? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(DecodeError::BadValue("truth value")),
        },
        b'b' => Value::Byte(i8::from_le_bytes(r.array()?)),
        b'B' => Value::UnsignedByte(r.u8()?),
        b's' => Value::Short(i16::from_le_bytes(r.array()?)),
        b'u' => Value::UnsignedShort(u16::from_le_bytes(r.array()?)),
        b'I' => Value::Int(i32::from_le_bytes(r.array()?)),
        b'i' => Value::UnsignedInt(u32::from_le_bytes(r.array()?)),
        b'l' => Value::Long(i64::from_le_bytes(r.array()?)),
        b'f' => Value::Float(u32::from_le_bytes(r.array()?)),
        b'd' => Value::Double(u64::from_le_bytes(r.array()?)),
        b'T' => Value::Timestamp(u64::from_le_bytes(r.array()?)),
        b'D' => Value::Decimal { scale: r.u8()?, digits: u32::from_le_bytes(r.array()?) },
        b'S' => Value::Text(r.bytes()?.into()),
        b'x' => Value::Binary(r.bytes()?.into()),
        b'A' | b'F' if depth == DEPTH_MAX => return Err(DecodeError::BadValue("depth")),
        b'A' => {
            let count = r.count()?;
            Value::List((0..count).map(|_| value_at(r, depth + 1)).collect::<Result<_, _>>()?)
        }
        b'F' => Value::Table(table_at(r, depth + 1)?),
        _ => return Err(DecodeError::BadValue("type of a value")),
    })
}

/// Whether its lists and tables lie no deeper in each other than can be read again.
pub(crate) fn is_readable(table: &Table) -> bool {
    fn fits(value: &Value, depth: usize) -> bool {
        match value {
            Value::List(values) => {
                depth < DEPTH_MAX && values.iter().all(|value| fits(value, depth + 1))
            }
            Value::Table(table) => {
                depth < DEPTH_MAX && table.iter().all(|(_, value)| fits(value, depth + 1))
            }
            _ => true,
        }
    }
    table.iter().all(|(_, value)| fits(value, 0))
}
