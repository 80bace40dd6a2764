//! Events: what each step tells, pages, filters, and streams without a gap or a repeat.

use crate::accounts::pages;
use crate::client::{Client, Event};
use crate::server::{Server, transfer};
use courant_node::{Keep, NodeOptions, Retention};
use serde_json::{Value, json};
use std::sync::RwLock;

/// Does something of everything that makes events.
fn live(server: &Server) {
    let client = &server.client;
    let mut hold = transfer("p2", "20.00");
    hold["mode"] = json!("authorise");
    client.post("/v1/payments", &hold).expect(201);
    client
        .post_once("/v1/payments/p2/increment", "i", &json!({"amount": "1.00", "currency": "EUR"}))
        .expect(200);
    client
        .post_once("/v1/payments/p2/release", "r", &json!({"amount": "2.00", "currency": "EUR"}))
        .expect(200);
    client
        .post("/v1/payments/p2/captures", &json!({"id": "c1", "amount": "3.00", "currency": "EUR"}))
        .expect(201);
    client.post("/v1/payments/p2/captures", &json!({"id": "c2"})).expect(201);
    client.post("/v1/payments/p2/refunds", &json!({"id": "r1"})).expect(201);
    client.post("/v1/payments", &transfer("p3", "1000.00")).expect(201);
    let group = json!([transfer("g1", "1.00"), transfer("g2", "2.00")]);
    client.post("/v1/payments/batch?atomic=true", &group).expect(201);
    client.post("/v1/accounts/bob/freeze", &json!({"reason": "x"})).expect(200);
    client.post("/v1/accounts/bob/unfreeze", &json!({})).expect(200);
    client.put("/v1/accounts/bob/limits", &json!({"floor": null, "ceiling": "1.00"})).expect(200);
    client.post("/v1/keys", &json!({"name": "till", "scopes": ["payments:write"]})).expect(201);
    client.send("DELETE", "/v1/keys/2", &[], b"").expect(200);
}

const KINDS: [&str; 19] = [
    "key.created",
    "account.opened",
    "account.opened",
    "payment.completed",
    "payment.authorised",
    "payment.incremented",
    "payment.released",
    "payment.captured",
    "payment.captured",
    "payment.completed",
    "payment.refunded",
    "payment.rejected",
    "payment.completed",
    "payment.completed",
    "account.frozen",
    "account.unfrozen",
    "account.limited",
    "key.created",
    "key.revoked",
];

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

#[test]
fn every_step_gives_its_events_in_order() {
    let server = Server::with_alice_and_bob();
    live(&server);
    let events = pages(&server.client, "/v1/events", 1_000);
    assert_eq!(kinds(&events), KINDS);
    for event in &events {
        assert_eq!(
            (&event["specversion"], &event["datacontenttype"]),
            (&json!("1.0"), &json!("application/json"))
        );
        assert!(event["source"].as_str().unwrap().starts_with("/courant/"));
        event["time"].as_str().unwrap().parse::<jiff::Timestamp>().expect("a time");
    }
    let data = |at: usize| &events[at]["data"];
    assert_eq!((&events[4]["subject"], &data(4)["status"]), (&json!("p2"), &json!("authorised")));
    assert_eq!(data(7)["amounts"]["captured"], "3.00", "as of the event, not as of now");
    assert_eq!(
        (&data(9)["status"], &data(9)["amounts"]["captured"]),
        (&json!("completed"), &json!("19.00"))
    );
    let step = |child: &str, amount: &str| {
        let child = if child.is_empty() { json!(null) } else { json!(child) };
        json!({"child": child, "amount": amount, "currency": "EUR"})
    };
    let steps = [
        (5, step("", "1.00")),
        (6, step("", "2.00")),
        (7, step("c1", "3.00")),
        (8, step("c2", "16.00")),
        (10, step("r1", "19.00")),
    ];
    for (at, step) in steps {
        assert_eq!(data(at)["step"], step, "{}", events[at]);
    }
    assert!([3, 4, 9, 11].iter().all(|at| data(*at).get("step").is_none()), "payments as a whole");
    assert_eq!((&data(14)["status"], &data(14)["change_reason"]), (&json!("frozen"), &json!("x")));
    assert_eq!((&data(16)["floor"], &data(16)["ceiling"]), (&json!(null), &json!("1.00")));
    assert_eq!(data(17)["scopes"], json!(["payments:write"]));
    assert!(!events.iter().any(|event| event.to_string().contains("hash")));
    let ids: std::collections::BTreeSet<&str> =
        events.iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len(), "ids are unique");
}

