//! The engine with everything around it that its owner must do: journal, index of ids on disk,
//! snapshots, recovery.
//!
//! It plays the owner honestly and on one thread. Each record goes through its bytes, and every
//! restart goes through records and snapshot sections alone.

mod views;

use crate::reference::{Answer, Asker};
use courant_engine::command::{self, Command};
use courant_engine::{
    Caller, Candidates, Cursor, Decision, Engine, EngineOptions, Facts, Hints, Lsn, OpenPayment,
    Outcome, Record, Replay, Section, record,
};
use courant_ledger::{Id, TagDomain, Timestamp};
use std::collections::BTreeMap;

const SECRET: u128 = 0x5eed_0f1d_5eed_0f1d;

/// How often one command may be asked about again before the engine and its owner go round in
/// circles.
const ROUNDS_MAX: usize = 100;

/// The engine and its owner.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) journal: Vec<(Lsn, Vec<u8>)>,
    options: EngineOptions,
    /// Generations before this one are in `disk` and no longer in memory.
    on_disk: u64,
    disk: BTreeMap<u64, Vec<Lsn>>,
    /// The ids of all records up to this one are in `disk`.
    disk_through: Lsn,
    names: Vec<&'static str>,
    last_record: BTreeMap<&'static str, Lsn>,
    snapshot: Option<Snapshot>,
    /// What the rare ways were taken.
    pub(crate) marks: Marks,
}

/// How often each rare way was taken: the test's proof that it went there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) looks: u64,
    pub(crate) looks_on_disk: u64,
    pub(crate) cold_payments: u64,
    pub(crate) full_replays: u64,
    pub(crate) snapshot_recoveries: u64,
}

/// A snapshot in the making, or made.
#[derive(Debug)]
struct Snapshot {
    sections: Vec<Vec<u8>>,
    next: Section,
    /// The records from here on are not, or not all, in it.
    begin: usize,
    /// The records from here on came after its last section.
    end: usize,
}

impl World {
    pub(crate) fn new(recent_ids: usize, open_payments_max: usize) -> World {
        let options =
            EngineOptions { secret: SECRET, recent_ids, open_payments_max, generation: 0 };
        World {
            engine: Engine::new(options),
            journal: Vec::new(),
            options,
            on_disk: 0,
            disk: BTreeMap::new(),
            disk_through: Lsn::NONE,
            names: Vec::new(),
            last_record: BTreeMap::new(),
            snapshot: None,
            marks: Marks::default(),
        }
    }

    /// Decides a command, answers all of the engine's questions, and records what comes of it.
    /// `hints` may be of an earlier time.
    pub(crate) fn submit(
        &mut self,
        now: u64,
        asker: Asker,
        command: &Command<'static>,
        hints: Hints,
    ) -> Answer {
        let asked = Asked { hints, ..Asked::new(asker, command) };
        let mut facts = Facts::default();
        for _ in 0..ROUNDS_MAX {
            match self.decide(now, &asked, &facts) {
                Decision::Record(outcome) => return self.record(now, &asked, outcome),
                Decision::Refused(reason, at) => return Answer::Refused(reason, at),
                Decision::Look(candidates) => {
                    assert!(!candidates.is_empty(), "the engine says where to look");
                    self.marks.looks += 1;
                    if let Some(answer) = self.look(&asked, &candidates, &mut facts) {
                        return answer;
                    }
                }
                Decision::LookOnDisk => {
                    self.marks.looks_on_disk += 1;
                    if let Some(answer) = self.look_on_disk(&asked, &mut facts) {
                        return answer;
                    }
                }
            }
        }
        panic!("no decision after {ROUNDS_MAX} rounds: {command:?}");
    }

    /// Lets the payment whose time has come be executed or expire.
    pub(crate) fn fall_due(&mut self, now: u64) -> Option<(String, Answer)> {
        let id = self.engine.next_due(Timestamp(now))?;
        let command = Command::Due { payment: id.as_id() };
        let asked = Asked::new((0, None), &command);
        match self.decide(now, &asked, &Facts::default()) {
            Decision::Record(outcome) => Some((id.to_string(), self.record(now, &asked, outcome))),
            other => panic!("what is due is recorded, not {other:?}"),
        }
    }

    /// Decides twice: the same input must come to the same, with hints and without.
    fn decide(&self, now: u64, asked: &Asked<'_, '_>, facts: &Facts) -> Decision {
        let (now, caller, command) = (Timestamp(now), asked.caller, asked.command);
        let decision = self.engine.decide(now, caller, command, facts);
        let hinted = self.engine.decide_ahead(now, (caller, command), facts, asked.hints);
        assert_eq!(decision, hinted, "the same input, another decision");
        decision
    }

