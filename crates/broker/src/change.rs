//! Changes: what a command came to, as a record holds it.
//!
//! A change says everything that was decided, also what goes with something else by a rule, such as
//! an auto-delete exchange with its last binding; only that a binding goes with either of its ends
//! is understood. So a later release may decide otherwise and still reads old records as they were.

mod codec;

pub(crate) use codec::{FORMAT, expect_format};

use crate::{Binding, ExchangeId, ExchangeSpec, Name, QueueId, QueueSpec, VHostId};

/// What a command changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Numbers below this one are used up. Only snapshots begin with it.
    Counted(u64),
    /// A virtual host is there, with its predeclared exchanges at the numbers behind its own.
    VHostCreated {
        /// Its number.
        id: VHostId,
        /// Its name.
        name: Name,
    },
    /// A virtual host is gone with all in it.
    VHostDeleted(VHostId),
    /// An exchange is there.
    ExchangeDeclared {
        /// Its number.
        id: ExchangeId,
        /// Where.
        vhost: VHostId,
        /// What it is.
        spec: ExchangeSpec,
    },
    /// A queue is there.
    QueueDeclared {
        /// Its number.
        id: QueueId,
        /// Where.
        vhost: VHostId,
        /// What it is.
        spec: QueueSpec,
    },
    /// An exchange is bound.
    Bound {
        /// The exchange.
        source: ExchangeId,
        /// To what, and how.
        binding: Binding,
    },
    /// A binding is gone, and exchanges with it.
    Unbound {
        /// The exchange.
        source: ExchangeId,
        /// To what it was bound, and how.
        binding: Binding,
        /// The auto-delete exchanges that went with it.
        exchanges: Vec<ExchangeId>,
    },
    /// Queues and exchanges are gone with all their bindings.
    Deleted {
        /// The queues.
        queues: Vec<QueueId>,
        /// The exchanges.
        exchanges: Vec<ExchangeId>,
    },
}
