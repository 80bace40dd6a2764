//! Arbitrary tables, properties and methods.

use courant_amqp::table::{ArrayBuf, TableBuf, Value};
use courant_amqp::{PropertyValues, ShortStr, Table};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const SOUND: &str = "what was written can be read";
const SHORT: &str = "the strategy makes at most 255 bytes";

/// A value that owns what it holds.
#[derive(Debug, Clone)]
pub(crate) enum Any {
    Plain(Value<'static>),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
    Array(Vec<Any>),
    Table(Vec<(Vec<u8>, Any)>),
}

impl Any {
    /// Calls `with` with the value on the wire.
    pub(crate) fn with<T>(&self, with: impl FnOnce(Value<'_>) -> T) -> T {
        match self {
            Any::Plain(value) => with(*value),
            Any::Text(bytes) => with(Value::Text(bytes)),
            Any::Bytes(bytes) => with(Value::Bytes(bytes)),
            Any::Array(values) => with(Value::Array(array(values).array())),
            Any::Table(entries) => with(Value::Table(table(entries).table())),
        }
    }

    /// Whether a value that was read is this one, looked into at every depth.
    pub(crate) fn is(&self, read: Value<'_>) -> bool {
        match (self, read) {
            (Any::Plain(value), read) => *value == read,
            (Any::Text(bytes), Value::Text(read)) => bytes == read,
            (Any::Bytes(bytes), Value::Bytes(read)) => bytes == read,
            (Any::Array(values), Value::Array(read)) => {
                read.values().count() == values.len()
                    && values
                        .iter()
                        .zip(read.values())
                        .all(|(any, read)| any.is(read.expect(SOUND)))
            }
            (Any::Table(entries), Value::Table(read)) => is_table(entries, read),
            _ => false,
        }
    }
}

pub(crate) fn is_table(entries: &[(Vec<u8>, Any)], read: Table<'_>) -> bool {
    read.entries().count() == entries.len()
        && entries.iter().zip(read.entries()).all(|((name, any), read)| {
            let (read_name, read) = read.expect(SOUND);
            read_name.bytes() == name && any.is(read)
        })
}

pub(crate) fn array(values: &[Any]) -> ArrayBuf {
    let mut buf = ArrayBuf::new();
    for any in values {
        any.with(|value| {
            buf.put(value);
        });
    }
    buf
}

pub(crate) fn table(entries: &[(Vec<u8>, Any)]) -> TableBuf {
    let mut buf = TableBuf::new();
    for (name, any) in entries {
        let name = ShortStr::new(name).expect(SHORT);
        any.with(|value| {
            buf.put(name, value);
        });
    }
    buf
}

fn plain() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i8>().prop_map(Value::I8),
        any::<u8>().prop_map(Value::U8),
        any::<i16>().prop_map(Value::I16),
        any::<u16>().prop_map(Value::U16),
        any::<i32>().prop_map(Value::I32),
        any::<u32>().prop_map(Value::U32),
        any::<i64>().prop_map(Value::I64),
        any::<i64>().prop_map(Value::LongLong),
        any::<u32>().prop_map(Value::Float),
        any::<u64>().prop_map(Value::Double),
        any::<(u8, u32)>().prop_map(|(scale, unscaled)| Value::Decimal { scale, unscaled }),
        any::<u64>().prop_map(Value::Timestamp),
        Just(Value::Void),
    ]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..12)
}

pub(crate) fn value() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        plain().prop_map(Any::Plain),
        vec(any::<u8>(), 0..40).prop_map(Any::Text),
        vec(any::<u8>(), 0..40).prop_map(Any::Bytes),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Any::Array),
            vec((name(), inner), 0..4).prop_map(Any::Table),
        ]
    })
}

pub(crate) fn entries() -> impl Strategy<Value = Vec<(Vec<u8>, Any)>> {
    vec((name(), value()), 0..6)
}

/// A short string of any length and any bytes.
pub(crate) fn short() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..20), vec(any::<u8>(), 255)]
}

/// Properties that own what they hold: those that are short strings in their order, and the others.
#[derive(Debug, Clone)]
pub(crate) struct AnyProperties {
    strings: Vec<Option<Vec<u8>>>,
    headers: Option<TableBuf>,
    octets: [Option<u8>; 2],
    timestamp: Option<u64>,
}

impl AnyProperties {
    pub(crate) fn values(&self) -> PropertyValues<'_> {
        let string =
            |at: usize| self.strings[at].as_deref().map(|s| ShortStr::new(s).expect(SHORT));
        PropertyValues {
            content_type: string(0),
            content_encoding: string(1),
            headers: self.headers.as_ref().map(TableBuf::table),
            delivery_mode: self.octets[0],
            priority: self.octets[1],
            correlation_id: string(2),
            reply_to: string(3),
            expiration: string(4),
            message_id: string(5),
            timestamp: self.timestamp,
            kind: string(6),
            user_id: string(7),
            app_id: string(8),
            cluster_id: string(9),
        }
    }
}

pub(crate) fn properties() -> impl Strategy<Value = AnyProperties> {
    let headers = option::of(entries().prop_map(|entries| table(&entries)));
    let octets = [option::of(any::<u8>()), option::of(any::<u8>())];
    (vec(option::of(short()), 10), headers, octets, option::of(any::<u64>())).prop_map(
        |(strings, headers, octets, timestamp)| AnyProperties {
            strings,
            headers,
            octets,
            timestamp,
        },
    )
}
