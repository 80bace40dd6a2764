//! Exchanges and what is bound to them.

use crate::index::Index;
use crate::{ExchangeId, Name, QueueId, Table, VHostId};
use std::collections::{BTreeMap, BTreeSet};

/// The argument that names where a message goes that no binding takes.
pub(crate) const ALTERNATE_EXCHANGE: &str = "alternate-exchange";

/// The name of the default exchange.
pub(crate) const DEFAULT_EXCHANGE: &str = "";

/// Names that begin with this belong to the broker.
pub(crate) const RESERVED_PREFIX: &str = "amq.";

/// How an exchange chooses among its bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExchangeKind {
    /// By equality of routing key and binding key.
    Direct = 1,
    /// All of them.
    Fanout = 2,
    /// By words of the routing key and a pattern with `*` (one word) and `#` (any number).
    Topic = 3,
    /// By the message's headers.
    Headers = 4,
}

/// The exchanges that every virtual host has, in the order of their numbers.
pub(crate) const PREDECLARED: [(&str, ExchangeKind); 6] = [
    (DEFAULT_EXCHANGE, ExchangeKind::Direct),
    ("amq.direct", ExchangeKind::Direct),
    ("amq.fanout", ExchangeKind::Fanout),
    ("amq.topic", ExchangeKind::Topic),
    ("amq.headers", ExchangeKind::Headers),
    ("amq.match", ExchangeKind::Headers),
];

impl ExchangeKind {
    /// Every kind.
    pub const ALL: [ExchangeKind; 4] =
        [ExchangeKind::Direct, ExchangeKind::Fanout, ExchangeKind::Topic, ExchangeKind::Headers];

    /// AMQP's name.
    pub fn name(self) -> &'static str {
        match self {
            ExchangeKind::Direct => "direct",
            ExchangeKind::Fanout => "fanout",
            ExchangeKind::Topic => "topic",
            ExchangeKind::Headers => "headers",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<ExchangeKind> {
        ExchangeKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An exchange as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeSpec {
    /// Its name within its virtual host.
    pub name: Name,
    /// How it chooses.
    pub kind: ExchangeKind,
    /// Whether it outlives a restart.
    pub durable: bool,
    /// Whether it goes with its last binding.
    pub auto_delete: bool,
    /// Whether only other exchanges may pass messages to it.
    pub internal: bool,
    /// All arguments, known or not.
    pub arguments: Table,
}

/// Where a binding leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// To a queue.
    Queue(QueueId),
    /// To another exchange, or the same.
    Exchange(ExchangeId),
}

/// A binding of an exchange. It is told from others by all of its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// Where it leads.
    pub destination: Destination,
    /// The binding key: a routing key, or a pattern.
    pub key: Name,
    /// All arguments; those of a headers exchange are what it matches.
    pub arguments: Table,
}

/// How many bindings each exchange has to one destination.
pub(crate) type Sources = BTreeMap<ExchangeId, usize>;

/// An exchange.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) vhost: VHostId,
    pub(crate) spec: ExchangeSpec,
    pub(crate) bindings: BTreeSet<Binding>,
    pub(crate) index: Index,
    pub(crate) sources: Sources,
}

impl Exchange {
    pub(crate) fn new(vhost: VHostId, spec: ExchangeSpec) -> Exchange {
        let index = Index::new(spec.kind);
        Exchange { vhost, spec, bindings: BTreeSet::new(), index, sources: Sources::new() }
    }

    /// As it was declared.
    pub fn spec(&self) -> &ExchangeSpec {
        &self.spec
    }

    /// The virtual host it is in.
    pub fn vhost(&self) -> VHostId {
        self.vhost
    }

    /// Its bindings, by destination, key and arguments.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter()
    }

    /// How many bindings it has.
    pub fn bindings_count(&self) -> usize {
        self.bindings.len()
    }

    /// The exchange that gets what no binding takes, by its name; it need not exist.
    pub fn alternate(&self) -> Option<&str> {
        self.spec.arguments.get(ALTERNATE_EXCHANGE)?.as_text()
    }

    pub(crate) fn bindings_to(&self, to: Destination) -> impl Iterator<Item = &Binding> {
        let first = Binding { destination: to, key: Name::default(), arguments: Table::new() };
        self.bindings.range(first..).take_while(move |binding| binding.destination == to)
    }
}
