//! Commands that look at a data directory themselves, without a server.

mod audit;
pub(crate) mod backup;
pub(crate) mod repair;
pub(crate) mod restore;
#[cfg(test)]
mod tests;
pub(crate) mod verify;
mod walk;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use courant_journal::{DirectIo, OsStorage};
use courant_node::parts;

use crate::exit::Failure;
use crate::output;

/// Where the journal is in a data directory.
pub(crate) const JOURNAL: &str = "journal";

/// Small files of a data directory without which it loses its API keys and its index of ids.
pub(crate) const SECRET_FILES: [&str; 3] = ["secret", "keys.secret", "admin.key"];

#[derive(Debug, Args)]
pub(crate) struct DirectoryArgs {
    /// The data directory
    #[arg(long, env = "COURANT_DATA", default_value = "courant-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Print JSON instead of text
    #[arg(long, help_heading = output::HEADING)]
    pub(crate) json: bool,
}

/// The time of a data directory's last record, since 1970; `None` if it has none.
pub(crate) fn last_record_at(data: &Path) -> Result<Option<Duration>, Failure> {
    let journal = data.join(JOURNAL);
    match journal.is_dir() {
        true => Ok(walk::last(&journal)?.map(|frame| Duration::from_nanos(frame.time_ns))),
        false => Ok(None),
    }
}

/// The directory itself, or the nearest one above it that is there.
pub(crate) fn nearest(data: &Path) -> PathBuf {
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let found = absolute.ancestors().find(|path| path.is_dir());
    found.unwrap_or(Path::new("/")).to_owned()
}

/// Refuses a data directory in which a newer release wrote a file that this one cannot read.
fn check_formats(data: &Path) -> Result<(), Failure> {
    let open = |name: &str| OsStorage::open_existing(data.join(name), DirectIo::Auto).ok();
    let Some(root) = open("") else { return Ok(()) };
    parts::check_formats(&root, open).map_err(|newer| Failure::negative(newer.to_string()))
}

/// The journal of a data directory that exists. Nothing is written by this.
fn journal(data: &Path) -> Result<OsStorage, Failure> {
    let path = data.join(JOURNAL);
    OsStorage::open_existing(&path, DirectIo::Auto).map_err(|error| {
        let message =
            format!("{} is not a data directory: {}: {error}", data.display(), path.display());
        Failure::usage(message).next("name the directory that `courant serve --data DIR` uses")
    })
}
