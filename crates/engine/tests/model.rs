//! The engine against a naive reference ledger: random commands, every answer and the whole state
//! compared.
//!
//! The commands are spread over many worlds, each with habits drawn from its own seed. In between,
//! ids move to disk, snapshots are made a section at a time, and the engine is replaced by one
//! recovered from records or a snapshot.
//!
//! `COURANT_MODEL_COMMANDS` sets how many commands are made, `COURANT_MODEL_SEED` repeats one
//! world.

mod commands;
mod reference;
mod world;

use commands::Commands;
use courant_engine::{Command, Hints};
use courant_ledger::Reason;
use fastrand::Rng;
use reference::{Answer, Asker, Effect, Reference};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use world::{Marks, World};

/// What a build without optimisation does in 20 s or so.
const COMMANDS: u64 = 100_000;
const COMMANDS_PER_WORLD: u64 = 10_000;
const COMMANDS_PER_COMPARISON: u64 = 1_000;

/// Who asks for what, and what was looked up for it ahead.
type Asked = (Asker, Command<'static>, Hints);

/// One world: the engine, the reference, and what happens to both.
struct Trial {
    rng: Rng,
    commands: Commands,
    ahead: Option<Asked>,
    world: World,
    reference: Reference,
    /// Chances in 10,000 per command: freezing ids, writing ids, a section, a recovery, a due
    /// payment left waiting.
    chances: [u32; 5],
    seen: Seen,
}

/// What happened at all.
#[derive(Debug, Default)]
struct Seen {
    reasons: BTreeMap<Reason, u64>,
    repeats: u64,
    conflicts: u64,
    dues: u64,
}

impl Trial {
    fn new(seed: u64) -> Trial {
        let mut rng = Rng::with_seed(!seed);
        let chance = |rng: &mut Rng| [1, 10, 100, 1_000][rng.usize(..4)];
        let mut chances = [0; 5].map(|_| chance(&mut rng));
        chances[2] = rng.u32(30..1_000);
        // Recoveries read the whole journal.
        chances[3] = rng.u32(1..20);
        chances[4] *= 3;
        // By turns, so that a few worlds in a row have some of each.
        let open_max = match seed % 5 {
            0 => rng.usize(0..4),
            1 => rng.usize(4..100),
            _ => usize::MAX,
        };
        Trial {
            commands: Commands::new(seed),
            ahead: None,
            world: World::new(rng.usize(1..2_000), open_max),
            reference: Reference::new(open_max),
            chances,
            seen: Seen::default(),
            rng,
        }
    }

    fn chance(&mut self, which: usize) -> bool {
        self.rng.u32(..10_000) < self.chances[which]
    }

    fn run(&mut self, commands: u64) {
        for at in 1..=commands {
            let now = self.commands.clock();
            if !self.chance(4) {
                self.settle_due(now);
            }
            self.command(now);
            self.housekeeping();
            if at % COMMANDS_PER_COMPARISON == 0 {
                self.world.assert_equals(&self.reference);
            }
        }
        self.world.recover_by_replay();
        self.world.assert_equals(&self.reference);
    }

    fn settle_due(&mut self, now: u64) {
        while let Some(expected) = self.reference.next_due(now) {
            let (id, answer) = self.world.fall_due(now).expect("the reference has one due");
            assert_eq!(id, expected, "what falls due first");
            assert_eq!(answer, self.reference.fall_due(now, expected), "{expected} falls due");
            self.seen.dues += 1;
            self.note(&answer);
        }
        assert_eq!(self.world.fall_due(now), None);
    }

    fn command(&mut self, now: u64) {
        let (asker, command, hints) = self.ahead.take().unwrap_or_else(|| self.look_ahead());
        // The hints of the next command are sometimes of the time before this one.
        let early = self.rng.bool();
        self.ahead = early.then(|| self.look_ahead());
        let before = (self.rng.u32(..32) == 0).then(|| self.world.digest());
        let answer = self.world.submit(now, asker, &command, hints);
        let expected = self.reference.submit(now, asker, &command);
        assert_eq!(answer, expected, "{asker:?} asked at {now} for {command:?}");
        if !matches!(answer, Answer::Done(_)) {
            let same = before.is_none_or(|before| before == self.world.digest());
            assert!(same, "what is not recorded changes nothing: {command:?}");
        }
        self.note(&answer);
    }

    fn look_ahead(&mut self) -> Asked {
        let (asker, command) = self.commands.next(&self.reference);
        command.check().expect("the commands made here have a valid form");
        let [hints, ..] = self.world.engine.look_ahead(std::slice::from_ref(&command));
        (asker, command, hints)
    }

    fn note(&mut self, answer: &Answer) {
        match answer {
            Answer::Refused(reason, _) => *self.seen.reasons.entry(*reason).or_default() += 1,
            Answer::Repeat(_) => self.seen.repeats += 1,
            Answer::Conflict => self.seen.conflicts += 1,
            Answer::Done(Effect::Paid(paid)) => {
                if let Some(reason) = paid.payment.reason {
                    *self.seen.reasons.entry(reason).or_default() += 1;
                }
            }
            Answer::Done(_) => {}
        }
    }

    fn housekeeping(&mut self) {
        let anyway = self.chance(0);
        self.world.freeze_ids(anyway);
        if self.chance(1) {
            self.world.write_ids();
        }
        if self.chance(2) {
            let entries_max = self.rng.usize(1..6);
            self.world.snapshot_on(entries_max);
        }
        if self.chance(3) {
            let crash_after = self.rng.bool().then(|| self.rng.usize(..=self.world.journal.len()));
            if self.rng.u32(..3) == 0 || !self.world.recover_by_snapshot(crash_after) {
                self.world.recover_by_replay();
            }
        }
    }
}

fn number_from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")))
}

