//! `courant export`: events or an account's entries as NDJSON or CSV, page by page in constant
//! memory.

use std::io::IsTerminal;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use serde_json::Value;

use super::pages::Pages;
use super::{events, path_id};
use crate::client::ServerArgs;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, field};
use crate::progress;

/// Columns of exported events. The whole event is in the NDJSON form.
const EVENT_COLUMNS: &[&str] = &["id", "time", "type", "subject", "source"];
/// Columns of exported entries.
const ENTRY_COLUMNS: &[&str] = &["lsn", "time", "kind", "payment", "amount", "balance"];

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// How to write them; ndjson unless told otherwise, as with --json
    #[arg(long, value_enum, global = true, help_heading = output::HEADING)]
    format: Option<Format>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line, complete
    Ndjson,
    /// A header and one row a line, the main columns only
    Csv,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Events, oldest first
    Events {
        /// Only events after this one; `0`: from the beginning
        #[arg(long, value_name = "ID", default_value = "0")]
        after: String,
        /// Only events of this type
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
    },
    /// The entries of an account, newest first
    Entries {
        /// The account
        account: String,
    },
    /// All accounts, in the order of their opening
    Accounts,
    /// Something else, so that the error says what there is.
    #[command(external_subcommand)]
    Other(Vec<String>),
}

/// Columns of exported accounts.
const ACCOUNT_COLUMNS: &[&str] = &["id", "currency", "status", "balance", "available", "name"];

/// More than any list has; the server's pages end it.
const ALL: usize = usize::MAX;

pub(crate) fn run(args: &ExportArgs) -> Result<Exit, Failure> {
    let is_csv = args.format == Some(Format::Csv);
    if is_csv && args.server.json {
        let message = "--json is one JSON object a line, and --format csv is not";
        return Err(Failure::usage(message).next("leave one of the two out"));
    }
    let (path, columns) = match &args.what {
        What::Events { after, kind } => (events::path(after, kind.as_deref()), EVENT_COLUMNS),
        What::Entries { account } => {
            (format!("/v1/accounts/{}/entries", path_id("account", account)?), ENTRY_COLUMNS)
        }
        What::Accounts => ("/v1/accounts".to_owned(), ACCOUNT_COLUMNS),
        What::Other(words) => return Err(unknown(&words.join(" "))),
    };
    let client = args.server.client()?;
    let mut out = Output::new(true);
    if is_csv {
        out.raw(&csv_row(columns.iter().map(|name| (*name).to_owned()))?)?;
    }
    let mut pages = Pages::new(&client, &path);
    let bar = progress();
    while let Some(items) = pages.next(ALL)? {
        bar.inc(items.len() as u64);
        bar.set_message(format!("{} written", bar.position()));
        for item in &items {
            match is_csv {
                true => out.raw(&csv_row(cells(item, columns))?)?,
                false => out.line(item)?,
            }
        }
    }
    bar.finish_and_clear();
    Ok(Exit::Success)
}

fn unknown(what: &str) -> Failure {
    let message = format!("{what:?} cannot be exported: events, entries ACCOUNT and accounts can");
    Failure::usage(message).next(
        "events hold all that happened to payments: `courant export events --type \
         payment.completed`",
    )
}

/// How much was written so far, unless that goes to the terminal itself.
fn progress() -> ProgressBar {
    match std::io::stdout().is_terminal() {
        true => ProgressBar::hidden(),
        false => progress::bar(None, progress::Unit::Things),
    }
}

fn cells<'a>(item: &'a Value, columns: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    columns.iter().map(|name| field(item, name).unwrap_or_default())
}

fn csv_row(cells: impl Iterator<Item = String>) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(|e| Failure::internal(e.to_string()))?;
    writer.into_inner().map_err(|e| Failure::internal(e.to_string()))
}
