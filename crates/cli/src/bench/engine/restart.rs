//! What a start costs, and what memory is left in use after it: measured in processes that do
//! nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use courant_node::{Node, NodeOptions};
use serde_json::{Value, json};

use super::Bench;
use super::in_flight::fill;
use super::world::World;
use crate::bench::meter::{Meter, Spent, resident_bytes};
use crate::bench::report::{Loop, Report, Run};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Records that are replayed.
const RECORDS: u64 = 1_000_000;
const RECORDS_FULL: u64 = 10_000_000;
const RECORDS_QUICK: u64 = 20_000;

/// No snapshot is made: everything is replayed.
const NO_SNAPSHOT: u64 = u64::MAX;

#[derive(Debug, Args)]
pub(in crate::bench) struct OpenArgs {
    #[arg(long)]
    data: PathBuf,
}

/// Opens a directory and prints what that took, as one JSON object.
pub(in crate::bench) fn open(args: &OpenArgs) -> Result<Exit, Failure> {
    let meter = Meter::start();
    let options = NodeOptions { snapshot_bytes: NO_SNAPSHOT, ..NodeOptions::default() };
    let node = Node::open(&args.data, options);
    let node = node.map_err(|error| Failure::internal(error.to_string()))?;
    let spent = meter.stop();
    let rss_bytes = resident_bytes();
    let trial = node.trial_balance().wait();
    let trial = trial.map_err(|error| Failure::internal(error.to_string()))?;
    let replayed = node.report().replayed;
    node.close();
    Output::new(true).json_line(&json!({
        "wall_us": spent.wall.as_micros() as u64,
        "cpu_us": spent.cpu.as_micros() as u64,
        "rss_bytes": rss_bytes,
        "replayed": replayed,
        "accounts": trial.accounts,
        "payments": trial.payments,
        "balanced": trial.balanced,
    }))?;
    Ok(Exit::Success)
}

/// What the process that opened a directory said.
struct Opened {
    spent: Spent,
    rss_bytes: u64,
    replayed: u64,
    accounts: u64,
}

impl Opened {
    fn in_fresh_process(directory: &Path) -> Result<Opened, Failure> {
        let failed = |what: String| Failure::internal(format!("the process that opens: {what}"));
        let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(program);
        command.args(["bench", "open", "--data"]).arg(directory);
        let output = command.output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let said: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| failed(format!("it printed no JSON: {error}")))?;
        let number = |name: &str| said[name].as_u64().unwrap_or_default();
        let time = |name: &str| std::time::Duration::from_micros(number(name));
        if said["balanced"] != json!(true) {
            return Err(failed("debits and credits differ".to_owned()));
        }
        Ok(Opened {
            spent: Spent { wall: time("wall_us"), cpu: time("cpu_us") },
            rss_bytes: number("rss_bytes"),
            replayed: number("replayed"),
            accounts: number("accounts"),
        })
    }
}

pub(super) fn measure(bench: Bench<'_>, full: bool, report: &mut Report) -> Result<(), Failure> {
    if bench.settings.wants("restart") {
        let records = if full { RECORDS_FULL } else { RECORDS };
        restart(bench, bench.settings.size(records, RECORDS_QUICK), report)?;
    }
    if bench.settings.wants("memory") {
        memory(bench, report)?;
    }
    Ok(())
}

fn restart(bench: Bench<'_>, records: u64, report: &mut Report) -> Result<(), Failure> {
    let options = NodeOptions { snapshot_bytes: NO_SNAPSHOT, ..NodeOptions::default() };
    let world = World::with_options(bench.place, bench.accounts, options)?;
    fill(&world, records)?;
    let directory = world.close();
    let opened = Opened::in_fresh_process(directory.path())?;
    let load = format!(
        "replay of {} records without a snapshot, {} accounts",
        opened.replayed, bench.accounts
    );
    let mut run = Run::new("restart", load, Loop::None);
    run.count = opened.replayed;
    run.spent = opened.spent;
    run.rss_bytes = opened.rss_bytes;
    let seconds = opened.spent.wall.as_secs_f64();
    report.add(run.with("restart_seconds", seconds))
}

/// The difference between a process with many accounts at rest and one with next to none.
fn memory(bench: Bench<'_>, report: &mut Report) -> Result<(), Failure> {
    let few = World::without_money(bench.place, 1)?.close();
    let many = World::without_money(bench.place, bench.accounts_many)?;
    many.node.snapshot().map_err(Failure::internal)?;
    let many = many.close();
    let few = Opened::in_fresh_process(few.path())?;
    let many = Opened::in_fresh_process(many.path())?;
    let load = format!("{} accounts at rest, opened from a snapshot", many.accounts);
    let mut run = Run::new("memory", load, Loop::None);
    run.count = many.accounts;
    run.spent = many.spent;
    run.rss_bytes = many.rss_bytes;
    let bytes = many.rss_bytes.saturating_sub(few.rss_bytes) as f64;
    let per_account = bytes / many.accounts.saturating_sub(few.accounts).max(1) as f64;
    report.add(run.with("bytes_per_account", per_account))
}
