//! `courant account`.

use serde_json::Value;

use crate::common::{Server, with_alice_and_bob};

#[test]
fn an_account_is_opened_shown_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let opened = server.json(&[
        "account",
        "open",
        "shop:1",
        "--currency",
        "EUR",
        "--floor",
        "-50.00",
        "--ceiling",
        "1000.00",
        "--name",
        "Kiosk",
        "--code",
        "7",
        "--meta",
        "town=Brno",
    ]);
    assert_eq!(opened["id"], "shop:1");
    assert_eq!(opened["floor"], "-50.00");
    assert_eq!(opened["metadata"]["town"], "Brno");
    let shown = server.json(&["account", "show", "shop:1"]);
    assert_eq!((&shown["balance"], &shown["available"]), (&"0.00".into(), &"50.00".into()));
    let text = server.run(&["account", "show", "shop:1"]).with_code(0).stdout;
    assert!(text.contains("balance    0.00 EUR"), "{text}");
    server.json(&["account", "open", "free", "--currency", "JPY", "--floor", "none"]);
    assert_eq!(server.json(&["account", "show", "free"])["available"], Value::Null);
    let table = server.run(&["account", "list"]).with_code(0).stdout;
    assert!(table.contains("unlimited") && table.contains("Kiosk"), "{table}");
    let first = server.run(&["account", "list", "--limit", "1", "--json"]).with_code(0);
    assert_eq!(first.json().as_array().unwrap().len(), 1);
    assert!(first.stderr.contains("there are more than these 1: add --limit N"), "{first:?}");
    let all = server.run(&["account", "list"]).with_code(0);
    assert_eq!(all.stderr, "");
}

#[test]
fn opening_an_account_again_is_a_repeat_and_otherwise_a_refusal() {
    let (_dir, server) = with_alice_and_bob();
    server.run(&["account", "open", "alice", "--currency", "EUR"]).with_code(0);
    let other = server.run(&["account", "open", "alice", "--currency", "CZK"]).with_code(1);
    assert!(other.stderr.contains("account_exists"), "{}", other.stderr);
}

#[test]
fn a_frozen_account_does_not_pay_until_it_is_unfrozen() {
    let (_dir, server) = with_alice_and_bob();
    let frozen = server.json(&["account", "freeze", "alice", "--reason", "lost phone"]);
    assert_eq!(frozen["status"], "frozen");
    let refused = server.run(&["pay", "alice", "bob", "1.00", "EUR"]).with_code(1);
    assert!(refused.stdout.contains("debit_account_frozen"), "{}", refused.stdout);
    assert_eq!(server.json(&["account", "unfreeze", "alice"])["status"], "open");
    server.run(&["pay", "alice", "bob", "1.00", "EUR"]).with_code(0);
}

#[test]
fn limits_change_and_an_empty_account_closes() {
    let (_dir, server) = with_alice_and_bob();
    let limited =
        server.json(&["account", "limits", "bob", "--floor", "-10.00", "--ceiling", "none"]);
    assert_eq!((&limited["floor"], &limited["ceiling"]), (&"-10.00".into(), &Value::Null));
    server.run(&["pay", "bob", "alice", "10.00", "EUR"]).with_code(0);
    let refused = server.run(&["account", "close", "bob"]).with_code(1);
    assert!(refused.stderr.contains("balance_not_zero"), "{}", refused.stderr);
    server.run(&["pay", "alice", "bob", "10.00", "EUR"]).with_code(0);
    assert_eq!(server.json(&["account", "close", "bob"])["status"], "closed");
}

#[test]
fn entries_are_shown_newest_first() {
    let (_dir, server) = with_alice_and_bob();
    for n in 1..=3 {
        let id = format!("p{n}");
        server.run(&["pay", "alice", "bob", "1.00", "EUR", "--id", &id]).with_code(0);
    }
    let entries = server.json(&["account", "entries", "alice", "--limit", "3"]);
    let column = |name: &str| -> Vec<String> {
        let entries = entries.as_array().unwrap().iter();
        entries.map(|e| e[name].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(column("payment"), ["p3", "p2", "p1"]);
    assert_eq!(column("balance"), ["97.00", "98.00", "99.00"]);
    assert_eq!(column("amount"), ["-1.00", "-1.00", "-1.00"]);
    let table = server.run(&["account", "entries", "alice"]).with_code(0).stdout;
    assert!(table.contains("100.00"), "{table}");
}
