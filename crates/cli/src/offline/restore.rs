//! `courant restore`: a data directory out of a backup, every file checked against the backup's
//! manifest.

use std::path::PathBuf;

use clap::Args;
use courant_journal::{DirectIo, OsStorage};
use courant_node::parts::restore;
use serde_json::json;

use super::DirectoryArgs;
use super::backup::failure;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::progress;

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    source: PathBuf,
    #[command(flatten)]
    directory: DirectoryArgs,
}

pub(crate) fn run(args: &RestoreArgs) -> Result<Exit, Failure> {
    let data = &args.directory.data;
    let source = OsStorage::open_existing(&args.source, DirectIo::Never)
        .map_err(|error| Failure::file(&args.source, "read the backup", &error))?;
    let destination = OsStorage::open(data, DirectIo::Auto)
        .map_err(|error| Failure::file(data, "write to", &error))?;
    let (bar, progress) = progress::shown("checking and restoring", args.directory.json);
    let done = restore(&source, &destination, progress);
    bar.finish_and_clear();
    let done = done.map_err(failure)?;
    let mut out = Output::new(args.directory.json);
    if out.json {
        out.json(&json!({"files": done.files_copied, "bytes": done.bytes_copied}))?;
    } else {
        out.line(format_args!(
            "restored {} files ({} bytes)",
            done.files_copied, done.bytes_copied
        ))?;
        out.line(format_args!("check it with `courant verify --data {}`", data.display()))?;
    }
    Ok(Exit::Success)
}
