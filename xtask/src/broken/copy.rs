//! A copy of the tree with a target directory of its own, to be broken and mended again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// The copy.
#[derive(Debug)]
pub(crate) struct Copy {
    tree: PathBuf,
    build: PathBuf,
}

impl Copy {
    /// Brings the copy under `folder` up to date. A file that is the same is not touched, so that
    /// what was built from it still counts.
    pub(crate) fn make(root: &Path, folder: &Path) -> Result<Copy> {
        let (tree, build) = (folder.join("tree"), folder.join("build"));
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = shell::output(&mut shell::program("git", &args))?;
        let wanted: BTreeSet<&str> =
            listed.split_terminator('\0').filter(|path| root.join(path).is_file()).collect();
        for path in &wanted {
            bring(&root.join(path), &tree.join(path)).with_context(|| format!("copying {path}"))?;
        }
        remove_others(&tree, &tree, &wanted).context("removing files that are gone")?;
        Ok(Copy { tree, build })
    }

    /// Applies a patch. Its place may have moved; one line around each change must be as it was.
    pub(crate) fn apply(&self, patch: &Path, more: &[&str]) -> Result<()> {
        let mut command = Command::new("git");
        command.args(["apply", "-C1"]).args(more).arg(patch).current_dir(&self.tree);
        // The copy is no repository; without this, git would take the one around it for it.
        command.env("GIT_CEILING_DIRECTORIES", self.tree.parent().unwrap_or(&self.tree));
        shell::output(&mut command).map(drop)
    }

    /// Builds one integration test, or the unit tests of the library if the target is called `lib`;
    /// returns its program.
    pub(crate) fn build(&self, package: &str, target: &str) -> Result<PathBuf> {
        let mut command = Command::new("cargo");
        command.args(["test", "--locked", "--no-run", "--message-format", "json"]);
        command.args(["--package", package]).current_dir(&self.tree);
        match target {
            LIBRARY => command.arg("--lib"),
            _ => command.args(["--test", target]),
        };
        command.env("CARGO_TARGET_DIR", &self.build);
        // Built often and run once: little optimisation, and only what has changed.
        command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_INCREMENTAL", "1");
        let said = shell::output(&mut command)?;
        let program = said.lines().find_map(|line| executable(line, target));
        let Some(program) = program else { bail!("cargo named no program for {target}") };
        Ok(program)
    }

    /// Where a package stands: its directory has its name without the project's.
    pub(crate) fn package(&self, package: &str) -> PathBuf {
        self.tree.join("crates").join(package.strip_prefix("courant-").unwrap_or(package))
    }
}

/// The target that is a package's own unit tests.
const LIBRARY: &str = "lib";

/// The test program in one message of cargo, if it is that of `target`.
fn executable(message: &str, target: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let (made, kind) = (&message["target"], &message["target"]["kind"][0]);
    let is_it = match target {
        LIBRARY => kind == "lib" && message["profile"]["test"] == true,
        _ => made["name"] == target && kind == "test",
    };
    is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
}

fn bring(from: &Path, to: &Path) -> std::io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, bytes)
}

fn remove_others(tree: &Path, folder: &Path, wanted: &BTreeSet<&str>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.strip_prefix(tree).expect("it was found in the tree");
        if path.is_dir() {
            remove_others(tree, &path, wanted)?;
        } else if !name.to_str().is_some_and(|name| wanted.contains(name)) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
