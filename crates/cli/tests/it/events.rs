//! `courant events`, `export` and `trial-balance`.

use std::io::{BufRead, BufReader, Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
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
fn a_step_is_listed_with_its_own_amount_and_id() {
    let (_dir, server) = with_alice_and_bob();
    let pay = |line: &str| server.run(&line.split(' ').collect::<Vec<_>>()).with_code(0).stdout;
    pay("pay alice bob 20.00 EUR --id h --mode authorise");
    let shown = [
        pay("payment capture h 5.00 EUR --id c1"),
        pay("payment increment h 2.00 EUR --idempotency-key k1"),
        pay("payment release h 3.00 EUR --idempotency-key k2"),
        pay("payment release h --idempotency-key k3"),
        pay("payment refund h 1.00 EUR --id r1"),
    ];
    let steps = [
        "capture of 5.00 EUR, id c1",
        "increment of 2.00 EUR, idempotency key k1",
        "release of 3.00 EUR, idempotency key k2",
        "release of 14.00 EUR, idempotency key k3",
        "refund of 1.00 EUR, id r1",
    ];
    for (table, step) in shown.iter().zip(steps) {
        assert!(table.contains(&format!("step        {step}\n")), "{table}");
    }
    pay("pay alice bob 7.00 EUR --id i --mode authorise");
    let cancelled = pay("payment cancel i");
    assert!(cancelled.contains("step        cancel, record "), "{cancelled}");

    let events = pay("events");
    let ends: Vec<&str> =
        events.lines().skip(3).map(|row| row.split_once("payment.").unwrap().1).collect();
    let ends: Vec<String> =
        ends.iter().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "completed start 100.00 EUR",
        "authorised h 20.00 EUR",
        "captured h 5.00 EUR c1",
        "incremented h 2.00 EUR",
        "released h 3.00 EUR",
        "released h 14.00 EUR",
        "completed h 5.00 EUR",
        "refunded h 1.00 EUR r1",
        "authorised i 7.00 EUR",
        "cancelled i 7.00 EUR cancelled_by_request",
    ];
    assert_eq!(ends, expected);

    let history = pay("payment history h");
    let rows: Vec<Vec<&str>> =
        history.lines().map(|row| row.split_whitespace().skip(1).take(3).collect()).collect();
    let expected = [
        ["step", "amount", "id"],
        ["payment.authorised", "20.00", "-"],
        ["payment.captured", "5.00", "c1"],
        ["payment.incremented", "2.00", "-"],
        ["payment.released", "3.00", "-"],
        ["payment.released", "14.00", "-"],
        ["payment.refunded", "1.00", "r1"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_follower_that_begins_with_what_is_to_come_misses_nothing_when_it_breaks_off() {
    let (_dir, server) = with_alice_and_bob();
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", relay.local_addr().unwrap());
    let follow = ["events", "--follow", "--after", "latest", "--json", "--url", &url];
    let mut follow = server.command(&follow);
    let mut child = follow.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let connect = || {
        let (client, upstream) =
            (relay.accept().unwrap().0, TcpStream::connect(server.address()).unwrap());
        let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        std::thread::spawn(move || copy(&mut from, &mut to));
        (client, upstream)
    };
    // The stream breaks before its first event.
    let (mut client, mut upstream) = connect();
    let mut begin = Vec::new();
    while !begin.ends_with(b"\n\n\r\n") {
        let mut byte = [0];
        upstream.read_exact(&mut byte).unwrap();
        begin.push(byte[0]);
    }
    client.write_all(&begin).unwrap();
    client.shutdown(Shutdown::Both).unwrap();
    server.json(&["pay", "alice", "bob", "1.00", "EUR", "--id", "while-away"]);
    let (mut client, mut upstream) = connect();
    let mut first = [0];
    upstream.read_exact(&mut first).unwrap();
    server.json(&["pay", "alice", "bob", "1.00", "EUR", "--id", "when-back"]);
    client.write_all(&first).unwrap();
    std::thread::spawn(move || copy(&mut upstream, &mut client));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["subject"], "while-away", "the first it sees");
    child.kill().unwrap();
    child.wait().unwrap();
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
fn an_export_says_what_it_can_and_in_which_form() {
    let (_dir, server) = with_alice_and_bob();
    let payments = server.run(&["export", "payments"]).with_code(2).stderr;
    for word in ["\"payments\"", "events", "entries ACCOUNT", "accounts"] {
        assert!(payments.contains(word), "{word} is not in {payments}");
    }
    let plain = server.run(&["export", "accounts"]).with_code(0).stdout;
    assert_eq!(server.run(&["export", "accounts", "--json"]).with_code(0).stdout, plain);
    let both = ["export", "--format", "csv", "accounts", "--json"];
    let both = server.run(&both).with_code(2).stderr;
    assert!(both.contains("--json") && both.contains("--format csv"), "{both}");
}

#[test]
fn the_trial_balance_balances() {
    let (_dir, server) = with_alice_and_bob();
    let text = server.run(&["trial-balance"]).with_code(0).stdout;
    assert!(text.contains("EUR") && text.contains("debits equal credits"), "{text}");
    assert_eq!(server.json(&["trial-balance"])["balanced"], true);
}
