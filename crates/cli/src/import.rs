//! `courant import`: the payments of a CSV or NDJSON file of any size, in constant memory.
//!
//! Lines go to the server in batches, in the order of the file. Every payment has an id that comes
//! from the line (a column, or the file's digest and the line number), so sending a line again
//! never pays twice. After each round of batches a state file says how far the import has come;
//! starting the same command again goes on there. A line that is refused goes into a file with its
//! reason, and the import goes on.

#[doc(hidden)]
pub mod forms;
mod lines;
mod mapping;
mod refused;
mod run;
mod sender;
mod state;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

pub(crate) use run::run;
pub(crate) use sender::{Sender, Verdict};

use crate::client::ServerArgs;
use crate::commands::pair;

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file; - for standard input
    file: PathBuf,
    /// What the file is [default: by its ending]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Read a payment's field from this column; a column with the field's name needs no map
    #[arg(long = "map", value_name = "FIELD=COLUMN", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Give a field the same value in every payment that does not have it
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Ids of payments without one: this and the line number [default: made from the file's digest]
    #[arg(long, value_name = "TEXT")]
    id_prefix: Option<String>,
    /// How far the import has come [default: FILE.import-state.json]
    #[arg(long, value_name = "STATE_FILE")]
    state: Option<PathBuf>,
    /// Where refused lines go, with their reasons [default: FILE.refused.ndjson]
    #[arg(long, value_name = "REFUSED_FILE")]
    refused: Option<PathBuf>,
    /// Batches under way at once; more than 1 gives up the order of the file
    #[arg(long, default_value_t = 1, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// Payments in a batch
    #[arg(long, default_value_t = 500, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch: u16,
    /// Begin again at the first line; what was paid is not paid again
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A header and one payment a row
    Csv,
    /// One JSON object a line
    Ndjson,
}

impl Format {
    fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "csv" => Some(Format::Csv),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            _ => None,
        }
    }
}
