//! Values of arguments and headers, with the types that AMQP 0-9-1 as RabbitMQ speaks it has.
//!
//! A value keeps its type, so that what is listed is what was declared. Where two are compared,
//! their [`Scalar`]s are: an integer is its number, whatever its width.

pub(crate) mod codec;

use crate::Name;
use std::collections::BTreeMap;
use std::fmt;

/// A value of an argument or header.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// No value.
    Void,
    /// A truth value.
    Bool(bool),
    /// 8 bits, signed.
    Byte(i8),
    /// 8 bits.
    UnsignedByte(u8),
    /// 16 bits, signed.
    Short(i16),
    /// 16 bits.
    UnsignedShort(u16),
    /// 32 bits, signed.
    Int(i32),
    /// 32 bits.
    UnsignedInt(u32),
    /// 64 bits, signed.
    Long(i64),
    /// The bits of an IEEE 754 number of 32 bits.
    Float(u32),
    /// The bits of an IEEE 754 number of 64 bits.
    Double(u64),
    /// `digits`, of which the last `scale` stand behind the point.
    Decimal {
        /// How many digits stand behind the point.
        scale: u8,
        /// All digits.
        digits: u32,
    },
    /// A long string: usually UTF-8.
    Text(Box<[u8]>),
    /// Bytes that are no text.
    Binary(Box<[u8]>),
    /// Seconds since 1970.
    Timestamp(u64),
    /// Several values.
    List(Vec<Value>),
    /// Values with names.
    Table(Table),
}

/// Values with names, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table(BTreeMap<Name, Value>);

/// What a value means, whatever its width: what comparisons compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// No value.
    Void,
    /// A truth value.
    Bool(bool),
    /// A number of any integer type, or the seconds of a timestamp.
    Int(i128),
    /// The bytes of a text, or others.
    Bytes(&'a [u8]),
    /// The bits of a floating-point number of 32 bits; compared with its like alone.
    Float(u32),
    /// The bits of a floating-point number of 64 bits; compared with its like alone.
    Double(u64),
    /// A decimal, list or table.
    Compound(&'a Value),
    /// A list or table that is not decoded: present, and equal to nothing.
    Undecoded,
}

impl Value {
    /// A long string.
    pub fn text(text: &str) -> Value {
        Value::Text(text.as_bytes().into())
    }

    /// What it means.
    pub fn scalar(&self) -> Scalar<'_> {
        match self {
            Value::Void => Scalar::Void,
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Text(bytes) | Value::Binary(bytes) => Scalar::Bytes(bytes),
            Value::Timestamp(seconds) => Scalar::Int(i128::from(*seconds)),
            Value::Float(bits) => Scalar::Float(*bits),
            Value::Double(bits) => Scalar::Double(*bits),
            Value::Decimal { .. } | Value::List(_) | Value::Table(_) => Scalar::Compound(self),
            _ => Scalar::Int(i128::from(self.integer().expect("the others are integers"))),
        }
    }

    /// The number, if the type is one of the integer types.
    pub fn integer(&self) -> Option<i64> {
        Some(match self {
            Value::Byte(n) => i64::from(*n),
            Value::UnsignedByte(n) => i64::from(*n),
            Value::Short(n) => i64::from(*n),
            Value::UnsignedShort(n) => i64::from(*n),
            Value::Int(n) => i64::from(*n),
            Value::UnsignedInt(n) => i64::from(*n),
            Value::Long(n) => *n,
            _ => return None,
        })
    }

    /// The text, if it is a long string of UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// RabbitMQ's name of the type, as refusals name it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Void => "void",
            Value::Bool(_) => "bool",
            Value::Byte(_) => "byte",
            Value::UnsignedByte(_) => "unsignedbyte",
            Value::Short(_) => "short",
            Value::UnsignedShort(_) => "unsignedshort",
            Value::Int(_) => "signedint",
            Value::UnsignedInt(_) => "unsignedint",
            Value::Long(_) => "long",
            Value::Float(_) => "float",
            Value::Double(_) => "double",
            Value::Decimal { .. } => "decimal",
            Value::Text(_) => "longstr",
            Value::Binary(_) => "binary",
            Value::Timestamp(_) => "timestamp",
            Value::List(_) => "array",
            Value::Table(_) => "table",
        }
    }
}

impl fmt::Display for Value {
    /// As refusals show it: numbers and texts as they are, of a list or table only that it is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Void => f.write_str("undefined"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Text(bytes) | Value::Binary(bytes) => {
                f.write_str(&String::from_utf8_lossy(bytes))
            }
            Value::Timestamp(seconds) => write!(f, "{seconds}"),
            // tidy: allow(float): shown to a person who sent one where an integer belongs
            Value::Float(bits) => write!(f, "{:?}", f32::from_bits(*bits)),
            // tidy: allow(float): as above
            Value::Double(bits) => write!(f, "{:?}", f64::from_bits(*bits)),
            Value::Decimal { scale, digits } => write!(f, "{{{scale},{digits}}}"),
            Value::List(_) | Value::Table(_) => f.write_str(self.type_name()),
            _ => write!(f, "{}", self.integer().expect("the others are integers")),
        }
    }
}

impl Table {
    /// One without values.
    pub const fn new() -> Table {
        Table(BTreeMap::new())
    }

    /// The value with this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Puts a value, in place of an earlier one with the same name.
    pub fn insert(&mut self, name: Name, value: Value) {
        self.0.insert(name, value);
    }

    /// All values, in the order of their names.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Name, &Value)> {
        self.0.iter()
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if it has no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Name, Value)> for Table {
    fn from_iter<I: IntoIterator<Item = (Name, Value)>>(values: I) -> Table {
        Table(values.into_iter().collect())
    }
}
