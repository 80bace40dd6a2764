//! Limits: what is too large, too slow or too much is told so, and the server goes on.

use crate::client::read_answer;
use crate::server::{Server, transfer};
use courant_node::NodeOptions;
use serde_json::json;
use std::io::{BufReader, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn a_body_that_is_too_large_is_refused_by_its_declared_or_real_length() {
    let server = Server::with(|config| config.body_bytes_max = 1_000);
    let large = json!({"id": "x".repeat(2_000)});
    let problem = server.client.post("/v1/payments", &large).problem(413, "body_too_large");
    assert_eq!(problem["limit"], 1_000);
    // Not one byte of a body that says it is too large has to be sent.
    let mut stream = server.client.connect();
    let media = [("Content-Type", "application/json")];
    let head = server.client.head("POST", "/v1/payments", &media, 1_001);
    stream.write_all(head.as_bytes()).expect("the server reads");
    read_answer(&mut BufReader::new(stream)).expect("an answer").problem(413, "body_too_large");
    // A body without a length is counted.
    let mut stream = server.client.connect();
    let head = server.client.head("POST", "/v1/payments", &media, 0);
    let head = head.replace("Content-Length: 0", "Transfer-Encoding: chunked");
    stream.write_all(head.as_bytes()).expect("the server reads");
    let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
    let _ = stream.write_all(format!("{chunk}0\r\n\r\n").as_bytes());
    read_answer(&mut BufReader::new(stream)).expect("an answer").problem(413, "body_too_large");
}

#[test]
fn a_batch_may_be_larger_than_a_payment_and_not_larger_than_its_own_limit() {
    let server = Server::with(|config| {
        config.body_bytes_max = 50;
        config.batch_bytes_max = 1_000;
    });
    server.client.post("/v1/payments", &transfer("p", "1.00")).problem(413, "body_too_large");
    server.client.post("/v1/payments/batch", &json!([transfer("p", "1.00")])).expect(200);
    let large = json!(vec![transfer("p", "1.00"); 20]);
    let problem = server.client.post("/v1/payments/batch", &large).problem(413, "body_too_large");
    assert_eq!(problem["limit"], 1_000);
}

#[test]
fn a_body_that_is_slow_or_cut_off_is_told_so_and_nothing_is_done() {
    let server = Server::with(|config| config.body_timeout = Duration::from_millis(50));
    let body = transfer("p", "1.00").to_string();
    let media = [("Content-Type", "application/json")];
    let head = server.client.head("POST", "/v1/payments", &media, body.len());
    let mut stream = server.client.connect();
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body.as_bytes()[..10]))
        .expect("the server reads");
    read_answer(&mut BufReader::new(&stream)).expect("an answer").problem(408, "slow_body");

    let mut stream = server.client.connect();
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body.as_bytes()[..10]))
        .expect("the server reads");
    stream.shutdown(std::net::Shutdown::Write).expect("the client stops sending");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    server.client.get("/v1/payments/p").problem(404, "payment_not_found");
}

#[test]
fn heads_that_are_too_large_or_too_many_are_refused() {
    let server = Server::start();
    let long = "x".repeat(20_000);
    assert_eq!(server.client.send("GET", "/v1/health", &[("X-Long", &long)], b"").status, 431);
    let many: Vec<(String, &str)> = (0..100).map(|n| (format!("X-{n}"), "x")).collect();
    let many: Vec<(&str, &str)> =
        many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(server.client.send("GET", "/v1/health", &many, b"").status, 431);
    let path = format!("/v1/accounts/{long}");
    assert!([414, 431].contains(&server.client.get(&path).status));
    server.client.get("/v1/health").expect(200);
}

