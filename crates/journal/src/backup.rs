//! A consistent copy of a journal, also of a running one, and the way back.
//!
//! Sealed segments never change, so each is copied once; a later backup into the same directory
//! copies what is new, and what is there of another past is replaced. The segment that is being
//! written is copied up to a durable end that the caller names. A copy of a segment counts only if
//! every batch in it is sound: the original may be retired and made zeros while it is read.
//! Files of other directories that belong to the same moment come along. The manifest, with length
//! and BLAKE3 of each file, is written last: a backup without it, or with files that do not match
//! it, is none.

mod manifest;
mod proof;
mod restore;

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use crate::Lsn;
use crate::chain::{CHAIN_FILE, ChainLog};
use crate::copy::{Place, Source, hash, length};
use crate::error::{Doing, Failed, OpenError};
use crate::format::segment::SegmentHeader;
use crate::note::{NOTE_FILE, Note};
use crate::progress::Progress;
use crate::segments::{SegmentSet, file_name};
use crate::storage::{Storage, read_file, remove_if_there, replace_file};

use manifest::{MANIFEST_FILE, Manifest, Stored};
pub use restore::{Checked, check, restore};

/// What to copy.
#[derive(Debug)]
pub struct BackupOptions<'a, S> {
    /// The durable end of the running journal, [`crate::Reader::durable_end`]; of one that is
    /// closed, the end that opening or verifying it reports.
    pub end: Lsn,
    /// Files of other directories that belong to this end, such as snapshots.
    pub extra: &'a [Extra<'a, S>],
    /// Is told how far the copy has come.
    pub progress: Progress,
}

/// A file beside the journal. One that did not change since the last backup is not copied again.
#[derive(Debug)]
pub struct Extra<'a, S> {
    /// What its directory is called: [`restore`] asks by this name where the file goes.
    pub directory: &'a str,
    /// That directory.
    pub storage: &'a S,
    /// The file.
    pub name: &'a str,
    /// It may be removed while the backup runs, as what replaces it is no part of this one: it is
    /// opened before anything is copied, and stays so. For few files: each takes a descriptor.
    pub may_vanish: bool,
}

/// What a backup did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Files copied now.
    pub files_copied: u64,
    /// Their bytes.
    pub bytes_copied: u64,
    /// Files that an earlier backup had copied already.
    pub files_kept: u64,
    /// Where the journal in the backup begins.
    pub begin: Lsn,
    /// Where it ends.
    pub end: Lsn,
}

/// Why there is no new backup, or no restored journal. An earlier backup is still whole.
#[derive(Debug)]
pub enum BackupError {
    /// The journal to copy is damaged or of a newer format.
    Source(OpenError),
    /// The directory has a backup of another journal. Nothing was written.
    OtherJournal(String),
    /// Segments were retired while they were copied: try again, from where the journal begins now.
    Retired,
    /// The journal holds nothing up to that end.
    EndOutside {
        /// The end asked for.
        end: Lsn,
        /// Where the journal begins.
        begin: Lsn,
        /// Where its last segment ends.
        limit: Lsn,
    },
    /// The directory has no manifest, or not a readable one.
    NoManifest(String),
    /// A file of the backup is not what the manifest says.
    FileDiffers(String),
    /// The directory to restore into is not empty.
    NotEmpty(String),
    /// A file name that a manifest cannot hold.
    Name(String),
    /// The operating system refused something.
    Io {
        /// What was tried, on which file.
        doing: String,
        /// Its answer.
        source: io::Error,
    },
}

