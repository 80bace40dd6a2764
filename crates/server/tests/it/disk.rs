//! What clients are told when the server's disk is full, fails, or no longer has an old record.

use crate::client::Answer;
use crate::server::{Server, transfer};
use courant_node::{Keep, NodeOptions, Retention};
use courant_server::ServeError;
use serde_json::{Value, json};
use std::time::Duration;

/// Alice with 100.00 EUR, and bob.
fn prepare(server: &Server) {
    for id in ["alice", "bob"] {
        let body = json!({"id": id, "currency": "EUR", "name": format!("the name of {id}")});
        server.client.post("/v1/accounts", &body).expect(201);
    }
    let top_up = json!({"id": "first", "type": "top_up", "creditor": "alice", "amount": "100.00",
        "currency": "EUR"});
    server.client.post("/v1/payments", &top_up).expect(201);
}

/// Pays cents until an answer is no payment; gives it, and how many were made.
fn pay_until_refused(server: &Server) -> (Answer, usize) {
    for n in 0.. {
        let body = transfer(&format!("p-{n}"), "0.01");
        let answer = server.client.post("/v1/payments", &body);
        if answer.status != 201 {
            return (answer, n);
        }
    }
    unreachable!("no disk is so large")
}

/// A node whose disk has room for its first segments only.
fn nearly_full() -> NodeOptions {
    let mut options = NodeOptions::small();
    options.journal.reserve_bytes = 1 << 60;
    options
}

#[test]
fn a_full_disk_is_507_reads_go_on_and_payments_do_when_there_is_room() {
    let server = Server::over(nearly_full());
    prepare(&server);
    let (refused, made) = pay_until_refused(&server);
    let problem = refused.problem(507, "storage_full");
    assert!(problem["detail"].as_str().expect("a text").contains("disk"), "{problem}");
    let not_ready = server.client.get("/v1/ready").problem(503, "not_ready");
    assert_eq!(not_ready["detail"], "the disk is full");
    server.client.get("/v1/health").expect(200);
    let batch = json!([transfer("b-1", "0.01"), transfer("b-2", "0.01")]);
    server.client.post("/v1/payments/batch", &batch).problem(507, "storage_full");
    server.client.post("/v1/accounts/bob/freeze", &json!({})).problem(507, "storage_full");
    assert_eq!(server.client.get("/v1/payments/p-0").expect(200)["status"], "completed");
    // What was done before is told as ever: a lost answer can be had again.
    let first = server.client.post("/v1/payments", &transfer("p-0", "0.01")).expect(200);
    assert_eq!((&first["repeat"], &first["status"]), (&json!(true), &json!("completed")));
    let other = server.client.post("/v1/payments", &transfer("p-0", "0.02"));
    other.problem(409, "idempotency_conflict");
    let mixed = json!([transfer("p-0", "0.01"), transfer("b-3", "0.01")]);
    let mixed = server.client.post("/v1/payments/batch", &mixed).expect(200);
    assert_eq!(mixed["results"][0]["repeat"], true);
    assert_eq!(mixed["results"][1]["code"], "storage_full");
    assert_eq!(server.balance("bob"), format!("0.{made:02}"));
    server.client.get("/v1/events").expect(200);
    let metrics = server.client.get("/v1/metrics");
    assert!(metrics.text().contains("courant_storage_full 1"), "{}", metrics.text());

    // The next start finds room.
    let server = server.restart();
    server.client.get("/v1/ready").expect(200);
    let again = server.client.post("/v1/payments", &transfer("p-0", "0.01")).expect(200);
    assert_eq!(again["repeat"], true);
    let later = transfer(&format!("p-{made}"), "0.01");
    server.client.post("/v1/payments", &later).expect(201);
    assert_eq!(server.balance("bob"), format!("0.{:02}", made + 1));
}

