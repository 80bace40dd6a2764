//! How many API keys there may be, and which give way to new ones.

use courant_engine::command::{Command, CreateKey};
use courant_engine::{
    Applied, Caller, Cursor, Decision, Engine, EngineOptions, Facts, Hints, KEYS_MAX, Key, Lsn,
    Outcome, Replay, SCOPE_ADMIN, Section, record,
};
use courant_ledger::{Reason, Timestamp};

const MAX: u32 = KEYS_MAX as u32;

struct Bench {
    engine: Engine,
    journal: Vec<(Lsn, Vec<u8>)>,
}

fn engine() -> Engine {
    let (recent_ids, open_payments_max) = (20_000, 100);
    Engine::new(EngineOptions { secret: 1, recent_ids, open_payments_max, generation: 0 })
}

/// A key that works until a time, in seconds.
fn key(number: u32, expires: Option<u64>) -> Command<'static> {
    let expires_at = expires.map(Timestamp::from_seconds);
    let (name, scopes, hash) = ("key", SCOPE_ADMIN, [7; 32]);
    Command::CreateKey(CreateKey { number, name, scopes, hash, expires_at })
}

fn revoke(number: u32) -> Command<'static> {
    Command::RevokeKey { number }
}

impl Bench {
    fn decide(&self, seconds: u64, command: &Command<'_>) -> Decision {
        let now = Timestamp::from_seconds(seconds);
        self.engine.decide(now, Caller::default(), command, &Facts::default())
    }

    fn record(&mut self, seconds: u64, command: &Command<'_>) -> Option<u32> {
        let Decision::Record(outcome) = self.decide(seconds, command) else {
            panic!("{command:?} is to be recorded at {seconds}")
        };
        let lsn = Lsn(self.engine.last().0 + 1);
        let at = self.engine.time_of(Timestamp::from_seconds(seconds));
        let (caller, hints) = (Caller::default(), Hints::default());
        let (mut command_bytes, mut bytes) = (Vec::new(), Vec::new());
        courant_engine::command::encode(command, &mut command_bytes);
        record::encode(at, caller, &command_bytes, &outcome, &mut bytes);
        self.journal.push((lsn, bytes));
        self.engine.evolve(Applied { lsn, at, caller, command, outcome: &outcome, hints });
        match outcome {
            Outcome::KeyCreated { instead_of } => instead_of,
            _ => None,
        }
    }

    /// As many keys as there may be, made at 100 s; some expire.
    fn full(expiring: &[(u32, u64)]) -> Bench {
        let mut bench = Bench { engine: engine(), journal: Vec::new() };
        for number in 1..=MAX {
            let expires = expiring.iter().find(|(n, _)| *n == number).map(|(_, at)| *at);
            assert_eq!(bench.record(100, &key(number, expires)), None);
        }
        bench
    }

    fn keys(&self) -> Vec<Key> {
        self.engine.keys().cloned().collect()
    }
}

#[test]
fn keys_that_no_longer_work_give_way_to_new_ones_and_no_others_do() {
    let mut bench = Bench::full(&[(50, 300), (20, 400)]);
    let full = Decision::Refused(Reason::KeysFull, None);
    assert_eq!(bench.decide(299, &key(MAX + 1, None)), full);
    bench.record(299, &revoke(70));
    assert_eq!(bench.record(299, &key(MAX + 1, None)), Some(70));
    assert_eq!(bench.decide(299, &key(MAX + 2, None)), full);
    bench.record(400, &revoke(10));
    for (number, gone) in [(MAX + 2, 10), (MAX + 3, 20), (MAX + 4, 50)] {
        assert_eq!(bench.record(400, &key(number, None)), Some(gone));
    }
    assert_eq!(bench.decide(400, &key(MAX + 5, None)), full);
    assert_eq!(bench.decide(400, &revoke(10)), Decision::Refused(Reason::KeyNotFound, None));
    assert_eq!(bench.keys().len(), KEYS_MAX);

    let mut replayed = engine();
    for (lsn, bytes) in &bench.journal {
        replayed.replay(*lsn, bytes, Replay::Exact).expect("it was encoded");
    }
    assert_eq!(replayed.keys().cloned().collect::<Vec<_>>(), bench.keys());
}

#[test]
fn a_snapshot_that_was_under_way_while_keys_gave_way_comes_to_the_same() {
    let mut bench = Bench::full(&[]);
    let begin = bench.engine.last();
    let mut sections = vec![Vec::new()];
    let mut next = bench.engine.snapshot_section(Cursor::BEGIN, 100, &mut sections[0]);
    // All of this is before the section of the keys is made.
    bench.record(200, &revoke(9));
    bench.record(200, &key(MAX + 1, None));
    bench.record(200, &revoke(MAX + 1));
    bench.record(200, &key(MAX + 2, None));
    bench.record(200, &revoke(3));
    while let Section::More(cursor) = next {
        let mut section = Vec::new();
        next = bench.engine.snapshot_section(cursor, 100, &mut section);
        sections.push(section);
    }
    let mut loaded = engine();
    for section in &sections {
        loaded.load_section(section).expect("it was made just now");
    }
    for (lsn, bytes) in bench.journal.iter().filter(|(lsn, _)| *lsn > begin) {
        loaded.replay(*lsn, bytes, Replay::Converging).expect("it was encoded");
    }
    assert_eq!(loaded.keys().cloned().collect::<Vec<_>>(), bench.keys());
}