/// Copies the journal in `storage` to `destination`, incrementally if a backup of it is there.
pub fn backup<S: Storage, D: Storage>(
    storage: &S,
    destination: &D,
    options: BackupOptions<'_, S>,
) -> Result<BackedUp, BackupError> {
    let held = options.extra.iter().map(hold).collect::<Result<Vec<_>, _>>()?;
    let set = segments(storage)?;
    let to_copy = segments_up_to(&set.headers, options.end)?;
    let before = Manifest::load(destination)?;
    let earlier = proof::earlier_headers(destination, before.as_ref(), &to_copy[0])?;
    let done = BackedUp { begin: to_copy[0].base, end: options.end, ..BackedUp::default() };
    let total = total(to_copy, &options, &held)?;
    let watch = Watch { progress: options.progress, passed: 0, total };
    let mut copying = Copying { storage, destination, before, earlier, done, watch };
    let mut files = Vec::new();
    for (index, segment) in to_copy.iter().enumerate() {
        let stored = copying.segment(segment, set.headers.get(index + 1), options.end)?;
        copying.watch.pass(stored.bytes);
        files.push(stored);
    }
    if let Some(note) = &set.note {
        // The file may say more by now.
        files.push(copying.written(NOTE_FILE, &note.encode(), options.end)?);
    }
    files.extend(copying.chain(options.end)?);
    for (extra, held) in options.extra.iter().zip(held) {
        let source = held.map_or_else(|| extra.open(), Ok)?;
        let stored = copying.file(&source, extra.path(), options.end)?;
        copying.watch.pass(stored.bytes);
        files.push(stored);
    }
    let Copying { before, done, .. } = copying;
    let location = destination.location();
    destination.sync_dir().doing("syncing", &location)?;
    let manifest = Manifest { end: options.end, files };
    replace_file(destination, MANIFEST_FILE, manifest.encode()?.as_bytes())
        .doing("writing", MANIFEST_FILE)?;
    remove_superseded(destination, before, &manifest)?;
    Ok(done)
}

impl<S: Storage> Extra<'_, S> {
    fn path(&self) -> String {
        format!("{}/{}", self.directory, self.name)
    }

    fn open(&self) -> Result<Source<S::File>, Failed> {
        let place = Place { storage: self.storage, name: self.name };
        let open = || Source::open(&place, length(&place)?);
        open().doing("opening", self.name)
    }
}

/// Opens a file that may vanish.
fn hold<S: Storage>(extra: &Extra<'_, S>) -> Result<Option<Source<S::File>>, Failed> {
    extra.may_vanish.then(|| extra.open()).transpose()
}

/// Bytes that a backup deals with, but for small files.
fn total<S: Storage>(
    segments: &[SegmentHeader],
    options: &BackupOptions<'_, S>,
    held: &[Option<Source<S::File>>],
) -> Result<u64, BackupError> {
    let mut total = options.end.0 - segments[0].base.0;
    for (extra, held) in options.extra.iter().zip(held) {
        manifest::check_name(&extra.path())?;
        total += match held {
            Some(source) => source.bytes,
            None => extra.open()?.bytes,
        };
    }
    Ok(total)
}

/// How far a backup has come.
struct Watch {
    progress: Progress,
    /// Bytes of the files that are dealt with.
    passed: u64,
    total: u64,
}

impl Watch {
    /// So much of the present file is copied.
    fn within(&self, bytes: u64) {
        self.progress.tell(self.passed + bytes, self.total);
    }

    /// The present file is dealt with.
    fn pass(&mut self, bytes: u64) {
        self.passed += bytes;
        self.progress.tell(self.passed, self.total);
    }
}

/// Removes files of the backup before that the new manifest does not name.
fn remove_superseded<D: Storage>(
    destination: &D,
    before: Option<Manifest>,
    manifest: &Manifest,
) -> Result<(), Failed> {
    let old = before.into_iter().flat_map(|before| before.files);
    for file in old.filter(|old| manifest.files.iter().all(|new| new.stored != old.stored)) {
        remove_if_there(destination, &file.stored).doing("removing", &file.stored)?;
    }
    Ok(())
}

