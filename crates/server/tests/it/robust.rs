//! Whatever is sent to whatever route, the server neither breaks nor says that it did.

use crate::access::operations;
use crate::server::{Server, transfer};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;

/// A runner of some cases, and the seed that a failure is to be reported with.
fn runner(cases: u32) -> (TestRunner, u64) {
    let random = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(random);
    let rng_seed = RngSeed::Fixed(seed);
    let config = Config { cases, rng_seed, failure_persistence: None, ..Config::default() };
    (TestRunner::new(config), seed)
}

/// Values that stand near the borders of something.
fn leaf() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "p",
        "alice",
        "bob",
        "EUR",
        "JPY",
        "1.00",
        "-1.00",
        "0.00",
        "transfer",
        "authorise",
        "credit",
        "admin",
        "2100-01-01T00:00:00Z",
        "@outside:EUR",
        "9223372036854775807.99",
        "\u{0}",
        "💶",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(texts.to_vec()).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ]
}

/// JSON with the names of real fields.
fn json_value() -> impl Strategy<Value = Value> {
    let names = [
        "id",
        "type",
        "mode",
        "debtor",
        "creditor",
        "payees",
        "amount",
        "currency",
        "fees",
        "account",
        "bearer",
        "execute_at",
        "expires_at",
        "channel",
        "metadata",
        "floor",
        "ceiling",
        "reason",
        "parts",
        "release_rest",
        "name",
        "scopes",
        "side",
        "code",
    ];
    leaf().prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((select(names.to_vec()), inner), 0..8).prop_map(|members| {
                Value::Object(
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                )
            }),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        json_value().prop_map(|value| value.to_string().into_bytes()),
        // A good payment with one byte changed.
        (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| {
            let mut bytes = transfer("p", "1.00").to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]
}

#[test]
fn no_body_breaks_any_route() {
    let server = Server::with_alice_and_bob();
    let routes: Vec<(String, String)> = operations()
        .into_iter()
        .filter(|(_, path, _)| path != "/v1/events/stream")
        .map(|(method, path, _)| (method, path.replace("some-id", "first")))
        .collect();
    let medias =
        select(vec!["application/json", "application/x-ndjson", "application/x-protobuf", "x"]);
    let (mut runner, seed) = runner(1_000);
    let input = (select(routes), medias, body());
    let result = runner.run(&input, |((method, path), media, body)| {
        let headers = [("Content-Type", media)];
        let answer = server.client.send(&method, &path, &headers, &body);
        prop_assert!(
            answer.status < 500,
            "{} {}: {} {}",
            method,
            path,
            answer.status,
            answer.text()
        );
        if answer.status >= 400 {
            prop_assert!(answer.json()["code"].is_string());
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("SEED={seed}: {failure}"));
    assert_eq!(server.client.get("/v1/trial-balance").expect(200)["balanced"], true);
}

#[test]
fn no_query_and_no_path_breaks_any_route() {
    let server = Server::with_alice_and_bob();
    let roots = select(vec![
        "/v1/accounts",
        "/v1/accounts/alice/entries",
        "/v1/payments/first/history",
        "/v1/events",
        "/v1/payments/",
        "/v1/accounts/",
        "/v1/keys/",
        "/",
    ]);
    let tails = prop_oneof![
        "[?&=a-z0-9.%_-]{0,30}",
        (select(vec!["cursor", "after", "limit", "type"]), "[0-9.]{0,24}")
            .prop_map(|(name, value)| format!("?{name}={value}")),
    ];
    let (mut runner, seed) = runner(1_000);
    let result = runner.run(&(roots, tails), |(root, tail)| {
        let answer = server.client.get(&format!("{root}{tail}"));
        prop_assert!(answer.status < 500, "{}{}: {} {}", root, tail, answer.status, answer.text());
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("SEED={seed}: {failure}"));
}

#[test]
fn no_bytes_break_a_connection_for_others() {
    let server = Server::start();
    let (mut runner, seed) = runner(200);
    let pieces = [
        "GET ",
        "/v1/health",
        " HTTP/1.1\r\n",
        "Host: x\r\n",
        "\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding: chunked\r\n",
        "5\r\nhello\r\n",
        "\0",
        "\u{ff}",
        "POST ",
    ];
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(select(pieces.to_vec()), 0..12)
            .prop_map(|pieces| pieces.concat().into_bytes()),
    ];
    let result = runner.run(&bytes, |bytes| {
        let answer = server.client.raw(&bytes);
        prop_assert!(!answer.starts_with(b"HTTP/1.1 5"), "{}", String::from_utf8_lossy(&answer));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("SEED={seed}: {failure}"));
    server.client.get("/v1/health").expect(200);
}
