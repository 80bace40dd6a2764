//! Backup of a data directory, stopped or running, and the way back.
//!
//! A backup holds the journal; and with it the newest snapshot, the index of ids and the records
//! kept of what was retired. Where nothing was retired, those could be made again from the journal,
//! but they let a restored server start as fast as the original, and there is one way for both
//! cases. Nothing needs to be stopped: all but the journal is listed first, and only then its end
//! is taken, so that it reaches beyond whatever the others show.

use crate::error::IndexError;
use crate::formats::check_formats;
use crate::ids::index;
use crate::incarnation::{self, Incarnations};
use crate::kept::{self, Kept};
use crate::retention::LOG_FILE;
use crate::snapshots;
use courant_engine::Lsn;
use courant_journal::backup::{self as journal, BackedUp, BackupError, BackupOptions, Extra};
use courant_journal::{Progress, Storage};
use std::io;

/// How often a backup begins anew because files were merged, pruned or retired under its hands.
const TRIES_MAX: usize = 8;

/// Directories of a data directory, as a backup calls them; the root is called `data`.
const SNAPSHOTS: &str = "snapshots";
const IDS: &str = "ids";
const KEPT: &str = "kept";
const ROOT: &str = "data";

/// What to back up.
#[derive(Debug)]
pub struct Source<'a, S, E> {
    /// The data directory.
    pub root: &'a S,
    /// Further small files of it; those that are not there are left out.
    pub secrets: &'a [&'a str],
    /// Says where its durable journal ends now.
    pub end: E,
}

/// Copies a data directory to `destination`, incrementally if a backup of it is there. `progress`
/// is told how far the copy has come.
///
/// # Errors
/// [`BackupError`]; an earlier backup is still whole.
pub fn backup<S: Storage, D: Storage>(
    source: &Source<'_, S, impl Fn() -> io::Result<courant_journal::Lsn>>,
    destination: &D,
    progress: Progress,
) -> Result<BackedUp, BackupError> {
    let mut moved = None;
    for _ in 0..TRIES_MAX {
        match attempt(source, destination, &progress) {
            Ok(done) => return Ok(done),
            Err(Missed::Failed(error)) => return Err(error),
            Err(Missed::Moved(error)) => moved = Some(error),
        }
    }
    Err(moved.expect("there was a try, and each that comes here left its reason"))
}

/// Why a try came to nothing.
enum Missed {
    /// Files were merged, pruned or retired meanwhile: another try finds others.
    Moved(BackupError),
    Failed(BackupError),
}

impl From<BackupError> for Missed {
    fn from(error: BackupError) -> Missed {
        match &error {
            BackupError::Retired => Missed::Moved(error),
            BackupError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Missed::Moved(error)
            }
            _ => Missed::Failed(error),
        }
    }
}

impl From<IndexError> for Missed {
    fn from(error: IndexError) -> Missed {
        match error {
            IndexError::Io(source) => io("reading", IDS)(source).into(),
            error => failed("reading ids", error).into(),
        }
    }
}

