//! The manifest of a backup: text, one line a file, and a hash over itself.
//!
//! ```text
//! courant-backup 1
//! end LSN
//! BLAKE3 BYTES FULL-BYTES STORED-NAME NAME
//! ...
//! manifest BLAKE3 of all lines above
//! ```

use super::{BTreeMap, BackupError, Doing, Lsn, Storage, io, read_file};

/// The file's name.
pub(super) const MANIFEST_FILE: &str = "backup.manifest";
const FIRST_LINE: &str = "courant-backup 1";

/// What a backup consists of.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) end: Lsn,
    pub(super) files: Vec<Stored>,
}

/// One file of a backup.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Its name in the backup.
    pub(super) stored: String,
    /// Its name in the journal, or another directory's name, a slash, and its name there.
    pub(super) name: String,
    /// Its length in the backup.
    pub(super) bytes: u64,
    /// Its length in a data directory: zeros follow.
    pub(super) full_bytes: u64,
    pub(super) hash: blake3::Hash,
}

/// Names go into lines of words, and into directories that the restorer chooses: a slash may stand
/// once, after the name of such a directory.
pub(super) fn check_name(name: &str) -> Result<(), BackupError> {
    let (directory, file) = name.split_once('/').unwrap_or(("journal", name));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    let is_plain =
        |part: &str| !part.is_empty() && part.chars().all(plain) && !part.starts_with('.');
    if is_plain(directory) && is_plain(file) {
        Ok(())
    } else {
        Err(BackupError::Name(name.to_owned()))
    }
}

impl Manifest {
    /// Reads the manifest; `None` if there is none.
    pub(super) fn load<D: Storage>(directory: &D) -> Result<Option<Manifest>, BackupError> {
        match read_file(directory, MANIFEST_FILE) {
            Ok(bytes) => {
                let manifest = std::str::from_utf8(&bytes).ok().and_then(Manifest::decode);
                let missing = || BackupError::NoManifest(directory.location());
                manifest.ok_or_else(missing).map(Some)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing("reading", MANIFEST_FILE)?,
        }
    }

    pub(super) fn find(&self, stored: &str) -> Option<&Stored> {
        self.files.iter().find(|file| file.stored == stored)
    }

    pub(super) fn encode(&self) -> Result<String, BackupError> {
        let mut text = format!("{FIRST_LINE}\nend {}\n", self.end);
        for Stored { stored, name, bytes, full_bytes, hash } in &self.files {
            check_name(stored)?;
            check_name(name)?;
            text.push_str(&format!("{} {bytes} {full_bytes} {stored} {name}\n", hash.to_hex()));
        }
        let hash = blake3::hash(text.as_bytes());
        text.push_str(&format!("manifest {}\n", hash.to_hex()));
        Ok(text)
    }

    fn decode(text: &str) -> Option<Manifest> {
        let last_line = text.trim_end_matches('\n').rfind('\n')? + 1;
        let (body, seal) = text.split_at(last_line);
        let hash = seal.trim_end().strip_prefix("manifest ")?;
        if blake3::Hash::from_hex(hash).ok()? != blake3::hash(body.as_bytes()) {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let end = Lsn(lines.next()?.strip_prefix("end ")?.parse().ok()?);
        let files: Vec<Stored> = lines.map(decode_line).collect::<Option<_>>()?;
        let names: BTreeMap<&str, &Stored> =
            files.iter().map(|file| (file.name.as_str(), file)).collect();
        (names.len() == files.len()).then_some(Manifest { end, files })
    }
}

fn decode_line(line: &str) -> Option<Stored> {
    let words: Vec<&str> = line.split(' ').collect();
    let [hash, bytes, full_bytes, stored, name] = words[..] else { return None };
    check_name(stored).and_then(|()| check_name(name)).ok()?;
    if stored.contains('/') {
        return None;
    }
    Some(Stored {
        stored: stored.to_owned(),
        name: name.to_owned(),
        bytes: bytes.parse().ok()?,
        full_bytes: full_bytes.parse().ok()?,
        hash: blake3::Hash::from_hex(hash).ok()?,
    })
}
