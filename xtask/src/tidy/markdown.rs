//! Rules on the documents: links resolve, every document can be found, no machine's paths.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::Finding;
use super::tree::Tree;

/// Where a reader starts.
const ENTRY_POINTS: &[&str] = &["README.md", "ARCHITECTURE.md"];

/// Directories of somebody's machine, which mean nothing to a reader.
const MACHINE_PATHS: &[&str] = &["/work/", "/tmp/", "/home/", "/root/"];

/// What the rules need of one document.
#[derive(Debug, Default)]
struct Document {
    /// (line, destination)
    links: Vec<(usize, String)>,
    /// The anchors of its headings.
    anchors: BTreeSet<String>,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let documents: BTreeMap<&str, Document> =
        tree.with_ending(".md").map(|(path, text)| (path, read(text))).collect();
    let mut findings = Vec::new();
    for (path, document) in &documents {
        for (line, destination) in &document.links {
            if let Some(message) = broken(tree, &documents, path, destination) {
                findings.push(Finding::new(path, *line, "link", message));
            }
        }
    }
    findings.extend(unreachable(&documents));
    for (path, text) in tree.with_ending(".md") {
        findings.extend(machine_paths(path, text));
    }
    findings
}

fn read(text: &str) -> Document {
    let mut document = Document::default();
    let mut heading: Option<String> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let line = text[..range.start].matches('\n').count() + 1;
                document.links.push((line, dest_url.into_string()));
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(title) = &mut heading {
                    title.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let title = heading.take().unwrap_or_default();
                document.anchors.insert(anchor(&title));
            }
            _ => {}
        }
    }
    document
}

/// The anchor that repository hosts give a heading: lower case, spaces to dashes, no punctuation.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Why the link from `from` does not resolve; `None` if it does or leads outside.
fn broken(
    tree: &Tree,
    documents: &BTreeMap<&str, Document>,
    from: &str,
    destination: &str,
) -> Option<String> {
    if is_outside(destination) {
        return None;
    }
    let (target, fragment) = split(from, destination);
    let folder = format!("{target}/");
    let exists = tree.files.iter().any(|f| f.path == target || f.path.starts_with(&folder));
    if !exists {
        return Some(format!("`{destination}`: there is no `{target}`; mend or drop the link"));
    }
    let fragment = fragment?;
    let document = documents.get(target.as_str())?;
    let missing = !document.anchors.contains(fragment);
    missing.then(|| format!("`{destination}`: `{target}` has no heading `#{fragment}`"))
}

fn is_outside(destination: &str) -> bool {
    destination.contains("://") || destination.starts_with("mailto:")
}

/// The path a relative link leads to, from the root, and its fragment.
fn split<'a>(from: &str, destination: &'a str) -> (String, Option<&'a str>) {
    let (path, fragment) = match destination.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment)),
        None => (destination, None),
    };
    if path.is_empty() {
        return (from.to_owned(), fragment);
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    (parts.join("/"), fragment)
}

/// Documents under docs/ to which no chain of links leads from where a reader starts.
fn unreachable(documents: &BTreeMap<&str, Document>) -> Vec<Finding> {
    let mut waiting: Vec<String> = ENTRY_POINTS.iter().map(|path| (*path).to_owned()).collect();
    let mut reached = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        let Some(document) = documents.get(path.as_str()) else { continue };
        if reached.insert(path.clone()) {
            let inside = document.links.iter().filter(|(_, link)| !is_outside(link));
            waiting.extend(inside.map(|(_, link)| split(&path, link).0));
        }
    }
    let docs = documents.keys().filter(|path| path.starts_with("docs/"));
    docs.filter(|path| !reached.contains(**path))
        .map(|path| {
            let message = "no link leads here from README.md or ARCHITECTURE.md; add it to \
                           docs/README.md";
            Finding::new(path, 1, "unreachable", message)
        })
        .collect()
}

fn machine_paths(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for machine_path in MACHINE_PATHS {
            let starts_path = |at: usize| {
                let before = line[..at].chars().next_back();
                before.is_none_or(|c| !c.is_alphanumeric() && !"/._-~}".contains(c))
            };
            if line.match_indices(machine_path).any(|(at, _)| starts_path(at)) {
                let message = format!("`{machine_path}` is one machine's path; use a relative one");
                findings.push(Finding::new(path, at + 1, "machine_path", message));
            }
        }
    }
    findings
}

/// A row of a table in a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Without surrounding blanks and without backticks.
    pub(crate) cells: Vec<String>,
}

/// The rows of the first table whose header begins with these cells. No such table: no rows.
pub(crate) fn table(text: &str, header: &[&str]) -> Vec<Row> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        Some(inner.split('|').map(|cell| cell.trim().replace('`', "")).collect())
    };
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| {
        cells(line).is_none_or(|cells| !cells.iter().zip(header).all(|(a, b)| a == b))
    });
    lines.next();
    let rows =
        lines.skip(1).map_while(|(at, line)| Some(Row { line: at + 1, cells: cells(line)? }));
    rows.collect()
}

#[cfg(test)]
mod tests;
