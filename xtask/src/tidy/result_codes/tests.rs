//! Numbers are unique, and those once given stay.

use super::{compare, table};

fn found(rows: &str, given: &str) -> Vec<String> {
    let text = format!("| Number | Code | Means |\n| --- | --- | --- |\n{rows}");
    let findings = compare(&table(&text, super::HEADER), given);
    findings.into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_list_with_all_that_was_given_passes() {
    let rows = "| 1 | `a` | x |\n| 2 | `b` | y |\n";
    assert_eq!(found(rows, "# number code\n1 a\n2 b\n"), [""; 0]);
    assert_eq!(found(rows, "1 a\n"), ["`2 b` is new: add this line, which then stays"]);
}

#[test]
fn numbers_and_codes_are_unique() {
    let messages =
        found("| 1 | `a` | x |\n| 1 | `b` | y |\n| 2 | `b` | y |\n| x | `c` | z |\n", "1 b\n2 b\n");
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
fn codes_once_given_stay() {
    let gone = ["`1 a` was given; its number and name stay in docs/reference/result-codes.md"];
    assert_eq!(found("| 2 | `a` | x |\n", "1 a\n2 a\n"), gone, "renumbered");
    assert_eq!(found("| 1 | `b` | x |\n", "1 a\n1 b\n"), gone, "renamed");
    assert_eq!(found("| 2 | `b` | x |\n", "1 a\n2 b\n"), gone, "removed");
}

#[test]
fn a_document_without_the_table_is_an_error() {
    assert_eq!(compare(&table("# Codes\n", super::HEADER), "").len(), 1);
}
