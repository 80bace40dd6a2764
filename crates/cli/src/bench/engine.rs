//! Payments in this process: `Node::submit` with a real journal, each durable before its reply.
//!
//! Each load gets a node and a directory of its own, so that no load pays for what another left
//! behind.

mod callers;
mod core;
mod growth;
mod in_flight;
mod names;
mod orders;
mod restart;
mod world;

use super::Settings;
use super::place::Place;
use super::report::Report;
use crate::exit::Failure;
use callers::Callers;
use in_flight::Batches;
pub(super) use orders::{Orders, Shape, Transfer};
pub(super) use restart::{OpenArgs, open};
pub(super) use world::World;

/// Accounts unless a load is about their number.
const ACCOUNTS: u32 = 100_000;
const ACCOUNTS_QUICK: u32 = 10_000;
const ACCOUNTS_FEW: u32 = 10_000;
const ACCOUNTS_MANY: u32 = 1_000_000;
const ACCOUNTS_MANY_QUICK: u32 = 50_000;

/// Transfers in one request.
const BATCHES: [usize; 5] = [1, 10, 100, 1_000, BATCH_FULL];
/// The batch that the figures of others are given for.
const BATCH_FULL: usize = 8_190;

/// What all loads share.
#[derive(Debug, Clone, Copy)]
struct Bench<'a> {
    settings: &'a Settings,
    place: &'a Place,
    accounts: u32,
    accounts_many: u32,
}

/// Runs every load that the settings want.
pub(super) fn measure(
    settings: &Settings,
    full: bool,
    place: &Place,
    report: &mut Report,
) -> Result<(), Failure> {
    let bench = Bench {
        settings,
        place,
        accounts: settings.size(ACCOUNTS, ACCOUNTS_QUICK),
        accounts_many: settings.size(ACCOUNTS_MANY, ACCOUNTS_MANY_QUICK),
    };
    core::measure(bench, report)?;
    measure_callers(bench, report)?;
    measure_batches(bench, report)?;
    growth::measure(bench, report)?;
    restart::measure(bench, full, report)
}

fn measure_callers(bench: Bench<'_>, report: &mut Report) -> Result<(), Failure> {
    let loads = [
        ("one_caller", Callers::Threads(1), Shape::Uniform),
        ("callers_32", Callers::Threads(32), Shape::Uniform),
        ("callers_32_zipf", Callers::Threads(32), Shape::Zipf),
        ("callers_32_hot_10", Callers::Threads(32), Shape::Hot),
        ("callers_64", Callers::Threads(64), Shape::Uniform),
        ("tasks_32", Callers::Tasks(32), Shape::Uniform),
        ("tasks_64", Callers::Tasks(64), Shape::Uniform),
    ];
    for (name, callers, shape) in loads {
        if bench.settings.wants(name) {
            let world = World::new(bench.place, bench.accounts)?;
            report.add(callers.run(name, &world, shape, bench.settings.load_time())?)?;
        }
    }
    Ok(())
}

fn measure_batches(bench: Bench<'_>, report: &mut Report) -> Result<(), Failure> {
    let sizes = BATCHES.map(|size| (format!("batch_{size}"), size, bench.accounts, Shape::Uniform));
    let others = [
        ("accounts_10000", ACCOUNTS_FEW, Shape::Uniform),
        ("accounts_1000000", bench.accounts_many, Shape::Uniform),
        ("zipf", bench.accounts, Shape::Zipf),
        ("hot_10", bench.accounts, Shape::Hot),
    ];
    let others = others.map(|(name, accounts, shape)| {
        (format!("batch_{BATCH_FULL}_{name}"), BATCH_FULL, accounts, shape)
    });
    for (name, size, accounts, shape) in sizes.into_iter().chain(others) {
        if bench.settings.wants(&name) {
            let world = World::new(bench.place, accounts)?;
            let batches = Batches { size, shape, time: bench.settings.load_time() };
            report.add(batches.run(&name, &world)?)?;
        }
    }
    Ok(())
}
