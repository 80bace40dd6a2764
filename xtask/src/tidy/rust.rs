//! Rules on Rust source: headers, marks, lengths, silent exceptions, and the purity of the core.

use super::Finding;
use super::graph;
use super::tokens::{self, Kind, Token};
use super::tree::Tree;

const LINE_COLUMNS_MAX: usize = 100;

/// A longer file must say in its header why it is one thing.
const FILE_LINES_MAX: usize = 1_500;
const WHY_ONE_FILE: &str = "Why one file:";

/// Paths that bring time, entropy, threads or the outside into a pure crate.
const IMPURE_PATHS: &[&str] =
    &["std::env", "std::fs", "std::net", "std::process", "std::thread", "rand", "tokio"];

/// Names with the same effect wherever they come from. The maps iterate in a random order.
const IMPURE_NAMES: &[&str] = &["Instant", "SystemTime", "HashMap", "HashSet", "RandomState"];

/// A rule on one file: its tokens and its text in, broken places out as (line, message).
type Rule = fn(&Source) -> Vec<(usize, String)>;

const RULES: &[(&str, Rule)] = &[
    ("header", header),
    ("mark", marks),
    ("long_line", long_lines),
    ("long_file", long_file),
    ("ignored_test", ignored_tests),
    ("silent_allow", silent_allows),
    ("float", floats),
    ("impure", impure),
    ("sleep", sleeps),
];

struct Source<'a> {
    path: &'a str,
    text: &'a str,
    /// Whether its crate is pure by the table in ARCHITECTURE.md.
    is_pure: bool,
    tokens: Vec<Token>,
}

impl Source<'_> {
    /// Whether the file is compiled for tests alone.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let pure = graph::pure_folders(tree);
    let mut findings = Vec::new();
    for (path, text) in tree.with_ending(".rs") {
        let tokens = tokens::of(text).unwrap_or_default();
        let is_pure = pure.iter().any(|folder| path.starts_with(folder));
        let source = Source { path, text, is_pure, tokens };
        let lines: Vec<&str> = text.lines().collect();
        for (name, rule) in RULES {
            for (line, message) in rule(&source) {
                if !is_allowed(&lines, line, name) {
                    findings.push(Finding::new(path, line, name, message));
                }
            }
        }
    }
    findings
}

/// Whether the line before says `tidy: allow(RULE): reason`.
fn is_allowed(lines: &[&str], line: usize, rule: &str) -> bool {
    let before = line.checked_sub(2).and_then(|at| lines.get(at));
    let reason = before.and_then(|text| text.split_once(&format!("// tidy: allow({rule}): ")));
    reason.is_some_and(|(_, reason)| !reason.trim().is_empty())
}

fn header(source: &Source) -> Vec<(usize, String)> {
    if source.text.starts_with("//!") {
        return Vec::new();
    }
    let message = "begin the file with `//!`: what it is for, what it never does, its limits";
    vec![(1, message.to_owned())]
}

fn marks(source: &Source) -> Vec<(usize, String)> {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut found = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        if let Some(word) = words.iter().find(|word| line.contains(**word)) {
            found.push((at + 1, format!("{word}: do it now, or open an issue and drop the mark")));
        }
    }
    for name in ["todo", "unimplemented"] {
        let uses = tokens::positions(&source.tokens, &[name, "!"]).into_iter();
        found.extend(uses.map(|at| (source.tokens[at].line, format!("{name}!: write the code"))));
    }
    found
}

fn long_lines(source: &Source) -> Vec<(usize, String)> {
    let columns = source.text.lines().map(|line| line.chars().count()).enumerate();
    columns
        .filter(|(_, columns)| *columns > LINE_COLUMNS_MAX)
        .map(|(at, columns)| {
            (at + 1, format!("{columns} columns, at most {LINE_COLUMNS_MAX}; break the line"))
        })
        .collect()
}

fn long_file(source: &Source) -> Vec<(usize, String)> {
    let lines = source.text.lines().count();
    let mut header = source.text.lines().take_while(|line| line.starts_with("//!"));
    if lines <= FILE_LINES_MAX || header.any(|line| line.contains(WHY_ONE_FILE)) {
        return Vec::new();
    }
    let message = format!(
        "{lines} lines, more than {FILE_LINES_MAX}; split it, or say `{WHY_ONE_FILE} ...` in the \
         header"
    );
    vec![(1, message)]
}

fn ignored_tests(source: &Source) -> Vec<(usize, String)> {
    let attributes = tokens::positions(&source.tokens, &["#", "[", "ignore"]).into_iter();
    let message = "an ignored test shows nothing; make it run, or make it a suite of its own";
    attributes.map(|at| (source.tokens[at].line, message.to_owned())).collect()
}

/// `#[allow(..)]` and `#[expect(..)]` with neither `reason = ".."` nor a comment just before.
fn silent_allows(source: &Source) -> Vec<(usize, String)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for word in ["allow", "expect"] {
        for at in tokens::positions(&source.tokens, &["[", word, "("]) {
            let Some(end) = tokens::closing(&source.tokens, at) else { continue };
            let line = source.tokens[at].line;
            let has_reason = source.tokens[at..end].iter().any(|token| token.text == "reason");
            let before = line.checked_sub(2).and_then(|at| lines.get(at));
            let has_comment = before.is_some_and(|text| text.trim_start().starts_with("// "));
            if !has_reason && !has_comment {
                found.push((line, format!("say why: `#[{word}(.., reason = \"..\")]`")));
            }
        }
    }
    found
}

fn floats(source: &Source) -> Vec<(usize, String)> {
    if !source.is_pure {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let is_type = token.kind == Kind::Word && ["f32", "f64"].contains(&token.text.as_str());
        // `pair.0.1` lexes as a dot and the literal `0.1`.
        let is_field = at > 0 && source.tokens[at - 1].text == ".";
        if is_type || (is_float_literal(token) && !is_field) {
            let message = format!("`{}`: no float near money; use integer minor units", token.text);
            found.push((token.line, message));
        }
    }
    found
}

fn is_float_literal(token: &Token) -> bool {
    let text = &token.text;
    token.kind == Kind::Literal
        && text.starts_with(|first: char| first.is_ascii_digit())
        && !text.starts_with("0x")
        && (text.contains(['.', 'e', 'E']) || text.ends_with("f32") || text.ends_with("f64"))
        && !text.ends_with("size")
}

fn impure(source: &Source) -> Vec<(usize, String)> {
    if !source.is_pure || source.is_test() {
        return Vec::new();
    }
    let starts = |path: &str, start: &str| {
        path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let is_impure = |path: &str| {
        IMPURE_PATHS.iter().any(|impure| starts(path, impure))
            || path.split("::").any(|part| IMPURE_NAMES.contains(&part))
    };
    let message = |path: &str| {
        format!("`{path}` in a pure crate; take the value as an input, or use an ordered map")
    };
    let paths = tokens::paths(&source.tokens).into_iter();
    paths.filter(|(path, _)| is_impure(path)).map(|(path, line)| (line, message(&path))).collect()
}

fn sleeps(source: &Source) -> Vec<(usize, String)> {
    if !source.is_test() {
        return Vec::new();
    }
    let is_sleep = |path: &str| path.ends_with("thread::sleep") || path.ends_with("time::sleep");
    let message = "wait for what you test (a condition, a channel, a file), not for time to pass";
    let paths = tokens::paths(&source.tokens).into_iter();
    let sleeps = paths.filter(|(path, _)| is_sleep(path));
    sleeps.map(|(_, line)| (line, message.to_owned())).collect()
}

#[cfg(test)]
mod tests;
