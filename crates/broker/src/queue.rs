//! Queues as they are declared: their properties, and what their arguments mean.

pub(crate) mod rules;
mod terms;

pub use terms::{
    DeadLetter, DeadLetterStrategy, DelayedRetry, DelayedRetryType, Overflow, QueueTerms,
};

use crate::exchange::Sources;
use crate::{ConnectionId, Name, Table, VHostId};

/// What RabbitMQ calls the type of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum QueueKind {
    /// One that may be transient, exclusive or auto-delete.
    Classic = 1,
    /// One that is durable, and counts deliveries.
    Quorum = 2,
    /// One that keeps its messages, to be read from any offset.
    Stream = 4,
}

impl QueueKind {
    /// Every kind.
    pub const ALL: [QueueKind; 3] = [QueueKind::Classic, QueueKind::Quorum, QueueKind::Stream];

    /// The value of `x-queue-type`.
    pub fn name(self) -> &'static str {
        match self {
            QueueKind::Classic => "classic",
            QueueKind::Quorum => "quorum",
            QueueKind::Stream => "stream",
        }
    }

    /// The name of its module in RabbitMQ, which refusals name.
    fn module_name(self) -> &'static str {
        match self {
            QueueKind::Classic => "rabbit_classic_queue",
            QueueKind::Quorum => "rabbit_quorum_queue",
            QueueKind::Stream => "rabbit_stream_queue",
        }
    }

    /// The kind that arguments ask for: classic without a word, `None` for an unknown one.
    pub(crate) fn of(arguments: &Table) -> Option<QueueKind> {
        let Some(value) = arguments.get("x-queue-type") else { return Some(QueueKind::Classic) };
        match value.as_text()? {
            "" | "undefined" => Some(QueueKind::Classic),
            name => QueueKind::ALL.into_iter().find(|kind| kind.name() == name),
        }
    }
}

/// A queue as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its name within its virtual host.
    pub name: Name,
    /// Whether it outlives a restart. An exclusive queue never does.
    pub durable: bool,
    /// The one connection that may use it, and with which it goes.
    pub exclusive: Option<ConnectionId>,
    /// Whether it goes with its last consumer.
    pub auto_delete: bool,
    /// All arguments, known or not.
    pub arguments: Table,
}

/// A queue.
#[derive(Debug)]
pub struct Queue {
    pub(crate) vhost: VHostId,
    pub(crate) spec: QueueSpec,
    pub(crate) terms: QueueTerms,
    pub(crate) sources: Sources,
}

impl Queue {
    pub(crate) fn new(vhost: VHostId, spec: QueueSpec) -> Queue {
        let terms = QueueTerms::of(&spec.arguments);
        Queue { vhost, spec, terms, sources: Sources::new() }
    }

    /// As it was declared.
    pub fn spec(&self) -> &QueueSpec {
        &self.spec
    }

    /// The virtual host it is in.
    pub fn vhost(&self) -> VHostId {
        self.vhost
    }

    /// What its arguments mean.
    pub fn terms(&self) -> &QueueTerms {
        &self.terms
    }

    /// Whether this connection may use it.
    pub(crate) fn is_open_to(&self, connection: ConnectionId) -> bool {
        self.spec.exclusive.is_none_or(|owner| owner == connection)
    }
}
