//! The pure core alone: decide and evolve of a plain transfer, without threads and without a journal.

use std::hint::black_box;
use std::time::Duration;

use courant_engine::command::{OpenAccount, decode, encode};
use courant_engine::{
    Applied, Command, Decision, Engine, EngineOptions, Facts, Hints, Lsn, record,
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
    /// `decide` and `evolve`.
    Decide,
    /// Also decoding the command and encoding the record.
    Step,
}

pub(super) fn measure(bench: Bench<'_>, report: &mut Report) -> Result<(), Failure> {
    let loads = [
        ("core_uniform", Part::Decide, Shape::Uniform),
        ("core_zipf", Part::Decide, Shape::Zipf),
        ("core_hot_10", Part::Decide, Shape::Hot),
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
        let options = EngineOptions { secret: 7, recent_ids: RECENT_IDS, generation: 0 };
        let mut core = Core { engine: Engine::new(options), accounts, lsn: 0, record: Vec::new() };
        let limits = Limits::NOT_NEGATIVE;
        let terms = AccountTerms { currency: Currency::EUR, side: Side::Credit, limits, code: 0 };
        for number in 0..accounts {
            let name = Name::account(number);
            let open =
                OpenAccount { id: name.as_id(), terms, name: None, metadata: Metadata::new() };
            core.decide_and_evolve(&Command::OpenAccount(open));
            let id = Name::payment(u64::MAX - u64::from(number));
            let funds = Amount::new(FUNDS_MINOR, Currency::EUR);
            let top_up = Order::top_up(id.as_id(), name.as_id(), funds);
            core.decide_and_evolve(&Command::Pay(top_up));
        }
        core
    }

    fn run(mut self, name: &str, part: Part, shape: Shape, rounds: usize) -> Result<Run, Failure> {
        let what = match part {
            Part::Decide => "decide + evolve",
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
            match part {
                Part::Decide => {
                    let commands: Vec<Command<'_>> =
                        transfers.iter().map(Transfer::command).collect();
                    let meter = Meter::start();
                    commands.iter().for_each(|command| self.decide_and_evolve(command));
                    run.spent += meter.stop();
                }
                Part::Step => {
                    let encoded: Vec<Vec<u8>> = transfers.iter().map(encoded).collect();
                    let meter = Meter::start();
                    encoded.iter().for_each(|bytes| self.step(bytes));
                    run.spent += meter.stop();
                }
            }
        }
        let mean = |time: Duration| time.as_nanos() as f64 / run.count as f64;
        // One thread: what the wall clock says beyond it went to other programs.
        let (wall_ns, cpu_ns) = (mean(run.spent.wall), mean(run.spent.cpu));
        Ok(run.with("ns_mean", wall_ns).with("cpu_ns_mean", cpu_ns))
    }

    fn decide_and_evolve(&mut self, command: &Command<'_>) {
        self.lsn += 1;
        let now = Timestamp(self.lsn);
        match self.engine.decide(now, CALLER, command, &Facts::default()) {
            Decision::Record(outcome) => {
                let (lsn, outcome) = (Lsn(self.lsn), black_box(&outcome));
                self.engine.evolve(Applied {
                    lsn,
                    at: now,
                    caller: CALLER,
                    command,
                    outcome,
                    hints: Hints::default(),
                });
            }
            other => unreachable!("a plain transfer between funded accounts: {other:?}"),
        }
    }

    fn step(&mut self, bytes: &[u8]) {
        self.lsn += 1;
        let now = Timestamp(self.lsn);
        let command = decode(bytes).expect("it was encoded here");
        match self.engine.decide(now, CALLER, &command, &Facts::default()) {
            Decision::Record(outcome) => {
                let at = self.engine.time_of(now);
                self.record.clear();
                record::encode(at, CALLER, bytes, &outcome, &mut self.record);
                black_box(&self.record);
                let (lsn, command, outcome) = (Lsn(self.lsn), &command, &outcome);
                self.engine.evolve(Applied {
                    lsn,
                    at,
                    caller: CALLER,
                    command,
                    outcome,
                    hints: Hints::default(),
                });
            }
            other => unreachable!("a plain transfer between funded accounts: {other:?}"),
        }
    }
}

fn encoded(transfer: &Transfer) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&transfer.command(), &mut bytes);
    bytes
}
