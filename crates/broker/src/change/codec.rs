//! The bytes of changes: the format's number, a tag, the fields in their order.

use super::Change;
use crate::exchange::{Binding, Destination, ExchangeKind, ExchangeSpec};
use crate::value::codec::{put_table, table};
use crate::wire::{DecodeError, Reader, put_bytes, put_u64};
use crate::{ConnectionId, ExchangeId, QueueId, QueueSpec, VHostId};

/// The format this program writes. It changes when any encoding does, and readers of all formats
/// stay.
pub(crate) const FORMAT: u8 = 1;

const COUNTED: u8 = 1;
const VHOST_CREATED: u8 = 2;
const VHOST_DELETED: u8 = 3;
const EXCHANGE_DECLARED: u8 = 4;
const QUEUE_DECLARED: u8 = 5;
const BOUND: u8 = 6;
const UNBOUND: u8 = 7;
const DELETED: u8 = 8;

const DURABLE: u8 = 1;
const AUTO_DELETE: u8 = 2;
const INTERNAL: u8 = 4;
const EXCLUSIVE: u8 = 4;

impl Change {
    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        self.put(out);
    }

    /// Decodes a change that fills `bytes` to the end.
    pub fn decode(bytes: &[u8]) -> Result<Change, DecodeError> {
        let mut r = Reader::new(bytes);
        expect_format(&mut r)?;
        let change = Change::take(&mut r)?;
        r.end()?;
        Ok(change)
    }

    /// Without the format's number: within a section of a snapshot it stands once.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Change::Counted(next) => put_tagged(COUNTED, *next, out),
            Change::VHostCreated { id, name } => {
                put_tagged(VHOST_CREATED, id.0, out);
                put_bytes(out, name.as_bytes());
            }
            Change::VHostDeleted(id) => put_tagged(VHOST_DELETED, id.0, out),
            Change::ExchangeDeclared { id, vhost, spec } => {
                put_tagged(EXCHANGE_DECLARED, id.0, out);
                put_u64(out, vhost.0);
                put_exchange(spec, out);
            }
            Change::QueueDeclared { id, vhost, spec } => {
                put_tagged(QUEUE_DECLARED, id.0, out);
                put_u64(out, vhost.0);
                put_queue(spec, out);
            }
            Change::Bound { source, binding } => {
                put_tagged(BOUND, source.0, out);
                put_binding(binding, out);
            }
            Change::Unbound { source, binding, exchanges } => {
                put_tagged(UNBOUND, source.0, out);
                put_binding(binding, out);
                put_numbers(exchanges.iter().map(|id| id.0), out);
            }
            Change::Deleted { queues, exchanges } => {
                out.push(DELETED);
                put_numbers(queues.iter().map(|id| id.0), out);
                put_numbers(exchanges.iter().map(|id| id.0), out);
            }
        }
    }

    pub(crate) fn take(r: &mut Reader<'_>) -> Result<Change, DecodeError> {
        Ok(match r.u8()? {
            COUNTED => Change::Counted(number(r)?),
            VHOST_CREATED => Change::VHostCreated { id: VHostId(number(r)?), name: r.name()? },
            VHOST_DELETED => Change::VHostDeleted(VHostId(number(r)?)),
            EXCHANGE_DECLARED => Change::ExchangeDeclared {
                id: ExchangeId(number(r)?),
                vhost: VHostId(number(r)?),
                spec: exchange(r)?,
            },
            QUEUE_DECLARED => Change::QueueDeclared {
                id: QueueId(number(r)?),
                vhost: VHostId(number(r)?),
                spec: queue(r)?,
            },
            BOUND => Change::Bound { source: ExchangeId(number(r)?), binding: binding(r)? },
            UNBOUND => Change::Unbound {
                source: ExchangeId(number(r)?),
                binding: binding(r)?,
                exchanges: numbers(r, ExchangeId)?,
            },
            DELETED => {
                Change::Deleted { queues: numbers(r, QueueId)?, exchanges: numbers(r, ExchangeId)? }
            }
            _ => return Err(DecodeError::BadValue("kind of change")),
        })
    }
}

