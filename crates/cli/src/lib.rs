//! `courant`: serves a data directory, and speaks with a server that does.
//!
//! One module per command; this file only chooses. Nothing here decides about money. It is a
//! library so that what reads files from outside can be driven without the program.

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

#[doc(hidden)]
pub use import::forms;

/// The whole program: reads the command line, does what it says, and tells what came of it.
pub fn main() -> ExitCode {
    match args::Cli::read().run() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
