//! The list is exact in both directions.

use std::collections::BTreeSet;

use super::{Uses, compare};
use crate::tidy::markdown::table;

fn found(rows: &str) -> Vec<String> {
    let uses = Uses::from([
        ("clap".to_owned(), BTreeSet::from(["cli".to_owned(), "xtask".to_owned()])),
        ("tokio".to_owned(), BTreeSet::from(["server".to_owned()])),
    ]);
    let text = format!("| Crate | Used by | Why |\n| --- | --- | --- |\n{rows}");
    let findings = compare(&table(&text, super::HEADER), &uses);
    findings.into_iter().map(|finding| finding.message).collect()
}

#[test]
fn the_right_list_passes() {
    let list = "| clap | cli, xtask | options |\n| tokio | server | async |\n";
    assert_eq!(found(list), [""; 0]);
}

#[test]
fn missing_superfluous_and_wrong_rows_are_found() {
    assert_eq!(
        found("| clap | cli | options |\n| serde | server | JSON |\n| a | b |\n"),
        [
            "`clap` is used by: cli, xtask",
            "nothing depends on `serde`; drop the row",
            "a row is Crate | Used by | Why",
            "add a row: | tokio | server | why |",
        ]
    );
}

#[test]
fn a_reason_is_needed() {
    let list = "| clap | cli, xtask | options |\n| tokio | server |  |\n";
    assert_eq!(found(list), ["say why `tokio` and not something else"]);
}
