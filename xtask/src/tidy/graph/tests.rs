//! Wrong arrows, impure ways, banned crates and licences are found; a good graph passes.

use super::{Graph, arrows, banned, kinds, licences, pure_folders, short};
use crate::tidy::markdown::{Row, table};
use crate::tidy::tree::Tree;

const TABLE: &str = "| Crate | May depend on | Kind |\n| --- | --- | --- |\n\
                     | `ledger` | | pure |\n| `engine` | ledger | pure |\n\
                     | `cli` | engine, ledger | async |\n";

fn rows() -> Vec<Row> {
    table(TABLE, super::HEADER)
}

/// A graph from `a -> b` arrows; ledger, engine and cli are the members.
fn graph(arrows: &[(&str, &str)]) -> Graph {
    let mut graph = Graph::default();
    for member in ["ledger", "engine", "cli"] {
        graph.members.entry(member.to_owned()).or_default();
    }
    for (from, to) in arrows {
        graph.built_from.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        if graph.members.contains_key(*to)
            && let Some(members) = graph.members.get_mut(*from)
        {
            members.insert((*to).to_owned());
        }
    }
    graph
}

#[test]
fn allowed_arrows_pass() {
    let graph = graph(&[("engine", "ledger"), ("cli", "engine"), ("cli", "clap")]);
    assert_eq!(arrows(&graph, &rows()), []);
    assert_eq!(kinds(&graph, &rows()), []);
    assert_eq!(banned(&graph), []);
}

#[test]
fn an_arrow_upwards_is_found() {
    let findings = arrows(&graph(&[("ledger", "engine")]), &rows());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].line, 3, "the row of the table");
    assert!(findings[0].message.starts_with("`ledger` depends on `engine`"), "{}", findings[0]);
}

#[test]
fn the_table_and_the_workspace_name_the_same_crates() {
    let mut graph = graph(&[]);
    graph.members.remove("cli");
    graph.members.entry("new".to_owned()).or_default();
    let messages: Vec<String> =
        arrows(&graph, &rows()).into_iter().map(|finding| finding.message).collect();
    assert_eq!(messages, ["`new` is missing in the table of crates", "there is no crate `cli`"]);
}

#[test]
fn a_pure_crate_reaches_nothing_impure_over_any_way() {
    let graph = graph(&[("engine", "ledger"), ("ledger", "a"), ("a", "b"), ("b", "tokio")]);
    let messages: Vec<String> =
        kinds(&graph, &rows()).into_iter().map(|finding| finding.message).collect();
    assert_eq!(
        messages,
        [
            "a pure crate reaches ledger -> a -> b -> tokio",
            "a pure crate reaches engine -> ledger -> a -> b -> tokio",
        ]
    );
    assert_eq!(kinds(&super::tests::graph(&[("cli", "tokio")]), &rows()), []);
}

#[test]
fn a_blocking_crate_may_use_files_and_no_async_runtime() {
    let text = "| Crate | May depend on | Kind |\n| - | - | - |\n| cli | | blocking |\n";
    let rows = table(text, super::HEADER);
    assert_eq!(kinds(&graph(&[("cli", "rustix")]), &rows), []);
    assert_eq!(kinds(&graph(&[("cli", "tokio")]), &rows).len(), 1);
}

#[test]
fn a_crate_has_one_of_the_kinds() {
    let text = "| Crate | May depend on | Kind |\n| - | - | - |\n| cli | | pur |\n| sim | |\n";
    assert_eq!(kinds(&graph(&[]), &table(text, super::HEADER)).len(), 2);
    let tree = Tree::of(&[(super::DOCUMENT, TABLE)]);
    assert_eq!(pure_folders(&tree), ["crates/ledger/", "crates/engine/"]);
}

#[test]
fn a_second_crypto_provider_is_found() {
    let findings = banned(&graph(&[("cli", "rustls"), ("rustls", "aws-lc-rs")]));
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.starts_with("cli -> rustls -> aws-lc-rs"), "{}", findings[0]);
}

#[test]
fn licences_are_read_as_expressions() {
    let refused = |licence: Option<&str>| {
        let licences = vec![("x".to_owned(), licence.map(str::to_owned))];
        !super::licences(&Graph { licences, ..Graph::default() }).is_empty()
    };
    for good in ["MIT", "MIT OR Apache-2.0", "MIT/Apache-2.0", "(MIT OR GPL-3.0) AND Unicode-3.0"] {
        assert!(!refused(Some(good)), "{good}");
    }
    for bad in ["GPL-3.0-only", "MIT AND AGPL-3.0", "LicenseRef-own", "", "nonsense"] {
        assert!(refused(Some(bad)), "{bad}");
    }
    assert!(refused(None));
    assert_eq!(licences(&Graph::default()), []);
}

#[test]
fn our_crates_are_named_as_in_the_table() {
    assert_eq!((short("courant-ledger"), short("xtask")), ("ledger".into(), "xtask".into()));
}
