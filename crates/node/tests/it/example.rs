//! The example of the library, run as it stands.

#[allow(dead_code, reason = "the test takes the place of its main")]
#[path = "../../examples/embedded.rs"]
mod embedded;

use courant_node::NodeOptions;

#[test]
fn the_example_pays_and_can_run_twice_in_one_directory() {
    let directory = tempfile::tempdir().unwrap();
    for round in 1..=2 {
        let options =
            NodeOptions { journal: NodeOptions::small().journal, ..NodeOptions::default() };
        let mut out = Vec::new();
        embedded::run(directory.path(), options, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let first = format!("directory {}", directory.path().display());
        assert_eq!(out.lines().next(), Some(first.as_str()));
        for line in ["alice          800.00 EUR", "shop           200.00 EUR", "balanced: true"] {
            assert!(out.contains(line), "round {round}: {out}");
        }
    }
}
