//! The broker against a naive one: random topologies, every answer, the whole state and the way of
//! a message compared after each step.
//!
//! In between, snapshots are made a section at a time, and the broker is replaced by one recovered
//! from changes or a snapshot.
//!
//! `COURANT_TOPOLOGY_COMMANDS` sets how many commands are made, `COURANT_TOPOLOGY_SEED` repeats one
//! world.

mod reference;
mod world;

use courant_broker::{
    Bind, Broker, Change, Command, ConnectionId, Cursor, DeclareExchange, DeclareQueue,
    DeleteExchange, DeleteQueue, Destination, Limits, Message, Name, Section, Table, To, Value,
};
use fastrand::Rng;
use reference::Reference;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use world::{World, digest, loaded, name, table, text};

/// What a build without optimisation does in 20 s or so.
const COMMANDS: u64 = 40_000;
const COMMANDS_PER_WORLD: u64 = 2_000;

const VHOSTS: [&str; 2] = ["/", "v"];
const EXCHANGES: [&str; 12] = [
    "",
    "amq.direct",
    "amq.fanout",
    "amq.topic",
    "amq.headers",
    "amq.mine",
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
];
const QUEUES: [&str; 8] = ["amq.gen", "q", "p", "o", "a", "b", "a.b", "k"];
const KEYS: [&str; 10] = ["", "a", "k", "a.b", "b.a", "a.#", "#", "*.b", "#.a.*", "a..b"];

struct Trial {
    rng: Rng,
    world: World,
    reference: Reference,
    /// The sections of a snapshot on its way, its cursor, and the changes before it began.
    snapshot: Option<(Vec<Vec<u8>>, Cursor, usize)>,
    /// The highest number given out so far.
    highest: u64,
    seen: Seen,
}

/// What happened at all.
#[derive(Debug, Default)]
struct Seen {
    answers: BTreeMap<Result<bool, u16>, u64>,
    routed: BTreeMap<usize, u64>,
    unpublishable: u64,
    recovered: u64,
    auto_deleted: u64,
}

impl Trial {
    fn new(seed: u64) -> Trial {
        let world = World::empty(Limits::default());
        let (reference, seen) = (Reference::default(), Seen::default());
        Trial { rng: Rng::with_seed(seed), world, reference, snapshot: None, highest: 0, seen }
    }

    fn run(&mut self, commands: u64) {
        for _ in 0..commands {
            self.step();
            self.compare();
            self.route();
            self.snapshot_on();
        }
        let journal = std::mem::take(&mut self.world.journal);
        let mut replayed = Broker::new(Limits::default());
        journal.iter().for_each(|bytes| replayed.evolve(&Change::decode(bytes).expect("sound")));
        assert!(digest(&replayed) == digest(&self.world.broker), "replaying gives another state");
    }

    fn step(&mut self) {
        let command = self.command();
        let before = (self.rng.u32(..8) == 0).then(|| digest(&self.world.broker));
        let answer = self.world.try_ask(&command);
        if let Ok(Some(change)) = &answer {
            self.look_at(change);
        }
        let answer = answer.map(|change| change.is_some()).map_err(|it| it.code.number());
        assert_eq!(answer, self.reference.ask(&command), "asked for {command:?}");
        if answer != Ok(true) {
            let same = before.is_none_or(|before| before == digest(&self.world.broker));
            assert!(same, "what changed nothing changed something: {command:?}");
        }
        *self.seen.answers.entry(answer).or_default() += 1;
    }

    fn look_at(&mut self, change: &Change) {
        let number = match change {
            Change::Unbound { exchanges, .. } => {
                self.seen.auto_deleted += exchanges.len() as u64;
                return;
            }
            Change::VHostCreated { id, .. } => id.0,
            Change::ExchangeDeclared { id, .. } => id.0,
            Change::QueueDeclared { id, .. } => id.0,
            _ => return,
        };
        assert!(number > self.highest, "{number} was given out before: {change:?}");
        self.highest = number;
    }

    fn pick(&mut self, from: &[&str]) -> Name {
        name(from[self.rng.usize(..from.len())])
    }

    fn vhost(&mut self) -> Name {
        name(VHOSTS[usize::from(self.rng.u32(..5) == 0)])
    }

    fn rarely(&mut self) -> bool {
        self.rng.u32(..6) == 0
    }

    fn command(&mut self) -> Command {
        let (vhost, connection) = (self.vhost(), ConnectionId(self.rng.u64(..3)));
        match self.rng.u32(..1_000) {
            0..2 => Command::DeleteVHost(vhost),
            2..30 => Command::CreateVHost(vhost),
            30..35 => Command::Restart,
            35..50 => Command::CloseConnection(connection),
            50..250 => Command::DeclareExchange(self.exchange(vhost)),
            250..300 => {
                let (name, if_unused) = (self.pick(&EXCHANGES), self.rng.bool());
                Command::DeleteExchange(DeleteExchange { vhost, name, if_unused })
            }
            300..450 => Command::DeclareQueue(self.queue(vhost, connection)),
            450..500 => Command::DeleteQueue(DeleteQueue {
                vhost,
                name: self.pick(&QUEUES),
                connection: self.rng.bool().then_some(connection),
                if_unused: self.rarely(),
                if_empty: self.rarely(),
                consumers: self.rng.u64(..2),
                messages: self.rng.u64(..2),
            }),
            500..850 => Command::Bind(self.bind(vhost, connection)),
            _ => Command::Unbind(self.known_bind(vhost, connection)),
        }
    }

