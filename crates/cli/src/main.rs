//! `courant`: serves a data directory, and speaks with a server that does.
//!
//! One module per command; this file only chooses. Nothing here decides about money.

mod args;
mod bench;
mod client;
mod clock;
mod commands;
mod demo;
mod doctor;
mod example;
mod exit;
mod import;
mod offline;
mod output;
mod progress;
mod serve;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match args::Cli::parse().run() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