fn attempt<S: Storage, D: Storage>(
    source: &Source<'_, S, impl Fn() -> io::Result<courant_journal::Lsn>>,
    destination: &D,
    progress: &Progress,
) -> Result<BackedUp, Missed> {
    let Source { root, secrets, ref end } = *source;
    check_formats(root, |name| root.subdirectory(name).ok())
        .map_err(|newer| failed("backing up", newer))?;
    let directory = |name: &str| root.subdirectory(name).map_err(io("opening", name));
    let (snapshots, ids, kept) = (directory(SNAPSHOTS)?, directory(IDS)?, directory(KEPT)?);
    let snapshot = newest_snapshot(&snapshots)?;
    let (runs, damaged) = index::inspect(&ids)?;
    let root_files = root.list().map_err(io("listing", ROOT))?;
    let always = [LOG_FILE, incarnation::FILE];
    let wanted =
        |name: &String| always.contains(&name.as_str()) || secrets.contains(&name.as_str());
    let mut files: Vec<(&str, &S, String)> = Vec::new();
    files.extend(root_files.into_iter().filter(wanted).map(|name| (ROOT, root, name)));
    let kept_files = Kept::files(&kept).map_err(io("listing", KEPT))?;
    files.extend(kept_files.into_iter().map(|name| (KEPT, &kept, name)));
    files.extend(runs.file_names().map(|name| (IDS, &ids, name)));
    files.extend(snapshot.iter().map(|(name, _)| (SNAPSHOTS, &snapshots, name.clone())));
    let extra: Vec<Extra<'_, S>> = files
        .iter()
        .map(|&(directory, storage, ref name)| {
            // Merged and pruned, while all others only ever come.
            let may_vanish = [IDS, SNAPSHOTS].contains(&directory);
            Extra { directory, storage, name, may_vanish }
        })
        .collect();
    let end = end().map_err(io("reading", "the end of the journal"))?;
    let journal = directory("journal")?;
    let options = BackupOptions { end, extra: &extra, progress: progress.clone() };
    let done = journal::backup(&journal, destination, options)?;
    let begin = Lsn(done.begin.0);
    let was_copied = |directory: &str, name: &str| {
        files.iter().any(|(of, _, copied)| *of == directory && copied == name)
    };
    // What was retired after the lists were made left what was kept of it in files of its own.
    let kept_now = Kept::files(&kept).map_err(io("listing", KEPT))?;
    let is_missed = |name: &String| kept::base_in(name) < Some(begin) && !was_copied(KEPT, name);
    if kept_now.iter().any(is_missed) || (begin > Lsn::NONE && !was_copied(ROOT, LOG_FILE)) {
        return Err(Missed::Moved(BackupError::Retired));
    }
    let snapshot_begin = snapshot.map_or(Lsn::NONE, |(_, begin)| begin);
    match begin <= snapshot_begin.min(runs.through()) || begin == Lsn::NONE {
        true => Ok(done),
        // Without it the ids of retired records would be lost, and nobody would be told.
        false if damaged.is_some() => {
            let what = "the index of ids is damaged and cannot be made again";
            Err(failed("backing up", what).into())
        }
        false => Err(Missed::Moved(BackupError::Retired)),
    }
}

/// The newest sound snapshot, and where it begins.
fn newest_snapshot<S: Storage>(snapshots: &S) -> Result<Option<(String, Lsn)>, BackupError> {
    let names = snapshots::list(snapshots).map_err(io("listing", SNAPSHOTS))?;
    let sound = |name: String| {
        let extent = snapshots::check(snapshots, &name).ok()?;
        Some((name, extent.begin))
    };
    Ok(names.into_iter().find_map(sound))
}

/// Makes a data directory of a backup, every file checked. What is recorded after its end belongs
/// to another incarnation than what the original recorded there.
///
/// # Errors
/// [`BackupError`], also if something is in the directory already.
pub fn restore<S: Storage, D: Storage>(
    backup: &S,
    root: &D,
    progress: Progress,
) -> Result<BackedUp, BackupError> {
    let place = root.subdirectory("journal").map_err(io("opening", "journal"))?;
    let directory = |name: &str| match name {
        ROOT => Ok(root.clone()),
        SNAPSHOTS | IDS | KEPT => root.subdirectory(name),
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "it is none of a data directory: use the release that made this backup",
        )),
    };
    let finish = |end: courant_journal::Lsn| Incarnations::begin(root, Lsn(end.0));
    journal::restore(backup, &place, directory, finish, progress)
}

fn io(doing: &str, what: &str) -> impl FnOnce(io::Error) -> BackupError {
    let doing = format!("{doing} {what}");
    |source| BackupError::Io { doing, source }
}

fn failed(doing: &str, why: impl std::fmt::Display) -> BackupError {
    BackupError::Io { doing: doing.to_owned(), source: io::Error::other(why.to_string()) }
}
