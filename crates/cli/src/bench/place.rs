//! Where measurements write: new directories on the disk, removed when they are done with.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::exit::Failure;

/// A directory whose file system is measured.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new(data: Option<&Path>) -> Result<Place, Failure> {
        let path = data.unwrap_or(Path::new("."));
        let make = std::fs::create_dir_all(path).and_then(|()| path.canonicalize());
        make.map(Place).map_err(|error| Failure::file(path, "make the directory", &error))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A new directory, for one run.
    pub(super) fn directory(&self) -> Result<TempDir, Failure> {
        let made = tempfile::Builder::new().prefix("courant-bench-").tempdir_in(&self.0);
        made.map_err(|error| Failure::file(&self.0, "make a directory in", &error))
    }
}
