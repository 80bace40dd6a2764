//! `courant doctor`: whether this machine and this directory are fit to keep money, in one table.
//!
//! It measures instead of believing: whether fdatasync waits for the disk, and how long. It writes
//! a small file into the data directory's file system and removes it.

mod disk;
mod place;
mod system;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::offline::nearest;
use crate::output::{self, Column, Output};

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The data directory; it need not be there yet
    #[arg(long, env = "COURANT_DATA", default_value = "courant-data", value_name = "DIR")]
    data: PathBuf,
    /// Where the server listens or would listen
    #[arg(long, env = "COURANT_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Print JSON instead of a table
    #[arg(long, help_heading = output::HEADING)]
    json: bool,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It works, but not as well or as safely as it could.
    Warning,
    /// The server would not work, or money could be lost.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    /// What was found, and what to do if it is not good.
    found: String,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, verdict: Verdict::Good, found: found.into() }
    }

    fn warning(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, verdict: Verdict::Warning, found: found.into() }
    }

    fn bad(name: &'static str, found: impl Into<String>) -> Check {
        Check { name, verdict: Verdict::Bad, found: found.into() }
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Good => "ok",
            Verdict::Warning => "warning",
            Verdict::Bad => "BAD",
        }
    }
}

pub(crate) fn run(args: &DoctorArgs) -> Result<Exit, Failure> {
    let place = nearest(&args.data);
    let mut checks = place::checks(&args.data, &place);
    checks.extend(disk::checks(&place));
    checks.extend(system::checks(args.listen, &args.data));
    let mut out = Output::new(args.json);
    if out.json {
        out.json(&checks.iter().map(as_json).collect())?;
    } else {
        let columns = [Column::Text("check"), Column::Text("verdict"), Column::Text("found")];
        let rows = checks.iter().map(|check| {
            vec![check.name.to_owned(), check.verdict.word().to_owned(), check.found.clone()]
        });
        out.table(&columns, rows, "nothing was checked")?;
    }
    let is_bad = checks.iter().any(|check| check.verdict == Verdict::Bad);
    Ok(if is_bad { Exit::Negative } else { Exit::Success })
}

fn as_json(check: &Check) -> Value {
    json!({
        "check": check.name,
        "verdict": check.verdict.word().to_lowercase(),
        "found": check.found,
    })
}
