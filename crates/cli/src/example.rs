//! `courant example`: real data, imported and checked in one command.

mod books;
mod czech_bank;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use courant_journal::Progress;

use courant_node::{OPEN_PAYMENTS_MAX, READER_LAG_BYTES_MAX, Retention};

use crate::client::{Client, ServerArgs};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::serve::{Running, Setting};

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
    if args.running {
        return czech_bank::run(&args.server.client()?, &mut out);
    }
    match &args.keep {
        Some(data) => on_own_server(data, &mut out),
        None => {
            let data = tempfile::tempdir();
            let failed = |error| Failure::usage(format!("cannot make a directory: {error}"));
            on_own_server(data.map_err(failed)?.path(), &mut out)
        }
    }
}

/// Size of the journal's files: the example's journal is about as large as one.
const SEGMENT_MIB: u32 = 16;

/// Serves the directory on a free port of this machine for as long as the example runs.
fn on_own_server(data: &Path, out: &mut Output) -> Result<Exit, Failure> {
    let running = Running::start(Setting {
        retention: Retention::KeepAll,
        reader_lag_bytes_max: READER_LAG_BYTES_MAX,
        data: data.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        allow_remote: false,
        segment_mib: SEGMENT_MIB,
        open_payments_max: OPEN_PAYMENTS_MAX,
        heeds_signals: false,
        recovery: Progress::default(),
    })?;
    let client = Client::new(&running.url, &running.key()?)?;
    let result = czech_bank::run(&client, out);
    running.ask_to_stop();
    let ended = running.wait();
    result.and_then(|exit| ended.map(|_| exit))
}