    fn exchange(&mut self, vhost: Name) -> DeclareExchange {
        let name = self.pick(&EXCHANGES);
        // Mostly the same for a name, so that much of it is there.
        let usual = ["direct", "fanout", "topic", "headers"]
            [name.len().wrapping_add(name.bytes().map(usize::from).sum::<usize>()) % 4];
        let kind =
            if self.rarely() { self.pick(&["fanout", "topic", "odd"]) } else { crate::name(usual) };
        let mut arguments = Table::new();
        if self.rarely() {
            let alternate = Value::text(&self.pick(&EXCHANGES));
            arguments.insert(crate::name("alternate-exchange"), alternate);
        }
        let (durable, internal) = (!self.rarely(), self.rarely() && self.rng.bool());
        let auto_delete = self.rng.u32(..3) == 0;
        DeclareExchange { vhost, name, kind, durable, auto_delete, internal, arguments }
    }

    fn queue(&mut self, vhost: Name, connection: ConnectionId) -> DeclareQueue {
        let ttl = [Value::Int(1), Value::Long(1), Value::Int(2), Value::Int(-1), text("1")];
        let arguments = match self.rarely() {
            true => table(&[("x-message-ttl", ttl[self.rng.usize(..ttl.len())].clone())]),
            false => Table::new(),
        };
        DeclareQueue {
            vhost,
            name: self.pick(&QUEUES),
            server_named: self.rng.bool(),
            connection,
            durable: !self.rarely(),
            exclusive: self.rarely(),
            auto_delete: self.rarely(),
            arguments,
        }
    }

    fn headers(&mut self) -> Table {
        let mut headers = Table::new();
        for header in ["h", "x-h", "g"] {
            let values = [Value::Int(1), Value::Long(1), text("1"), Value::Void, Value::Bool(true)];
            if self.rng.bool() {
                headers.insert(name(header), values[self.rng.usize(..values.len())].clone());
            }
        }
        headers
    }

    fn bind(&mut self, vhost: Name, connection: ConnectionId) -> Bind {
        let to = match self.rng.u32(..3) {
            0 => To::Exchange(self.pick(&EXCHANGES)),
            _ => To::Queue(self.pick(&QUEUES)),
        };
        let source = self.pick(&EXCHANGES);
        let mut arguments = Table::new();
        if source.as_str() == "amq.headers" || self.rarely() {
            arguments = self.headers();
            let how = ["all", "any", "all-with-x", "any-with-x", "odd"][self.rng.usize(..5)];
            arguments.insert(name("x-match"), text(how));
        }
        Bind { vhost, source, to, key: self.pick(&KEYS), arguments, connection }
    }

    /// Often one that is bound.
    fn known_bind(&mut self, vhost: Name, connection: ConnectionId) -> Bind {
        let mut bind = self.bind(vhost, connection);
        let broker = &self.world.broker;
        let Ok(id) = broker.find_exchange(&bind.vhost, &bind.source) else { return bind };
        let bindings: Vec<_> = broker.exchange(id).expect("found").bindings().collect();
        if bindings.is_empty() || self.rng.u32(..5) == 0 {
            return bind;
        }
        let known = bindings[self.rng.usize(..bindings.len())];
        bind.to = self.world.to(known.destination);
        (bind.key, bind.arguments) = (known.key.clone(), known.arguments.clone());
        bind
    }

    fn compare(&mut self) {
        assert_eq!(self.world.describe(), self.reference.describe());
    }

    fn route(&mut self) {
        let (vhost, exchange, key) = (self.vhost(), self.pick(&EXCHANGES), self.pick(&KEYS));
        let mut headers = self.headers();
        if self.rarely() {
            let keys = (0..2).map(|_| Value::text(&self.pick(&KEYS))).collect();
            let copies = if self.rarely() { Value::Int(1) } else { Value::List(keys) };
            headers.insert(self.pick(&["CC", "BCC"]), copies);
        }
        let expected = self.reference.route(&vhost, &exchange, &key, &headers);
        let World { broker, routes, .. } = &mut self.world;
        let routed = broker.vhost_id(&vhost).and_then(|vhost| {
            let (exchange, routing_key) = (exchange.as_str(), key.as_str());
            broker.route(&Message { vhost, exchange, routing_key, headers: &headers }, routes)
        });
        let routed = routed.map(|()| {
            let queues = self.world.routes.queues().iter();
            queues.map(|id| self.world.queue_name(*id)).collect::<Vec<_>>()
        });
        match &routed {
            Ok(queues) => *self.seen.routed.entry(queues.len()).or_default() += 1,
            Err(_) => self.seen.unpublishable += 1,
        }
        let routed = routed.map_err(|refusal| refusal.code.number());
        assert_eq!(routed, expected, "{vhost} {exchange:?} {key:?} {headers:?}");
    }

