//! The files of the repository as git sees them: tracked or about to be, never the ignored ones.

use std::path::Path;

use anyhow::{Context, Result};

use crate::shell;

/// Larger files are listed with their size only.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// `None` if it is not UTF-8 or too large to be read.
    pub(crate) text: Option<String>,
}

/// All files, sorted by path.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads the files that git lists under `root`. A deleted file still in the index is left out.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = shell::output(&mut shell::program("git", &args))?;
        let mut paths: Vec<&str> = listed.split_terminator('\0').collect();
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let full = root.join(path);
            let Ok(metadata) = full.symlink_metadata() else { continue };
            if !metadata.is_file() {
                continue;
            }
            let mut text = None;
            if metadata.len() <= TEXT_BYTES_MAX {
                let bytes = std::fs::read(&full).with_context(|| format!("reading {path}"))?;
                text = String::from_utf8(bytes).ok();
            }
            files.push(File { path: path.to_owned(), bytes: metadata.len(), text });
        }
        Ok(Self { files })
    }

    /// The text of a file, if it exists.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }

    /// All text files with this ending, as (path, text).
    pub(crate) fn with_ending(&self, ending: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(move |file| file.path.ends_with(ending))
            .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }
}

#[cfg(test)]
impl Tree {
    /// A tree for a test: (path, text) of each file.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File {
            path: (*path).to_owned(),
            bytes: text.len() as u64,
            text: Some((*text).to_owned()),
        });
        Self { files: files.collect() }
    }
}
