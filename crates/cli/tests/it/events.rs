//! `courant events`, `export` and `trial-balance`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::common::{Server, with_alice_and_bob};

#[test]
fn events_are_listed_from_any_point_and_by_type() {
    let (_dir, server) = with_alice_and_bob();
    server.json(&["pay", "alice", "bob", "1.00", "EUR", "--id", "p1"]);
    let all = server.run(&["events", "--json"]).with_code(0).json_lines();
    let last = all.last().unwrap();
    assert_eq!((&last["type"], &last["specversion"]), (&"payment.completed".into(), &"1.0".into()));
    let id = all[all.len() - 2]["id"].as_str().unwrap();
    let after = server.run(&["events", "--after", id, "--json"]).with_code(0).json_lines();
    assert_eq!(after, std::slice::from_ref(last));
    let opened = server.run(&["events", "--type", "account.opened"]).with_code(0).stdout;
    assert_eq!(opened.lines().count(), 2, "{opened}");
    let one = server.run(&["events", "--limit", "1"]).with_code(0).stdout;
    assert_eq!(one.lines().count(), 1, "{one}");
}

#[test]
fn a_follower_sees_everything_once_across_a_restart_of_the_server() {
    let (_dir, server) = with_alice_and_bob();
    let mut follow =
        server.command(&["events", "--follow", "--type", "payment.completed", "--json"]);
    let mut child = follow.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> String {
        let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        event["data"]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(next(), "start");
    server.json(&["pay", "alice", "bob", "1.00", "EUR", "--id", "p1"]);
    assert_eq!(next(), "p1");
    let (data, address) = (server.data.clone(), server.address());
    server.kill();
    let server = Server::start_at(&data, address);
    server.json(&["pay", "alice", "bob", "1.00", "EUR", "--id", "p2"]);
    assert_eq!(next(), "p2");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn events_entries_and_accounts_are_exported() {
    let (_dir, server) = with_alice_and_bob();
    server.json(&["pay", "alice", "bob", "1.00", "EUR", "--id", "p1"]);
    let events = server.run(&["export", "events"]).with_code(0).json_lines();
    assert!(events.iter().any(|event| event["subject"].as_str().unwrap().contains("p1")));
    let csv = server.run(&["export", "entries", "alice", "--format", "csv"]).with_code(0).stdout;
    let mut rows = csv.lines();
    assert_eq!(rows.next(), Some("lsn,time,kind,payment,amount,balance"));
    assert!(rows.next().unwrap().ends_with(",p1,-1.00,99.00"), "{csv}");
    let accounts = server.run(&["export", "accounts", "--format", "csv"]).with_code(0).stdout;
    assert!(accounts.contains("alice,EUR,open,99.00,99.00,"), "{accounts}");
}

#[test]
fn the_trial_balance_balances() {
    let (_dir, server) = with_alice_and_bob();
    let text = server.run(&["trial-balance"]).with_code(0).stdout;
    assert!(text.contains("EUR") && text.contains("debits equal credits"), "{text}");
    assert_eq!(server.json(&["trial-balance"])["balanced"], true);
}
