//! `exchange.declare`: a new exchange, or the same one again.

use super::{check_exchange_argument, same, same_argument};
use crate::broker::{Broker, not_default};
use crate::command::DeclareExchange;
use crate::exchange::{ALTERNATE_EXCHANGE, ExchangeKind, ExchangeSpec, RESERVED_PREFIX};
use crate::refusal::{Described, Refusal};
use crate::{Change, ExchangeId};

impl Broker {
    pub(super) fn declare_exchange(
        &self,
        declare: &DeclareExchange,
    ) -> Result<Option<Change>, Refusal> {
        let (vhost_id, vhost) = self.vhost_named(&declare.vhost)?;
        let kind = ExchangeKind::parse(&declare.kind).ok_or_else(|| {
            Refusal::precondition(format!("unknown exchange type '{}'", declare.kind))
        })?;
        not_default(&declare.name)?;
        let described = Described::exchange(&declare.name, &declare.vhost);
        if let Some(id) = vhost.exchanges.get(&declare.name) {
            assert_same(&described, &self.exchanges[id].spec, declare, kind)?;
            return Ok(None);
        }
        if declare.name.starts_with(RESERVED_PREFIX) {
            return Err(reserved("exchange", &declare.name));
        }
        check_exchange_argument(&described, ALTERNATE_EXCHANGE, &declare.arguments)?;
        let max = self.limits.exchanges_max;
        if vhost.exchanges.len() >= max {
            let text = format!("cannot declare {described}: exchange limit of {max} is reached");
            return Err(Refusal::precondition(text));
        }
        self.check_arguments(described, &declare.arguments)?;
        let spec = ExchangeSpec {
            name: declare.name.clone(),
            kind,
            durable: declare.durable,
            auto_delete: declare.auto_delete,
            internal: declare.internal,
            arguments: declare.arguments.clone(),
        };
        let id = ExchangeId(self.next);
        Ok(Some(Change::ExchangeDeclared { id, vhost: vhost_id, spec }))
    }
}

pub(super) fn reserved(what: &str, name: &str) -> Refusal {
    Refusal::access(format!("{what} name '{name}' contains reserved prefix 'amq.*'"))
}

fn assert_same(
    described: &Described<'_>,
    current: &ExchangeSpec,
    declare: &DeclareExchange,
    kind: ExchangeKind,
) -> Result<(), Refusal> {
    same(described, "type", current.kind.name(), kind.name())?;
    same(described, "durable", current.durable, declare.durable)?;
    same(described, "auto_delete", current.auto_delete, declare.auto_delete)?;
    same(described, "internal", current.internal, declare.internal)?;
    same_argument(described, ALTERNATE_EXCHANGE, &current.arguments, &declare.arguments)
}
