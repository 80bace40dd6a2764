//! Rules on files as such: no large blobs in the history.

use super::Finding;
use super::tree::Tree;

const RULE: &str = "large_file";

const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Large files that may be: the beginning of the path, and why.
const LARGE_FILES: &[(&str, &str)] =
    &[("examples/czech-bank-1993/", "a real bank's movements, which the import must reproduce")];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let large = tree.files.iter().filter(|file| file.bytes > FILE_BYTES_MAX);
    large
        .filter(|file| !LARGE_FILES.iter().any(|(start, _)| file.path.starts_with(start)))
        .map(|file| {
            let message = format!(
                "{} bytes, at most {FILE_BYTES_MAX}; make it smaller, generate it, or list it with \
                 a reason in xtask/src/tidy/files.rs",
                file.bytes
            );
            Finding::new(&file.path, 1, RULE, message)
        })
        .collect()
}