#[test]
fn pages_of_any_size_give_the_same_events() {
    let server = Server::with_alice_and_bob();
    live(&server);
    let all = pages(&server.client, "/v1/events", 1_000);
    for limit in [1, 2, 3, 7] {
        assert_eq!(pages(&server.client, "/v1/events", limit), all, "limit {limit}");
    }
    for (at, event) in all.iter().enumerate() {
        let after = event["id"].as_str().unwrap();
        let rest = pages(&server.client, &format!("/v1/events?after={after}"), 1_000);
        assert_eq!(rest, all[at + 1..], "after {after}");
    }
    let some = pages(&server.client, "/v1/events?type=payment.captured,account.frozen", 1);
    assert_eq!(kinds(&some), ["payment.captured", "payment.captured", "account.frozen"]);
    for (query, code) in [
        ("type=payment.made", "not_allowed"),
        ("after=x", "malformed"),
        ("after=1.", "malformed"),
        ("after=99999999999999999999", "malformed"),
        ("after=999999999", "not_allowed"),
        ("limit=0", "zero"),
    ] {
        server.client.get(&format!("/v1/events?{query}")).problem(400, code);
    }
}

fn shown(events: &[Event]) -> Vec<(&str, &str)> {
    events.iter().map(|event| (event.id.as_str(), event.kind.as_str())).collect()
}

#[test]
fn a_stream_goes_on_after_any_event_without_a_gap_or_a_repeat() {
    let server = Server::with_alice_and_bob();
    live(&server);
    let listed = pages(&server.client, "/v1/events", 1_000);
    let all: Vec<Event> =
        server.client.stream("/v1/events/stream", None).take(listed.len()).collect();
    let data: Vec<&Value> = all.iter().map(|event| &event.data).collect();
    assert_eq!(data, listed.iter().collect::<Vec<_>>(), "the same events as in the list");
    assert!(
        all.iter().all(|event| event.data["id"] == *event.id && event.data["type"] == *event.kind)
    );

    let server = server.restart();
    for at in 0..all.len() - 1 {
        let rest = server.client.stream("/v1/events/stream", Some(&all[at].id));
        let rest: Vec<Event> = rest.take(all.len() - at - 1).collect();
        assert_eq!(shown(&rest), shown(&all[at + 1..]), "after {}", all[at].id);
    }
    let typed =
        server.client.stream("/v1/events/stream?type=key.revoked", None).next().expect("one");
    assert_eq!(typed.kind, "key.revoked");
}

#[test]
fn a_stream_follows_what_happens_and_ends_with_the_server() {
    let mut server = Server::with_alice_and_bob();
    let mut stream = server.client.stream("/v1/events/stream?after=latest", None);
    for n in 0..50 {
        server.client.post("/v1/payments", &transfer(&format!("p{n}"), "0.01")).expect(201);
        let event = stream.next().expect("the payment's event");
        assert_eq!(
            (event.kind.as_str(), &event.data["subject"]),
            ("payment.completed", &json!(format!("p{n}")))
        );
    }
    server.stop().expect("the server drains, though a stream is open");
    assert_eq!(stream.next(), None);
}

/// Reads the stream in pieces of `piece` events, each on a connection of its own, until `count`
/// were seen; connections that are refused or cut off are opened again.
fn read_in_pieces(client: &RwLock<Client>, piece: usize, count: usize) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < count {
        let client = client.read().expect("the client").clone();
        let last = seen.last().map(String::as_str);
        let Some(stream) = client.try_stream("/v1/events/stream", last) else {
            std::thread::yield_now();
            continue;
        };
        seen.extend(stream.take(piece.min(count - seen.len())).map(|event| event.id));
    }
    seen
}

