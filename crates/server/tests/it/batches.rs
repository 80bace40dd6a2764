//! Batches: three forms of body, each on its own or all together.

use crate::server::{Server, transfer};
use prost::Message;
use serde_json::{Value, json};

const BATCH: &str = "/v1/payments/batch";
const ATOMIC: &str = "/v1/payments/batch?atomic=true";

fn balances(server: &Server) -> (String, String) {
    (server.balance("alice"), server.balance("bob"))
}

#[test]
fn each_payment_on_its_own_has_a_result_in_its_place() {
    let server = Server::with_alice_and_bob();
    let body = json!([transfer("b1", "1.00"), {"id": "b2", "amount": "1.00"}, transfer("b3",
        "500.00"), 7,
        transfer("b1", "1.00"), transfer("b1", "2.00"), transfer("b4", "2.00")]);
    let results = server.client.post(BATCH, &body).expect(200)["results"].clone();
    let code = |at: usize| (&results[at]["status"], &results[at]["code"], &results[at]["index"]);
    assert_eq!((&results[0]["id"], &results[0]["status"]), (&json!("b1"), &json!("completed")));
    assert_eq!(code(1), (&json!(400), &json!("missing"), &json!(1)));
    assert_eq!(
        (&results[2]["status"], &results[2]["reason"]["code"]),
        (&json!("rejected"), &json!("insufficient_funds"))
    );
    assert_eq!(code(3), (&json!(400), &json!("wrong_type"), &json!(3)));
    assert_eq!(results[4]["repeat"], true);
    assert_eq!(code(5), (&json!(409), &json!("idempotency_conflict"), &json!(5)));
    assert_eq!(results[6]["status"], "completed");
    assert_eq!(balances(&server), ("97.00".into(), "3.00".into()));
}

#[test]
fn lines_of_json_are_a_batch_too() {
    let server = Server::with_alice_and_bob();
    let lines = format!("{}\n\r\n{{\n{}\n", transfer("b1", "1.00"), transfer("b2", "1.00"));
    let answer = server.client.send(
        "POST",
        BATCH,
        &[("Content-Type", "application/x-ndjson")],
        lines.as_bytes(),
    );
    let results = answer.expect(200)["results"].clone();
    assert_eq!(
        (&results[0]["status"], &results[1]["code"], &results[2]["status"]),
        (&json!("completed"), &json!("bad_json"), &json!("completed"))
    );
}

#[test]
fn an_atomic_batch_is_made_whole_or_not_at_all() {
    let server = Server::with_alice_and_bob();
    let good = json!([transfer("b1", "40.00"), transfer("b2", "60.00")]);
    let too_much = json!([transfer("b1", "40.00"), transfer("b2", "60.01")]);
    let problem = server.client.post(ATOMIC, &too_much).problem(422, "insufficient_funds");
    assert_eq!(problem["index"], 1);
    assert_eq!(balances(&server), ("100.00".into(), "0.00".into()));
    server.client.get("/v1/payments/b1").problem(404, "payment_not_found");
    let made = server.client.post(ATOMIC, &good).expect(201);
    assert_eq!(made["results"][1]["status"], "completed");
    assert_eq!(server.client.get("/v1/payments/b2").expect(200)["amount"], "60.00");
    let again = server.client.post(ATOMIC, &good);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(200)["results"][0]["repeat"], true);
    server.client.post(ATOMIC, &too_much).problem(409, "idempotency_conflict");
    let problem = server.client.post(ATOMIC, &json!([transfer("b5", "1.00"), transfer("b6", "x")]));
    let problem = problem.problem(400, "bad_character");
    assert_eq!(problem["field"], "payments[1].amount");
    let twice = json!([transfer("b7", "1.00"), transfer("b7", "1.00")]);
    server.client.post(ATOMIC, &twice).problem(422, "group_member_repeated");
}

#[test]
fn a_batch_has_its_limits() {
    let server = Server::with_alice_and_bob();
    server.client.post(BATCH, &json!([])).problem(400, "missing");
    let many = json!(vec![json!({}); 10_001]).to_string();
    for (media, body) in [
        ("application/json", many.as_bytes()),
        ("application/x-ndjson", &b"{}\n".repeat(10_001)),
        ("application/x-protobuf", &b"\x0a\x00".repeat(10_001)),
    ] {
        let answer = server.client.send("POST", BATCH, &[("Content-Type", media)], body);
        let problem = answer.problem(400, "too_many");
        assert_eq!((&problem["field"], &problem["limit"]), (&json!("payments"), &json!(10_000)));
    }
    server.client.post("/v1/payments/batch?atomic=maybe", &json!([])).problem(400, "bad_query");
    let text = server.client.send("POST", BATCH, &[("Content-Type", "text/csv")], b"id,amount");
    text.problem(415, "unsupported_media_type");
    let full: Vec<Value> = (0..10_000).map(|n| transfer(&format!("n{n}"), "0.01")).collect();
    let results = server.client.post(BATCH, &json!(full)).expect(200);
    let completed = |result: &&Value| result["status"] == "completed";
    assert_eq!(results["results"].as_array().unwrap().iter().filter(completed).count(), 10_000);
    assert_eq!(balances(&server), ("0.00".into(), "100.00".into()));
}

