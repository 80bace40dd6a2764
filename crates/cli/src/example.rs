//! `courant example`: real data, imported and checked in one command.

mod books;
mod czech_bank;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::client::{Client, ServerArgs};
use crate::exit::{Exit, Failure};
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct ExampleArgs {
    #[command(subcommand)]
    example: Example,
}

#[derive(Debug, Subcommand)]
enum Example {
    /// Fifteen months of a real bank: 48,938 movements, and all 38,821 closing balances compared
    CzechBank(CzechBankArgs),
}

#[derive(Debug, Args)]
struct CzechBankArgs {
    /// Use the running server of --url instead of one of its own
    #[arg(long, conflicts_with = "keep")]
    running: bool,
    /// Keep the data directory here [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &ExampleArgs) -> Result<Exit, Failure> {
    let Example::CzechBank(args) = &args.example;
    let mut out = Output::new(args.server.json);
    czech_bank(&args.server.client()?, &mut out)
}

fn czech_bank(client: &Client, out: &mut Output) -> Result<Exit, Failure> {
    czech_bank::run(client, out)
}