#[test]
fn an_idle_connection_is_closed() {
    let server = Server::with(|config| config.idle_timeout = Duration::from_millis(50));
    let mut silent = server.client.connect();
    assert_eq!(silent.read(&mut [0]).expect("the server closes"), 0);
    let mut begun = server.client.connect();
    begun.write_all(b"GET /v1/health HTTP/1.1\r\nHost").expect("the server reads");
    let mut answer = Vec::new();
    let _ = begun.read_to_end(&mut answer);
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
}

#[test]
fn connections_beyond_the_limit_wait_for_a_free_place() {
    let server = Server::with(|config| config.connections_max = 1);
    let first = server.client.connect();
    let mut second = server.client.connect();
    let head = server.client.head("GET", "/v1/health", &[], 0);
    second.write_all(head.as_bytes()).expect("the system takes it");
    second.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let early = second.read(&mut [0; 1]);
    assert!(early.is_err(), "nobody answers while the place is taken: {early:?}");
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    assert_eq!(read_answer(&mut BufReader::new(second)).expect("an answer").status, 200);
}

#[test]
fn a_request_keeps_its_id_if_a_log_can_carry_it() {
    let server = Server::start();
    let send = |id: &str| {
        let answer = server.client.send("GET", "/v1/health", &[("X-Request-Id", id)], b"");
        answer.header("x-request-id").expect("an id").to_owned()
    };
    assert_eq!(send("order-77:a"), "order-77:a");
    for bad in ["a b", "<script>", &"x".repeat(65), "ü"] {
        assert_ne!(send(bad), *bad);
    }
    assert_ne!(send(""), send(""));
}

#[test]
fn metrics_count_requests_and_name_no_ids() {
    let server = Server::with_alice_and_bob();
    server.client.get("/v1/accounts/alice").expect(200);
    server.client.get("/v1/accounts/nobody").problem(404, "account_not_found");
    let metrics = server.client.get("/v1/metrics");
    assert!(
        metrics
            .header("content-type")
            .is_some_and(|media| media.starts_with("application/openmetrics-text"))
    );
    let text = metrics.text();
    for line in [
        "courant_http_requests_total{method=\"GET\",route=\"/v1/accounts/{id}\",status=\"200\"} 1",
        "courant_http_requests_total{method=\"GET\",route=\"/v1/accounts/{id}\",status=\"404\"} 1",
        "courant_payments_total{status=\"completed\"} 1",
        "courant_storage_full 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
    }
    assert!(!text.contains("nobody") && !text.contains("alice"));
}

#[test]
fn a_listener_that_others_reach_needs_leave() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let node = courant_node::Node::open(dir.path(), NodeOptions::small()).expect("the node opens");
    let listener = std::net::TcpListener::bind("0.0.0.0:0").expect("a free port");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let config = courant_server::Config::new(dir.path());
    let result =
        runtime.block_on(courant_server::run(config, node, listener, std::future::ready(())));
    assert!(matches!(result, Err(courant_server::ServeError::Remote(_))), "{result:?}");
}

