//! Result codes keep their numbers forever: unique, and as they once were committed.
//!
//! docs/reference/result-codes.md is the list of today, made from the code. Every number that was
//! given stands in `result_codes.txt` too, so that neither list changes alone.

use std::collections::BTreeMap;

use super::Finding;
use super::markdown::{Row, table};
use super::tree::Tree;

const RULE: &str = "result_code";
const DOCUMENT: &str = "docs/reference/result-codes.md";
const GIVEN: &str = "xtask/src/tidy/result_codes.txt";
const HEADER: &[&str] = &["Number", "Code"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(document) = tree.text(DOCUMENT) else { return Vec::new() };
    compare(&table(document, HEADER), tree.text(GIVEN).unwrap_or_default())
}

/// Today's rows against the lines of what was given, which are `number code`.
fn compare(rows: &[Row], given: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut by_number: BTreeMap<u32, &str> = BTreeMap::new();
    let mut by_code: BTreeMap<&str, u32> = BTreeMap::new();
    for row in rows {
        let Ok(number) = row.cells[0].parse() else {
            let message = format!("`{}` is not a number", row.cells[0]);
            findings.push(Finding::new(DOCUMENT, row.line, RULE, message));
            continue;
        };
        let code = row.cells[1].as_str();
        if by_number.insert(number, code).is_some() {
            let message = format!("{number} is given twice; a new code takes a new number");
            findings.push(Finding::new(DOCUMENT, row.line, RULE, message));
        }
        if by_code.insert(code, number).is_some() {
            let message = format!("`{code}` is there twice");
            findings.push(Finding::new(DOCUMENT, row.line, RULE, message));
        }
    }
    if rows.is_empty() {
        let message = format!("no table with the header {}", HEADER.join(" | "));
        findings.push(Finding::new(DOCUMENT, 1, RULE, message));
    }
    for (number, code) in &by_number {
        let line = format!("{number} {code}");
        if !given.lines().any(|given| given == line) {
            let message = format!("`{line}` is new: add this line, which then stays");
            findings.push(Finding::new(GIVEN, 1, RULE, message));
        }
    }
    for (at, line) in given.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let Some((number, code)) = line.split_once(' ') else { continue };
        let kept = number.parse().is_ok_and(|number| by_number.get(&number) == Some(&code));
        if !kept {
            let message = format!("`{line}` was given; its number and name stay in {DOCUMENT}");
            findings.push(Finding::new(GIVEN, at + 1, RULE, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
