//! `queue.declare`: a new queue, or the same one again.

use super::exchange::reserved;
use super::{check_exchange_argument, same, same_argument};
use crate::broker::Broker;
use crate::command::DeclareQueue;
use crate::exchange::RESERVED_PREFIX;
use crate::queue::rules;
use crate::refusal::{Described, Refusal};
use crate::{Change, Queue, QueueId, QueueKind, QueueSpec};

impl Broker {
    pub(super) fn declare_queue(&self, declare: &DeclareQueue) -> Result<Option<Change>, Refusal> {
        let (vhost_id, vhost) = self.vhost_named(&declare.vhost)?;
        check_name(declare)?;
        let described = Described::queue(&declare.name, &declare.vhost);
        // An exclusive queue goes with its connection, so it is never durable.
        let durable = declare.durable && !declare.exclusive;
        if let Some(id) = vhost.queues.get(&declare.name) {
            assert_same(&described, &self.queues[id], declare, durable)?;
            return Ok(None);
        }
        check_exchange_argument(&described, "x-dead-letter-exchange", &declare.arguments)?;
        let kind = rules::check(&described, &declare.arguments)?;
        check_properties(&described, kind, declare, durable)?;
        self.check_arguments(described, &declare.arguments)?;
        let max = self.limits.queues_max;
        if vhost.queues.len() >= max {
            let (name, vhost) = (&declare.name, &declare.vhost);
            return Err(Refusal::precondition(format!(
                "cannot declare queue '{name}': queue limit in vhost '{vhost}' ({max}) is reached"
            )));
        }
        let spec = QueueSpec {
            name: declare.name.clone(),
            durable,
            exclusive: declare.exclusive.then_some(declare.connection),
            auto_delete: declare.auto_delete,
            arguments: declare.arguments.clone(),
        };
        Ok(Some(Change::QueueDeclared { id: QueueId(self.next), vhost: vhost_id, spec }))
    }
}

fn check_name(declare: &DeclareQueue) -> Result<(), Refusal> {
    if declare.server_named {
        return match QueueKind::of(&declare.arguments) {
            Some(kind @ (QueueKind::Quorum | QueueKind::Stream)) => {
                let module = format!("rabbit_{}_queue", kind.name());
                let text = format!("Cannot declare a server-named queue for type {module}");
                Err(Refusal::precondition(text))
            }
            _ => Ok(()),
        };
    }
    if declare.name.is_empty() {
        return Err(Refusal::precondition("a queue needs a name"));
    }
    match declare.name.starts_with(RESERVED_PREFIX) {
        true => Err(reserved("queue", &declare.name)),
        false => Ok(()),
    }
}

fn assert_same(
    described: &Described<'_>,
    queue: &Queue,
    declare: &DeclareQueue,
    durable: bool,
) -> Result<(), Refusal> {
    let current = queue.spec();
    if current.exclusive != declare.exclusive.then_some(declare.connection) {
        return Err(Refusal::locked(described));
    }
    same(described, "durable", current.durable, durable)?;
    same(described, "auto_delete", current.auto_delete, declare.auto_delete)?;
    rules::compared(queue.terms().kind)
        .try_for_each(|name| same_argument(described, name, &current.arguments, &declare.arguments))
}

/// Quorum queues and streams are durable and for everybody.
fn check_properties(
    described: &Described<'_>,
    kind: QueueKind,
    declare: &DeclareQueue,
    durable: bool,
) -> Result<(), Refusal> {
    let wrong = match kind {
        QueueKind::Classic => None,
        _ if declare.auto_delete => Some("auto-delete"),
        _ if declare.exclusive => Some("exclusive-owner"),
        _ if !durable => Some("non-durable"),
        _ => None,
    };
    match wrong {
        None => Ok(()),
        Some(property) => {
            Err(Refusal::precondition(format!("invalid property '{property}' for {described}")))
        }
    }
}
