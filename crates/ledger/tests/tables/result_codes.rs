//! docs/reference/result-codes.md: the table in the repository is the one that the code makes.

use courant_ledger::Reason;
use std::path::Path;

const HEAD: &str = "# Result codes

Why a payment was refused or is in its present status, and why a request was refused. The number
stands in the journal, the code in answers, events and reports. Both are stable: a number is never
given to another code, and a code is never renamed or removed (`cargo xtask tidy` checks it). The
ISO 20022 code is one of ExternalStatusReason1Code, where one fits.

Problems that are not the ledger's answer, such as a body that is no JSON, have a code without a
number; the server's page `/docs/problems` lists them beside these, and
[the guide to the API](../api.md) says which HTTP status goes with which.

This page is made from `crates/ledger/src/reason.rs` by
`UPDATE=1 cargo test -p courant-ledger --test tables result_codes`.

| Number | Code | ISO 20022 | What happened, and what to do |
| --- | --- | --- | --- |
";

fn generated() -> String {
    let row = |reason: &Reason| {
        let iso = reason.iso20022().unwrap_or("");
        format!("| {} | `{reason}` | {iso} | {} |\n", *reason as u16, reason.sentence())
    };
    HEAD.to_owned() + &Reason::ALL.iter().map(row).collect::<String>()
}

#[test]
fn the_committed_page_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/result-codes.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, generated()).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("docs/reference/result-codes.md");
    assert!(committed == generated(), "the page is old: run this test again with UPDATE=1");
}

#[test]
fn numbers_grow_in_the_order_of_the_table() {
    let numbers: Vec<u16> = Reason::ALL.iter().map(|reason| *reason as u16).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "a new code takes a new number: {numbers:?}");
    for reason in Reason::ALL {
        assert_eq!(Reason::from_number(*reason as u16), Some(*reason));
    }
}
