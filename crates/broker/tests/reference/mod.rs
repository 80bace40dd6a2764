//! A naive broker: lists of names, searched from end to end. It shares no code with the real one.

use courant_broker::{
    Bind, Command, ConnectionId, DeclareExchange, DeclareQueue, Scalar, Table, To, Value,
};

#[derive(Debug, Default)]
pub(crate) struct Reference {
    vhosts: Vec<RefVHost>,
}

#[derive(Debug, Default)]
struct RefVHost {
    name: String,
    exchanges: Vec<DeclareExchange>,
    /// In the order of declaration.
    queues: Vec<DeclareQueue>,
    bindings: Vec<Bind>,
}

/// Whether something changed, or the code of the refusal.
pub(crate) type Answer = Result<bool, u16>;

const PREDECLARED: [(&str, &str); 6] = [
    ("", "direct"),
    ("amq.direct", "direct"),
    ("amq.fanout", "fanout"),
    ("amq.topic", "topic"),
    ("amq.headers", "headers"),
    ("amq.match", "headers"),
];

fn same_binding(a: &Bind, b: &Bind) -> bool {
    a.source == b.source && a.to == b.to && a.key == b.key && a.arguments == b.arguments
}

fn is_durable(queue: &DeclareQueue) -> bool {
    queue.durable && !queue.exclusive
}

fn owner(queue: &DeclareQueue) -> Option<ConnectionId> {
    queue.exclusive.then_some(queue.connection)
}

fn alternate(exchange: &DeclareExchange) -> Option<&str> {
    exchange.arguments.get("alternate-exchange")?.as_text()
}

impl Reference {
    pub(crate) fn ask(&mut self, command: &Command) -> Answer {
        match command {
            Command::CreateVHost(name) => {
                if self.vhosts.iter().any(|vhost| vhost.name == name.as_str()) {
                    return Ok(false);
                }
                self.vhosts.push(RefVHost::new(name));
                Ok(true)
            }
            Command::DeleteVHost(name) => {
                let at = self.vhosts.iter().position(|vhost| vhost.name == name.as_str());
                self.vhosts.remove(at.ok_or(530u16)?);
                Ok(true)
            }
            Command::DeclareExchange(it) => self.vhost(&it.vhost)?.declare_exchange(it),
            Command::DeclareQueue(it) => self.vhost(&it.vhost)?.declare_queue(it),
            Command::Bind(it) => self.vhost(&it.vhost)?.bind(it),
            Command::Unbind(it) => self.vhost(&it.vhost)?.unbind(it),
            Command::DeleteExchange(it) => {
                self.vhost(&it.vhost)?.delete_exchange(&it.name, it.if_unused)
            }
            Command::DeleteQueue(it) => {
                let vhost = self.vhost(&it.vhost)?;
                let Some(queue) = vhost.queue(&it.name) else { return Ok(false) };
                if it.connection.is_some() && owner(queue).is_some_and(|o| Some(o) != it.connection)
                {
                    return Err(405);
                }
                if it.if_empty && it.messages > 0 || it.if_unused && it.consumers > 0 {
                    return Err(406);
                }
                vhost.drop_queues(|queue| queue.name == it.name);
                Ok(true)
            }
            Command::CloseConnection(connection) => Ok(self
                .vhosts
                .iter_mut()
                .map(|vhost| vhost.drop_queues(|queue| owner(queue) == Some(*connection)))
                .fold(false, |any, one| any | one)),
            Command::Restart => {
                let restart = |vhost: &mut RefVHost| {
                    let kept = vhost.exchanges.iter().filter(|it| !it.durable);
                    let transient: Vec<_> = kept.map(|it| it.name.to_string()).collect();
                    let any = vhost.drop_queues(|queue| !is_durable(queue));
                    transient.iter().for_each(|name| vhost.drop_exchange(name));
                    any | !transient.is_empty()
                };
                Ok(self.vhosts.iter_mut().map(restart).fold(false, |any, one| any | one))
            }
        }
    }

    /// The names of the queues, in the order of declaration.
    pub(crate) fn route(
        &self,
        vhost: &str,
        exchange: &str,
        key: &str,
        headers: &Table,
    ) -> Result<Vec<String>, u16> {
        let vhost = self.vhosts.iter().find(|it| it.name == vhost).ok_or(530u16)?;
        if vhost.exchange(exchange).ok_or(404u16)?.internal {
            return Err(403);
        }
        let mut keys = vec![key.to_string()];
        for header in ["CC", "BCC"] {
            match headers.get(header) {
                None => {}
                Some(Value::List(more)) => {
                    keys.extend(more.iter().filter_map(|key| key.as_text().map(str::to_string)));
                }
                Some(_) => return Err(406),
            }
        }
        let mut reached = vec![To::Exchange(courant_broker::Name::new(exchange).expect("short"))];
        let mut at = 0;
        while at < reached.len() {
            if let To::Exchange(name) = reached[at].clone() {
                for to in vhost.next(&name, &keys, headers) {
                    if !reached.contains(&to) {
                        reached.push(to);
                    }
                }
            }
            at += 1;
        }
        let is_reached = |queue: &&DeclareQueue| reached.contains(&To::Queue(queue.name.clone()));
        Ok(vhost.queues.iter().filter(is_reached).map(|it| it.name.to_string()).collect())
    }

