//! What can be asked of the broker. Everything is owned: topology changes seldom.

use crate::{ConnectionId, Name, Table};

/// A change that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Makes a virtual host with its predeclared exchanges; done already if it is there.
    CreateVHost(Name),
    /// Deletes a virtual host and all in it.
    DeleteVHost(Name),
    /// `exchange.declare`, not passive.
    DeclareExchange(DeclareExchange),
    /// `exchange.delete`.
    DeleteExchange(DeleteExchange),
    /// `queue.declare`, not passive.
    DeclareQueue(DeclareQueue),
    /// `queue.delete`, or the broker's own: unused for too long, or the last consumer gone.
    DeleteQueue(DeleteQueue),
    /// `queue.bind` or `exchange.bind`.
    Bind(Bind),
    /// `queue.unbind` or `exchange.unbind`.
    Unbind(Bind),
    /// A connection is gone: so are its exclusive queues.
    CloseConnection(ConnectionId),
    /// The server starts: every connection is gone, and all that is not durable.
    Restart,
}

/// `exchange.declare`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclareExchange {
    /// The virtual host.
    pub vhost: Name,
    /// The exchange.
    pub name: Name,
    /// AMQP's name of its type.
    pub kind: Name,
    /// See [`crate::ExchangeSpec`].
    pub durable: bool,
    /// See [`crate::ExchangeSpec`].
    pub auto_delete: bool,
    /// See [`crate::ExchangeSpec`].
    pub internal: bool,
    /// All arguments.
    pub arguments: Table,
}

/// `exchange.delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteExchange {
    /// The virtual host.
    pub vhost: Name,
    /// The exchange.
    pub name: Name,
    /// Only if it has no binding.
    pub if_unused: bool,
}

/// `queue.declare`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclareQueue {
    /// The virtual host.
    pub vhost: Name,
    /// The queue; where the server names it, the new name.
    pub name: Name,
    /// Whether the client sent no name and the server made this one.
    pub server_named: bool,
    /// Who asks.
    pub connection: ConnectionId,
    /// See [`crate::QueueSpec`].
    pub durable: bool,
    /// Whether it is for this connection alone.
    pub exclusive: bool,
    /// See [`crate::QueueSpec`].
    pub auto_delete: bool,
    /// All arguments.
    pub arguments: Table,
}

/// `queue.delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteQueue {
    /// The virtual host.
    pub vhost: Name,
    /// The queue.
    pub name: Name,
    /// Who asks; `None` is the broker itself, which no exclusive queue is locked against.
    pub connection: Option<ConnectionId>,
    /// Only if it has no consumer.
    pub if_unused: bool,
    /// Only if it has no message.
    pub if_empty: bool,
    /// How many consumers it has.
    pub consumers: u64,
    /// How many messages are in it, ready and unacknowledged.
    pub messages: u64,
}

/// A binding's destination by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A queue.
    Queue(Name),
    /// An exchange.
    Exchange(Name),
}

/// `queue.bind`, `exchange.bind`, and their opposites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The virtual host.
    pub vhost: Name,
    /// The exchange that is bound.
    pub source: Name,
    /// To what.
    pub to: To,
    /// The binding key.
    pub key: Name,
    /// All arguments.
    pub arguments: Table,
    /// Who asks.
    pub connection: ConnectionId,
}