    /// Goes on with a snapshot now and then, and recovers from it when it is done.
    fn snapshot_on(&mut self) {
        if self.rng.u32(..4) != 0 {
            return;
        }
        let begin = || (Vec::new(), Cursor::BEGIN, self.world.journal.len());
        let (mut sections, cursor, begun) = self.snapshot.take().unwrap_or_else(begin);
        let mut section = Vec::new();
        let next = self.world.broker.snapshot_section(cursor, self.rng.usize(1..6), &mut section);
        sections.push(section);
        if let Section::More(cursor) = next {
            self.snapshot = Some((sections, cursor, begun));
            return;
        }
        let mut recovered = loaded(&sections);
        for bytes in &self.world.journal[begun..] {
            recovered.evolve(&Change::decode(bytes).expect("it was encoded"));
        }
        assert!(digest(&recovered) == digest(&self.world.broker), "the snapshot is not exact");
        self.world.broker = recovered;
        self.seen.recovered += 1;
    }
}

impl World {
    fn to(&self, destination: Destination) -> To {
        match destination {
            Destination::Queue(id) => To::Queue(name(&self.queue_name(id))),
            Destination::Exchange(id) => {
                To::Exchange(self.broker.exchange(id).expect("it is there").spec().name.clone())
            }
        }
    }

    /// As [`Reference::describe`].
    fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (_, vhost) in self.broker.vhosts() {
            let (at, mut bindings) = (vhost.name(), 0);
            for (_, id) in vhost.exchanges() {
                let exchange = self.broker.exchange(id).expect("it is listed");
                let it = exchange.spec();
                let (name, kind) = (&it.name, it.kind.name());
                let flags = (it.durable, it.auto_delete, it.internal);
                lines.push(format!("{at} exchange {name} {kind} {flags:?} {:?}", it.arguments));
                for binding in exchange.bindings() {
                    let to = self.to(binding.destination);
                    let parts = (&it.name, to, &binding.key, &binding.arguments);
                    lines.push(format!("{at} binding {parts:?}"));
                }
                bindings += exchange.bindings_count();
            }
            assert_eq!(vhost.bindings_count(), bindings);
            for (_, id) in vhost.queues() {
                let it = self.broker.queue(id).expect("it is listed").spec();
                let flags = (it.durable, it.exclusive, it.auto_delete);
                lines.push(format!("{at} queue {} {flags:?} {:?}", it.name, it.arguments));
            }
        }
        lines.sort();
        lines
    }
}

fn number_from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")))
}

/// Another one in every run, unless one is asked for.
fn first_seed() -> u64 {
    let random = || RandomState::new().hash_one("topology") >> 16;
    number_from_env("COURANT_TOPOLOGY_SEED").unwrap_or_else(random)
}

#[test]
fn the_broker_answers_as_the_reference_does() {
    let commands = number_from_env("COURANT_TOPOLOGY_COMMANDS").unwrap_or(COMMANDS);
    let worlds = commands.div_ceil(COMMANDS_PER_WORLD);
    let one = number_from_env("COURANT_TOPOLOGY_SEED").is_some();
    let mut seen = Seen::default();
    for seed in (first_seed()..).take(if one { 1 } else { worlds as usize }) {
        println!("COURANT_TOPOLOGY_SEED={seed}");
        let mut trial = Trial::new(seed);
        trial.run(COMMANDS_PER_WORLD.min(commands));
        seen.add(trial.seen);
    }
    println!("{seen:#?}");
    if !one && commands >= COMMANDS {
        seen.assert_everything();
    }
}

impl Seen {
    fn add(&mut self, other: Seen) {
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
        for (queues, count) in other.routed {
            *self.routed.entry(queues).or_default() += count;
        }
        self.unpublishable += other.unpublishable;
        self.recovered += other.recovered;
        self.auto_deleted += other.auto_deleted;
    }

    /// The test is only worth its name if it went everywhere.
    fn assert_everything(&self) {
        let answers = [Ok(true), Ok(false), Err(403), Err(404), Err(405), Err(406), Err(530)];
        let missing = answers.iter().find(|answer| !self.answers.contains_key(answer));
        assert_eq!(missing, None, "{self:#?}");
        assert!((0..4).all(|queues| self.routed.contains_key(&queues)), "{self:#?}");
        let rare = [self.unpublishable, self.recovered, self.auto_deleted];
        assert!(rare.iter().all(|count| *count > 0), "{self:#?}");
    }
}