#[test]
fn what_does_not_fit_into_a_record_is_refused_and_leaves_nothing() {
    // Batches of the journal, and so records, have 16 KiB here.
    let server = Server::with_alice_and_bob();
    let many: Vec<Value> = (0..1_000).map(|n| transfer(&format!("n{n}"), "0.01")).collect();
    let problem = server.client.post(ATOMIC, &json!(many)).problem(422, "group_too_large");
    assert!(problem["index"].is_null(), "no payment of it is to blame: {problem}");
    server.client.get("/v1/payments/n0").problem(404, "payment_not_found");
    assert_eq!(balances(&server), ("100.00".into(), "0.00".into()));
    server.client.post(ATOMIC, &json!(many[..20])).expect(201);
    server.client.post(BATCH, &json!(many)).expect(200);
    assert_eq!(balances(&server), ("90.00".into(), "10.00".into()));
    let mut wordy = transfer("wordy", "1.00");
    for nth in 0..16 {
        wordy["metadata"][format!("key-{nth}")] = json!("\u{1f4b6}".repeat(256));
    }
    server.client.post("/v1/payments", &wordy).problem(422, "record_too_large");
    server.client.get("/v1/payments/wordy").problem(404, "payment_not_found");
}

/// As a client would write it, with only the fields that it needs.
#[derive(Clone, PartialEq, Message)]
struct Batch {
    #[prost(message, repeated, tag = "1")]
    payments: Vec<Order>,
}

#[derive(Clone, PartialEq, Message)]
struct Order {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "4")]
    debtor: String,
    #[prost(string, tag = "5")]
    creditor: String,
    #[prost(string, tag = "7")]
    amount: String,
    #[prost(string, tag = "8")]
    currency: String,
    #[prost(btree_map = "string, string", tag = "15")]
    metadata: std::collections::BTreeMap<String, String>,
    #[prost(string, tag = "99")]
    later: String,
}

#[derive(Clone, PartialEq, Message)]
struct Results {
    #[prost(message, repeated, tag = "1")]
    results: Vec<OneResult>,
}

#[derive(Clone, PartialEq, Message)]
struct OneResult {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    status: String,
    #[prost(bool, tag = "5")]
    repeat: bool,
    #[prost(string, tag = "6")]
    problem: String,
}

fn order(id: &str, amount: &str) -> Order {
    Order {
        id: id.into(),
        debtor: "alice".into(),
        creditor: "bob".into(),
        amount: amount.into(),
        currency: "EUR".into(),
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        later: String::new(),
    }
}

#[test]
fn protobuf_means_the_same_as_json() {
    let server = Server::with_alice_and_bob();
    let send = |path: &str, batch: &Batch| {
        let headers = [("Content-Type", "application/x-protobuf")];
        server.client.send("POST", path, &headers, &batch.encode_to_vec())
    };
    let mut json = transfer("b1", "1.00");
    json["metadata"] = json!({"k": "v"});
    server.client.post("/v1/payments", &json).expect(201);
    let batch =
        Batch { payments: vec![order("b1", "1.00"), order("b2", "1"), order("b3", "3.00")] };
    let answer = send(BATCH, &batch);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/x-protobuf"))
    );
    let results = Results::decode(answer.body.as_slice()).expect("the results").results;
    assert!(results[0].repeat, "the same payment as the one that came in JSON");
    assert_eq!(results[1].problem, "wrong_decimals");
    assert_eq!((results[2].id.as_str(), results[2].status.as_str()), ("b3", "completed"));

    let later = Order { later: "2100-01-01T00:00:00Z".into(), ..order("b4", "1.00") };
    let problem = send(BATCH, &Batch { payments: vec![later] }).problem(400, "unknown_field");
    assert_eq!(problem["field"], "99");
    let headers = [("Content-Type", "application/x-protobuf")];
    server.client.send("POST", BATCH, &headers, b"\xff\xff").problem(400, "bad_protobuf");
    assert_eq!(send(ATOMIC, &Batch { payments: vec![order("b5", "1.00")] }).status, 201);
}
