//! The way back from a backup to directories, and the check of a backup where it lies.

use super::manifest::{Manifest, Stored};
use super::{
    BTreeMap, BackedUp, BackupError, Doing, Lsn, Place, Progress, Storage, Watch, hash, io,
};
use crate::copy::copy;
use crate::format::BLOCK_BYTES;
use crate::segments::base_in;
use crate::storage::{Access, Caching, File, uninterrupted, write_zeros};

/// Name that a file has until the whole directory is restored.
const UNFINISHED: &str = ".restoring";

/// A backup whose files are all there, and as they were when they were copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How far its journal goes.
    pub end: Lsn,
    /// How many files it has.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Reads every file of a backup and compares it with the manifest.
pub fn check<S: Storage>(backup: &S) -> Result<Checked, BackupError> {
    let manifest = load(backup)?;
    manifest.files.iter().try_for_each(|file| check_file(backup, file))?;
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    Ok(Checked { end: manifest.end, files: manifest.files.len() as u64, bytes })
}

/// Checks a backup against its manifest and makes a journal of it, and what lay in other
/// directories, for which `directories` gives the place by their names. All of them must be empty.
/// Files get their names last, and the oldest segment last of all, so that an interrupted restore
/// is no journal that looks complete. Before that one, `finish` is called with the end of the
/// journal. `progress` is told how far the check and the copy have come, as one piece of work.
pub fn restore<S: Storage, D: Storage>(
    backup: &S,
    destination: &D,
    directories: impl Fn(&str) -> io::Result<D>,
    finish: impl FnOnce(Lsn) -> io::Result<()>,
    progress: Progress,
) -> Result<BackedUp, BackupError> {
    let manifest = load(backup)?;
    let mut places: BTreeMap<&str, D> = BTreeMap::new();
    let mut files: Vec<(&str, &str, &Stored)> = Vec::new();
    for file in &manifest.files {
        let (directory, name) = file.name.split_once('/').unwrap_or(("", &file.name));
        if !directory.is_empty() && !places.contains_key(directory) {
            places.insert(directory, directories(directory).doing("opening", directory)?);
        }
        files.push((directory, name, file));
    }
    places.insert("", destination.clone());
    for place in places.values() {
        let location = place.location();
        if !place.list().doing("listing", &location)?.is_empty() {
            return Err(BackupError::NotEmpty(location));
        }
    }
    // Each is read twice: to be checked before anything is written, and to be copied.
    let total = 2 * manifest.files.iter().map(|file| file.bytes).sum::<u64>();
    let mut watch = Watch { progress, passed: 0, total };
    for file in &manifest.files {
        check_file(backup, file)?;
        watch.pass(file.bytes);
    }
    let mut done = BackedUp { end: manifest.end, ..BackedUp::default() };
    for (directory, name, file) in &files {
        restore_file((backup, &places[directory]), name, file, &watch)?;
        watch.pass(file.bytes);
        done.files_copied += 1;
        done.bytes_copied += file.full_bytes;
    }
    sync_all(&places)?;
    let rename = |(directory, name, _): &(&str, &str, &Stored)| {
        let unfinished = format!("{name}{UNFINISHED}");
        places[directory].rename(&unfinished, name).doing("renaming", &unfinished)
    };
    // The first segment last: until then the others are a journal whose begin is missing.
    files.iter().skip(1).rev().try_for_each(rename)?;
    finish(manifest.end).doing("finishing", "the restore")?;
    files.first().into_iter().try_for_each(rename)?;
    sync_all(&places)?;
    Ok(done)
}

fn sync_all<D: Storage>(places: &BTreeMap<&str, D>) -> Result<(), BackupError> {
    for place in places.values() {
        place.sync_dir().doing("syncing", &place.location())?;
    }
    Ok(())
}

fn load<S: Storage>(backup: &S) -> Result<Manifest, BackupError> {
    Manifest::load(backup)?.ok_or_else(|| BackupError::NoManifest(backup.location()))
}

fn check_file<S: Storage>(backup: &S, file: &Stored) -> Result<(), BackupError> {
    let place = Place { storage: backup, name: &file.stored };
    let differs = || BackupError::FileDiffers(file.stored.clone());
    let bytes = super::length(&place).doing("opening", &file.stored)?;
    let whole_blocks =
        file.bytes.is_multiple_of(BLOCK_BYTES) && file.full_bytes.is_multiple_of(BLOCK_BYTES);
    let to_extend = base_in(&file.name).is_some() && whole_blocks && file.full_bytes > bytes;
    if bytes != file.bytes || !(to_extend || file.full_bytes == bytes) {
        return Err(differs());
    }
    let found = hash(&place, file.bytes).doing("reading", &file.stored)?;
    if found == file.hash { Ok(()) } else { Err(differs()) }
}

fn restore_file<S: Storage, D: Storage>(
    (backup, destination): (&S, &D),
    name: &str,
    file: &Stored,
    watch: &Watch,
) -> Result<(), BackupError> {
    let unfinished = format!("{name}{UNFINISHED}");
    let from = Place { storage: backup, name: &file.stored };
    let to = Place { storage: destination, name: &unfinished };
    let copied =
        copy(&from, &to, file.bytes, |done| watch.within(done)).doing("restoring", &file.name)?;
    if copied != file.hash {
        return Err(BackupError::FileDiffers(file.stored.clone()));
    }
    let zeros = file.full_bytes - file.bytes;
    if zeros > 0 {
        let target =
            uninterrupted(|| destination.open(&unfinished, Access::Write, Caching::Direct))
                .doing("opening", &unfinished)?;
        write_zeros(&target, file.bytes, zeros).doing("writing zeros to", &unfinished)?;
        target.sync_data().doing("syncing", &unfinished)?;
    }
    Ok(())
}