    fn record(&mut self, now: u64, asked: &Asked<'_, '_>, outcome: Outcome) -> Answer {
        let at = self.engine.time_of(Timestamp(now));
        let mut bytes = Vec::new();
        record::encode(at, asked.caller, &asked.bytes, &outcome, &mut bytes);
        let decoded = record::decode(&bytes).expect("what was encoded can be decoded");
        assert_eq!((decoded.at, decoded.caller), (at, asked.caller));
        assert_eq!(encoded(&decoded.command), asked.bytes, "a command survives its bytes");
        assert_eq!(decoded.outcome, outcome, "an outcome survives its bytes");
        drop(decoded);
        let (caller, command) = (asked.caller, asked.command);
        // Positions are opaque: leave gaps of changing width between them.
        let lsn = Lsn(self.engine.last().0 + 1 + bytes.len() as u64 % 3);
        let answer = Answer::Done(self.effect(lsn, command, &outcome));
        self.engine.evolve(courant_engine::Applied {
            lsn,
            at,
            caller,
            command,
            outcome: &outcome,
            hints: asked.hints,
        });
        self.journal.push((lsn, bytes));
        answer
    }

    fn index_of(&self, lsn: Lsn) -> usize {
        self.journal.binary_search_by_key(&lsn, |(at, _)| *at).expect("a position of the journal")
    }