pub(crate) fn expect_format(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    match r.u8()? {
        FORMAT => Ok(()),
        0 => Err(DecodeError::BadValue("format number")),
        newer => Err(DecodeError::NewerFormat(newer)),
    }
}

fn put_tagged(tag: u8, number: u64, out: &mut Vec<u8>) {
    out.push(tag);
    put_u64(out, number);
}

/// The counter must be able to go on behind every number.
fn number(r: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let number = r.u64()?;
    if number < 1 << 63 { Ok(number) } else { Err(DecodeError::BadValue("number")) }
}

fn put_numbers(numbers: impl ExactSizeIterator<Item = u64>, out: &mut Vec<u8>) {
    put_u64(out, numbers.len() as u64);
    numbers.for_each(|number| put_u64(out, number));
}

fn numbers<T>(r: &mut Reader<'_>, id: fn(u64) -> T) -> Result<Vec<T>, DecodeError> {
    let count = r.count()?;
    (0..count).map(|_| number(r).map(id)).collect()
}

fn put_flags(flags: &[(bool, u8)], out: &mut Vec<u8>) {
    out.push(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit).sum());
}

fn flags(r: &mut Reader<'_>) -> Result<u8, DecodeError> {
    let flags = r.u8()?;
    if flags < 8 { Ok(flags) } else { Err(DecodeError::BadValue("flags")) }
}

fn put_exchange(spec: &ExchangeSpec, out: &mut Vec<u8>) {
    put_bytes(out, spec.name.as_bytes());
    out.push(spec.kind as u8);
    let flags =
        [(spec.durable, DURABLE), (spec.auto_delete, AUTO_DELETE), (spec.internal, INTERNAL)];
    put_flags(&flags, out);
    put_table(&spec.arguments, out);
}

fn exchange(r: &mut Reader<'_>) -> Result<ExchangeSpec, DecodeError> {
    let name = r.name()?;
    let kind = r.u8()?;
    let kind = ExchangeKind::ALL.into_iter().find(|known| *known as u8 == kind);
    let flags = flags(r)?;
    Ok(ExchangeSpec {
        name,
        kind: kind.ok_or(DecodeError::BadValue("type of an exchange"))?,
        durable: flags & DURABLE != 0,
        auto_delete: flags & AUTO_DELETE != 0,
        internal: flags & INTERNAL != 0,
        arguments: table(r)?,
    })
}

fn put_queue(spec: &QueueSpec, out: &mut Vec<u8>) {
    put_bytes(out, spec.name.as_bytes());
    let exclusive = (spec.exclusive.is_some(), EXCLUSIVE);
    put_flags(&[(spec.durable, DURABLE), (spec.auto_delete, AUTO_DELETE), exclusive], out);
    if let Some(ConnectionId(owner)) = spec.exclusive {
        put_u64(out, owner);
    }
    put_table(&spec.arguments, out);
}

fn queue(r: &mut Reader<'_>) -> Result<QueueSpec, DecodeError> {
    let name = r.name()?;
    let flags = flags(r)?;
    let owner = (flags & EXCLUSIVE != 0).then(|| r.u64().map(ConnectionId));
    Ok(QueueSpec {
        name,
        durable: flags & DURABLE != 0,
        exclusive: owner.transpose()?,
        auto_delete: flags & AUTO_DELETE != 0,
        arguments: table(r)?,
    })
}

fn put_binding(binding: &Binding, out: &mut Vec<u8>) {
    match binding.destination {
        Destination::Queue(id) => put_tagged(b'q', id.0, out),
        Destination::Exchange(id) => put_tagged(b'e', id.0, out),
    }
    put_bytes(out, binding.key.as_bytes());
    put_table(&binding.arguments, out);
}

fn binding(r: &mut Reader<'_>) -> Result<Binding, DecodeError> {
    let destination = match r.u8()? {
        b'q' => Destination::Queue(QueueId(number(r)?)),
        b'e' => Destination::Exchange(ExchangeId(number(r)?)),
        _ => return Err(DecodeError::BadValue("kind of destination")),
    };
    Ok(Binding { destination, key: r.name()?, arguments: table(r)? })
}
