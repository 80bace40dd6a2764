//! Lengths are measured right, and the list is a ratchet.

use super::{Function, check, compare, functions};
use crate::tidy::tokens;
use crate::tidy::tree::Tree;

fn lengths(source: &str) -> Vec<(String, usize)> {
    let tokens = tokens::of(source).expect("the sample is Rust");
    functions(&tokens).into_iter().map(|f| (f.name, f.lines)).collect()
}

#[test]
fn a_function_is_measured_from_fn_to_its_brace() {
    let source = "/// Doc.\n#[inline]\npub fn a(\n    x: [u8; 3],\n) -> u8 {\n    x[0]\n}\n";
    assert_eq!(lengths(source), [("a".to_owned(), 5)]);
}

#[test]
fn only_bodies_count() {
    let source = "type A = fn(u8) -> u8;\ntrait T {\n    fn a();\n    fn b() {}\n}\n\
                  macro_rules! m {\n    ($f:ident) => { fn c() {\n    } };\n}\n";
    assert_eq!(lengths(source), [("b".to_owned(), 1), ("c".to_owned(), 2)]);
}

#[test]
fn seventy_lines_are_a_screen() {
    let source = |inner: usize| format!("fn a() {{\n{}}}\n", "    b();\n".repeat(inner));
    assert!(check(&Tree::of(&[("a.rs", &source(68))])).is_empty());
    let findings = check(&Tree::of(&[("a.rs", &source(69))]));
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.starts_with("`a` has 71 lines"), "{}", findings[0]);
}

#[test]
fn a_listed_function_may_only_shrink() {
    let long = |lines| vec![("a.rs".to_owned(), Function { name: "a".to_owned(), line: 1, lines })];
    assert!(compare(&long(90), "# comment\na.rs a 90\n").is_empty());
    assert_eq!(
        compare(&long(91), "a.rs a 90\n").len(),
        2,
        "longer: the code and the list are named"
    );
    assert_eq!(compare(&[], "a.rs a 90\n").len(), 1, "gone: the line must go too");
}