    fn read(&self, lsn: Lsn) -> Record<'_> {
        record::decode(&self.journal[self.index_of(lsn)].1).expect("it was written")
    }

    /// Reads the records in question; the answer if one of them was an earlier one of the same
    /// command.
    fn look(
        &mut self,
        asked: &Asked<'_, '_>,
        candidates: &Candidates,
        facts: &mut Facts,
    ) -> Option<Answer> {
        for lsn in candidates {
            match self.relation(*lsn, asked) {
                Relation::Same(record) => return Some(self.repeat(asked, record)),
                Relation::Payment(payment) => {
                    self.marks.cold_payments += 1;
                    let newer = facts.payment.as_ref().is_none_or(|p| p.latest < payment.latest);
                    facts.payment = if newer { Some(payment) } else { facts.payment.take() };
                }
                Relation::None => facts.unrelated.push(*lsn),
            }
        }
        None
    }

    fn repeat(&self, asked: &Asked<'_, '_>, record: Lsn) -> Answer {
        let index = self.index_of(record);
        let bytes = record::command_bytes(&self.journal[index].1).expect("it was written");
        match (bytes == asked.bytes, asked.command) {
            (true, _) => Answer::Repeat(index),
            (false, Command::OpenAccount(_)) if !self.has_key_of(record, asked) => {
                Answer::Refused(courant_ledger::Reason::AccountExists, None)
            }
            (false, _) => Answer::Conflict,
        }
    }

    fn has_key_of(&self, record: Lsn, asked: &Asked<'_, '_>) -> bool {
        asked.caller.idempotency_key.is_some() && self.read(record).caller == asked.caller
    }

    fn relation(&self, lsn: Lsn, asked: &Asked<'_, '_>) -> Relation {
        let record = self.read(lsn);
        if self.has_key_of(lsn, asked) {
            return Relation::Same(lsn);
        }
        match asked.command {
            Command::OpenAccount(open) => match &record.command {
                Command::OpenAccount(earlier) if earlier.id == open.id => Relation::Same(lsn),
                _ => Relation::None,
            },
            Command::Pay(order) => self.origin(lsn, order.id),
            Command::PayGroup(orders) => {
                let relations = orders.iter().map(|order| self.origin(lsn, order.id));
                relations.into_iter().find(|r| *r != Relation::None).unwrap_or(Relation::None)
            }
            Command::Step(step) => {
                let same_child = match &record.command {
                    Command::Step(earlier) => {
                        earlier.payment == step.payment
                            && earlier.step.child().is_some()
                            && earlier.step.child() == step.step.child()
                    }
                    _ => false,
                };
                if same_child {
                    return Relation::Same(lsn);
                }
                payment_of(lsn, &record, step.payment).map_or(Relation::None, Relation::Payment)
            }
            _ => Relation::None,
        }
    }

    fn origin(&self, lsn: Lsn, id: Id<'_>) -> Relation {
        let payment = payment_of(lsn, &self.read(lsn), id);
        payment.map_or(Relation::None, |payment| Relation::Same(payment.origin))
    }

    /// Looks everywhere, in the order in which the engine looks in memory.
    fn look_on_disk(&mut self, asked: &Asked<'_, '_>, facts: &mut Facts) -> Option<Answer> {
        facts.searched_before = self.on_disk;
        for tag in self.tags(asked) {
            let mut found = self.engine.ids().candidates(tag);
            found.extend(self.disk.get(&tag).into_iter().flatten().copied());
            found.sort_unstable_by(|a, b| b.cmp(a));
            let answer = self.look(asked, &found, facts);
            if answer.is_some() {
                return answer;
            }
        }
        None
    }

    /// The tags under which a command may have been recorded before; of a group up to a repeated
    /// member.
    fn tags(&self, asked: &Asked<'_, '_>) -> Vec<u64> {
        let payment = |id: Id<'_>| self.engine.tag_of(TagDomain::Payment, &[], id.as_bytes());
        let mut tags = Vec::new();
        if let Some(key) = asked.caller.idempotency_key {
            let scope = asked.caller.key.to_le_bytes();
            tags.push(self.engine.tag_of(TagDomain::IdempotencyKey, &scope, key.as_bytes()));
        }
        match asked.command {
            Command::Pay(order) => tags.push(payment(order.id)),
            Command::PayGroup(orders) => {
                let fresh = |at: &usize| orders[..*at].iter().all(|o| o.id != orders[*at].id);
                tags.extend((0..orders.len()).take_while(fresh).map(|at| payment(orders[at].id)));
            }
            Command::Step(step) => {
                let scope = step.payment.as_str().as_bytes();
                let child = step.step.child();
                let child =
                    child.map(|c| self.engine.tag_of(TagDomain::Child, scope, c.as_bytes()));
                tags.extend(child);
                tags.push(payment(step.payment));
            }
            _ => {}
        }
        tags
    }

    /// Freezes the ids in memory: always when they are full.
    pub(crate) fn freeze_ids(&mut self, anyway: bool) {
        if anyway || self.engine.ids().is_full() {
            let frozen = self.engine.freeze_ids();
            assert!(frozen.through <= self.engine.last());
        }
    }

    /// Writes the oldest frozen generation to disk and forgets it in memory.
    pub(crate) fn write_ids(&mut self) {
        let Some(frozen) = self.engine.ids().frozen().first().cloned() else { return };
        assert_eq!(frozen.generation, self.on_disk, "generations have no gaps");
        for (tag, lsn) in frozen.entries() {
            self.disk.entry(tag).or_default().push(lsn);
        }
        self.on_disk += 1;
        self.disk_through = self.disk_through.max(frozen.through);
        let dropped = self.engine.drop_ids_through(frozen.generation);
        assert_eq!(dropped.len(), 1);
    }

    /// All of the state but the ids, as bytes.
    pub(crate) fn digest(&self) -> Vec<u8> {
        digest(&self.engine)
    }

    /// Makes one more section of a snapshot, and begins one if there is none.
    pub(crate) fn snapshot_on(&mut self, entries_max: usize) {
        if self.snapshot.is_none() {
            let begin = self.journal.len();
            let next = Section::More(Cursor::BEGIN);
            self.snapshot = Some(Snapshot { sections: Vec::new(), next, begin, end: begin });
        }
        let Some(snapshot) = &mut self.snapshot else { return };
        if let Section::More(cursor) = snapshot.next {
            let mut section = Vec::new();
            snapshot.next = self.engine.snapshot_section(cursor, entries_max, &mut section);
            snapshot.sections.push(section);
            snapshot.end = self.journal.len();
        }
    }

    /// Goes on with an engine that was made from the journal alone.
    pub(crate) fn recover_by_replay(&mut self) {
        let before = self.digest();
        self.disk.clear();
        self.on_disk = 0;
        self.disk_through = Lsn::NONE;
        self.engine = Engine::new(self.options);
        for at in 0..self.journal.len() {
            self.replay(at, Replay::Exact);
            self.freeze_ids(false);
        }
        assert_eq!(self.digest(), before, "the journal alone gives the same state");
        self.marks.full_replays += 1;
    }

    /// Goes on with an engine made from the last whole snapshot and the records since it began.
    /// False if there is none. With `crash_after`, a first attempt ends after so many records.
    pub(crate) fn recover_by_snapshot(&mut self, crash_after: Option<usize>) -> bool {
        if self.snapshot.as_ref().is_none_or(|s| s.next != Section::Last) {
            return false;
        }
        let Some(snapshot) = self.snapshot.take() else { return false };
        let before = self.digest();
        if let Some(records) = crash_after {
            self.restore(&snapshot, records);
        }
        self.restore(&snapshot, usize::MAX);
        assert_eq!(self.digest(), before, "a snapshot and the records since give the same state");
        self.marks.snapshot_recoveries += 1;
        true
    }

    fn restore(&mut self, snapshot: &Snapshot, records_max: usize) {
        self.engine = Engine::new(EngineOptions { generation: self.on_disk, ..self.options });
        for section in &snapshot.sections {
            self.engine.load_section(section).expect("a section that was made can be loaded");
        }
        let disk_through = self.disk_through;
        let needed = |at: &usize, journal: &[(Lsn, Vec<u8>)]| {
            *at >= snapshot.begin || journal[*at].0 > disk_through
        };
        let all: Vec<usize> =
            (0..self.journal.len()).filter(|at| needed(at, &self.journal)).collect();
        for at in all.into_iter().take(records_max) {
            if at < snapshot.begin {
                let (lsn, bytes) = &self.journal[at];
                self.engine.replay_ids(*lsn, bytes).expect("it was written");
            } else {
                let converging = at < snapshot.end;
                self.replay(at, if converging { Replay::Converging } else { Replay::Exact });
            }
            if self.engine.ids().is_full() {
                self.freeze_ids(true);
                self.write_ids();
            }
        }
    }

    fn replay(&mut self, at: usize, replay: Replay) {
        let (lsn, bytes) = &self.journal[at];
        self.engine.replay(*lsn, bytes, replay).expect("it was written");
    }
}