/// The segments there are now. A retirement in between looks like damage, but moves the note first.
fn segments<S: Storage>(storage: &S) -> Result<SegmentSet, BackupError> {
    let note = Note::load(storage).map_err(BackupError::Source)?;
    SegmentSet::load(storage).map_err(|error| match Note::load(storage) {
        Ok(now) if now != note => BackupError::Retired,
        _ => BackupError::Source(error),
    })
}

fn segments_up_to(headers: &[SegmentHeader], end: Lsn) -> Result<&[SegmentHeader], BackupError> {
    let begin = headers.first().map_or(Lsn::NONE, |header| header.base);
    let limit = headers.last().map_or(Lsn::NONE, SegmentHeader::end);
    let count = headers.partition_point(|header| header.base < end);
    if count == 0 || end > limit {
        return Err(BackupError::EndOutside { end, begin, limit });
    }
    Ok(&headers[..count])
}

/// A backup under way.
struct Copying<'a, S, D> {
    storage: &'a S,
    destination: &'a D,
    before: Option<Manifest>,
    /// Headers of the segments in the backup before, by their bases.
    earlier: BTreeMap<Lsn, SegmentHeader>,
    done: BackedUp,
    watch: Watch,
}

impl<S: Storage, D: Storage> Copying<'_, S, D> {
    /// A sealed segment whole; the last one up to `end`. Kept if an earlier backup has the same.
    fn segment(
        &mut self,
        segment: &SegmentHeader,
        next: Option<&SegmentHeader>,
        end: Lsn,
    ) -> Result<Stored, BackupError> {
        let name = file_name(segment.base);
        let bytes = segment.capacity_bytes.min(end.0 - segment.base.0);
        let from = Place { storage: self.storage, name: &name };
        let before = self.before.iter().flat_map(|before| &before.files);
        let known = before.into_iter().find(|file| file.name == name && file.bytes == bytes);
        if let Some(known) = known
            && self.is_same(known, segment, next)?
        {
            self.done.files_kept += 1;
            return Ok(known.clone());
        }
        let is_sealed = bytes == segment.capacity_bytes;
        let is_free = self.before.as_ref().is_none_or(|before| before.find(&name).is_none());
        let stored = match is_sealed && is_free {
            true => name.clone(),
            false => self.unused_name(&name, end),
        };
        let from = Source::open(&from, bytes).doing("opening", &name)?;
        let copied = self.copy(&from, &name, &stored)?;
        let to = Place { storage: self.destination, name: &stored };
        let sound = proof::check_copy(&to, segment, next, bytes).doing("reading back", &stored)?;
        if let Err(corrupt) = sound {
            return Err(match Note::load(self.storage).map_err(BackupError::Source)? {
                Some(note) if note.begin > segment.base => BackupError::Retired,
                _ => BackupError::Source(corrupt.into()),
            });
        }
        let full_bytes = segment.capacity_bytes;
        Ok(Stored { hash: copied, stored, name, bytes, full_bytes })
    }

    /// Whether what an earlier backup copied is what is there now. A header has a random epoch and
    /// is written when all before it is: the next segment's, if it was copied too, proves that this
    /// segment has the same past. Without one this segment is read.
    fn is_same(
        &self,
        known: &Stored,
        segment: &SegmentHeader,
        next: Option<&SegmentHeader>,
    ) -> Result<bool, BackupError> {
        let place = Place { storage: self.destination, name: &known.stored };
        let is_there = length(&place).is_ok_and(|length| length == known.bytes);
        if !is_there || self.earlier.get(&segment.base) != Some(segment) {
            return Ok(false);
        }
        if next.is_some_and(|next| self.earlier.get(&next.base) == Some(next)) {
            return Ok(true);
        }
        let from = Place { storage: self.storage, name: &known.name };
        Ok(hash(&from, known.bytes).doing("reading", &known.name)? == known.hash)
    }

    /// Any other file, whole, under a name that no file of the backup before has; the same file
    /// again if it has not changed.
    fn file(
        &mut self,
        from: &Source<S::File>,
        name: String,
        end: Lsn,
    ) -> Result<Stored, BackupError> {
        let bytes = from.bytes;
        let before = self.before.iter().flat_map(|before| &before.files);
        if let Some(known) = before.into_iter().find(|file| file.name == name)
            && known.bytes == bytes
            && from.hash().doing("reading", &name)? == known.hash
        {
            self.done.files_kept += 1;
            return Ok(known.clone());
        }
        let stored = self.unused_name(&name, end);
        let copied = self.copy(from, &name, &stored)?;
        Ok(Stored { hash: copied, stored, name, bytes, full_bytes: bytes })
    }

    /// A name in the backup for a file that may change: an earlier backup's copy is not touched.
    fn unused_name(&self, name: &str, end: Lsn) -> String {
        let mut stored = format!("{}.to-{end}", name.replace('/', "-"));
        while self.before.as_ref().is_some_and(|before| before.find(&stored).is_some()) {
            stored.push('+');
        }
        stored
    }

    /// The chain, as far as the backup goes.
    fn chain(&mut self, end: Lsn) -> Result<Option<Stored>, BackupError> {
        let Some(mut log) = ChainLog::load(self.storage).map_err(BackupError::Source)? else {
            return Ok(None);
        };
        log.entries.retain(|entry| entry.head.end <= end);
        self.written(CHAIN_FILE, &log.encode(), end).map(Some)
    }

    /// A small file of the journal, with these bytes.
    fn written(&mut self, name: &str, bytes: &[u8], end: Lsn) -> Result<Stored, BackupError> {
        let stored = self.unused_name(name, end);
        replace_file(self.destination, &stored, bytes).doing("writing", &stored)?;
        let length = bytes.len() as u64;
        self.count(length);
        Ok(Stored {
            stored,
            name: name.to_owned(),
            bytes: length,
            full_bytes: length,
            hash: blake3::hash(bytes),
        })
    }

    /// Copies and reads back.
    fn copy(
        &mut self,
        from: &Source<S::File>,
        name: &str,
        stored: &str,
    ) -> Result<blake3::Hash, BackupError> {
        let to = Place { storage: self.destination, name: stored };
        let bytes = from.bytes;
        let copied = from.copy(&to, |done| self.watch.within(done)).doing("copying", name)?;
        if hash(&to, bytes).doing("reading back", stored)? != copied {
            return Err(BackupError::FileDiffers(stored.to_owned()));
        }
        self.count(bytes);
        Ok(copied)
    }

    fn count(&mut self, bytes: u64) {
        self.done.files_copied += 1;
        self.done.bytes_copied += bytes;
    }
}

impl From<Failed> for BackupError {
    fn from(Failed { doing, source }: Failed) -> BackupError {
        BackupError::Io { doing, source }
    }
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackupError::Source(error) => write!(f, "{error}"),
            BackupError::OtherJournal(location) => write!(
                f,
                "{location} holds a backup of another journal; nothing was written: back up into a \
                 directory of its own"
            ),
            BackupError::Retired => f.write_str(
                "segments were retired while they were copied; the backup before is unchanged: \
                 try again",
            ),
            BackupError::EndOutside { end, begin, limit } => write!(
                f,
                "a backup up to LSN {end} was asked for, but the journal has only LSN {begin} to \
                 {limit}"
            ),
            BackupError::NoManifest(location) => {
                write!(f, "{location} is not a complete backup: its manifest is missing or damaged")
            }
            BackupError::FileDiffers(file) => write!(
                f,
                "{file} is not what the manifest says: this backup is damaged, use another one"
            ),
            BackupError::NotEmpty(location) => {
                write!(f, "{location} is not empty; restore into a new directory")
            }
            BackupError::Name(name) => write!(f, "{name:?} cannot be a file name in a backup"),
            BackupError::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for BackupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BackupError::Source(error) => Some(error),
            BackupError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
