//! `courant backup`: a consistent copy of a data directory, running or not; again into the same
//! place copies only what is new.
//!
//! It holds the journal and the directory's secrets. Snapshots and the index of ids are made again
//! from the journal.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use courant_journal::backup::{BackupError, BackupOptions, backup};
use courant_journal::{DirectIo, OsStorage};
use serde_json::json;

use super::{DirectoryArgs, JOURNAL, SECRET_FILES, journal, walk};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Owner only: a backup holds the secrets.
const FILE_MODE: u32 = 0o600;

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Where the backup goes; an earlier one there is continued
    destination: PathBuf,
    #[command(flatten)]
    directory: DirectoryArgs,
}

pub(crate) fn run(args: &BackupArgs) -> Result<Exit, Failure> {
    let data = &args.directory.data;
    let storage = journal(data)?;
    let end = walk::end(&data.join(JOURNAL))?;
    let destination = OsStorage::open(args.destination.join(JOURNAL), DirectIo::Never)
        .map_err(|error| Failure::file(&args.destination, "write to", &error))?;
    let options = BackupOptions { end, extra: &[] };
    let done = backup(&storage, &destination, options).map_err(failure)?;
    copy_secrets(data, &args.destination)?;
    let mut out = Output::new(args.directory.json);
    if out.json {
        out.json(&json!({
            "end": end.0,
            "files_copied": done.files_copied,
            "bytes_copied": done.bytes_copied,
            "files_kept": done.files_kept,
        }))?;
    } else {
        out.line(format_args!(
            "backed up to LSN {end}: {} files copied ({} bytes), {} already there",
            done.files_copied, done.bytes_copied, done.files_kept
        ))?;
    }
    Ok(Exit::Success)
}

/// Copies the small secret files that are there.
pub(super) fn copy_secrets(from: &Path, to: &Path) -> Result<(), Failure> {
    for name in SECRET_FILES {
        let source = from.join(name);
        let bytes = match std::fs::read(&source) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::file(&source, "read", &error)),
        };
        let target = to.join(name);
        let failed = |error: std::io::Error| Failure::file(&target, "write", &error);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(FILE_MODE);
        let mut file = options.open(&target).map_err(failed)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    }
    Ok(())
}

/// A backup's error as the end of a command.
pub(super) fn failure(error: BackupError) -> Failure {
    Failure::negative(error.to_string())
}
