//! `Idempotency-Key`: where it must be, that every POST heeds it, and what it does not remember.

use crate::server::{Server, transfer};
use serde_json::{Value, json};

fn hold(server: &Server, id: &str) {
    let mut order = transfer(id, "50.00");
    order["mode"] = json!("authorise");
    server.client.post("/v1/payments", &order).expect(201);
}

#[test]
fn what_would_be_done_twice_needs_a_key_and_is_done_once_with_it() {
    let server = Server::with_alice_and_bob();
    hold(&server, "h");
    let body = json!({"amount": "10.00", "currency": "EUR"});
    for (verb, authorised, remaining) in
        [("increment", "60.00", "60.00"), ("release", "60.00", "50.00")]
    {
        let path = format!("/v1/payments/h/{verb}");
        let problem = server.client.post(&path, &body).problem(400, "idempotency_key_missing");
        assert_eq!(problem["field"], "Idempotency-Key");
        let first = server.client.post_once(&path, verb, &body).expect(200);
        let again = server.client.post_once(&path, verb, &body);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        for answer in [first, again.expect(200)] {
            let amounts = &answer["amounts"];
            assert_eq!(
                (&amounts["authorised"], &amounts["remaining"]),
                (&json!(authorised), &json!(remaining))
            );
        }
        let more = json!({"amount": "11.00", "currency": "EUR"});
        server.client.post_once(&path, verb, &more).problem(409, "idempotency_conflict");
    }
    let now = server.client.get("/v1/payments/h").expect(200);
    assert_eq!(now["amounts"]["remaining"], "50.00");
}

/// A POST, its body, another body under the same key, and the status of the first answer.
type Case = (&'static str, Value, Value, u16);

#[test]
fn every_post_heeds_a_key_though_its_body_has_an_id() {
    let server = Server::with_alice_and_bob();
    hold(&server, "h");
    let account = |id: &str| json!({"id": id, "currency": "EUR"});
    let child = |id: &str| json!({"id": id, "amount": "1.00", "currency": "EUR"});
    let cases: [Case; 5] = [
        ("/v1/accounts", account("new"), account("other"), 201),
        ("/v1/payments", transfer("p", "1.00"), transfer("other", "1.00"), 201),
        (
            "/v1/payments/batch?atomic=true",
            json!([transfer("g", "1.00")]),
            json!([transfer("other", "1.00")]),
            201,
        ),
        ("/v1/payments/h/captures", child("c"), child("other"), 201),
        ("/v1/payments/h/cancel", json!({}), json!({"reason": "other"}), 200),
    ];
    for (nth, (path, body, other, status)) in cases.iter().enumerate() {
        let key = format!("key-{nth}");
        server.client.post_once(path, &key, body).expect(*status);
        let again = server.client.post_once(path, &key, body);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        again.expect(200);
        server.client.post_once(path, &key, other).problem(409, "idempotency_conflict");
    }
    server.client.get("/v1/accounts/other").problem(404, "account_not_found");
    server.client.get("/v1/payments/other").problem(404, "payment_not_found");
    assert_eq!(server.balance("bob"), "3.00");
}

#[test]
fn payments_on_their_own_have_their_ids_and_need_no_key() {
    let server = Server::with_alice_and_bob();
    let send = |ids: [&str; 2]| {
        let body = json!(ids.map(|id| transfer(id, "1.00")));
        server.client.post_once("/v1/payments/batch", "one-key", &body).expect(200)
    };
    send(["a", "b"]);
    let second = send(["b", "c"])["results"].clone();
    assert_eq!((&second[0]["repeat"], &second[1]["repeat"]), (&json!(true), &json!(null)));
    assert_eq!(server.balance("bob"), "3.00");
}

#[test]
fn a_refusal_is_not_remembered_under_a_key() {
    let server = Server::with_alice_and_bob();
    let client = &server.client;
    let freeze = || client.post_once("/v1/accounts/bob/freeze", "k", &json!({}));
    client.post("/v1/accounts/bob/freeze", &json!({})).expect(200);
    freeze().problem(422, "account_already_frozen");
    client.post("/v1/accounts/bob/unfreeze", &json!({})).expect(200);
    let decided = freeze();
    assert_eq!(decided.header("idempotency-replayed"), None);
    assert_eq!(decided.expect(200)["status"], "frozen");
    assert_eq!(freeze().header("idempotency-replayed"), Some("true"));

    client.post_once("/v1/payments", "p", &json!({"id": "p"})).problem(400, "missing");
    client.post_once("/v1/payments", "p", &transfer("p", "1.00")).expect(201);
}
