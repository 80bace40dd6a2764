//! The broker: exchanges, bindings, routing, and the declaration of queues, as AMQP 0-9-1 and
//! RabbitMQ have them.
//!
//! Pure: no clock, no entropy, no I/O, no threads, no order of a random hash. [`Broker::decide`]
//! reads the state and says what a command changes, or refuses it in the words of RabbitMQ;
//! [`Broker::evolve`] applies a change and cannot fail; [`Broker::route`] finds the queues of a
//! message. Names of connections and of queues that the server names come in as inputs, and so do
//! the counts of messages and consumers.
#![forbid(unsafe_code)]

mod broker;
mod change;
mod command;
mod decide;
mod evolve;
mod exchange;
mod id;
mod index;
mod limits;
mod name;
mod queue;
mod refusal;
mod route;
mod snapshot;
mod value;
mod wire;

pub use broker::{Broker, VHost};
pub use change::Change;
pub use command::{Bind, Command, DeclareExchange, DeclareQueue, DeleteExchange, DeleteQueue, To};
pub use exchange::{Binding, Destination, Exchange, ExchangeKind, ExchangeSpec};
pub use id::{ConnectionId, ExchangeId, QueueId, VHostId};
pub use limits::Limits;
pub use name::{Name, NameTooLong};
pub use queue::{
    DeadLetter, DeadLetterStrategy, DelayedRetry, DelayedRetryType, Overflow, Queue, QueueKind,
    QueueSpec, QueueTerms,
};
pub use refusal::{Refusal, ReplyCode};
pub use route::{Headers, Message, NoHeaders, Routes};
pub use snapshot::{Cursor, Section};
pub use value::{Scalar, Table, Value};
pub use wire::DecodeError;