/// Another one in every run, unless one is asked for.
fn first_seed() -> u64 {
    let random = || RandomState::new().hash_one("model") >> 16;
    number_from_env("COURANT_MODEL_SEED").unwrap_or_else(random)
}

#[test]
fn the_engine_answers_as_the_reference_does() {
    let commands = number_from_env("COURANT_MODEL_COMMANDS").unwrap_or(COMMANDS);
    let worlds = commands.div_ceil(COMMANDS_PER_WORLD);
    let one = number_from_env("COURANT_MODEL_SEED").is_some();
    let (mut seen, mut marks) = (Seen::default(), Marks::default());
    for seed in (first_seed()..).take(if one { 1 } else { worlds as usize }) {
        println!("COURANT_MODEL_SEED={seed}");
        let mut trial = Trial::new(seed);
        trial.run(COMMANDS_PER_WORLD.min(commands));
        seen.add(trial.seen);
        marks.add(trial.world.marks);
    }
    println!("{seen:#?}\n{marks:#?}");
    if !one && commands >= COMMANDS {
        seen.assert_everything();
        marks.assert_everything();
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_twice() {
    let seed = first_seed();
    println!("COURANT_MODEL_SEED={seed}");
    let [once, twice] = [(); 2].map(|()| {
        let mut trial = Trial::new(seed);
        trial.run(2 * COMMANDS_PER_COMPARISON);
        trial.world.journal
    });
    assert!(once == twice, "the journals differ");
}

/// Reasons that these commands cannot come to.
const UNREACHABLE: [&str; 7] = [
    "balance_overflow",     // needs 2^62 payments of the largest amount
    "accounts_full",        // needs 2^32 accounts
    "keys_full",            // needs more key numbers than are drawn
    "idempotency_conflict", // is an answer of its own here
    "group_member_refused", // is said by the owner, beside the member's own reason
    "group_too_large",      // needs a larger group than are drawn
    "record_too_large",     // needs smaller batches than the journal's owner sets
];

impl Seen {
    fn add(&mut self, other: Seen) {
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.repeats += other.repeats;
        self.conflicts += other.conflicts;
        self.dues += other.dues;
    }

    /// The test is only worth its name if it went everywhere.
    fn assert_everything(&self) {
        let missing: Vec<&Reason> = Reason::ALL
            .iter()
            .filter(|reason| {
                !self.reasons.contains_key(reason) && !UNREACHABLE.contains(&reason.name())
            })
            .collect();
        assert!(missing.is_empty(), "no command came to {missing:?}");
        assert!(self.repeats > 0 && self.conflicts > 0 && self.dues > 0, "{self:?}");
    }
}
