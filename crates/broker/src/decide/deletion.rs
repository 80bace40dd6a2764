//! Deletions, and what goes with what is deleted.

use crate::broker::{Broker, not_default};
use crate::command::{DeleteExchange, DeleteQueue};
use crate::exchange::RESERVED_PREFIX;
use crate::refusal::{Described, Refusal};
use crate::{Change, ConnectionId, Destination, ExchangeId, QueueId};
use std::collections::{BTreeMap, BTreeSet};

impl Broker {
    pub(super) fn delete_exchange(
        &self,
        delete: &DeleteExchange,
    ) -> Result<Option<Change>, Refusal> {
        let (_, vhost) = self.vhost_named(&delete.vhost)?;
        not_default(&delete.name)?;
        let described = Described::exchange(&delete.name, &delete.vhost);
        if delete.name.starts_with(RESERVED_PREFIX) {
            return Err(Refusal::access(format!("deletion of system {described} not allowed")));
        }
        // What does not exist is deleted already.
        let Some(id) = vhost.exchanges.get(&delete.name) else { return Ok(None) };
        if delete.if_unused && !self.exchanges[id].bindings.is_empty() {
            return Err(Refusal::precondition(format!("{described} in use")));
        }
        Ok(self.deleted(Vec::new(), &[*id]))
    }

    pub(super) fn delete_queue(&self, delete: &DeleteQueue) -> Result<Option<Change>, Refusal> {
        let (_, vhost) = self.vhost_named(&delete.vhost)?;
        let described = Described::queue(&delete.name, &delete.vhost);
        let Some(id) = vhost.queues.get(&delete.name) else { return Ok(None) };
        if delete.connection.is_some_and(|connection| !self.queues[id].is_open_to(connection)) {
            return Err(Refusal::locked(&described));
        }
        if delete.if_empty && delete.messages > 0 {
            return Err(Refusal::precondition(format!("{described} not empty")));
        }
        if delete.if_unused && delete.consumers > 0 {
            return Err(Refusal::precondition(format!("{described} in use")));
        }
        Ok(self.deleted(vec![*id], &[]))
    }

    pub(super) fn close_connection(&self, connection: ConnectionId) -> Option<Change> {
        let owned = self.owned.get(&connection)?;
        self.deleted(owned.iter().copied().collect(), &[])
    }

    pub(super) fn restart(&self) -> Option<Change> {
        let queues = self.queues.iter().filter(|(_, queue)| !queue.spec.durable);
        let exchanges = self.exchanges.iter().filter(|(_, exchange)| !exchange.spec.durable);
        let exchanges: Vec<ExchangeId> = exchanges.map(|(id, _)| *id).collect();
        self.deleted(queues.map(|(id, _)| *id).collect(), &exchanges)
    }

    fn deleted(&self, queues: Vec<QueueId>, exchanges: &[ExchangeId]) -> Option<Change> {
        let exchanges = self.exchanges_gone(&queues, exchanges);
        let is_any = !queues.is_empty() || !exchanges.is_empty();
        is_any.then_some(Change::Deleted { queues, exchanges })
    }

    /// The exchanges that are deleted and, with them and the queues, all auto-delete exchanges that
    /// lose their last binding thereby, by number.
    pub(super) fn exchanges_gone(
        &self,
        queues: &[QueueId],
        exchanges: &[ExchangeId],
    ) -> Vec<ExchangeId> {
        let mut gone: BTreeSet<ExchangeId> = exchanges.iter().copied().collect();
        let mut pending: Vec<Destination> =
            exchanges.iter().map(|id| Destination::Exchange(*id)).collect();
        pending.extend(queues.iter().map(|id| Destination::Queue(*id)));
        let mut lost = BTreeMap::<ExchangeId, usize>::new();
        while let Some(destination) = pending.pop() {
            for (source, count) in self.sources(destination) {
                let lost = lost.entry(source).or_default();
                *lost += count;
                let exchange = &self.exchanges[&source];
                let is_last = exchange.spec.auto_delete && *lost == exchange.bindings.len();
                if is_last && gone.insert(source) {
                    pending.push(Destination::Exchange(source));
                }
            }
        }
        gone.into_iter().collect()
    }
}