    /// Everything as lines of text, sorted.
    pub(crate) fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for vhost in &self.vhosts {
            let at = &vhost.name;
            for it in &vhost.exchanges {
                let (name, kind) = (&it.name, &it.kind);
                let flags = (it.durable, it.auto_delete, it.internal);
                lines.push(format!("{at} exchange {name} {kind} {flags:?} {:?}", it.arguments));
            }
            for it in &vhost.queues {
                let flags = (is_durable(it), owner(it), it.auto_delete);
                lines.push(format!("{at} queue {} {flags:?} {:?}", it.name, it.arguments));
            }
            for it in &vhost.bindings {
                let parts = (&it.source, &it.to, &it.key, &it.arguments);
                lines.push(format!("{at} binding {parts:?}"));
            }
        }
        lines.sort();
        lines
    }

    fn vhost(&mut self, name: &str) -> Result<&mut RefVHost, u16> {
        self.vhosts.iter_mut().find(|vhost| vhost.name == name).ok_or(530)
    }
}

impl RefVHost {
    fn new(name: &str) -> RefVHost {
        let text = |text: &str| courant_broker::Name::new(text).expect("short");
        let exchanges = PREDECLARED.map(|(exchange, kind)| DeclareExchange {
            vhost: text(name),
            name: text(exchange),
            kind: text(kind),
            durable: true,
            auto_delete: false,
            internal: false,
            arguments: Table::new(),
        });
        RefVHost { name: name.into(), exchanges: exchanges.into(), ..RefVHost::default() }
    }

    fn exchange(&self, name: &str) -> Option<&DeclareExchange> {
        self.exchanges.iter().find(|it| it.name.as_str() == name)
    }

    fn queue(&self, name: &str) -> Option<&DeclareQueue> {
        self.queues.iter().find(|it| it.name.as_str() == name)
    }

    fn declare_exchange(&mut self, it: &DeclareExchange) -> Answer {
        if !["direct", "fanout", "topic", "headers"].contains(&it.kind.as_str()) {
            return Err(406);
        }
        if it.name.is_empty() {
            return Err(403);
        }
        if let Some(known) = self.exchange(&it.name) {
            let is_same = known.kind == it.kind
                && known.durable == it.durable
                && known.auto_delete == it.auto_delete
                && known.internal == it.internal
                && alternate(known) == alternate(it);
            return if is_same { Ok(false) } else { Err(406) };
        }
        if it.name.starts_with("amq.") {
            return Err(403);
        }
        self.exchanges.push(it.clone());
        Ok(true)
    }

    fn declare_queue(&mut self, it: &DeclareQueue) -> Answer {
        if it.name.starts_with("amq.") && !it.server_named {
            return Err(403);
        }
        let ttl = |queue: &DeclareQueue| queue.arguments.get("x-message-ttl").cloned();
        let Some(known) = self.queue(&it.name) else {
            if ttl(it).is_some_and(|ttl| ttl.integer().is_none_or(|ttl| ttl < 0)) {
                return Err(406);
            }
            self.queues.push(it.clone());
            return Ok(true);
        };
        if owner(known) != owner(it) {
            return Err(405);
        }
        let number = |queue| ttl(queue).map(|ttl| (ttl.integer(), ttl.as_text().is_some()));
        let is_same = is_durable(known) == is_durable(it)
            && known.auto_delete == it.auto_delete
            && number(known) == number(it);
        if is_same { Ok(false) } else { Err(406) }
    }

    fn is_there(&self, to: &To) -> bool {
        match to {
            To::Queue(name) => self.queue(name).is_some(),
            To::Exchange(name) => self.exchange(name).is_some(),
        }
    }

    fn is_locked(&self, bind: &Bind) -> bool {
        let To::Queue(name) = &bind.to else { return false };
        self.queue(name).and_then(owner).is_some_and(|owner| owner != bind.connection)
    }

    fn names_default(bind: &Bind) -> bool {
        bind.source.is_empty() || matches!(&bind.to, To::Exchange(name) if name.is_empty())
    }

