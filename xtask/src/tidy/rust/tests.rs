//! Each rule finds its bad sample, at its line, and leaves the good ones alone.

use super::check;
use crate::tidy::tree::Tree;

/// The findings in one file as `line rule`.
fn found(path: &str, body: &str) -> Vec<String> {
    // One line before the body, so that its first line is the second.
    let text = format!("//! A header.\n{body}");
    let table = "| Crate | May depend on | Kind |\n| --- | --- | --- |\n| `ledger` | | pure |\n";
    let findings = check(&Tree::of(&[("ARCHITECTURE.md", table), (path, &text)]));
    findings.iter().map(|finding| format!("{} {}", finding.line, finding.rule)).collect()
}

const ANY: &str = "crates/node/src/a.rs";
const PURE: &str = "crates/ledger/src/a.rs";
const PURE_TEST: &str = "crates/ledger/src/a/tests.rs";
const TEST: &str = "crates/node/tests/a.rs";
const NOTHING: &[&str] = &[];

#[test]
fn a_file_begins_with_its_purpose() {
    let findings = check(&Tree::of(&[(ANY, "fn a() {}\n")]));
    assert_eq!(findings[0].to_string().split(": ").nth(1), Some("header"));
    assert_eq!(found(ANY, "fn a() {}\n"), NOTHING);
}

#[test]
fn marks_are_found_in_comments_and_code() {
    assert_eq!(found(ANY, &format!("// {}: later\n", concat!("TO", "DO"))), ["2 mark"]);
    assert_eq!(found(ANY, "fn a() {\n    todo!()\n}\n"), ["3 mark"]);
    assert_eq!(found(ANY, "fn a() { unimplemented!() }\n"), ["2 mark"]);
    assert_eq!(found(ANY, "fn todo() { todo() }\n"), NOTHING);
}

#[test]
fn long_lines_are_counted_in_characters() {
    assert_eq!(found(ANY, &format!("// {}\n", "é".repeat(97))), NOTHING);
    assert_eq!(found(ANY, &format!("// {}\n", "é".repeat(98))), ["2 long_line"]);
}

#[test]
fn a_long_file_gives_its_reason_in_the_header() {
    let body = "// a line\n".repeat(1_500);
    assert_eq!(found(ANY, &body), ["1 long_file"]);
    assert_eq!(found(ANY, &format!("//! Why one file: a table.\n{body}")), NOTHING);
}

#[test]
fn ignored_tests_are_found_in_macros_too() {
    assert_eq!(found(ANY, "#[test]\n#[ignore]\nfn a() {}\n"), ["3 ignored_test"]);
    assert_eq!(found(ANY, "a! { #[ignore = \"slow\"] fn a() {} }\n"), ["2 ignored_test"]);
    assert_eq!(found(ANY, "fn a(ignore: &[u8]) { \"#[ignore]\"; }\n"), NOTHING);
}

#[test]
fn an_exception_from_a_lint_has_a_reason() {
    assert_eq!(found(ANY, "#[allow(dead_code)]\nfn a() {}\n"), ["2 silent_allow"]);
    assert_eq!(found(ANY, "#![expect(dead_code)]\n"), ["2 silent_allow"]);
    assert_eq!(found(ANY, "#[allow(dead_code, reason = \"x\")]\nfn a() {}\n"), NOTHING);
    assert_eq!(found(ANY, "// Called from C.\n#[allow(dead_code)]\nfn a() {}\n"), NOTHING);
    assert_eq!(found(ANY, "/// Doc.\n#[allow(dead_code)]\nfn a() {}\n"), ["3 silent_allow"]);
}

#[test]
fn floats_stay_out_of_the_core() {
    for float in ["1.5", "1e3", "2f64", "x as f32", "f64::MAX", "7.0_f32"] {
        assert_eq!(found(PURE, &format!("fn a() {{ let _ = {float}; }}\n"))[0], "2 float");
        assert_eq!(found(ANY, &format!("fn a() {{ let _ = {float}; }}\n")), NOTHING, "{float}");
    }
    for whole in ["15", "0xf64", "0xe", "pair.0.1", "\"1.5\"", "1usize", "'.'"] {
        let found = found(PURE, &format!("fn a() {{ let _ = {whole}; }}\n"));
        assert_eq!(found, NOTHING, "{whole}");
    }
}

#[test]
fn the_core_stays_pure() {
    for path in [
        "use std::fs;",
        "use std::{fmt, fs::File};",
        "use std::time::{Duration, Instant};",
        "use std::collections::{BTreeMap, HashMap};",
        "fn a() { std::thread::spawn(b); }",
        "fn a() -> u8 { rand::random() }",
    ] {
        assert_eq!(found(PURE, &format!("{path}\n")), ["2 impure"], "{path}");
        assert_eq!(found(ANY, &format!("{path}\n")), NOTHING, "{path}");
        assert_eq!(found(PURE_TEST, &format!("{path}\n")), NOTHING, "{path}");
    }
    let pure = "use std::collections::{BTreeMap, BTreeSet};\nuse crate::std_fs::brand;\n";
    assert_eq!(found(PURE, &format!("{pure}// std::fs and HashMap in words.\n")), NOTHING);
}

#[test]
fn tests_wait_for_conditions() {
    assert_eq!(found(TEST, "fn a() { std::thread::sleep(b); }\n"), ["2 sleep"]);
    assert_eq!(found(TEST, "use tokio::time::{sleep, timeout};\n"), ["2 sleep"]);
    assert_eq!(found(ANY, "fn a() { std::thread::sleep(b); }\n"), NOTHING);
}

#[test]
fn an_exception_names_its_rule_and_reason() {
    let sleep = "fn a() { std::thread::sleep(b); }\n";
    assert_eq!(
        found(TEST, &format!("// tidy: allow(sleep): the pause is the test\n{sleep}")),
        NOTHING
    );
    assert_eq!(found(TEST, &format!("// tidy: allow(sleep):  \n{sleep}")), ["3 sleep"]);
    assert_eq!(found(TEST, &format!("// tidy: allow(float): wrong rule\n{sleep}")), ["3 sleep"]);
}
