//! The formats of the files beside the journal: those of a newer release are refused before
//! anything is touched, not taken for damaged and made again.
//!
//! Magic, format and the place of the header's checksum stay where they are in every later format,
//! so that an old release can tell one from the other. A file that cannot be read, or whose
//! checksum is wrong, is left to whoever reads it next.

use crate::ids::run;
use crate::{incarnation, kept, snapshots};
use courant_journal::Storage;
use courant_journal::storage::{Access, Caching, read_exact_at, uninterrupted};
use std::fmt;

/// How files of one kind begin: their magic, and behind it the format as a u32.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub(crate) magic: &'static [u8; 8],
    /// The newest that this release knows.
    pub(crate) number: u32,
    /// Where the checksum of all before it is; `None`: the header has none.
    pub(crate) crc_at: Option<usize>,
}

/// Magic and format.
const HEAD_BYTES: usize = 12;

/// The directories of a data directory, how names of files in them end, and their format.
const KINDS: [(&str, &str, Format); 3] = [
    ("ids", ".ids", run::FORMAT),
    ("snapshots", ".snap", snapshots::FORMAT),
    ("kept", ".kept", kept::FORMAT),
];

/// A file was written by a newer release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerFormat {
    /// The file, from the data directory on.
    pub file: String,
    /// Its format.
    pub found: u32,
    /// The newest format that this release knows.
    pub supported: u32,
}

impl fmt::Display for NewerFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NewerFormat { file, found, supported } = self;
        write!(
            f,
            "{file} has format {found}, this release knows formats up to {supported}; \
             use the release that wrote it, or a newer one. Nothing was changed"
        )
    }
}

impl std::error::Error for NewerFormat {}

/// Looks whether a newer release wrote any of the files beside the journal. Changes nothing. `open`
/// gives a directory of the data directory, `root`, by its name, if it can be opened.
///
/// # Errors
/// [`NewerFormat`], of the first such file.
pub fn check_formats<S: Storage>(
    root: &S,
    open: impl Fn(&str) -> Option<S>,
) -> Result<(), NewerFormat> {
    incarnation::check_format(root)?;
    for (directory, ending, format) in KINDS {
        let Some(storage) = open(directory) else { continue };
        let names = storage.list().unwrap_or_default();
        for name in names.iter().filter(|name| name.ends_with(ending)) {
            format.check(&storage, name, &format!("{directory}/{name}"))?;
        }
    }
    Ok(())
}

impl Format {
    /// Refuses a file that is newer; `file` is its name from the data directory on.
    pub(crate) fn check<S: Storage>(
        &self,
        storage: &S,
        name: &str,
        file: &str,
    ) -> Result<(), NewerFormat> {
        let newer = |found| NewerFormat { file: file.to_owned(), found, supported: self.number };
        self.newer(storage, name).map_or(Ok(()), |found| Err(newer(found)))
    }

    /// The format of a file if it is newer.
    fn newer<S: Storage>(&self, storage: &S, name: &str) -> Option<u32> {
        let mut head = vec![0; self.crc_at.map_or(HEAD_BYTES, |at| at + 4)];
        let opened = uninterrupted(|| storage.open(name, Access::Read, Caching::Buffered));
        let file = opened.ok()?;
        read_exact_at(&file, 0, &mut head).ok()?;
        let is_sound = self.crc_at.is_none_or(|at| crc(&head[..at]) == head[at..]);
        let found = u32::from_le_bytes(head[8..HEAD_BYTES].try_into().expect("4 bytes"));
        (head[..8] == self.magic[..] && is_sound && found > self.number).then_some(found)
    }
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).to_le_bytes()
}
