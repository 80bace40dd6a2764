//! `queue.bind`, `exchange.bind` and their opposites.

use crate::broker::{Broker, VHost, not_default};
use crate::command::{Bind, To};
use crate::exchange::{Binding, Destination, ExchangeKind};
use crate::refusal::{Described, Refusal};
use crate::{Change, ConnectionId, ExchangeId, Table, Value};

impl Broker {
    pub(super) fn bind(&self, bind: &Bind) -> Result<Option<Change>, Refusal> {
        let (_, vhost) = self.vhost_named(&bind.vhost)?;
        let (source, binding) = ends(vhost, bind)?;
        self.assert_open(vhost, &binding, bind.connection)?;
        let exchange = &self.exchanges[&source];
        if exchange.spec.kind == ExchangeKind::Headers {
            check_match(&bind.arguments)?;
        }
        if exchange.bindings.contains(&binding) {
            return Ok(None);
        }
        let described = Described::exchange(&bind.source, &bind.vhost);
        let max = self.limits.bindings_max;
        if vhost.bindings_count >= max {
            let vhost = &bind.vhost;
            return Err(Refusal::precondition(format!(
                "cannot bind {described}: binding limit in vhost '{vhost}' ({max}) is reached"
            )));
        }
        self.check_arguments(format_args!("a binding of {described}"), &bind.arguments)?;
        Ok(Some(Change::Bound { source, binding }))
    }

    pub(super) fn unbind(&self, bind: &Bind) -> Result<Option<Change>, Refusal> {
        let (_, vhost) = self.vhost_named(&bind.vhost)?;
        not_default(&bind.source)?;
        not_default_destination(&bind.to)?;
        // What is not bound is unbound already, also where an end is missing.
        let Ok((source, binding)) = ends(vhost, bind) else { return Ok(None) };
        let exchange = &self.exchanges[&source];
        if !exchange.bindings.contains(&binding) {
            return Ok(None);
        }
        self.assert_open(vhost, &binding, bind.connection)?;
        let is_last = exchange.bindings.len() == 1 && exchange.spec.auto_delete;
        let exchanges = if is_last { self.exchanges_gone(&[], &[source]) } else { Vec::new() };
        Ok(Some(Change::Unbound { source, binding, exchanges }))
    }

    /// Another connection's exclusive queue is neither bound nor unbound.
    fn assert_open(
        &self,
        vhost: &VHost,
        binding: &Binding,
        connection: ConnectionId,
    ) -> Result<(), Refusal> {
        let Destination::Queue(id) = binding.destination else { return Ok(()) };
        let queue = &self.queues[&id];
        match queue.is_open_to(connection) {
            true => Ok(()),
            false => Err(Refusal::locked(&Described::queue(&queue.spec.name, &vhost.name))),
        }
    }
}

fn ends(vhost: &VHost, bind: &Bind) -> Result<(ExchangeId, Binding), Refusal> {
    not_default_destination(&bind.to)?;
    not_default(&bind.source)?;
    let source = vhost.exchange(&bind.source)?;
    let destination = vhost.destination(&bind.to)?;
    let (key, arguments) = (bind.key.clone(), bind.arguments.clone());
    Ok((source, Binding { destination, key, arguments }))
}

fn not_default_destination(to: &To) -> Result<(), Refusal> {
    match to {
        To::Exchange(name) => not_default(name),
        To::Queue(_) => Ok(()),
    }
}

fn check_match(arguments: &Table) -> Result<(), Refusal> {
    let expected = "expected all, any, all-with-x, or any-with-x";
    match arguments.get("x-match") {
        None => Ok(()),
        Some(value @ Value::Text(_)) => match value.as_text() {
            Some("all" | "any" | "all-with-x" | "any-with-x") => Ok(()),
            _ => Err(Refusal::precondition(format!(
                "Invalid x-match field value <<\"{value}\">>; {expected}"
            ))),
        },
        Some(value) => Err(Refusal::precondition(format!(
            "Invalid x-match field type {} (value {value}); expected longstr",
            value.type_name()
        ))),
    }
}