/// Pays until each of `count` payments is answered, whatever happens to the server meanwhile.
fn pay_all(client: &RwLock<Client>, name: &str, count: usize) {
    for n in 0..count {
        let order = transfer(&format!("{name}-{n}"), "0.01");
        loop {
            let client = client.read().expect("the client").clone();
            let answer = client.try_send_json("POST", "/v1/payments", &order);
            match answer.map(|answer| answer.status) {
                Ok(200 | 201) => break,
                Ok(503) | Err(_) => std::thread::yield_now(),
                Ok(status) => panic!("{status} for {order}"),
            }
        }
    }
}

#[test]
fn a_stream_that_is_cut_off_under_load_and_by_restarts_has_no_gap_and_no_repeat() {
    const WRITERS: usize = 4;
    const PAYMENTS: usize = 150;
    let mut server = Server::with_alice_and_bob();
    let client = RwLock::new(server.client.clone());
    let before = pages(&server.client, "/v1/events", 1_000).len();
    let count = before + WRITERS * PAYMENTS;
    let client = &client;
    std::thread::scope(move |scope| {
        let readers: Vec<_> = [1, 7, 50]
            .map(|piece| scope.spawn(move || read_in_pieces(client, piece, count)))
            .into();
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| scope.spawn(move || pay_all(client, &format!("w{n}"), PAYMENTS)))
            .collect();
        for part in 1..=2 {
            // Each stop comes while payments are made.
            while pages(&server.client, "/v1/events", 1_000).len() < before + part * PAYMENTS {}
            server = server.restart();
            *client.write().expect("the client") = server.client.clone();
        }
        writers.into_iter().for_each(|writer| writer.join().expect("a writer"));
        let listed = pages(&server.client, "/v1/events", 1_000);
        let listed: Vec<&str> = listed.iter().map(|e| e["id"].as_str().expect("an id")).collect();
        for reader in readers {
            assert_eq!(reader.join().expect("a reader"), listed);
        }
    });
}

/// Makes 2,000 payments with long events: far more than the buffers of a socket and the one batch
/// that a stream holds.
fn pay_much(server: &Server) {
    let body: Vec<Value> = (0..2_000)
        .map(|n| {
            let mut order = transfer(&format!("p{n}"), "0.01");
            order["remittance"] = json!("x".repeat(140));
            order["metadata"] = json!({"k": "y".repeat(256)});
            order
        })
        .collect();
    for part in body.chunks(500) {
        server.client.post("/v1/payments/batch", &json!(part)).expect(200);
    }
}

#[test]
fn a_client_that_reads_nothing_loses_its_place() {
    let server = Server::with(|config| {
        config.streams_max = 1;
        config.write_timeout = std::time::Duration::from_millis(300);
    });
    server.open_account("alice", "EUR");
    server.open_account("bob", "EUR");
    let silent = server.client.stream("/v1/events/stream", None);
    pay_much(&server);
    // Tries are bounded only so that a broken server fails the test instead of hanging it.
    let opens = |_| server.client.try_stream("/v1/events/stream", None).is_some();
    assert!((0..20_000).any(opens), "its place becomes free");
    assert!(silent.count() < 2_000, "it was cut off");
}

#[test]
fn a_client_that_reads_nothing_slows_nobody() {
    let server = Server::with_alice_and_bob();
    let _silent = server.client.stream("/v1/events/stream", None);
    pay_much(&server);
    let events = server.client.stream("/v1/events/stream?type=payment.completed", None);
    assert_eq!(events.take(2_001).count(), 2_001);
}

