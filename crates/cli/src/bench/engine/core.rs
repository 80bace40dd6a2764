//! The pure core alone: decide and evolve of a plain transfer, without threads and without a
//! journal.

use std::hint::black_box;
use std::time::Duration;

use courant_engine::command::{OpenAccount, decode, encode};
use courant_engine::{
    AHEAD_MAX, Applied, Command, Decision, Engine, EngineOptions, Facts, Hints, Lsn, Outcome,
    record,
};
use courant_ledger::{AccountTerms, Amount, Currency, Limits, Metadata, Order, Side, Timestamp};

use super::Bench;
use super::names::Name;
use super::orders::{CALLER, Orders, Shape, Transfer};
use crate::bench::meter::Meter;
use crate::bench::report::{Loop, Report, Run};
use crate::exit::Failure;

/// Transfers in one round; they are made before it begins.
const ROUND_TRANSFERS: usize = 100_000;
/// Rounds of a run.
const ROUNDS: usize = 20;
const ROUNDS_QUICK: usize = 1;

/// Room for the ids of a whole run, so that no generation is frozen while it is measured.
const RECENT_IDS: usize = 3_000_000;

/// What each account begins with, in cents.
const FUNDS_MINOR: u64 = 1_000_000_000_000;

/// How much of a record's way is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `decide` and `evolve`, one command after another, each waiting for memory by itself.
    Alone,
    /// The same after looking ahead for a group of commands, as the engine thread does.
    Group,
    /// In groups, and also decoding the command and encoding the record.
    Step,
}

pub(super) fn measure(bench: Bench<'_>, report: &mut Report) -> Result<(), Failure> {
    let loads = [
        ("core_uniform", Part::Group, Shape::Uniform),
        ("core_zipf", Part::Group, Shape::Zipf),
        ("core_hot_10", Part::Group, Shape::Hot),
        ("core_alone_uniform", Part::Alone, Shape::Uniform),
        ("core_step_uniform", Part::Step, Shape::Uniform),
    ];
    for (name, part, shape) in loads {
        if bench.settings.wants(name) {
            let rounds = bench.settings.size(ROUNDS, ROUNDS_QUICK);
            report.add(Core::new(bench.accounts).run(name, part, shape, rounds)?)?;
        }
    }
    Ok(())
}

/// An engine and the place of its next record.
struct Core {
    engine: Engine,
    accounts: u32,
    lsn: u64,
    record: Vec<u8>,
}

impl Core {
    fn new(accounts: u32) -> Core {
        let (recent_ids, open_payments_max) = (RECENT_IDS, 0);
        let options = EngineOptions { secret: 7, recent_ids, open_payments_max, generation: 0 };
        let mut core = Core { engine: Engine::new(options), accounts, lsn: 0, record: Vec::new() };
        let limits = Limits::NOT_NEGATIVE;
        let terms = AccountTerms { currency: Currency::EUR, side: Side::Credit, limits, code: 0 };
        for number in 0..accounts {
            let name = Name::account(number);
            let open =
                OpenAccount { id: name.as_id(), terms, name: None, metadata: Metadata::new() };
            core.decide_group(&[Command::OpenAccount(open)]);
            let id = Name::payment(u64::MAX - u64::from(number));
            let funds = Amount::new(FUNDS_MINOR, Currency::EUR);
            let top_up = Order::top_up(id.as_id(), name.as_id(), funds);
            core.decide_group(&[Command::Pay(top_up)]);
        }
        core
    }

    fn run(mut self, name: &str, part: Part, shape: Shape, rounds: usize) -> Result<Run, Failure> {
        let what = match part {
            Part::Alone => "decide + evolve, one by one,",
            Part::Group => "decide + evolve",
            Part::Step => "decode + decide + encode + evolve",
        };
        let load = format!(
            "{what} of a plain transfer, {} accounts, {}, no journal",
            self.accounts,
            shape.words()
        );
        let mut run = Run::new(name, load, Loop::None);
        let mut orders = Orders::new(shape, self.accounts, 0);
        for _ in 0..rounds {
            let transfers: Vec<Transfer> = (0..ROUND_TRANSFERS).map(|_| orders.next()).collect();
            run.count += transfers.len() as u64;
            let meter = match part {
                Part::Step => {
                    let encoded: Vec<Vec<u8>> = transfers.iter().map(encoded).collect();
                    let meter = Meter::start();
                    encoded.chunks(AHEAD_MAX).for_each(|group| self.step(group));
                    meter.stop()
                }
                Part::Alone | Part::Group => {
                    let commands: Vec<_> = transfers.iter().map(Transfer::command).collect();
                    let group = if part == Part::Group { AHEAD_MAX } else { 1 };
                    let meter = Meter::start();
                    commands.chunks(group).for_each(|group| self.decide_group(group));
                    meter.stop()
                }
            };
            run.spent += meter;
        }
        let mean = |time: Duration| time.as_nanos() as f64 / run.count as f64;
        // One thread: what the wall clock says beyond it went to other programs.
        let (wall_ns, cpu_ns) = (mean(run.spent.wall), mean(run.spent.cpu));
        Ok(run.with("ns_mean", wall_ns).with("cpu_ns_mean", cpu_ns))
    }

    fn decide_group(&mut self, commands: &[Command<'_>]) {
        let ahead = match commands {
            [_] => [Hints::default(); AHEAD_MAX],
            group => self.engine.look_ahead(group),
        };
        for (command, hints) in commands.iter().zip(ahead) {
            let (now, outcome) = self.decide(command, hints);
            let (lsn, outcome) = (Lsn(self.lsn), black_box(&outcome));
            let applied = Applied { lsn, at: now, caller: CALLER, command, outcome, hints };
            self.engine.evolve(applied);
        }
    }

    fn step(&mut self, group: &[Vec<u8>]) {
        let decoded = group.iter().map(|bytes| decode(bytes).expect("it was encoded here"));
        let commands: Vec<Command<'_>> = decoded.collect();
        let ahead = self.engine.look_ahead(&commands);
        for ((command, hints), bytes) in commands.iter().zip(&ahead).zip(group) {
            let (now, outcome) = self.decide(command, *hints);
            self.record.clear();
            record::encode(now, CALLER, bytes, &outcome, &mut self.record);
            black_box(&self.record);
            let (lsn, outcome, hints) = (Lsn(self.lsn), &outcome, *hints);
            let applied = Applied { lsn, at: now, caller: CALLER, command, outcome, hints };
            self.engine.evolve(applied);
        }
    }

    fn decide(&mut self, command: &Command<'_>, hints: Hints) -> (Timestamp, Outcome) {
        self.lsn += 1;
        let now = Timestamp(self.lsn);
        match self.engine.decide_ahead(now, (CALLER, command), &Facts::default(), hints) {
            Decision::Record(outcome) => (now, outcome),
            other => unreachable!("a plain transfer between funded accounts: {other:?}"),
        }
    }
}

fn encoded(transfer: &Transfer) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&transfer.command(), &mut bytes);
    bytes
}
