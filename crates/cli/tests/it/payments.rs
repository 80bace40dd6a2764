//! `courant pay`, `top-up`, `withdraw` and `payment`.

use serde_json::json;

use crate::common::{Server, with_alice_and_bob};

fn balance(server: &Server, account: &str) -> String {
    server.json(&["account", "show", account])["balance"].as_str().unwrap().to_owned()
}

#[test]
fn a_payment_has_a_made_up_id_unless_it_is_given_one() {
    let (_dir, server) = with_alice_and_bob();
    let made_up = server.json(&["pay", "alice", "bob", "12.34", "EUR"]);
    assert_eq!(made_up["id"].as_str().unwrap().len(), 36);
    let paid = server.json(&[
        "pay",
        "alice",
        "bob",
        "1.00",
        "EUR",
        "--id",
        "order-1",
        "--channel",
        "mobile",
        "--remittance",
        "Tea",
        "--end-to-end-id",
        "E1",
        "--meta",
        "table=4",
    ]);
    assert_eq!((&paid["id"], &paid["status"]), (&json!("order-1"), &json!("completed")));
    let shown = server.run(&["payment", "show", "order-1"]).with_code(0).stdout;
    for part in ["completed (ACCC)", "1.00 EUR", "mobile", "Tea", "E1", "table=4"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert_eq!(balance(&server, "bob"), "13.34");
}

#[test]
fn the_same_id_pays_once_and_another_body_is_refused() {
    let (_dir, server) = with_alice_and_bob();
    server.run(&["pay", "alice", "bob", "1.00", "EUR", "--id", "once"]).with_code(0);
    let again = server.run(&["pay", "alice", "bob", "1.00", "EUR", "--id", "once"]).with_code(0);
    assert!(again.stdout.contains("nothing was done again"), "{}", again.stdout);
    let other = server.run(&["pay", "alice", "bob", "2.00", "EUR", "--id", "once"]).with_code(1);
    assert!(other.stderr.contains("idempotency_conflict"), "{}", other.stderr);
    assert!(other.stderr.contains("once: This id"), "{}", other.stderr);
    assert!(other.stderr.contains("send what was sent as once before"), "{}", other.stderr);
    assert_eq!(balance(&server, "bob"), "1.00");
}

#[test]
fn what_is_not_there_is_named_with_where_to_look() {
    let (_dir, server) = with_alice_and_bob();
    let missing = |args: &[&str], sentence: &str, next: &str| {
        let stderr = server.run(args).with_code(1).stderr;
        assert!(stderr.contains(sentence) && stderr.contains(next), "{stderr}");
    };
    let account = ("ghost: No account has this id.", "courant account list");
    missing(&["account", "show", "ghost"], account.0, account.1);
    missing(&["account", "freeze", "ghost"], account.0, account.1);
    let payment = ("lost: No payment has this id.", "courant account entries");
    missing(&["payment", "show", "lost"], payment.0, payment.1);
    missing(&["payment", "cancel", "lost"], payment.0, payment.1);
    missing(&["payment", "refund", "lost"], payment.0, payment.1);
}

#[test]
fn a_rejected_payment_says_why_and_exits_with_1() {
    let (_dir, server) = with_alice_and_bob();
    let rejected = server.run(&["pay", "alice", "bob", "100.01", "EUR", "--json"]).with_code(1);
    assert_eq!(rejected.json()["reason"]["code"], "insufficient_funds");
    let shown = server.run(&["pay", "alice", "nobody", "1.00", "EUR"]).with_code(1).stdout;
    assert!(shown.contains("credit_account_not_found (AC03)"), "{shown}");
}

#[test]
fn amounts_that_are_none_are_refused_with_what_to_write() {
    let (_dir, server) = with_alice_and_bob();
    for (amount, part) in [("12.345", "2 decimals"), ("-1.00", "sign"), ("1e3", "12.34")] {
        let refused = server.run(&["pay", "alice", "bob", amount, "EUR"]).with_code(1);
        assert!(refused.stderr.contains(part), "{amount}: {}", refused.stderr);
    }
    let refused = server.run(&["pay", "alice", "bob", "1.00", "EURO"]).with_code(1);
    assert!(refused.stderr.contains("currency"), "{}", refused.stderr);
}

#[test]
fn money_is_held_captured_in_parts_and_given_back() {
    let (_dir, server) = with_alice_and_bob();
    let held =
        server.json(&["pay", "alice", "bob", "50.00", "EUR", "--id", "h", "--mode", "authorise"]);
    assert_eq!(held["status"], "authorised");
    assert_eq!(server.json(&["account", "show", "alice"])["available"], "50.00");
    let more = server.json(&["payment", "increment", "h", "10.00", "EUR"]);
    assert_eq!(more["amounts"]["authorised"], "60.00");
    let first = server.json(&["payment", "capture", "h", "20.00", "EUR", "--id", "c1"]);
    assert_eq!(first["amounts"]["remaining"], "40.00");
    // The child's id makes the second one a repeat.
    server.json(&["payment", "capture", "h", "20.00", "EUR", "--id", "c1"]);
    server.json(&["payment", "release", "h", "5.00", "EUR"]);
    let last =
        server.json(&["payment", "capture", "h", "10.00", "EUR", "--id", "c2", "--release-rest"]);
    assert_eq!(last["status"], "completed");
    let refunded = server.json(&["payment", "refund", "h", "7.00", "EUR", "--reason", "broken"]);
    assert_eq!(refunded["amounts"]["refunded"], "7.00");
    server.json(&["payment", "return", "h", "1.00", "EUR"]);
    server.json(&["payment", "reverse", "h", "2.00", "EUR"]);
    assert_eq!(balance(&server, "bob"), "20.00");
    let history = server.run(&["payment", "history", "h"]).with_code(0).stdout;
    assert_eq!(history.lines().count(), 1 + 8, "{history}");
    let too_much = server.run(&["payment", "refund", "h", "99.00", "EUR"]).with_code(1);
    assert!(too_much.stderr.contains("refund_exceeds_capture"), "{}", too_much.stderr);
}

#[test]
fn a_hold_is_cancelled_and_a_withdrawal_waits_for_the_outside() {
    let (_dir, server) = with_alice_and_bob();
    server.json(&["pay", "alice", "bob", "5.00", "EUR", "--id", "h", "--mode", "authorise"]);
    assert_eq!(server.json(&["payment", "cancel", "h"])["status"], "cancelled");
    let wait = ["--mode", "await-confirmation", "--id"];
    let withdraw = ["withdraw", "alice", "5.00", "EUR"];
    server.json(&[&withdraw[..], &wait, &["w1"]].concat());
    assert_eq!(server.json(&["payment", "inquire", "w1"])["status"], "pending");
    assert_eq!(server.json(&["payment", "confirm", "w1"])["status"], "completed");
    server.json(&[&withdraw[..], &wait, &["w2"]].concat());
    assert_eq!(server.json(&["payment", "refuse", "w2"])["status"], "rejected");
    assert_eq!(balance(&server, "alice"), "95.00");
    let nothing = server.run(&["payment", "cancel", "w1"]).with_code(1);
    assert!(nothing.stderr.contains("payment_not_cancellable"), "{}", nothing.stderr);
}

#[test]
fn fees_splits_and_schedules_are_understood() {
    let (_dir, server) = with_alice_and_bob();
    server.json(&["account", "open", "fees", "--currency", "EUR"]);
    server.json(&["account", "open", "carol", "--currency", "EUR"]);
    server.json(&["pay", "alice", "bob", "10.00", "EUR", "--fee", "fees=0.30"]);
    server.json(&["pay", "alice", "bob", "10.00", "EUR", "--fee", "fees=0.20,creditor"]);
    assert_eq!(
        (balance(&server, "bob"), balance(&server, "fees")),
        ("19.80".into(), "0.50".into())
    );
    let split = ["pay", "alice", "bob", "3.00", "EUR", "--also", "carol=2.00", "--id", "split"];
    server.json(&[&split[..], &["--mode", "authorise"]].concat());
    let parts = ["--part", "bob=3.00", "--part", "carol=1.00", "--currency", "EUR"];
    let captured = server.json(&[&["payment", "capture", "split"][..], &parts].concat());
    assert_eq!(captured["amounts"]["captured"], "4.00");
    let soon = "2026-01-01T00:00:00Z";
    let late = server.run(&["pay", "alice", "bob", "1.00", "EUR", "--execute-at", "soon"]);
    assert!(late.with_code(1).stderr.contains(&soon[..4]));
}

#[test]
fn a_batch_is_independent_or_all_or_nothing() {
    let (dir, server) = with_alice_and_bob();
    let file = dir.path().join("batch.ndjson");
    let line = |id: &str, amount: &str| {
        json!({"id": id, "debtor": "alice", "creditor": "bob", "amount": amount,
               "currency": "EUR"})
        .to_string()
    };
    std::fs::write(&file, [line("b1", "1.00"), line("b2", "999.00")].join("\n")).unwrap();
    let path = file.to_str().unwrap();
    let refused = server.run(&["payment", "batch", path, "--atomic"]).with_code(1);
    assert!(refused.stderr.contains("insufficient_funds") || refused.stderr.contains("group"));
    let table = server.run(&["payment", "batch", path]).with_code(1).stdout;
    assert!(table.contains("completed") && table.contains("insufficient_funds"), "{table}");
    std::fs::write(&file, format!("[{},{}]", line("b3", "1.00"), line("b4", "2.00"))).unwrap();
    server.run(&["payment", "batch", path, "--atomic"]).with_code(0);
    assert_eq!(balance(&server, "bob"), "4.00");
}