#[test]
fn streams_are_limited_and_say_that_they_live() {
    use std::io::Read;
    let server = Server::with(|config| {
        config.streams_max = 1;
        config.heartbeat_interval = std::time::Duration::from_millis(20);
    });
    let mut stream = server.client.connect();
    std::io::Write::write_all(
        &mut stream,
        server.client.head("GET", "/v1/events/stream?after=latest", &[], 0).as_bytes(),
    )
    .expect("the server reads");
    let mut seen = Vec::new();
    while !seen.windows(9).any(|part| part == b": courant") {
        let mut bytes = [0; 256];
        let read = stream.read(&mut bytes).expect("a sign of life");
        assert!(read > 0, "the stream stays open");
        seen.extend_from_slice(&bytes[..read]);
    }
    let full = server.client.get("/v1/events/stream");
    assert_eq!(full.header("retry-after"), Some("1"));
    full.problem(503, "streams_full");
}

#[test]
fn a_stream_is_silent_about_what_it_was_not_asked_for() {
    use std::io::Read;
    let server = Server::with(|config| {
        config.heartbeat_interval = std::time::Duration::from_secs(3_600);
    });
    for id in ["alice", "bob"] {
        server.open_account(id, "EUR");
    }
    let mut stream = server.client.connect();
    let path = "/v1/events/stream?after=latest&type=account.opened";
    let head = server.client.head("GET", path, &[], 0);
    std::io::Write::write_all(&mut stream, head.as_bytes()).expect("the server reads");
    let (mut seen, mut bytes) = (Vec::new(), [0; 256]);
    let mut read_until = |text: &str| {
        while !seen.windows(text.len()).any(|part| part == text.as_bytes()) {
            let read = stream.read(&mut bytes).expect("the stream goes on");
            assert!(read > 0, "the stream stays open");
            seen.extend_from_slice(&bytes[..read]);
        }
        String::from_utf8(seen.clone()).expect("text")
    };
    read_until("\r\n\r\n");
    for n in 0..20 {
        server.client.post("/v1/payments", &transfer(&format!("p{n}"), "0.01")).expect(201);
    }
    server.open_account("carol", "EUR");
    let seen = read_until("event: account.opened");
    assert!(!seen.contains(": courant"), "{seen}");
}

fn ids(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["id"].as_str().expect("an id")).collect()
}

fn pay(server: &Server, id: &str) {
    server.client.post("/v1/payments", &transfer(id, "0.01")).expect(201);
}

#[test]
fn after_a_restore_no_event_has_the_id_of_one_that_was_lost() {
    let server = Server::with_alice_and_bob();
    pay(&server, "kept");
    let backup = server.back_up();
    ["lost-1", "lost-2"].iter().for_each(|id| pay(&server, id));
    let before = pages(&server.client, "/v1/events", 1_000);
    let server = server.restored(&backup);
    ["new-1", "new-2"].iter().for_each(|id| pay(&server, id));
    let after = pages(&server.client, "/v1/events", 1_000);

    // What was kept has its ids; what came in the place of what was lost has others.
    let (kept, new) = after.split_at(before.len() - 2);
    assert_eq!((kept, new.len()), (&before[..kept.len()], 2));
    let (seen, lost) = (ids(&before), ids(&before[kept.len()..]));
    for (id, lost) in ids(new).iter().zip(&lost) {
        assert!(!seen.contains(id), "{id} was another event");
        assert!(id.ends_with(&format!("-{lost}")), "{id} is not in the place of {lost}");
    }
    // Whoever has seen only what was kept goes on without noticing.
    let resumed = server.client.stream("/v1/events/stream", ids(kept).last().copied());
    assert_eq!(resumed.take(2).map(|event| event.data).collect::<Vec<_>>(), new);
    // Whoever has seen what was lost is told, and where to go on.
    for lost in &lost {
        let problem = server.client.get(&format!("/v1/events?after={lost}"));
        let problem = problem.problem(410, "history_replaced");
        let detail = problem["detail"].as_str().expect("a text");
        let on = detail.split_once("after=").expect("it is said").1;
        let on = on.split(' ').next().expect("it is said");
        assert_eq!(pages(&server.client, &format!("/v1/events?after={on}"), 1_000), new);
        let refused = server.client.get(&format!("/v1/events?cursor={lost}"));
        refused.problem(410, "history_replaced");
        assert!(server.client.try_stream("/v1/events/stream", Some(lost)).is_none());
    }
    let health = server.client.get("/v1/health").expect(200);
    let incarnation = health["incarnation"].as_str().expect("it is another past");
    assert!(ids(new)[0].starts_with(incarnation));

    // A restart is no loss; the next restore is another one.
    let server = server.restart();
    assert_eq!(pages(&server.client, "/v1/events", 1_000), after);
    let again = server.restored(&backup);
    pay(&again, "newest");
    let newest = pages(&again.client, "/v1/events", 1_000);
    assert!(!ids(&after).contains(ids(&newest).last().expect("there are events")));
    let problem = again.client.get(&format!("/v1/events?after={}", ids(new)[1]));
    problem.problem(410, "history_replaced");
    // Of an incarnation that is not known nobody knows where it began, so all is sent again.
    let unknown = format!("0badcafe-{}", ids(kept)[0]);
    for id in [unknown.as_str(), ids(new)[1], "0badcafe-1"] {
        let problem = again.client.get(&format!("/v1/events?after={id}"));
        let problem = problem.problem(410, "history_replaced");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains("send after=0 for all events"), "{detail}");
    }
    assert_eq!(pages(&again.client, "/v1/events?after=0", 1_000), newest);
    // What no server gave is no place.
    for made_up in ["0badcafe-x", "1-1", "-5", "0badcafe-", "0badcafe"] {
        let answer = again.client.get(&format!("/v1/events?after={made_up}"));
        assert_eq!(answer.status, 400, "{made_up}: {}", answer.text());
    }
}

