//! The head of a variant's patch: what is broken, and which test notices it.

use std::path::Path;

use anyhow::{Context, Result};

/// A variant, from its patch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    /// The patch's file, relative to the root.
    pub(crate) path: String,
    /// What is broken, in a sentence.
    pub(crate) what: String,
    pub(crate) package: String,
    /// The integration test's target, or `lib`.
    pub(crate) target: String,
    pub(crate) test: String,
}

impl Variant {
    /// Reads what stands before the diff.
    fn read(path: String, text: &str) -> Result<Variant> {
        let head = text.split("\ndiff ").next().unwrap_or_default();
        let field = |name: &str| {
            let found = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            let found = found.with_context(|| format!("{path}: no line `{name}: ...`"));
            found.map(|value| value.trim().to_owned())
        };
        let what = head.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
        let (package, target, test) = (field("Package")?, field("Target")?, field("Test")?);
        Ok(Variant { path, what, package, target, test })
    }

    /// The file's name without its ending.
    pub(crate) fn name(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.strip_suffix(".patch").unwrap_or(name)
    }
}

/// Every variant under `root`, those of one crate together.
pub(crate) fn all(root: &Path) -> Result<Vec<Variant>> {
    let mut variants = Vec::new();
    for krate in names(&root.join("crates"))? {
        let folder = format!("crates/{krate}/tests/broken");
        if !root.join(&folder).is_dir() {
            continue;
        }
        for name in names(&root.join(&folder))?.iter().filter(|name| name.ends_with(".patch")) {
            let path = format!("{folder}/{name}");
            let text = std::fs::read_to_string(root.join(&path)).context(path.clone())?;
            variants.push(Variant::read(path, &text)?);
        }
    }
    // What a patch of one package makes necessary to build again is built once for all of them.
    variants.sort_by(|a, b| (&a.package, &a.path).cmp(&(&b.package, &b.path)));
    Ok(variants)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    //! Heads that can be read, and one that cannot.

    use super::Variant;

    const HEAD: &str = "The sync is left out.\nPackage: p\nTarget: it\nTest: crash::every\n";

    #[test]
    fn the_head_says_what_is_broken_and_who_notices() {
        let text = format!("{HEAD}\ndiff --git a/x b/x\nTest: not this\n");
        let variant = Variant::read("a/broken/no-sync.patch".to_owned(), &text).unwrap();
        assert_eq!(variant.name(), "no-sync");
        assert_eq!(variant.what, "The sync is left out");
        assert_eq!((&*variant.package, &*variant.target), ("p", "it"));
        assert_eq!(variant.test, "crash::every");
    }

    #[test]
    fn a_head_without_a_test_is_refused_by_name() {
        let text = "Something.\nPackage: p\nTarget: it\n\ndiff --git a/x b/x\nTest: t\n";
        let error = Variant::read("a/x.patch".to_owned(), text).unwrap_err();
        assert_eq!(error.to_string(), "a/x.patch: no line `Test: ...`");
    }
}