/// A command on its way.
struct Asked<'r, 'c> {
    caller: Caller<'c>,
    command: &'r Command<'c>,
    bytes: Vec<u8>,
    hints: Hints,
}

impl<'r, 'c> Asked<'r, 'c> {
    fn new(asker: Asker, command: &'r Command<'c>) -> Asked<'r, 'c> {
        let caller = Caller { key: asker.0, idempotency_key: asker.1 };
        Asked { caller, command, bytes: encoded(command), hints: Hints::default() }
    }
}

/// What a record has to do with a command.
#[derive(Debug, PartialEq)]
enum Relation {
    /// The command's id or key was used for this record.
    Same(Lsn),
    /// It is about the payment of the step.
    Payment(OpenPayment),
    None,
}

/// A payment as a record leaves it.
fn payment_of(lsn: Lsn, record: &Record<'_>, id: Id<'_>) -> Option<OpenPayment> {
    let known = |payment: &courant_ledger::Payment, origin| {
        let origin = if origin == Lsn::NONE { lsn } else { origin };
        Some(OpenPayment { payment: payment.clone(), origin, latest: lsn })
    };
    match (&record.command, &record.outcome) {
        (Command::PayGroup(orders), Outcome::Group(group)) => {
            let at = orders.iter().position(|order| order.id == id)?;
            known(&group.payments[at], lsn)
        }
        (command, Outcome::Payment(after)) => {
            let about = match command {
                Command::Pay(order) => order.id,
                Command::Step(step) => step.payment,
                Command::Due { payment } => *payment,
                _ => return None,
            };
            if about == id { known(&after.payment, after.origin) } else { None }
        }
        _ => None,
    }
}

fn encoded(command: &Command<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    command::encode(command, &mut bytes);
    bytes
}

/// All of an engine's state but the ids, as bytes.
pub(crate) fn digest(engine: &Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut next = Section::More(Cursor::BEGIN);
    while let Section::More(cursor) = next {
        next = engine.snapshot_section(cursor, usize::MAX, &mut bytes);
    }
    bytes
}

impl Marks {
    pub(crate) fn add(&mut self, other: Marks) {
        self.looks += other.looks;
        self.looks_on_disk += other.looks_on_disk;
        self.cold_payments += other.cold_payments;
        self.full_replays += other.full_replays;
        self.snapshot_recoveries += other.snapshot_recoveries;
    }

    /// The test is only worth its name if it went everywhere.
    pub(crate) fn assert_everything(&self) {
        let Marks { looks, looks_on_disk, cold_payments, full_replays, snapshot_recoveries } = self;
        let all = [looks, looks_on_disk, cold_payments, full_replays, snapshot_recoveries];
        assert!(all.iter().all(|mark| **mark > 0), "{self:?}");
    }
}
