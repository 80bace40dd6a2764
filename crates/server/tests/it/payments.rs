//! Payments: every route's good way, repeats, conflicts, refusals and histories.

use crate::accounts::pages;
use crate::client::Client;
use crate::server::{Server, transfer};
use serde_json::{Value, json};

fn hold(server: &Server, id: &str, amount: &str) -> Value {
    let mut order = transfer(id, amount);
    order["mode"] = json!("authorise");
    server.client.post("/v1/payments", &order).expect(201)
}

#[test]
fn a_payment_shows_everything_that_was_ordered_and_what_became_of_it() {
    let server = Server::with_alice_and_bob();
    server.open_account("fees", "EUR");
    let order = json!({"id": "p1", "debtor": "alice", "creditor": "bob", "amount": "12.34",
        "currency": "EUR",
        "fees": [{"account": "fees", "amount": "0.10", "bearer": "debtor"},
                 {"account": "fees", "amount": "0.20", "bearer": "creditor"}],
        "channel": "mobile", "end_to_end_id": "E2E", "remittance": "Grüße \" \\ ☂",
            "metadata": {"k": "v"}});
    let paid = server.client.post("/v1/payments", &order).expect(201);
    for (name, value) in order.as_object().unwrap() {
        assert_eq!(paid[name], *value, "{name}");
    }
    assert_eq!((&paid["status"], &paid["iso_status"]), (&json!("completed"), &json!("ACCC")));
    assert_eq!((&paid["type"], &paid["mode"]), (&json!("transfer"), &json!("pay")));
    assert_eq!(paid["reason"], json!(null));
    assert_eq!(paid["amounts"]["captured"], "12.34");
    assert_eq!(paid["amounts"]["remaining"], "0.00");
    let legs: Vec<(&str, &str, &str)> = paid["legs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leg| {
            (
                leg["role"].as_str().unwrap(),
                leg["debit"].as_str().unwrap(),
                leg["credit"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        legs,
        [
            ("principal", "alice", "bob"),
            ("debtor_fee", "alice", "fees"),
            ("creditor_fee", "bob", "fees")
        ]
    );
    assert_eq!(server.client.get("/v1/payments/p1").expect(200), paid);
    assert_eq!((server.balance("alice"), server.balance("bob")), ("87.56".into(), "12.14".into()));
}

#[test]
fn null_and_left_out_mean_the_same() {
    let server = Server::with_alice_and_bob();
    server.client.post("/v1/payments", &transfer("p1", "1.00")).expect(201);
    let mut order = transfer("p1", "1.00");
    for name in [
        "type",
        "mode",
        "payees",
        "fees",
        "execute_at",
        "expires_at",
        "channel",
        "end_to_end_id",
        "remittance",
        "metadata",
    ] {
        order[name] = json!(null);
    }
    assert_eq!(server.client.post("/v1/payments", &order).expect(200)["repeat"], true);
}

#[test]
fn a_rejected_payment_is_made_with_its_reason() {
    let server = Server::with_alice_and_bob();
    let paid = server.client.post("/v1/payments", &transfer("p1", "100.01")).expect(201);
    assert_eq!((&paid["status"], &paid["iso_status"]), (&json!("rejected"), &json!("RJCT")));
    assert_eq!(
        (&paid["reason"]["code"], &paid["reason"]["iso"]),
        (&json!("insufficient_funds"), &json!("AM04"))
    );
    assert_eq!(server.balance("alice"), "100.00");
}

#[test]
fn a_repeat_gives_the_first_outcome_and_another_body_is_a_conflict() {
    let server = Server::with_alice_and_bob();
    let held = hold(&server, "p1", "10.00");
    server.client.post("/v1/payments/p1/captures", &json!({"id": "c"})).expect(201);
    let mut order = transfer("p1", "10.00");
    order["mode"] = json!("authorise");
    let again = server.client.post("/v1/payments", &order);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let mut again = again.expect(200);
    assert_eq!(again["repeat"].take(), json!(true));
    again.as_object_mut().unwrap().remove("repeat");
    assert_eq!(again, held, "the first outcome, not the present state");
    server
        .client
        .post("/v1/payments", &transfer("p1", "10.00"))
        .problem(409, "idempotency_conflict");
    let capture = |body: Value| server.client.post("/v1/payments/p1/captures", &body);
    assert_eq!(capture(json!({"id": "c"})).expect(200)["repeat"], true);
    capture(json!({"id": "c", "release_rest": true})).problem(409, "idempotency_conflict");
}

#[test]
fn a_hold_is_incremented_captured_in_parts_released_and_refunded() {
    let server = Server::with_alice_and_bob();
    let client = &server.client;
    hold(&server, "p1", "50.00");
    let money = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let child = |id: &str, amount: &str| {
        json!({"id": id, "amount": amount, "currency": "EUR",
        "reason": "because"})
    };
    let more = client.post_once("/v1/payments/p1/increment", "i1", &money("10.00")).expect(200);
    assert_eq!(more["amounts"]["authorised"], "60.00");
    assert_eq!(
        client.post_once("/v1/payments/p1/increment", "i1", &money("10.00")).expect(200)["repeat"],
        true
    );
    client.post("/v1/payments/p1/captures", &child("c1", "20.00")).expect(201);
    client
        .post("/v1/payments/p1/captures", &child("c2", "60.00"))
        .problem(422, "capture_exceeds_hold");
    client
        .post("/v1/payments/p1/captures", &json!({"id": "c3", "amount": "1.00", "currency": "USD"}))
        .problem(422, "payment_currency_mismatch");
    let released = client.post_once("/v1/payments/p1/release", "r1", &money("30.00")).expect(200);
    assert_eq!(
        (&released["status"], &released["amounts"]["remaining"]),
        (&json!("authorised"), &json!("10.00"))
    );
    let done = client.post("/v1/payments/p1/captures", &json!({"id": "c4"})).expect(201);
    assert_eq!(
        (&done["status"], &done["amounts"]["captured"]),
        (&json!("completed"), &json!("30.00"))
    );
    client.post("/v1/payments/p1/refunds", &child("r1", "5.00")).expect(201);
    client.post("/v1/payments/p1/returns", &child("r2", "6.00")).expect(201);
    let back = client.post("/v1/payments/p1/reversals", &child("r3", "7.00")).expect(201);
    assert_eq!(back["step"], json!({"child": "r3", "amount": "7.00", "currency": "EUR"}));
    let amounts = &back["amounts"];
    assert_eq!(
        (&amounts["refunded"], &amounts["returned"], &amounts["reversed"]),
        (&json!("5.00"), &json!("6.00"), &json!("7.00"))
    );
    let problem = client
        .post("/v1/payments/p1/refunds", &child("r4", "13.00"))
        .problem(422, "refund_exceeds_capture");
    assert_eq!(problem["iso_reason"], "AM09");
    client
        .post("/v1/payments/p1/refunds", &json!({"id": "r5", "release_rest": true}))
        .problem(400, "not_allowed");
    assert_eq!((server.balance("alice"), server.balance("bob")), ("88.00".into(), "12.00".into()));
    check_history(client);
}

/// What the steps above left to read.
fn check_history(client: &Client) {
    let history = pages(client, "/v1/payments/p1/history", 100);
    let kinds: Vec<&str> =
        history.iter().map(|step| step["kind"].as_str().expect("it is there")).collect();
    assert_eq!(
        kinds,
        [
            "payment.authorised",
            "payment.incremented",
            "payment.captured",
            "payment.released",
            "payment.captured",
            "payment.refunded",
            "payment.returned",
            "payment.reversed"
        ]
    );
    let captured: Vec<&str> = history
        .iter()
        .map(|step| step["payment"]["amounts"]["captured"].as_str().expect("it is there"))
        .collect();
    assert_eq!(captured, ["0.00", "0.00", "20.00", "20.00", "30.00", "30.00", "30.00", "30.00"]);
    let amounts: Vec<Option<&str>> = history.iter().map(|step| step["amount"].as_str()).collect();
    let own = ["10.00", "20.00", "30.00", "10.00", "5.00", "6.00", "7.00"];
    assert_eq!(amounts[0], None, "it is about the payment as a whole");
    assert_eq!(amounts[1..], own.map(Some));
    let moved: Vec<&str> =
        history.iter().map(|step| step["moved"].as_str().expect("it is there")).collect();
    assert_eq!(moved, ["0.00", "0.00", "20.00", "0.00", "10.00", "5.00", "6.00", "7.00"]);
    assert_eq!(
        (&history[5]["child"], &history[5]["moved"], &history[5]["change_reason"]),
        (&json!("r1"), &json!("5.00"), &json!("because"))
    );
    // A page is in order; the pages lead back in time.
    let newest = client.get("/v1/payments/p1/history?limit=3").expect(200);
    assert_eq!(newest["items"].as_array().expect("it is there")[..], history[5..]);
    for (list, children) in [
        ("captures", vec!["c1", "c4"]),
        ("refunds", vec!["r1"]),
        ("returns", vec!["r2"]),
        ("reversals", vec!["r3"]),
    ] {
        let items = pages(client, &format!("/v1/payments/p1/{list}"), 1);
        let mut ids: Vec<&str> =
            items.iter().map(|step| step["child"].as_str().expect("it is there")).collect();
        ids.reverse();
        assert_eq!(ids, children, "{list}");
    }
    client.get("/v1/payments/p1/history?cursor=17").problem(400, "not_allowed");
}

#[test]
fn several_payees_are_paid_together_and_captured_by_parts() {
    let server = Server::with_alice_and_bob();
    server.open_account("carol", "EUR");
    let order = |id: &str, mode: &str| {
        json!({"id": id, "mode": mode, "debtor": "alice", "currency": "EUR", "amount": "30.00",
        "payees": [{"creditor": "bob", "amount": "10.00"}, {"creditor": "carol",
            "amount": "20.00"}]})
    };
    let paid = server.client.post("/v1/payments", &order("p1", "pay")).expect(201);
    assert_eq!((&paid["creditor"], &paid["amount"]), (&json!(null), &json!("30.00")));
    server.client.post("/v1/payments", &order("p2", "authorise")).expect(201);
    let total = json!({"id": "c0", "amount": "5.00", "currency": "EUR"});
    server.client.post("/v1/payments/p2/captures", &total).problem(422, "parts_required");
    let parts =
        json!({"id": "c1", "currency": "EUR", "parts": [{"creditor": "carol", "amount": "5.00"}]});
    let captured = server.client.post("/v1/payments/p2/captures", &parts).expect(201);
    assert_eq!(captured["legs"][1]["captured"], "5.00");
    let cancelled = server.client.post("/v1/payments/p2/cancel", &json!({})).expect(200);
    assert_eq!(cancelled["status"], "completed", "what was captured stays captured");
    assert_eq!(server.balance("carol"), "25.00");
}

#[test]
fn parts_are_at_most_as_many_as_payees_and_each_payee_once() {
    let server = Server::with_alice_and_bob();
    hold(&server, "p1", "50.00");
    let parts = |count: usize| {
        let parts = vec![json!({"creditor": "bob", "amount": "0.01"}); count];
        json!({"id": "c", "currency": "EUR", "parts": parts})
    };
    for list in ["captures", "refunds", "returns", "reversals", "release"] {
        let path = format!("/v1/payments/p1/{list}");
        let send = |count: usize| {
            let mut body = parts(count);
            if list == "release" {
                body.as_object_mut().expect("an object").remove("id");
            }
            server.client.post_once(&path, list, &body)
        };
        let problem = send(101).problem(400, "too_many");
        assert_eq!((&problem["field"], &problem["limit"]), (&json!("parts"), &json!(100)));
        let twice = send(2);
        assert!((400..500).contains(&twice.status), "{}", twice.text());
    }
    assert_eq!(server.client.get("/v1/payments/p1").expect(200)["amounts"]["remaining"], "50.00");
}

#[test]
fn a_group_of_many_payments_with_many_payees_is_one_record() {
    let server = Server::over(courant_node::NodeOptions::default());
    server.open_account("alice", "EUR");
    for n in 0..100 {
        server.open_account(&format!("c{n}"), "EUR");
    }
    let payees: Vec<Value> =
        (0..100).map(|n| json!({"creditor": format!("c{n}"), "amount": "0.01"})).collect();
    let order = |n: usize| {
        let id = format!("g{n}");
        json!({"id": id, "debtor": "alice", "currency": "EUR", "payees": payees})
    };
    let group: Vec<Value> = (0..500).map(order).collect();
    let made = server.client.post("/v1/payments/batch?atomic=true", &json!(group)).expect(201);
    let versions: std::collections::BTreeSet<u64> = made["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["version"].as_u64().expect("a record"))
        .collect();
    assert_eq!(versions.len(), 1, "{versions:?}");
    assert_eq!((server.balance("alice"), server.balance("c99")), ("-500.00".into(), "5.00".into()));
}

#[test]
fn what_is_outside_is_awaited_confirmed_refused_and_inquired() {
    let server = Server::with_alice_and_bob();
    let client = &server.client;
    let order = |id: &str, kind: &str, account: &str| {
        json!({"id": id, "type": kind, "mode": "await_confirmation",
        (account): "alice", "amount": "10.00", "currency": "EUR"})
    };
    let top_up = client.post("/v1/payments", &order("t", "top_up", "creditor")).expect(201);
    assert_eq!(
        (&top_up["status"], &top_up["reason"]["code"]),
        (&json!("pending"), &json!("awaiting_funds"))
    );
    assert_eq!(top_up["debtor"], "@outside:EUR");
    assert_eq!(
        client.post("/v1/payments/t/confirm", &json!({})).expect(200)["status"],
        "completed"
    );
    let out = client.post("/v1/payments", &order("w", "withdrawal", "debtor")).expect(201);
    assert_eq!((&out["status"], &out["creditor"]), (&json!("processing"), &json!("@outside:EUR")));
    assert_eq!(
        client.post("/v1/payments/w/inquire", &json!({})).expect(200)["reason"]["code"],
        "inquiry"
    );
    let refused =
        client.post("/v1/payments/w/refuse", &json!({"reason": "no such IBAN"})).expect(200);
    assert_eq!(
        (&refused["status"], &refused["reason"]["code"]),
        (&json!("rejected"), &json!("outside_refused"))
    );
    client.post("/v1/payments/w/confirm", &json!({})).problem(422, "payment_not_confirmable");
    client.post("/v1/payments/nothing/confirm", &json!({})).problem(404, "payment_not_found");
    assert_eq!(server.balance("alice"), "110.00");
}

#[test]
fn a_scheduled_payment_waits_and_can_be_cancelled() {
    let server = Server::with_alice_and_bob();
    let mut order = transfer("p1", "1.00");
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    order["execute_at"] = json!(tomorrow.to_string());
    let waits = server.client.post("/v1/payments", &order).expect(201);
    assert_eq!(
        (&waits["status"], &waits["reason"]["code"]),
        (&json!("received"), &json!("scheduled"))
    );
    assert_eq!(waits["execute_at"], order["execute_at"]);
    let cancelled = server.client.post("/v1/payments/p1/cancel", &json!({})).expect(200);
    assert_eq!(
        (&cancelled["status"], &cancelled["iso_status"]),
        (&json!("cancelled"), &json!("CANC"))
    );
    server
        .client
        .post("/v1/payments/p1/cancel", &json!({}))
        .problem(422, "payment_not_cancellable");
}

#[test]
fn payments_are_there_after_a_restart() {
    let server = Server::with_alice_and_bob();
    let paid = server.client.post("/v1/payments", &transfer("p1", "1.00")).expect(201);
    let server = server.restart();
    assert_eq!(server.client.get("/v1/payments/p1").expect(200), paid);
    assert_eq!(
        server.client.post("/v1/payments", &transfer("p1", "1.00")).expect(200)["repeat"],
        true
    );
}
