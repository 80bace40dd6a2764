//! `cargo xtask bench`: Courant beside another program, both measured in one run on one disk with
//! the same durability.
//!
//! A ratio of two figures of one run means more than either. Nothing is left behind: what is
//! started is stopped by its process id, and what is written is removed.

mod cluster;
mod courant;
mod pgbench;

use std::path::PathBuf;

use anyhow::Result;

use crate::needs;
use crate::report::{Outcome, Tests};
use cluster::{Cluster, Directory};
use pgbench::Load;

/// The accounts that payments are between, uniformly.
const ACCOUNTS: u32 = 100_000;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Peer {
    /// The same double-entry transfer on the PostgreSQL of this machine
    Postgres(Options),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long each load runs
    #[arg(long, default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// A directory on the disk to be measured, that every user may look into
    #[arg(long, default_value = "/var/tmp")]
    data: PathBuf,
}

/// What one load came to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figures {
    transfers_per_second: f64,
    /// Of a request, which is one transfer or a batch of them.
    p50_us: f64,
    p99_us: f64,
}

/// The loads: PostgreSQL's and the run of `courant bench engine` that does the same.
const LOADS: [(Load, &str); 4] = [
    (Load { clients: 1, batch: 1 }, "one_caller"),
    (Load { clients: 32, batch: 1 }, "callers_32"),
    (Load { clients: 1, batch: 100 }, "batch_100"),
    (Load { clients: 32, batch: 100 }, "batch_100"),
];

pub(crate) fn bench(peer: &Peer) -> Result<Outcome> {
    let Peer::Postgres(options) = peer;
    needs::install(&[needs::POSTGRESQL])?;
    let courant = courant::measure(options.seconds, &options.data)?;
    let directory = Directory::new(&options.data, "postgres")?;
    let cluster = Cluster::start(directory)?;
    println!("{}", cluster.version()?);
    pgbench::prepare(&cluster, ACCOUNTS)?;
    let mut lines = Vec::new();
    for (load, run) in LOADS {
        let theirs = pgbench::measure(&cluster, load, options.seconds)?;
        lines.push((load, theirs, courant::find(&courant, run)?));
    }
    cluster.stop()?;
    println!(
        "\n{:<34} {:>26}   {:>26}   {:>6}",
        "every transfer is durable", "PostgreSQL: /s, p50, p99", "Courant: /s, p50, p99", "ratio"
    );
    for (load, theirs, ours) in &lines {
        let ratio = ours.transfers_per_second / theirs.transfers_per_second;
        println!(
            "{:<34} {:>26}   {:>26}   {ratio:>6.1}",
            load.to_string(),
            theirs.to_string(),
            ours.to_string()
        );
    }
    Ok(Outcome { tests: Tests::default(), failure: None })
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Figures { transfers_per_second, p50_us, p99_us } = self;
        let text = format!("{transfers_per_second:.0}, {p50_us:.0} us, {p99_us:.0} us");
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests;