#[test]
fn a_batch_that_fills_the_disk_says_which_payments_were_made() {
    const COUNT: usize = 2_000;
    let server = Server::over(nearly_full());
    prepare(&server);
    let mut batch: Vec<Value> = (0..COUNT).map(|n| transfer(&format!("b-{n}"), "0.01")).collect();
    batch.push(transfer("bad", "x"));
    let answer = server.client.post("/v1/payments/batch", &json!(batch)).expect(200);
    let results = answer["results"].as_array().expect("a list");
    let made = results.iter().take_while(|result| result["status"] == "completed").count();
    assert!((1..COUNT).contains(&made), "{made} of {COUNT}");
    for (at, result) in results[..COUNT].iter().enumerate().skip(made) {
        assert_eq!((&result["status"], &result["code"]), (&json!(507), &json!("storage_full")));
        assert_eq!(result["index"], at);
    }
    assert_eq!(results[COUNT]["status"], 400);
    let cents = |made: usize| format!("{}.{:02}", made / 100, made % 100);
    assert_eq!(server.balance("bob"), cents(made));
    let path = format!("/v1/payments/b-{made}");
    server.client.get(&path).problem(404, "payment_not_found");

    // The next start finds room: the same batch makes what is missing.
    let server = server.restart();
    let answer = server.client.post("/v1/payments/batch", &json!(batch)).expect(200);
    let results = answer["results"].as_array().expect("a list");
    let repeats = results.iter().filter(|result| result["repeat"] == true).count();
    assert_eq!((repeats, server.balance("bob")), (made, cents(COUNT)));
}

#[test]
fn after_a_failed_write_every_answer_is_stopped_and_the_server_ends() {
    let mut server = Server::over(NodeOptions::small());
    prepare(&server);
    // The next segment cannot get its name any more.
    let (journal, away) = (server.dir.join("journal"), server.dir.join("away"));
    std::fs::rename(&journal, &away).expect("renamed");
    let (mut made, mut stopped_answers) = (Vec::new(), 0);
    for n in 0.. {
        let body = transfer(&format!("p-{n}"), "0.01");
        // Once it has stopped, the server ends, and connections are refused.
        let sent = server.client.try_send_json("POST", "/v1/payments", &body);
        match sent {
            Ok(answer) if answer.status == 201 => made.push(format!("p-{n}")),
            Ok(answer) => {
                answer.problem(503, "stopped");
                stopped_answers += 1;
            }
            Err(_) => break,
        }
    }
    assert!(stopped_answers > 0);
    match server.stop() {
        Err(ServeError::Stopped(why)) => assert!(why.contains("the node stopped"), "{why}"),
        other => panic!("{other:?}"),
    }
    std::fs::rename(&away, &journal).expect("renamed");
    let server = server.restart();
    for id in &made {
        let found = server.client.get(&format!("/v1/payments/{id}")).expect(200);
        assert_eq!(found["status"], "completed", "{id}");
    }
    let balance = server.client.get("/v1/trial-balance").expect(200);
    let payments = balance["payments"].as_u64().expect("a number");
    let answered = made.len() as u64 + 1;
    assert!((answered..=answered + 1).contains(&payments), "{payments} of {answered}");
}

/// A node that soon drops what is old.
fn forgetful() -> NodeOptions {
    let keep = Keep { bytes: 64 << 10, time: Duration::ZERO };
    let retention = Retention::Drop { keep };
    NodeOptions { retention, snapshot_bytes: 64 << 10, ..NodeOptions::small() }
}

/// Pays until the metrics have such a line.
fn pay_until(server: &Server, is_it: impl Fn(&str) -> bool) {
    for n in 0.. {
        let answer = server.client.post("/v1/payments", &transfer(&format!("p-{n}"), "0.01"));
        // Generations of 60 ids push callers back now and then.
        assert!(answer.status == 201 || answer.status == 503, "{}", answer.text());
        if server.client.get("/v1/metrics").text().lines().any(&is_it) {
            return;
        }
    }
}

/// Pays until old records are gone.
fn pay_until_retired(server: &Server) {
    let count = |line: &str| line.strip_prefix("courant_retired_segments_total ")?.parse().ok();
    pay_until(server, |line| count(line).is_some_and(|count: u64| count >= 2));
}