    fn bind(&mut self, bind: &Bind) -> Answer {
        if RefVHost::names_default(bind) {
            return Err(403);
        }
        let Some(source) = self.exchange(&bind.source) else { return Err(404) };
        if !self.is_there(&bind.to) {
            return Err(404);
        }
        if self.is_locked(bind) {
            return Err(405);
        }
        let how = bind.arguments.get("x-match").map(|how| how.as_text().unwrap_or("?").to_string());
        let known = ["all", "any", "all-with-x", "any-with-x"];
        let is_wrong = how.is_some_and(|how| !known.contains(&how.as_str()));
        if source.kind.as_str() == "headers" && is_wrong {
            return Err(406);
        }
        if self.bindings.iter().any(|known| same_binding(known, bind)) {
            return Ok(false);
        }
        self.bindings.push(bind.clone());
        Ok(true)
    }

    fn unbind(&mut self, bind: &Bind) -> Answer {
        if RefVHost::names_default(bind) {
            return Err(403);
        }
        if !self.bindings.iter().any(|known| same_binding(known, bind)) {
            return Ok(false);
        }
        if self.is_locked(bind) {
            return Err(405);
        }
        self.drop_bindings(|known| same_binding(known, bind));
        Ok(true)
    }

    fn delete_exchange(&mut self, name: &str, if_unused: bool) -> Answer {
        if name.is_empty() || name.starts_with("amq.") {
            return Err(403);
        }
        if self.exchange(name).is_none() {
            return Ok(false);
        }
        if if_unused && self.bindings.iter().any(|it| it.source.as_str() == name) {
            return Err(406);
        }
        self.drop_exchange(name);
        Ok(true)
    }

    fn drop_exchange(&mut self, name: &str) {
        self.exchanges.retain(|it| it.name.as_str() != name);
        self.bindings.retain(|it| it.source.as_str() != name);
        self.drop_bindings(|it| matches!(&it.to, To::Exchange(to) if to.as_str() == name));
    }

    fn drop_queues(&mut self, which: impl Fn(&DeclareQueue) -> bool) -> bool {
        let before = self.queues.len();
        let gone: Vec<_> = self.queues.iter().filter(|it| which(it)).cloned().collect();
        self.queues.retain(|it| !which(it));
        for queue in &gone {
            self.drop_bindings(|it| it.to == To::Queue(queue.name.clone()));
        }
        self.queues.len() != before
    }

    /// Drops bindings, and every auto-delete exchange that has lost its last one.
    fn drop_bindings(&mut self, which: impl Fn(&Bind) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.bindings).into_iter().partition(|it| which(it));
        self.bindings = kept;
        let gone: Vec<Bind> = gone;
        for lost in gone {
            let is_unbound = !self.bindings.iter().any(|it| it.source == lost.source);
            let is_auto = self.exchange(&lost.source).is_some_and(|it| it.auto_delete);
            if is_unbound && is_auto {
                self.drop_exchange(&lost.source);
            }
        }
    }

    /// Where one exchange passes a message on to.
    fn next(&self, exchange: &str, keys: &[String], headers: &Table) -> Vec<To> {
        let Some(exchange) = self.exchange(exchange) else { return Vec::new() };
        if exchange.name.is_empty() {
            let queues = self.queues.iter().filter(|it| keys.contains(&it.name.to_string()));
            return queues.map(|it| To::Queue(it.name.clone())).collect();
        }
        let takes = |bind: &&Bind| {
            bind.source == exchange.name
                && match exchange.kind.as_str() {
                    "direct" => keys.contains(&bind.key.to_string()),
                    "fanout" => true,
                    "topic" => keys.iter().any(|key| topic_matches(&words(&bind.key), &words(key))),
                    _ => headers_match(&bind.arguments, headers),
                }
        };
        let to: Vec<To> = self.bindings.iter().filter(takes).map(|it| it.to.clone()).collect();
        match alternate(exchange).filter(|_| to.is_empty()) {
            Some(name) => vec![To::Exchange(courant_broker::Name::new(name).expect("short"))],
            None => to,
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split('.').collect() }
}

fn topic_matches(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern.split_first(), key.split_first()) {
        (None, None) => true,
        (Some((&"#", rest)), _) => (0..=key.len()).any(|at| topic_matches(rest, &key[at..])),
        (Some((wanted, rest)), Some((word, key))) => {
            (*wanted == "*" || wanted == word) && topic_matches(rest, key)
        }
        _ => false,
    }
}

fn headers_match(wanted: &Table, headers: &Table) -> bool {
    let how = wanted.get("x-match").and_then(Value::as_text).unwrap_or("all");
    let counted = wanted.iter().filter(|(name, _)| {
        name.as_str() != "x-match" && (how.ends_with("-with-x") || !name.starts_with("x-"))
    });
    let found = counted.map(|(name, value)| {
        let header = headers.get(name).map(Value::scalar);
        header.is_some_and(|header| value.scalar() == Scalar::Void || value.scalar() == header)
    });
    let found: Vec<bool> = found.collect();
    if how.starts_with("any") { found.contains(&true) } else { !found.contains(&false) }
}
