//! `cargo xtask`: the project's own commands. What CI does, a developer does with the same words.
//!
//! Depends on none of the product crates, so it builds while they do not.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks on its streams")]

mod bench;
mod broken;
mod ci;
mod clock;
mod fuzz;
mod needs;
mod report;
mod shell;
mod suites;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::Run;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Everything that must hold before a change is merged
    Ci,
    /// Run every test, installing what the tests need
    Test {
        /// Run only the workspace's tests whose name contains this
        #[arg(conflicts_with = "suite")]
        filter: Option<String>,
        /// Run only this suite; `list` shows them
        #[arg(long)]
        suite: Option<String>,
    },
    /// Check what rustfmt and clippy cannot: see docs/testing.md
    Tidy,
    /// Measure Courant beside another program
    #[command(subcommand)]
    Bench(bench::Peer),
    /// Apply each deliberately broken variant to a copy of the tree: its test must fail
    Broken(broken::Options),
    /// Run the fuzz targets for a while
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let mut run = Run::default();
    match Cli::parse().task {
        Task::Ci => ci::ci(&mut run),
        Task::Tidy => run.step("tidy", tidy::tidy),
        Task::Bench(peer) => run.step("bench", || bench::bench(&peer)),
        Task::Broken(options) => run.step("broken", || broken::broken(&options)),
        Task::Fuzz(options) => run.step("fuzz", || fuzz::fuzz(&options)),
        Task::Test { filter: Some(filter), .. } => {
            run.step("workspace", || suites::workspace(&[&filter]));
        }
        Task::Test { suite: Some(name), .. } => return suites::one(run, &name),
        Task::Test { filter: None, suite: None } => suites::all(&mut run),
    }
    run.finish()
}
