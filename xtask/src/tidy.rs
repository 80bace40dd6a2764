//! `cargo xtask tidy`: the written rules that neither rustfmt nor clippy can check.
//!
//! Each rule is a pure function from the tree of files (or from cargo's metadata) to findings, so
//! that each has tests with good and bad samples. Nothing here changes a file.
//!
//! A Rust line that has to break a rule says so on the line before:
//! `// tidy: allow(RULE): the reason`.

mod dependencies;
mod files;
mod functions;
mod graph;
mod markdown;
mod result_codes;
mod rust;
mod tokens;
mod tree;

use std::fmt;

use anyhow::Result;

use crate::report::{Outcome, Tests};
use crate::shell;
use tree::Tree;

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    rule: &'static str,
    /// What is wrong, and what to do.
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.message)
    }
}

/// Runs every rule, prints what it finds, and fails if it found anything.
pub(crate) fn tidy() -> Result<Outcome> {
    let tree = Tree::load(&shell::root())?;
    let metadata = graph::metadata()?;
    let mut findings = Vec::new();
    findings.extend(rust::check(&tree));
    findings.extend(functions::check(&tree));
    findings.extend(files::check(&tree));
    findings.extend(markdown::check(&tree));
    findings.extend(result_codes::check(&tree));
    findings.extend(dependencies::check(&tree, &metadata));
    findings.extend(graph::check(&tree, &metadata));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    let failure = (!findings.is_empty()).then(|| format!("{} findings", findings.len()));
    Ok(Outcome { tests: Tests::default(), failure })
}
