//! Numbers are unique, and shipped ones stay.

use super::{compare, table};

fn found(rows: &str, shipped: &str) -> Vec<String> {
    let text = format!("| Number | Code | Means |\n| --- | --- | --- |\n{rows}");
    let findings = compare(&table(&text, super::HEADER), shipped);
    findings.into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_growing_list_passes() {
    assert_eq!(found("| 1 | `a` | x |\n| 2 | `b` | y |\n", "# number code\n1 a\n"), [""; 0]);
}

#[test]
fn numbers_and_codes_are_unique() {
    let messages =
        found("| 1 | `a` | x |\n| 1 | `b` | y |\n| 2 | `b` | y |\n| x | `c` | z |\n", "");
    assert_eq!(
        messages,
        [
            "1 is given twice; a new code takes a new number",
            "`b` is there twice",
            "`x` is not a number"
        ]
    );
}

#[test]
fn shipped_codes_stay() {
    assert_eq!(found("| 2 | `a` | x |\n", "1 a\n").len(), 1, "renumbered");
    assert_eq!(found("| 1 | `b` | x |\n", "1 a\n").len(), 1, "renamed");
    assert_eq!(found("| 2 | `b` | x |\n", "1 a\n").len(), 1, "removed");
}

#[test]
fn a_document_without_the_table_is_an_error() {
    assert_eq!(compare(&table("# Codes\n", super::HEADER), "").len(), 1);
}
