//! A broker whose every change goes through its bytes, and short ways to ask it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use courant_broker::{
    Bind, Broker, Change, Command, ConnectionId, Cursor, DeclareExchange, DeclareQueue,
    DeleteExchange, DeleteQueue, Limits, Message, Name, QueueId, Refusal, Routes, Section, Table,
    To, Value,
};

pub(crate) const ME: ConnectionId = ConnectionId(1);
pub(crate) const OTHER: ConnectionId = ConnectionId(2);

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a short text")
}

pub(crate) fn table(values: &[(&str, Value)]) -> Table {
    values.iter().map(|(key, value)| (name(key), value.clone())).collect()
}

pub(crate) fn text(text: &str) -> Value {
    Value::text(text)
}

pub(crate) fn sections(broker: &Broker, entries_max: usize) -> Vec<Vec<u8>> {
    let (mut sections, mut next) = (Vec::new(), Section::More(Cursor::BEGIN));
    while let Section::More(cursor) = next {
        let mut section = Vec::new();
        next = broker.snapshot_section(cursor, entries_max, &mut section);
        sections.push(section);
    }
    sections
}

/// The whole state as bytes.
pub(crate) fn digest(broker: &Broker) -> Vec<u8> {
    sections(broker, usize::MAX).concat()
}

pub(crate) fn loaded(sections: &[Vec<u8>]) -> Broker {
    let mut broker = Broker::new(Limits::default());
    sections.iter().for_each(|section| broker.load_section(section).expect("a sound section"));
    broker
}

pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) journal: Vec<Vec<u8>>,
    pub(crate) routes: Routes,
}

/// What it came to: whether something changed, or the reply text.
pub(crate) type Answer = Result<bool, String>;

impl World {
    pub(crate) fn empty(limits: Limits) -> World {
        let (journal, routes) = (Vec::new(), Routes::default());
        World { broker: Broker::new(limits), journal, routes }
    }

    /// One with the virtual host `/`.
    pub(crate) fn new() -> World {
        World::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> World {
        let mut world = World::empty(limits);
        assert_eq!(world.ask(Command::CreateVHost(name("/"))), Ok(true));
        world
    }

    pub(crate) fn try_ask(&mut self, command: &Command) -> Result<Option<Change>, Refusal> {
        let change = self.broker.decide(command)?;
        if let Some(change) = &change {
            let mut bytes = Vec::new();
            change.encode(&mut bytes);
            let decoded = Change::decode(&bytes).expect("it was encoded");
            assert_eq!(&decoded, change);
            self.broker.evolve(&decoded);
            self.journal.push(bytes);
        }
        Ok(change)
    }

    pub(crate) fn ask(&mut self, command: Command) -> Answer {
        let answer = self.try_ask(&command);
        answer.map(|change| change.is_some()).map_err(|refusal| refusal.to_string())
    }

    pub(crate) fn exchange(&mut self, exchange: DeclareExchange) -> Answer {
        self.ask(Command::DeclareExchange(exchange))
    }

    pub(crate) fn queue(&mut self, queue: DeclareQueue) -> Answer {
        self.ask(Command::DeclareQueue(queue))
    }

    pub(crate) fn bind(&mut self, bind: Bind) -> Answer {
        self.ask(Command::Bind(bind))
    }

    pub(crate) fn unbind(&mut self, bind: Bind) -> Answer {
        self.ask(Command::Unbind(bind))
    }

    /// Declares queues with nothing special.
    pub(crate) fn queues(&mut self, names: &[&str]) {
        names.iter().for_each(|name| assert_eq!(self.queue(queue(name)), Ok(true)));
    }

    pub(crate) fn exchanges(&mut self, names: &[(&str, &str)]) {
        for (name, kind) in names {
            assert_eq!(self.exchange(exchange(name, kind)), Ok(true));
        }
    }

    pub(crate) fn has_exchange(&self, name: &str) -> bool {
        self.broker.find_exchange("/", name).is_ok()
    }

    pub(crate) fn queue_name(&self, id: QueueId) -> String {
        self.broker.queue(id).expect("it is there").spec().name.to_string()
    }

    /// The names of the queues of a message, joined by blanks; or the reply text.
    pub(crate) fn route(
        &mut self,
        exchange: &str,
        key: &str,
        headers: &Table,
    ) -> Result<String, String> {
        let vhost = self.broker.vhost_id("/").expect("it is there");
        let message = Message { vhost, exchange, routing_key: key, headers };
        let answer = self.broker.route(&message, &mut self.routes);
        answer.map_err(|refusal| refusal.to_string())?;
        let queues = self.routes.queues().iter();
        Ok(queues.map(|id| self.queue_name(*id)).collect::<Vec<_>>().join(" "))
    }

    pub(crate) fn routed(&mut self, exchange: &str, key: &str) -> String {
        self.route(exchange, key, &Table::new()).expect("it can be published to")
    }
}

pub(crate) fn exchange(text: &str, kind: &str) -> DeclareExchange {
    DeclareExchange {
        vhost: name("/"),
        name: name(text),
        kind: name(kind),
        durable: true,
        auto_delete: false,
        internal: false,
        arguments: Table::new(),
    }
}

pub(crate) fn queue(text: &str) -> DeclareQueue {
    DeclareQueue {
        vhost: name("/"),
        name: name(text),
        server_named: false,
        connection: ME,
        durable: true,
        exclusive: false,
        auto_delete: false,
        arguments: Table::new(),
    }
}

pub(crate) fn bind(source: &str, key: &str, to: &str) -> Bind {
    Bind {
        vhost: name("/"),
        source: name(source),
        to: To::Queue(name(to)),
        key: name(key),
        arguments: Table::new(),
        connection: ME,
    }
}

pub(crate) fn bind_exchange(source: &str, key: &str, to: &str) -> Bind {
    Bind { to: To::Exchange(name(to)), ..bind(source, key, to) }
}

pub(crate) fn delete_exchange(text: &str) -> Command {
    Command::DeleteExchange(DeleteExchange { vhost: name("/"), name: name(text), if_unused: false })
}

pub(crate) fn deletion(text: &str) -> DeleteQueue {
    DeleteQueue {
        vhost: name("/"),
        name: name(text),
        connection: Some(ME),
        if_unused: false,
        if_empty: false,
        consumers: 0,
        messages: 0,
    }
}

pub(crate) fn delete_queue(text: &str) -> Command {
    Command::DeleteQueue(deletion(text))
}