#[test]
fn metrics_say_what_an_old_file_waits_for() {
    let server = Server::over(forgetful());
    prepare(&server);
    let mut hold = transfer("hold", "0.01");
    hold["mode"] = json!("authorise");
    server.client.post("/v1/payments", &hold).expect(201);
    let line = "courant_journal_needed_lsn{by=\"open_payment\"} ";
    pay_until(&server, |found| found.starts_with(line));
}

#[test]
fn an_event_of_a_step_tells_it_also_when_the_order_was_dropped() {
    let server = Server::over(forgetful());
    prepare(&server);
    let pay = |id: &str, amount: &str| loop {
        // Generations of 60 ids push callers back now and then.
        match server.client.post("/v1/payments", &transfer(id, amount)).status {
            201 => break,
            status => assert_eq!(status, 503),
        }
    };
    let told = (0..).find_map(|n| {
        let id = format!("p-{n}");
        pay(&id, "0.02");
        (0..10).for_each(|more| pay(&format!("{id}-{more}"), "0.01"));
        let refund = json!({"id": format!("r-{n}"), "amount": "0.01", "currency": "EUR"});
        let answer = server.client.post(&format!("/v1/payments/{id}/refunds"), &refund);
        assert!([201, 410, 503].contains(&answer.status), "{}", answer.text());
        let oldest = server.client.get("/v1/events?type=payment.refunded&limit=1").expect(200);
        let data = &oldest["items"][0]["data"];
        data.get("order").map(|_| data.clone())
    });
    let told = told.expect("it went on until there was one");
    let child = told["id"].as_str().expect("a text").replace('p', "r");
    assert_eq!(told["step"], json!({"child": child, "amount": "0.01", "currency": "EUR"}));
}

#[test]
fn what_was_dropped_is_410_and_is_not_done_again() {
    let server = Server::over(forgetful());
    prepare(&server);
    let events = server.client.get("/v1/events?limit=5").expect(200);
    let first_event = events["items"][0]["id"].as_str().expect("an id").to_owned();
    pay_until_retired(&server);
    let balance = server.balance("bob");
    let gone = |answer: Answer| {
        let problem = answer.problem(410, "history_retired");
        let detail = problem["detail"].as_str().expect("a text").to_owned();
        assert!(detail.contains("dropped at 2") && detail.contains("begin at"), "{detail}");
    };
    gone(server.client.get("/v1/payments/first"));
    gone(server.client.get("/v1/payments/first/history"));
    let repeat = json!({"id": "first", "type": "top_up", "creditor": "alice", "amount": "100.00",
        "currency": "EUR"});
    gone(server.client.post("/v1/payments", &repeat));
    let batch = server.client.post("/v1/payments/batch", &json!([repeat])).expect(200);
    let result = &batch["results"][0];
    assert_eq!((&result["status"], &result["code"]), (&json!(410), &json!("history_retired")));
    let refund = json!({"id": "back"});
    gone(server.client.post("/v1/payments/first/refunds", &refund));
    gone(server.client.get(&format!("/v1/events?after={first_event}")));
    assert!(server.client.try_stream("/v1/events/stream", Some(&first_event)).is_none());
    assert_eq!(server.balance("bob"), balance);

    // What is there is shown: accounts whole, events and entries from where records begin.
    let account = server.client.get("/v1/accounts/alice").expect(200);
    assert_eq!(account["name"], "the name of alice");
    let left = server.client.get("/v1/events?limit=5").expect(200);
    assert_ne!(left["items"][0]["id"], first_event);
    let (mut cursor, mut entries) = (None::<String>, 0);
    let last = loop {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path = format!("/v1/accounts/alice/entries?limit=50{after}");
        let answer = server.client.get(&path);
        if answer.status != 200 {
            break answer;
        }
        let page: Value = answer.json();
        entries += page["items"].as_array().expect("a list").len();
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        assert!(cursor.is_some(), "the page after what is there says why there is no more");
    };
    gone(last);
    assert!(entries > 10, "{entries} entries are left");
}
