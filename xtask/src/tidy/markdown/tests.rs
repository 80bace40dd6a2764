//! Broken links, lost documents and machine paths are found; good documents are left alone.

use super::{Row, anchor, check, table};
use crate::tidy::tree::Tree;

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let findings = check(&Tree::of(files));
    findings.iter().map(|f| format!("{}:{} {}", f.path, f.line, f.rule)).collect()
}

#[test]
fn links_resolve_from_where_they_stand() {
    let good = "[a](docs/a.md) [b](docs/a.md#the-way-of-a-payment) [c](docs/) [d](#top)\n\
                [e](https://x.y/z)\n\n# Top\n";
    let a = "# The way, of a `payment`\n\n[up](../README.md)\n";
    assert_eq!(found(&[("README.md", good), ("docs/a.md", a)]), [""; 0]);
    let bad =
        "x\n\n[a](docs/b.md)\n[b](docs/a.md#nowhere) [c][ref]\n\n[ref]: c.md\n\n[ok](docs/a.md)\n";
    let expected = ["README.md:3 link", "README.md:4 link", "README.md:4 link"];
    assert_eq!(found(&[("README.md", bad), ("docs/a.md", a)]), expected);
}

#[test]
fn links_in_code_are_not_links() {
    assert_eq!(found(&[("README.md", "```\n[a](b.md)\n```\n`[a](b.md)`\n")]), [""; 0]);
}

#[test]
fn every_document_can_be_found() {
    let files = [
        ("ARCHITECTURE.md", "[docs](docs/README.md)"),
        ("docs/README.md", "[a](a.md)"),
        ("docs/a.md", ""),
        ("docs/lost.md", "[itself](lost.md)"),
    ];
    assert_eq!(found(&files), ["docs/lost.md:1 unreachable"]);
}

#[test]
fn paths_of_a_machine_are_found_and_relative_ones_not() {
    let text = "a\n`/tmp/x`\nsee /work/y\n[z](docs/tmp/) ./work/x docs/work/ https://a.b/tmp/c\n";
    let files =
        [("a.md", text), ("docs/tmp/README.md", ""), ("README.md", "[a](docs/tmp/README.md)")];
    assert_eq!(found(&files), ["a.md:2 machine_path", "a.md:3 machine_path"]);
}

#[test]
fn anchors_are_those_of_repository_hosts() {
    assert_eq!(anchor("Money and the ledger"), "money-and-the-ledger");
    assert_eq!(anchor("What is not here, and why"), "what-is-not-here-and-why");
}

#[test]
fn a_table_is_found_by_its_header() {
    let text = "| A | B |\n| - | - |\n| 1 | 2 |\n\n\
                | Crate | Why |\n| --- | --- |\n| `x` | a, b |\n\nend\n";
    let row = |line, cells: &[&str]| Row { line, cells: cells.iter().map(|&c| c.into()).collect() };
    assert_eq!(table(text, &["Crate"]), [row(7, &["x", "a, b"])]);
    assert_eq!(table(text, &["Other"]), []);
}
