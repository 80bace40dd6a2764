//! The dependency graph: arrows between our crates as ARCHITECTURE.md says, crates that reach
//! nothing their kind forbids, one crypto provider, licences we may ship.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use super::Finding;
use super::markdown::{Row, table};
use super::tree::Tree;
use crate::shell;

const DOCUMENT: &str = "ARCHITECTURE.md";
const HEADER: &[&str] = &["Crate", "May depend on", "Kind"];

/// Kinds of crates, and what each must not reach over however many steps.
const KINDS: &[(&str, &[&[&str]])] =
    &[(PURE, &[ASYNC, IMPURE]), ("blocking", &[ASYNC]), ("async", &[])];
const PURE: &str = "pure";
const ASYNC: &[&str] = &["async-std", "mio", "smol", "tokio"];
const IMPURE: &[&str] = &["fastrand", "getrandom", "rand", "rand_core", "rustix", "socket2"];

/// ring is the only crypto provider; and the default build needs a C compiler, nothing else.
const BANNED: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "bindgen",
    "boring",
    "cmake",
    "native-tls",
    "openssl",
    "openssl-sys",
    "protobuf-src",
];

/// Licences under which a crate may be part of the binary.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages and how they depend on one another, by name. Of crates in several versions, the union.
#[derive(Debug, Default)]
struct Graph {
    /// Workspace members, without `courant-` in front, -> members they depend on, in any way.
    members: BTreeMap<String, BTreeSet<String>>,
    /// Package -> packages that it is built from: normal and build dependencies.
    built_from: BTreeMap<String, BTreeSet<String>>,
    /// (package, licence expression), without the workspace's own.
    licences: Vec<(String, Option<String>)>,
}

/// cargo's metadata with the dependencies that the default features take on Linux.
pub(crate) fn metadata() -> Result<Metadata> {
    let options = ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"];
    MetadataCommand::new()
        .current_dir(shell::root())
        .other_options(options.map(str::to_owned).to_vec())
        .exec()
        .context("cargo metadata (is Cargo.lock committed with the change?)")
}

pub(crate) fn check(tree: &Tree, metadata: &Metadata) -> Vec<Finding> {
    let graph = Graph::of(metadata);
    let rows = table(tree.text(DOCUMENT).unwrap_or_default(), HEADER);
    let mut findings = arrows(&graph, &rows);
    findings.extend(kinds(&graph, &rows));
    findings.extend(banned(&graph));
    findings.extend(licences(&graph));
    findings
}

fn short(name: &str) -> String {
    name.strip_prefix("courant-").unwrap_or(name).to_owned()
}

impl Graph {
    fn of(metadata: &Metadata) -> Self {
        let name = |id: &PackageId| short(&metadata[id].name);
        let is_member = |id: &PackageId| metadata.workspace_members.contains(id);
        let mut graph = Self::default();
        let resolve =
            metadata.resolve.as_ref().expect("cargo metadata resolves unless told not to");
        for node in &resolve.nodes {
            let built_from = graph.built_from.entry(name(&node.id)).or_default();
            let needed = node.deps.iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            });
            built_from.extend(needed.map(|dependency| name(&dependency.pkg)));
            if is_member(&node.id) {
                let members = node.deps.iter().filter(|dependency| is_member(&dependency.pkg));
                let members = members.map(|dependency| name(&dependency.pkg)).collect();
                graph.members.insert(name(&node.id), members);
            } else {
                let licence = metadata[&node.id].license.clone();
                graph.licences.push((name(&node.id), licence));
            }
        }
        graph
    }

    /// A shortest way from one package to another over what it is built from.
    fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut ways = vec![vec![from.to_owned()]];
        let mut seen = BTreeSet::from([from.to_owned()]);
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                let last = way.last().expect("a way has a start");
                if last == to {
                    return Some(way);
                }
                for next in self.built_from.get(last).into_iter().flatten() {
                    if seen.insert(next.clone()) {
                        longer.push([&way[..], std::slice::from_ref(next)].concat());
                    }
                }
            }
            ways = longer;
        }
        None
    }
}

/// The arrows between our crates against the table, both ways.
fn arrows(graph: &Graph, rows: &[Row]) -> Vec<Finding> {
    let finding = |line, message: String| Finding::new(DOCUMENT, line, "arrow", message);
    let mut findings = Vec::new();
    for (member, real) in &graph.members {
        let Some(row) = rows.iter().find(|row| row.cells[0] == *member) else {
            findings.push(finding(1, format!("`{member}` is missing in the table of crates")));
            continue;
        };
        let allowed: Vec<&str> = row.cells[1].split(',').map(str::trim).collect();
        for arrow in real.iter().filter(|arrow| !allowed.contains(&arrow.as_str())) {
            let message = format!(
                "`{member}` depends on `{arrow}`, which the table does not allow; turn the arrow \
                 round or argue for it here"
            );
            findings.push(finding(row.line, message));
        }
    }
    for row in rows.iter().filter(|row| !graph.members.contains_key(&row.cells[0])) {
        findings.push(finding(row.line, format!("there is no crate `{}`", row.cells[0])));
    }
    findings
}

/// The folders of the crates that the table calls pure.
pub(crate) fn pure_folders(tree: &Tree) -> Vec<String> {
    let rows = table(tree.text(DOCUMENT).unwrap_or_default(), HEADER).into_iter();
    let pure = rows.filter(|row| row.cells.get(2).is_some_and(|kind| kind == PURE));
    pure.map(|row| format!("crates/{}/", row.cells[0])).collect()
}

fn kinds(graph: &Graph, rows: &[Row]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in rows {
        let finding = |message| Finding::new(DOCUMENT, row.line, "kind", message);
        let kind = row.cells.get(2).map_or("", String::as_str);
        let Some((_, forbidden)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            findings.push(finding(format!("`{kind}` is not one of: {}", names.join(", "))));
            continue;
        };
        for way in forbidden.concat().iter().filter_map(|name| graph.way(&row.cells[0], name)) {
            findings.push(finding(format!("a {kind} crate reaches {}", way.join(" -> "))));
        }
    }
    findings
}

fn banned(graph: &Graph) -> Vec<Finding> {
    let ways = BANNED.iter().flat_map(|banned| {
        graph.members.keys().filter_map(move |member| graph.way(member, banned))
    });
    let message = "choose the crate's feature for ring and without native libraries";
    ways.map(|way| {
        Finding::new("Cargo.lock", 1, "banned", format!("{}: {message}", way.join(" -> ")))
    })
    .collect()
}

fn licences(graph: &Graph) -> Vec<Finding> {
    let is_allowed = |expression: &str| {
        let parsed = spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX);
        parsed.is_ok_and(|parsed| {
            parsed.evaluate(|needed| {
                needed.license.id().is_some_and(|id| LICENCES.contains(&id.name))
            })
        })
    };
    let refused =
        graph.licences.iter().filter(|(_, licence)| !licence.as_deref().is_some_and(is_allowed));
    refused
        .map(|(package, licence)| {
            let licence = licence.as_deref().unwrap_or("no licence");
            let message = format!(
                "{package}: {licence} is not on the list in xtask/src/tidy/graph.rs; choose \
                 another crate"
            );
            Finding::new("Cargo.lock", 1, "licence", message)
        })
        .collect()
}

#[cfg(test)]
mod tests;
