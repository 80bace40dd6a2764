//! Evolution: the only code that changes the state.
//!
//! It never fails and may be repeated: a number is never given out twice, so a change that speaks
//! of what is not there, or is there already, has been overtaken and changes nothing. A snapshot
//! may therefore be made a section at a time while changes go on; replaying the changes since its
//! beginning makes it exact.

use crate::broker::{Broker, VHost};
use crate::exchange::{Binding, Destination, Exchange, ExchangeSpec, PREDECLARED, Sources};
use crate::{Change, ExchangeId, Name, Queue, QueueId, QueueSpec, Table, VHostId};
use std::collections::BTreeMap;

impl Broker {
    /// Applies a change.
    pub fn evolve(&mut self, change: &Change) {
        match change {
            Change::Counted(next) => self.next = self.next.max(*next),
            Change::VHostCreated { id, name } => self.add_vhost(*id, name),
            Change::VHostDeleted(id) => self.remove_vhost(*id),
            Change::ExchangeDeclared { id, vhost, spec } => self.add_exchange(*id, *vhost, spec),
            Change::QueueDeclared { id, vhost, spec } => self.add_queue(*id, *vhost, spec),
            Change::Bound { source, binding } => self.add_binding(*source, binding),
            Change::Unbound { source, binding, exchanges } => {
                self.remove_binding(*source, binding);
                exchanges.iter().for_each(|id| self.remove_exchange(*id));
            }
            Change::Deleted { queues, exchanges } => {
                queues.iter().for_each(|id| self.remove_queue(*id));
                exchanges.iter().for_each(|id| self.remove_exchange(*id));
            }
        }
    }

    fn used(&mut self, number: u64) {
        self.next = self.next.max(number + 1);
    }

    fn add_vhost(&mut self, id: VHostId, name: &Name) {
        self.used(id.0);
        if self.vhosts.contains_key(&id) {
            return;
        }
        if let Some(earlier) = self.vhost_ids.insert(name.clone(), id) {
            self.remove_vhost(earlier);
            self.vhost_ids.insert(name.clone(), id);
        }
        let (exchanges, queues) = (BTreeMap::new(), BTreeMap::new());
        let vhost = VHost { name: name.clone(), exchanges, queues, bindings_count: 0 };
        self.vhosts.insert(id, vhost);
        for (number, (name, kind)) in (id.0 + 1..).zip(PREDECLARED) {
            let spec = ExchangeSpec {
                name: Name::new(name).expect("predeclared names are short"),
                kind,
                durable: true,
                auto_delete: false,
                internal: false,
                arguments: Table::new(),
            };
            self.add_exchange(ExchangeId(number), id, &spec);
        }
    }

    fn remove_vhost(&mut self, id: VHostId) {
        let Some(vhost) = self.vhosts.remove(&id) else { return };
        self.vhost_ids.remove(&vhost.name);
        vhost.queues.values().for_each(|id| self.remove_queue(*id));
        vhost.exchanges.values().for_each(|id| self.remove_exchange(*id));
    }

    fn add_exchange(&mut self, id: ExchangeId, vhost: VHostId, spec: &ExchangeSpec) {
        self.used(id.0);
        let Some(home) = self.vhosts.get_mut(&vhost) else { return };
        if self.exchanges.contains_key(&id) {
            return;
        }
        let earlier = home.exchanges.insert(spec.name.clone(), id);
        self.exchanges.insert(id, Exchange::new(vhost, spec.clone()));
        earlier.into_iter().for_each(|earlier| self.remove_exchange(earlier));
    }

    fn add_queue(&mut self, id: QueueId, vhost: VHostId, spec: &QueueSpec) {
        self.used(id.0);
        let Some(home) = self.vhosts.get_mut(&vhost) else { return };
        if self.queues.contains_key(&id) {
            return;
        }
        let earlier = home.queues.insert(spec.name.clone(), id);
        self.queues.insert(id, Queue::new(vhost, spec.clone()));
        if let Some(owner) = spec.exclusive {
            self.owned.entry(owner).or_default().insert(id);
        }
        earlier.into_iter().for_each(|earlier| self.remove_queue(earlier));
    }

    fn remove_exchange(&mut self, id: ExchangeId) {
        let Some(exchange) = self.exchanges.remove(&id) else { return };
        if let Some(vhost) = self.vhosts.get_mut(&exchange.vhost) {
            vhost.bindings_count -= exchange.bindings.len();
            forget(&mut vhost.exchanges, &exchange.spec.name, id);
        }
        for binding in &exchange.bindings {
            self.count(id, binding.destination, |count| *count -= 1);
        }
        self.remove_bindings_to(Destination::Exchange(id), &exchange.sources);
    }

    fn remove_queue(&mut self, id: QueueId) {
        let Some(queue) = self.queues.remove(&id) else { return };
        if let Some(vhost) = self.vhosts.get_mut(&queue.vhost) {
            forget(&mut vhost.queues, &queue.spec.name, id);
        }
        if let Some(owner) = queue.spec.exclusive
            && let Some(owned) = self.owned.get_mut(&owner)
        {
            owned.remove(&id);
            if owned.is_empty() {
                self.owned.remove(&owner);
            }
        }
        self.remove_bindings_to(Destination::Queue(id), &queue.sources);
    }

    fn remove_bindings_to(&mut self, destination: Destination, sources: &Sources) {
        for source in sources.keys() {
            let Some(exchange) = self.exchanges.get(source) else { continue };
            let bindings: Vec<Binding> = exchange.bindings_to(destination).cloned().collect();
            bindings.iter().for_each(|binding| self.remove_binding(*source, binding));
        }
    }

    fn add_binding(&mut self, source: ExchangeId, binding: &Binding) {
        let is_there = self.sources_of(binding.destination).is_some();
        let Some(exchange) = self.exchanges.get_mut(&source).filter(|_| is_there) else { return };
        if !exchange.bindings.insert(binding.clone()) {
            return;
        }
        exchange.index.add(binding);
        if let Some(vhost) = self.vhosts.get_mut(&exchange.vhost) {
            vhost.bindings_count += 1;
        }
        self.count(source, binding.destination, |count| *count += 1);
    }

    fn remove_binding(&mut self, source: ExchangeId, binding: &Binding) {
        let Some(exchange) = self.exchanges.get_mut(&source) else { return };
        if !exchange.bindings.remove(binding) {
            return;
        }
        exchange.index.remove(binding);
        if let Some(vhost) = self.vhosts.get_mut(&exchange.vhost) {
            vhost.bindings_count -= 1;
        }
        self.count(source, binding.destination, |count| *count -= 1);
    }

    /// Keeps how many bindings lead from an exchange to a destination that is still there.
    fn count(&mut self, from: ExchangeId, to: Destination, change: impl FnOnce(&mut usize)) {
        let sources = match to {
            Destination::Queue(id) => self.queues.get_mut(&id).map(|queue| &mut queue.sources),
            Destination::Exchange(id) => self.exchanges.get_mut(&id).map(|to| &mut to.sources),
        };
        let Some(sources) = sources else { return };
        let count = sources.entry(from).or_default();
        change(count);
        if *count == 0 {
            sources.remove(&from);
        }
    }
}

/// Takes a name out, unless it stands for a successor already.
fn forget<T: PartialEq>(names: &mut BTreeMap<Name, T>, name: &Name, id: T) {
    if names.get(name) == Some(&id) {
        names.remove(name);
    }
}