#[test]
fn a_restart_is_no_loss_and_changes_no_id() {
    let server = Server::with_alice_and_bob();
    pay(&server, "p");
    let server = server.restart();
    let health = server.client.get("/v1/health").expect(200);
    assert_eq!(health["incarnation"], Value::Null);
    for id in ids(&pages(&server.client, "/v1/events", 1_000)) {
        assert!(!id.contains('-'), "{id}");
    }
}

#[test]
fn a_stream_that_is_too_slow_ends_without_a_gap_and_is_told_when_it_comes_back() {
    const LAG_BYTES: u64 = 256 << 10;
    let retention =
        Retention::Drop { keep: Keep { bytes: 64 << 10, time: std::time::Duration::ZERO } };
    let options = NodeOptions {
        retention,
        reader_lag_bytes_max: LAG_BYTES,
        recent_ids: 2_000,
        snapshot_bytes: 64 << 10,
        ..NodeOptions::small()
    };
    let server = Server::over(options);
    for id in ["alice", "bob"] {
        server.open_account(id, "EUR");
    }
    // It takes its first event and no more, while the system's buffers fill.
    let mut stream = server.client.stream("/v1/events/stream", None);
    let first = stream.next().expect("there are events");
    let lost = |text: &str| text.contains("courant_readers_lost_total 1\n");
    let mut batches = 0;
    while !lost(server.client.get("/v1/metrics").text()) {
        let batch: Vec<Value> =
            (0..500).map(|n| transfer(&format!("p-{batches}-{n}"), "0.01")).collect();
        let answer = server.client.post("/v1/payments/batch", &json!(batch));
        match answer.status {
            200 => batches += 1,
            // Generations of ids push callers back now and then.
            status => assert_eq!(status, 503, "{}", answer.text()),
        }
    }
    // What comes is in order and whole up to where it ends.
    let all: Vec<Event> = std::iter::once(first).chain(stream).collect();
    let payments = all.iter().filter(|event| event.kind == "payment.completed");
    let paid: Vec<&str> = payments.map(|event| event.data["subject"].as_str().unwrap()).collect();
    let expected = (0..paid.len()).map(|nth| format!("p-{}-{}", nth / 500, nth % 500));
    assert!(expected.eq(paid.iter().copied()), "a gap or a repeat");
    assert!(!paid.is_empty() && paid.len() < batches * 500, "{} were read", paid.len());
    let last = &all.last().expect("there are events").id;
    let answer = server.client.get(&format!("/v1/events?after={last}"));
    answer.problem(410, "history_retired");
    assert!(server.client.try_stream("/v1/events/stream", Some(last)).is_none());
}
