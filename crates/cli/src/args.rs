//! The command line as a whole: the tree of commands, one line each.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{account, completions, events, export, key, pay, payment, trial_balance};
use crate::exit::{EXIT_CODES_HELP, Exit, Failure};
use crate::offline::{backup, repair, restore, verify};
use crate::{bench, doctor, example, import, serve};

/// The real-time core of a payment system
#[derive(Debug, Parser)]
#[command(name = "courant", version, about, after_help = EXIT_CODES_HELP)]
#[command(propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a data directory over HTTP
    Serve(serve::ServeArgs),
    /// Open, show and change accounts
    Account(account::AccountArgs),
    /// Bring money in from the outside world
    TopUp(pay::OutsideArgs),
    /// Let money out to the outside world
    Withdraw(pay::OutsideArgs),
    /// Move money from one account to another
    Pay(pay::PayArgs),
    /// Show payments and take them further
    Payment(payment::PaymentArgs),
    /// Send the payments of a CSV or NDJSON file
    Import(import::ImportArgs),
    /// Real data, imported and checked in one command
    Example(example::ExampleArgs),
    /// Write events or an account's entries to standard output
    Export(export::ExportArgs),
    /// Show what happened, and follow what happens
    Events(events::EventsArgs),
    /// The sums of every currency, and whether they balance
    TrialBalance(trial_balance::TrialBalanceArgs),
    /// Make, list and revoke API keys
    Key(key::KeyArgs),
    /// Check every byte of a data directory, and look for every acknowledged payment
    Verify(verify::VerifyArgs),
    /// Show what a repair of a damaged directory would do, and do it
    Repair(repair::RepairArgs),
    /// Copy a data directory, running or not
    Backup(backup::BackupArgs),
    /// Make a data directory out of a backup
    Restore(restore::RestoreArgs),
    /// Measure and check this machine: disk, clock, limits, modes, port
    Doctor(doctor::DoctorArgs),
    /// Measure this machine: its disk, and payments on it
    Bench(bench::BenchArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

impl Cli {
    /// Reads the command line. Ends the program if that is to show help, or is not usable.
    pub(crate) fn read() -> Cli {
        let mut command = Cli::command();
        command.build();
        let matches = with_own_usage(command).get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.command {
            Command::Serve(args) => serve::run(&args),
            Command::Account(args) => account::run(&args),
            Command::TopUp(args) => pay::top_up(&args),
            Command::Withdraw(args) => pay::withdraw(&args),
            Command::Pay(args) => pay::pay(&args),
            Command::Payment(args) => payment::run(&args),
            Command::Import(args) => import::run(&args),
            Command::Example(args) => example::run(&args),
            Command::Export(args) => export::run(&args),
            Command::Events(args) => events::run(&args),
            Command::TrialBalance(args) => trial_balance::run(&args),
            Command::Key(args) => key::run(&args),
            Command::Verify(args) => verify::run(&args),
            Command::Repair(args) => repair::run(&args),
            Command::Backup(args) => backup::run(&args),
            Command::Restore(args) => restore::run(&args),
            Command::Doctor(args) => doctor::run(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Completions(args) => completions::run(&args),
        }
    }
}

/// Errors show a command's usage as its help does. Else they would show what the environment sets
/// as if it had to be typed.
fn with_own_usage(mut command: clap::Command) -> clap::Command {
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    command.override_usage(usage).mut_subcommands(with_own_usage)
}
