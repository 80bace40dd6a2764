//! The state: virtual hosts, exchanges, queues, and what is bound to what.

use crate::command::To;
use crate::exchange::Sources;
use crate::refusal::{Described, Refusal};
use crate::{
    ConnectionId, Destination, Exchange, ExchangeId, Limits, Name, Queue, QueueId, VHostId,
};
use std::collections::{BTreeMap, BTreeSet};

/// All that is declared. See the crate's own words for how it changes.
#[derive(Debug)]
pub struct Broker {
    pub(crate) limits: Limits,
    /// The next number that is given out.
    pub(crate) next: u64,
    pub(crate) vhosts: BTreeMap<VHostId, VHost>,
    pub(crate) vhost_ids: BTreeMap<Name, VHostId>,
    pub(crate) exchanges: BTreeMap<ExchangeId, Exchange>,
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    /// The exclusive queues of each connection.
    pub(crate) owned: BTreeMap<ConnectionId, BTreeSet<QueueId>>,
}

/// A virtual host: a space of names of its own.
#[derive(Debug)]
pub struct VHost {
    pub(crate) name: Name,
    pub(crate) exchanges: BTreeMap<Name, ExchangeId>,
    pub(crate) queues: BTreeMap<Name, QueueId>,
    pub(crate) bindings_count: usize,
}

impl VHost {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its exchanges, by name.
    pub fn exchanges(&self) -> impl Iterator<Item = (&Name, ExchangeId)> {
        self.exchanges.iter().map(|(name, id)| (name, *id))
    }

    /// Its queues, by name.
    pub fn queues(&self) -> impl Iterator<Item = (&Name, QueueId)> {
        self.queues.iter().map(|(name, id)| (name, *id))
    }

    /// How many bindings its exchanges have, without those of the default exchange.
    pub fn bindings_count(&self) -> usize {
        self.bindings_count
    }
}

impl Broker {
    /// An empty broker: even the first virtual host is made by a command.
    pub fn new(limits: Limits) -> Broker {
        Broker {
            limits,
            next: 1,
            vhosts: BTreeMap::new(),
            vhost_ids: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            queues: BTreeMap::new(),
            owned: BTreeMap::new(),
        }
    }

    /// The number of a virtual host; a refusal as `connection.open` gives it.
    pub fn vhost_id(&self, name: &str) -> Result<VHostId, Refusal> {
        self.vhost_ids.get(name).copied().ok_or_else(|| Refusal::no_vhost(name))
    }

    /// All virtual hosts, by number.
    pub fn vhosts(&self) -> impl Iterator<Item = (VHostId, &VHost)> {
        self.vhosts.iter().map(|(id, vhost)| (*id, vhost))
    }

    /// A virtual host.
    pub fn vhost(&self, id: VHostId) -> Option<&VHost> {
        self.vhosts.get(&id)
    }

    /// An exchange.
    pub fn exchange(&self, id: ExchangeId) -> Option<&Exchange> {
        self.exchanges.get(&id)
    }

    /// A queue.
    pub fn queue(&self, id: QueueId) -> Option<&Queue> {
        self.queues.get(&id)
    }

    /// The exchange with this name. `exchange.declare` with passive is this look-up, but for the
    /// default exchange, see [`Broker::expect_exchange`].
    pub fn find_exchange(&self, vhost: &str, name: &str) -> Result<ExchangeId, Refusal> {
        let vhost = self.vhost_named(vhost)?.1;
        vhost.exchange(name)
    }

    /// `exchange.declare` with passive: the exchange is there.
    pub fn expect_exchange(&self, vhost: &str, name: &str) -> Result<ExchangeId, Refusal> {
        not_default(name)?;
        self.find_exchange(vhost, name)
    }

    /// `queue.declare` with passive, and what every use of a queue begins with: the queue is there,
    /// and not locked by another connection.
    pub fn expect_queue(
        &self,
        vhost: &str,
        name: &str,
        connection: ConnectionId,
    ) -> Result<QueueId, Refusal> {
        let vhost = self.vhost_named(vhost)?.1;
        let id = vhost.queue(name)?;
        match self.queues[&id].is_open_to(connection) {
            true => Ok(id),
            false => Err(Refusal::locked(&Described::queue(name, &vhost.name))),
        }
    }

    /// The exchanges that are bound to a queue or exchange, each with how many bindings.
    pub fn sources(&self, of: Destination) -> impl Iterator<Item = (ExchangeId, usize)> {
        self.sources_of(of).into_iter().flatten().map(|(id, count)| (*id, *count))
    }

    pub(crate) fn sources_of(&self, of: Destination) -> Option<&Sources> {
        match of {
            Destination::Queue(id) => self.queues.get(&id).map(|queue| &queue.sources),
            Destination::Exchange(id) => self.exchanges.get(&id).map(|exchange| &exchange.sources),
        }
    }

    pub(crate) fn vhost_named(&self, name: &str) -> Result<(VHostId, &VHost), Refusal> {
        let id = self.vhost_id(name)?;
        Ok((id, &self.vhosts[&id]))
    }
}

impl VHost {
    pub(crate) fn exchange(&self, name: &str) -> Result<ExchangeId, Refusal> {
        let described = Described::exchange(name, &self.name);
        self.exchanges.get(name).copied().ok_or_else(|| Refusal::no(&described))
    }

    pub(crate) fn queue(&self, name: &str) -> Result<QueueId, Refusal> {
        let described = Described::queue(name, &self.name);
        self.queues.get(name).copied().ok_or_else(|| Refusal::no(&described))
    }

    pub(crate) fn destination(&self, to: &To) -> Result<Destination, Refusal> {
        match to {
            To::Queue(name) => self.queue(name).map(Destination::Queue),
            To::Exchange(name) => self.exchange(name).map(Destination::Exchange),
        }
    }
}

/// The default exchange is as it is.
pub(crate) fn not_default(exchange: &str) -> Result<(), Refusal> {
    match exchange {
        crate::exchange::DEFAULT_EXCHANGE => {
            Err(Refusal::access("operation not permitted on the default exchange"))
        }
        _ => Ok(()),
    }
}
