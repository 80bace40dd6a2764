//! `courant-sim`: runs seeds and says which failed, and how to see it again.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on its streams")]

use clap::Parser;
use courant_sim::{Done, Mark, Marks, Variant, simulate};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

/// From this many seeds on, a run in which a rare path was never taken has failed.
const SEEDS_FOR_MARKS: u64 = 1_000;

/// One seed of so many is run twice, to compare the two.
const TWICE_EVERY: u64 = 100;

/// The seed that runs, for the message of a panic.
static SEED: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Parser)]
#[command(name = "courant-sim", about = "Simulates a node on a failing disk, seed by seed")]
struct Cli {
    /// How many seeds to run
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Run this seed only, and tell what happens
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Run every seed twice and compare the journals
    #[arg(long)]
    check_determinism: bool,
    /// Break something on purpose: the run must fail
    #[arg(long, value_parser = variant)]
    broken: Option<Variant>,
    /// List how often each rare path was taken
    #[arg(long)]
    marks: bool,
}

fn variant(name: &str) -> Result<Variant, String> {
    let found = Variant::BROKEN.iter().find(|(known, _)| *known == name);
    let known: Vec<&str> = Variant::BROKEN.iter().map(|(name, _)| *name).collect();
    found.map(|(_, variant)| *variant).ok_or(format!("one of {}", known.join(", ")))
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let variant = cli.broken.unwrap_or_default();
    tell_the_seed_of_a_panic();
    if let Some(seed) = cli.seed {
        return match run(seed, variant, true) {
            Ok(done) => {
                println!("seed {seed}: {} records, digest {:016x}", done.records, done.digest);
                ExitCode::SUCCESS
            }
            Err(()) => ExitCode::FAILURE,
        };
    }
    let (mut marks, mut records, mut answers) = (Marks::default(), 0, 0);
    for seed in cli.first..cli.first.saturating_add(cli.seeds) {
        let Ok(done) = run(seed, variant, false) else { return ExitCode::FAILURE };
        let twice = cli.check_determinism || seed.is_multiple_of(TWICE_EVERY);
        if twice && !is_the_same_again(seed, variant, &done) {
            return ExitCode::FAILURE;
        }
        marks.add(&done.marks);
        records += done.records;
        answers += done.answers;
    }
    if cli.marks {
        Mark::ALL.iter().for_each(|mark| println!("{:>9}  {}", marks.count(*mark), mark.name()));
    }
    println!("{} seeds: {answers} answers, {records} records", cli.seeds);
    let missing = marks.missing();
    if cli.seeds >= SEEDS_FOR_MARKS && !missing.is_empty() {
        missing.iter().for_each(|mark| eprintln!("never happened: {}", mark.name()));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(seed: u64, variant: Variant, trace: bool) -> Result<Done, ()> {
    SEED.store(seed, Ordering::Relaxed);
    simulate(seed, variant, trace).map_err(|failure| {
        eprintln!("seed {seed} failed: {}", failure.what);
        eprintln!("{}", how_to_see(seed));
    })
}

fn is_the_same_again(seed: u64, variant: Variant, done: &Done) -> bool {
    let Ok(again) = run(seed, variant, false) else { return false };
    let same = again.digest == done.digest;
    if !same {
        eprintln!("seed {seed} gave another journal when it was run again");
    }
    same
}

fn how_to_see(seed: u64) -> String {
    format!("see it again: cargo run --release -p courant-sim -- --seed {seed}")
}

fn tell_the_seed_of_a_panic() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        let seed = SEED.load(Ordering::Relaxed);
        eprintln!("seed {seed} panicked");
        eprintln!("{}", how_to_see(seed));
    }));
}
