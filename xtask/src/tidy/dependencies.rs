//! docs/dependencies.md lists exactly the direct dependencies of the workspace, each with a reason.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;

use super::Finding;
use super::markdown::{Row, table};
use super::tree::Tree;

const RULE: &str = "dependency_list";
const DOCUMENT: &str = "docs/dependencies.md";
const HEADER: &[&str] = &["Crate", "Used by", "Why"];

/// External crate -> the workspace members that use it, without the `courant-` in front.
type Uses = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn check(tree: &Tree, metadata: &Metadata) -> Vec<Finding> {
    compare(&table(tree.text(DOCUMENT).unwrap_or_default(), HEADER), &uses(metadata))
}

fn uses(metadata: &Metadata) -> Uses {
    let mut uses = Uses::new();
    for package in metadata.workspace_packages() {
        let user = package.name.trim_start_matches("courant-");
        for dependency in package.dependencies.iter().filter(|d| d.path.is_none()) {
            uses.entry(dependency.name.clone()).or_default().insert(user.to_owned());
        }
    }
    uses
}

fn compare(rows: &[Row], uses: &Uses) -> Vec<Finding> {
    let finding = |line, message: String| Finding::new(DOCUMENT, line, RULE, message);
    let mut findings = Vec::new();
    let mut listed = BTreeSet::new();
    for row in rows {
        let [name, users, why] = &row.cells[..] else {
            findings.push(finding(row.line, format!("a row is {}", HEADER.join(" | "))));
            continue;
        };
        listed.insert(name.clone());
        if why.is_empty() {
            findings.push(finding(row.line, format!("say why `{name}` and not something else")));
        }
        let Some(used_by) = uses.get(name) else {
            findings.push(finding(row.line, format!("nothing depends on `{name}`; drop the row")));
            continue;
        };
        let written: BTreeSet<String> = users.split(',').map(|u| u.trim().to_owned()).collect();
        if written != *used_by {
            let right = used_by.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            findings.push(finding(row.line, format!("`{name}` is used by: {right}")));
        }
    }
    for (name, used_by) in uses.iter().filter(|(name, _)| !listed.contains(*name)) {
        let users = used_by.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        findings.push(finding(1, format!("add a row: | {name} | {users} | why |")));
    }
    findings
}

#[cfg(test)]
mod tests;
