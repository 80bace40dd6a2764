//! `courant backup`: a consistent copy of a data directory, running or not; again into the same
//! place copies only what is new.
//!
//! It holds the journal, the newest snapshot, the index of ids, what was kept of retired segments,
//! and the directory's secrets.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use courant_journal::backup::{BackedUp, BackupError, check};
use courant_journal::{DirectIo, OsStorage};
use courant_node::parts;
use serde_json::json;

use super::{DirectoryArgs, JOURNAL, SECRET_FILES, journal, nearest, walk};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::progress;

/// The file without which a directory is no backup.
const MANIFEST: &str = "backup.manifest";

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Where the backup goes; an earlier one there is continued
    destination: PathBuf,
    #[command(flatten)]
    directory: DirectoryArgs,
}

pub(crate) fn run(args: &BackupArgs) -> Result<Exit, Failure> {
    let data = &args.directory.data;
    journal(data)?;
    let root = OsStorage::open_existing(data, DirectIo::Auto)
        .map_err(|error| Failure::file(data, "read", &error))?;
    check_destination(data, &args.destination)?;
    let destination = OsStorage::open(&args.destination, DirectIo::Never)
        .map_err(|error| Failure::file(&args.destination, "write to", &error))?;
    let end =
        || walk::end(&data.join(JOURNAL)).map_err(|failure| io::Error::other(failure.message));
    let (bar, progress) = progress::shown("copying", args.directory.json);
    let source = parts::BackupSource { root: &root, secrets: &SECRET_FILES, end };
    let done = parts::backup(&source, &destination, progress);
    bar.finish_and_clear();
    let done = done.map_err(failure)?;
    let BackedUp { files_copied, bytes_copied, files_kept, begin, end } = done;
    let mut out = Output::new(args.directory.json);
    if out.json {
        out.json(&json!({
            "begin": begin.0,
            "end": end.0,
            "files_copied": files_copied,
            "bytes_copied": bytes_copied,
            "files_kept": files_kept,
        }))?;
    } else {
        out.line(format_args!(
            "backed up to LSN {end}: {files_copied} files copied ({bytes_copied} bytes), \
             {files_kept} already there"
        ))?;
        out.line(format_args!(
            "check it with `courant verify --data {}`",
            args.destination.display()
        ))?;
    }
    Ok(Exit::Success)
}

/// Refuses a place within the data directory: what ends one would end the other.
fn check_destination(data: &Path, destination: &Path) -> Result<(), Failure> {
    let real = |path: &Path| path.canonicalize().map_err(|e| Failure::file(path, "read", &e));
    if real(&nearest(destination))?.starts_with(real(data)?) {
        let message =
            format!("{} is inside the data directory {}", destination.display(), data.display());
        return Err(Failure::usage(message).next("name a place on another disk"));
    }
    Ok(())
}

/// Whether a directory is a backup.
pub(super) fn is_backup(directory: &Path) -> bool {
    directory.join(MANIFEST).is_file()
}

/// `courant verify` of a backup: every file is there, and as it was when it was copied. Nothing is
/// said of the records in it.
pub(super) fn verify(directory: &Path, mut out: Output) -> Result<Exit, Failure> {
    let storage = OsStorage::open_existing(directory, DirectIo::Never)
        .map_err(|error| Failure::file(directory, "read", &error))?;
    let checked = check(&storage).map_err(failure)?;
    let (end, files, bytes) = (checked.end, checked.files, checked.bytes);
    if out.json {
        out.json(&json!({
            "unchanged": true, "backup": true, "end": end.0, "files": files, "bytes": bytes,
        }))?;
    } else {
        out.line(format_args!(
            "unchanged since it was copied: a backup up to LSN {end}, all {files} files ({bytes} \
             bytes); restore it somewhere and verify that, to have every record looked at"
        ))?;
    }
    Ok(Exit::Success)
}

/// A backup's error as the end of a command.
pub(super) fn failure(error: BackupError) -> Failure {
    Failure::negative(error.to_string())
}
