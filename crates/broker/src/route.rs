//! Routing: which queues a message goes to.

use crate::broker::{Broker, VHost};
use crate::exchange::DEFAULT_EXCHANGE;
use crate::index::Walk;
use crate::refusal::{Described, Refusal};
use crate::{Destination, ExchangeId, QueueId, Scalar, Table, VHostId, Value};

/// The headers that name further routing keys.
const COPY_HEADERS: [&str; 2] = ["CC", "BCC"];

/// The headers of a message, wherever they lie: they are looked at only where routing needs them.
pub trait Headers {
    /// The value of a header.
    fn get(&self, name: &str) -> Option<Scalar<'_>>;

    /// Visits every header.
    fn each(&self, visit: &mut dyn FnMut(&str, Scalar<'_>));

    /// Visits every long string in the list that is the value of a header. Says the type's name if
    /// the value is no list.
    fn texts(&self, name: &str, visit: &mut dyn FnMut(&str)) -> Result<(), &'static str>;
}

/// No headers.
#[derive(Debug, Clone, Copy)]
pub struct NoHeaders;

impl Headers for NoHeaders {
    fn get(&self, _: &str) -> Option<Scalar<'_>> {
        None
    }

    fn each(&self, _: &mut dyn FnMut(&str, Scalar<'_>)) {}

    fn texts(&self, _: &str, _: &mut dyn FnMut(&str)) -> Result<(), &'static str> {
        Ok(())
    }
}

impl Headers for Table {
    fn get(&self, name: &str) -> Option<Scalar<'_>> {
        Table::get(self, name).map(Value::scalar)
    }

    fn each(&self, visit: &mut dyn FnMut(&str, Scalar<'_>)) {
        self.iter().for_each(|(name, value)| visit(name, value.scalar()));
    }

    fn texts(&self, name: &str, visit: &mut dyn FnMut(&str)) -> Result<(), &'static str> {
        match Table::get(self, name) {
            None => {}
            Some(Value::List(values)) => values.iter().filter_map(Value::as_text).for_each(visit),
            Some(other) => return Err(other.type_name()),
        }
        Ok(())
    }
}

/// What routing looks at.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The virtual host of the publisher's connection.
    pub vhost: VHostId,
    /// The exchange it is published to.
    pub exchange: &'a str,
    /// Its routing key; `CC` and `BCC` among the headers name further ones.
    pub routing_key: &'a str,
    /// Its headers.
    pub headers: &'a dyn Headers,
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Message { vhost, exchange, routing_key, .. } = self;
        write!(f, "Message {{ {vhost:?}, {exchange:?}, {routing_key:?}, .. }}")
    }
}

/// Where a message goes, and the room that finding out needs. Kept by the caller from message to
/// message, so that routing allocates nothing.
#[derive(Debug, Default)]
pub struct Routes {
    queues: Vec<QueueId>,
    keys: Keys,
    found: Vec<Destination>,
    /// Exchanges that are still to be looked into.
    pending: Vec<ExchangeId>,
    /// Exchanges that were ever pending, sorted: each gets a message once, so cycles end.
    visited: Vec<ExchangeId>,
    walk: Walk,
}

/// Routing keys, one behind the other.
#[derive(Debug, Default)]
struct Keys {
    text: String,
    ends: Vec<usize>,
}

impl Keys {
    fn push(&mut self, key: &str) {
        self.text.push_str(key);
        self.ends.push(self.text.len());
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.text[begin..*end])
    }
}

impl Routes {
    /// The queues of the message routed last, each once, in the order of declaration.
    pub fn queues(&self) -> &[QueueId] {
        &self.queues
    }

    fn begin(&mut self, message: &Message<'_>) -> Result<(), Refusal> {
        self.keys.text.clear();
        self.keys.ends.clear();
        self.keys.push(message.routing_key);
        for header in COPY_HEADERS {
            let found = message.headers.texts(header, &mut |key| self.keys.push(key));
            found.map_err(|kind| {
                Refusal::precondition(format!(
                    "invalid message: {{unacceptable_type_in_header,\"{header}\",{kind}}}"
                ))
            })?;
        }
        self.pending.clear();
        self.visited.clear();
        Ok(())
    }

    fn visit(&mut self, exchange: ExchangeId) {
        if let Err(at) = self.visited.binary_search(&exchange) {
            self.visited.insert(at, exchange);
            self.pending.push(exchange);
        }
    }
}

impl Broker {
    /// Finds the queues of a message, which may be none. Refuses what is published to an exchange
    /// that is not there or is internal, and a `CC` or `BCC` that is no list.
    pub fn route(&self, message: &Message<'_>, routes: &mut Routes) -> Result<(), Refusal> {
        routes.queues.clear();
        let gone = || Refusal::no_vhost(&message.vhost.0.to_string());
        let vhost = self.vhosts.get(&message.vhost).ok_or_else(gone)?;
        let exchange = vhost.exchange(message.exchange)?;
        if self.exchanges[&exchange].spec.internal {
            let described = Described::exchange(message.exchange, &vhost.name);
            return Err(Refusal::access(format!("cannot publish to internal {described}")));
        }
        routes.begin(message)?;
        routes.visit(exchange);
        while let Some(exchange) = routes.pending.pop() {
            self.pass(exchange, vhost, message.headers, routes);
        }
        routes.queues.sort_unstable();
        routes.queues.dedup();
        Ok(())
    }

    /// Passes a message through one exchange.
    fn pass(&self, id: ExchangeId, vhost: &VHost, headers: &dyn Headers, routes: &mut Routes) {
        let exchange = &self.exchanges[&id];
        if exchange.spec.name.as_str() == DEFAULT_EXCHANGE {
            let queues = routes.keys.iter().filter_map(|key| vhost.queues.get(key));
            return routes.queues.extend(queues);
        }
        let Routes { keys, found, walk, .. } = routes;
        found.clear();
        exchange.index.collect(keys.iter(), headers, walk, found);
        if routes.found.is_empty()
            && let Some(alternate) = exchange.alternate()
            && let Some(alternate) = vhost.exchanges.get(alternate)
        {
            return routes.visit(*alternate);
        }
        for at in 0..routes.found.len() {
            match routes.found[at] {
                Destination::Queue(queue) => routes.queues.push(queue),
                Destination::Exchange(next) => routes.visit(next),
            }
        }
    }
}
