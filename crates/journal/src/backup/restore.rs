//! The way back from a backup to a data directory.

use super::manifest::{Manifest, Stored};
use super::{BackedUp, BackupError, Doing, Place, Storage, copy, hash};
use crate::format::BLOCK_BYTES;
use crate::recover::write_zeros;
use crate::segments::base_in;
use crate::storage::{Access, Caching, File, uninterrupted};

/// Name that a file has until the whole directory is restored.
const UNFINISHED: &str = ".restoring";

/// Checks a backup against its manifest and makes a data directory of it. `destination` must be
/// empty. Files get their names last, and the oldest segment last of all, so that an interrupted
/// restore is no journal that looks complete.
pub fn restore<S: Storage, D: Storage>(
    backup: &S,
    destination: &D,
) -> Result<BackedUp, BackupError> {
    let missing = || BackupError::NoManifest(backup.location());
    let manifest = Manifest::load(backup)?.ok_or_else(missing)?;
    let location = destination.location();
    if !destination.list().doing("listing", &location)?.is_empty() {
        return Err(BackupError::NotEmpty(location));
    }
    for file in &manifest.files {
        check(backup, file)?;
    }
    let mut done = BackedUp::default();
    for file in &manifest.files {
        restore_file(backup, destination, file)?;
        done.files_copied += 1;
        done.bytes_copied += file.full_bytes;
    }
    destination.sync_dir().doing("syncing", &location)?;
    // The first segment last: until then the others are a journal whose begin is missing.
    for file in manifest.files.iter().rev() {
        let unfinished = format!("{}{UNFINISHED}", file.name);
        destination.rename(&unfinished, &file.name).doing("renaming", &unfinished)?;
    }
    destination.sync_dir().doing("syncing", &location)?;
    Ok(done)
}

fn check<S: Storage>(backup: &S, file: &Stored) -> Result<(), BackupError> {
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
    backup: &S,
    destination: &D,
    file: &Stored,
) -> Result<(), BackupError> {
    let unfinished = format!("{}{UNFINISHED}", file.name);
    let from = Place { storage: backup, name: &file.stored };
    let to = Place { storage: destination, name: &unfinished };
    let copied = copy(&from, &to, file.bytes).doing("restoring", &file.name)?;
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