#[test]
fn a_full_inbox_pushes_back_and_what_it_refused_can_be_sent_again() {
    let options = NodeOptions { inbox_commands_max: 1, ..NodeOptions::small() };
    let server = Server::over(options);
    server.open_account("alice", "EUR");
    server.open_account("bob", "EUR");
    let is_full = AtomicBool::new(false);
    // Rounds are bounded only so that a broken server fails the test instead of hanging it.
    let pay = &|thread: usize| {
        for round in 0..1_000 {
            let order = |n| transfer(&format!("{thread}-{round}-{n}"), "0.01");
            let batch = json!((0..100).map(order).collect::<Vec<_>>());
            loop {
                let answer = server.client.post("/v1/payments/batch", &batch);
                if answer.status == 200 {
                    break;
                }
                assert_eq!(answer.header("retry-after"), Some("1"));
                answer.problem(503, "busy");
                is_full.store(true, Ordering::Relaxed);
            }
            if is_full.load(Ordering::Relaxed) {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        (0..8).for_each(|thread| {
            scope.spawn(move || pay(thread));
        });
    });
    assert!(is_full.load(Ordering::Relaxed), "nobody met a full inbox");
    server.client.get("/v1/ready").expect(200);
}

#[test]
fn payments_that_would_stay_open_are_limited_and_others_are_not() {
    let options = NodeOptions { open_payments_max: 2, ..NodeOptions::small() };
    let server = Server::over(options);
    server.open_account("alice", "EUR");
    server.open_account("bob", "EUR");
    let hold = |id: &str| {
        let mut order = transfer(id, "1.00");
        order["mode"] = json!("authorise");
        order
    };
    for id in ["h1", "h2"] {
        server.client.post("/v1/payments", &hold(id)).expect(201);
    }
    let full = server.client.post("/v1/payments", &hold("h3"));
    assert_eq!(full.header("retry-after"), Some("1"));
    full.problem(503, "open_payments_full");
    server.client.get("/v1/payments/h3").problem(404, "payment_not_found");
    // Repeats, payments that are completed at once, and steps of open ones are answered as ever.
    server.client.post("/v1/payments", &hold("h1")).expect(200);
    let batch = json!([transfer("p1", "1.00"), hold("h3"), transfer("p2", "1.00")]);
    let results = server.client.post("/v1/payments/batch", &batch).expect(200)["results"].clone();
    assert_eq!(
        (&results[0]["status"], &results[2]["status"]),
        (&json!("completed"), &json!("completed"))
    );
    assert_eq!(
        (&results[1]["status"], &results[1]["code"]),
        (&json!(503), &json!("open_payments_full"))
    );
    let group = server
        .client
        .post("/v1/payments/batch?atomic=true", &json!([transfer("g1", "1.00"), hold("g2")]));
    assert_eq!(group.problem(503, "open_payments_full")["index"], 1);
    let metrics = server.client.get("/v1/metrics");
    assert!(metrics.text().contains("courant_open_payments 2\n"), "{}", metrics.text());
    assert!(metrics.text().contains("courant_open_payments_max 2\n"), "{}", metrics.text());
    server.client.post("/v1/payments/h1/captures", &json!({"id": "c1"})).expect(201);
    server.client.post("/v1/payments", &hold("h3")).expect(201);
    assert_eq!(server.balance("bob"), "3.00");
}

#[test]
fn a_full_disk_refuses_payments_and_nothing_else_until_there_is_room() {
    let mut options = NodeOptions::small();
    // More than any disk has: what the directory begins with is all there will be.
    options.journal.reserve_bytes = 1 << 60;
    let server = Server::over(options);
    server.open_account("alice", "EUR");
    server.open_account("bob", "EUR");
    let mut paid = 0;
    let refused = loop {
        let answer = server.client.post("/v1/payments", &transfer(&format!("p{paid}"), "1.00"));
        if answer.status != 201 {
            break answer;
        }
        paid += 1;
    };
    refused.problem(507, "storage_full");
    let batch = json!([transfer(&format!("p{paid}"), "1.00")]);
    server.client.post("/v1/payments/batch", &batch).problem(507, "storage_full");
    let ready = server.client.get("/v1/ready");
    assert_eq!(ready.header("retry-after"), Some("1"));
    assert_eq!(ready.problem(503, "not_ready")["detail"], "the disk is full");
    server.client.get("/v1/health").expect(200);
    assert!(server.client.get("/v1/metrics").text().contains("courant_storage_full 1"));
    assert_eq!(server.balance("bob"), format!("{paid}.00"));
    let known = server.client.post("/v1/payments", &transfer("p0", "1.00"));
    assert_eq!(known.expect(200)["repeat"], true);
    // The same directory with room: what was refused was not done, and is done now.
    let server = server.restart();
    let again = server.client.post("/v1/payments", &transfer(&format!("p{paid}"), "1.00"));
    again.expect(201);
    assert_eq!(server.balance("bob"), format!("{}.00", paid + 1));
}
