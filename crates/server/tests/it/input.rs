//! Bad input: a matrix of everything that can be wrong with every field, each with the code and
//! field it is told by.

use crate::server::{Server, transfer};
use serde_json::{Value, json};

/// Some routes need it. What is refused is not remembered under it.
const KEY: [(&str, &str); 1] = [("Idempotency-Key", "matrix")];

/// What a field is, and so what can be wrong with it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A client-made id.
    Id,
    /// An id that may also be one of Courant's own.
    AnyId,
    /// A text of at most so many characters.
    Text(usize),
    Channel,
    Amount,
    /// An amount that may be below zero or nothing.
    Limit,
    Currency,
    Time,
    /// One of some words.
    Word,
    Metadata,
    List,
    Code,
    Bool,
}

/// A value, and the code it is refused with.
type Case = (Value, &'static str);

/// What is wrong with a value of any kind.
fn wrong(kind: Kind) -> Vec<Case> {
    let long = |length: usize| json!("x".repeat(length + 1));
    let text = |cases: Vec<Case>| {
        let types = [json!(7), json!(1.5), json!(true), json!([]), json!({})];
        let types = types.into_iter().map(|value| (value, "wrong_type"));
        types.chain(cases).collect::<Vec<_>>()
    };
    match kind {
        Kind::Id | Kind::AnyId => {
            let mut cases = vec![
                (json!(""), "too_short"),
                (long(64), "too_long"),
                (json!("a b"), "bad_character"),
                (json!("ü"), "bad_character"),
                (json!("a\u{0}"), "bad_character"),
                (json!("a/b"), "bad_character"),
                (json!(".."), "not_allowed"),
            ];
            if matches!(kind, Kind::Id) {
                cases.push((json!("@mine"), "not_allowed"));
            }
            text(cases)
        }
        Kind::Text(max) => text(vec![
            (json!(""), "too_short"),
            (long(max), "too_long"),
            (json!("a\nb"), "bad_character"),
            (json!("\u{202e}"), "bad_character"),
        ]),
        Kind::Channel => text(vec![
            (json!(""), "too_short"),
            (long(32), "too_long"),
            (json!("Mobile"), "bad_character"),
        ]),
        Kind::Amount => {
            let mut cases = amounts();
            cases.extend([
                (json!("-1.00"), "negative"),
                (json!("0.00"), "zero"),
                (json!("184467440737095516.16"), "too_large"),
            ]);
            text(cases)
        }
        Kind::Limit => {
            let mut cases = amounts();
            cases.extend([(json!("-0.00"), "malformed"), (json!("-1.0"), "wrong_decimals")]);
            text(cases)
        }
        Kind::Currency => text(currencies()),
        Kind::Time => text(
            [
                "",
                "now",
                "2026-13-01T00:00:00Z",
                "2026-01-01",
                "1969-01-01T00:00:00Z",
                "2026-01-01T00:00:00",
                "9999-01-01T00:00:00Z",
            ]
            .map(|text| (json!(text), "malformed"))
            .into(),
        ),
        Kind::Word | Kind::Metadata | Kind::List | Kind::Code | Kind::Bool => wrong_shape(kind),
    }
}

/// What is wrong with a value that is no free text.
fn wrong_shape(kind: Kind) -> Vec<Case> {
    match kind {
        Kind::Word => vec![
            (json!("none"), "not_allowed"),
            (json!(""), "not_allowed"),
            (json!(7), "wrong_type"),
        ],
        Kind::Metadata => vec![
            (json!([]), "wrong_type"),
            (json!("x"), "wrong_type"),
            (json!({"k": 7}), "wrong_type"),
            (json!({"k": {"k": "v"}}), "wrong_type"),
            (json!({"": "v"}), "too_short"),
            (json!({"a b": "v"}), "bad_character"),
            (json!({"k": "x".repeat(257)}), "too_long"),
            (json!({"x".repeat(41): "v"}), "too_long"),
            (many_pairs(), "too_many"),
        ],
        Kind::List => {
            vec![
                (json!({}), "wrong_type"),
                (json!("x"), "wrong_type"),
                (json!([7]), "wrong_type"),
                (json!([["bob", "1.00", "debtor"]]), "wrong_type"),
            ]
        }
        Kind::Code => vec![
            (json!("7"), "wrong_type"),
            (json!(1.5), "wrong_type"),
            (json!(-1), "malformed"),
            (json!(65_536), "malformed"),
        ],
        Kind::Bool => vec![(json!("true"), "wrong_type"), (json!(1), "wrong_type")],
        _ => Vec::new(),
    }
}

fn currencies() -> Vec<Case> {
    vec![
        (json!(""), "unknown_currency"),
        (json!("eur"), "unknown_currency"),
        (json!("EURO"), "unknown_currency"),
        (json!("XYZ"), "unknown_currency"),
        (json!("XAU"), "not_allowed"),
    ]
}

fn amounts() -> Vec<Case> {
    let bad = [
        ("", "too_short"),
        ("1", "wrong_decimals"),
        ("1.0", "wrong_decimals"),
        ("1.000", "wrong_decimals"),
        ("1e3", "bad_character"),
        ("NaN", "bad_character"),
        ("Infinity", "bad_character"),
        ("+1.00", "bad_character"),
        ("1,00", "bad_character"),
        (" 1.00", "bad_character"),
        ("0x1.00", "bad_character"),
        ("٣.00", "bad_character"),
        ("1.0.0", "malformed"),
        (".00", "malformed"),
        ("01.00", "malformed"),
    ];
    let mut cases: Vec<Case> = bad.map(|(text, code)| (json!(text), code)).into();
    cases.push((json!(format!("{}.00", "9".repeat(50))), "too_long"));
    cases
}

fn many_pairs() -> Value {
    Value::Object((0..17).map(|n| (format!("k{n}"), json!("v"))).collect())
}

/// An object with the value at a path such as `payees/0/amount` put in.
fn with(mut object: Value, path: &str, value: Value) -> Value {
    *place(&mut object, path) = value;
    object
}

fn place<'a>(object: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('/').fold(object, |at, name| match name.parse::<usize>() {
        Ok(index) => &mut at[index],
        Err(_) => &mut at[name],
    })
}

/// `payees/0/amount` as problems write it.
fn field_name(path: &str) -> String {
    let mut name = String::new();
    for part in path.split('/') {
        match part.parse::<usize>() {
            Ok(index) => name.push_str(&format!("[{index}]")),
            Err(_) if name.is_empty() => name.push_str(part),
            Err(_) => name.push_str(&format!(".{part}")),
        }
    }
    name
}

/// Sends a good body with each of its fields broken in every way, and expects each to be told by
/// its name.
fn refuse_all(
    server: &Server,
    (method, route): (&str, &str),
    good: &Value,
    fields: &[(&str, Kind)],
) -> usize {
    let mut sent = 0;
    let mut refuse = |body: &Value, field: &str, code: &str| {
        let answer = server.client.send_json(method, route, body, &KEY);
        assert_eq!(answer.status, 400, "{method} {route} {body}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{body}: {problem}");
        let told = problem["field"].as_str().unwrap_or_default();
        assert!(
            told == field
                || told.starts_with(&format!("{field}."))
                || told.starts_with(&format!("{field}[")),
            "{body}: {problem}"
        );
        if code.starts_with("too_") && code != "too_deep" {
            assert!(
                problem["limit"].is_u64() || code == "too_large" || code == "too_long",
                "{body}: {problem}"
            );
        }
        sent += 1;
    };
    for (path, kind) in fields {
        for (value, code) in wrong(*kind) {
            refuse(&with(good.clone(), path, value), &field_name(path), code);
        }
    }
    refuse(&with(good.clone(), "more", json!(1)), "more", "unknown_field");
    for (path, _) in
        fields.iter().filter(|(path, _)| path.contains('/') && !path.starts_with("metadata"))
    {
        let parent = path.rsplit_once('/').expect("a parent").0;
        let body = with(good.clone(), &format!("{parent}/more"), json!(1));
        refuse(&body, &format!("{}.more", field_name(parent)), "unknown_field");
    }
    sent
}

/// Leaves out each field that must be there.
fn miss_all(server: &Server, (method, route): (&str, &str), good: &Value, fields: &[&str]) {
    for path in fields {
        let mut body = good.clone();
        let (object, name) = match path.rsplit_once('/') {
            Some((parent, name)) => (place(&mut body, parent), name),
            None => (&mut body, *path),
        };
        object.as_object_mut().expect("an object").remove(name);
        let problem = server.client.send_json(method, route, &body, &KEY).problem(400, "missing");
        assert_eq!(problem["field"], field_name(path), "{body}");
    }
}

#[test]
fn every_field_of_a_payment_is_checked() {
    let server = Server::with_alice_and_bob();
    let route = ("POST", "/v1/payments");
    let mut good = transfer("p", "1.00");
    good["fees"] = json!([{"account": "bob", "amount": "0.01", "bearer": "debtor"}]);
    let fields = [
        ("id", Kind::Id),
        ("type", Kind::Word),
        ("mode", Kind::Word),
        ("debtor", Kind::AnyId),
        ("creditor", Kind::AnyId),
        ("payees", Kind::List),
        ("amount", Kind::Amount),
        ("currency", Kind::Currency),
        ("fees", Kind::List),
        ("fees/0/account", Kind::AnyId),
        ("fees/0/amount", Kind::Amount),
        ("fees/0/bearer", Kind::Word),
        ("execute_at", Kind::Time),
        ("expires_at", Kind::Time),
        ("channel", Kind::Channel),
        ("end_to_end_id", Kind::Text(35)),
        ("remittance", Kind::Text(140)),
        ("metadata", Kind::Metadata),
    ];
    let sent = refuse_all(&server, route, &good, &fields);
    assert!(sent > 150, "the matrix is a matrix: {sent}");
    miss_all(
        &server,
        route,
        &good,
        &[
            "id",
            "debtor",
            "creditor",
            "amount",
            "currency",
            "fees/0/account",
            "fees/0/amount",
            "fees/0/bearer",
        ],
    );

    let several = json!({"id": "p", "debtor": "alice", "currency": "EUR",
        "payees": [{"creditor": "bob", "amount": "1.00"}, {"creditor": "carol",
            "amount": "1.00"}]});
    let fields = [("payees/1/creditor", Kind::AnyId), ("payees/1/amount", Kind::Amount)];
    refuse_all(&server, route, &several, &fields);
    miss_all(&server, route, &several, &["payees/0/creditor", "payees/1/amount"]);
    assert_eq!(server.balance("alice"), "100.00");
    server.client.get("/v1/payments/p").problem(404, "payment_not_found");
}

#[test]
fn fields_that_do_not_go_together_are_refused() {
    let server = Server::with_alice_and_bob();
    let good = transfer("p", "1.00");
    let payee = json!([{"creditor": "bob", "amount": "1.00"}]);
    let many: Vec<Value> =
        (0..101).map(|n| json!({"creditor": format!("c{n}"), "amount": "0.01"})).collect();
    let fees = json!(vec![json!({"account": "bob", "amount": "0.01", "bearer": "debtor"}); 17]);
    let without_creditor = json!({"id": "p", "debtor": "alice", "currency": "EUR"});
    let cases = [
        (with(good.clone(), "payees", payee.clone()), "creditor", "not_allowed"),
        (
            with(with(without_creditor.clone(), "payees", payee), "amount", json!("2.00")),
            "amount",
            "not_allowed",
        ),
        (with(without_creditor.clone(), "payees", json!([])), "payees", "missing"),
        (with(without_creditor, "payees", json!(many)), "payees", "too_many"),
        (with(good.clone(), "fees", fees), "fees", "too_many"),
        (
            with(good.clone(), "expires_at", json!("2100-01-01T00:00:00Z")),
            "expires_at",
            "not_allowed",
        ),
        (with(good.clone(), "mode", json!("await_confirmation")), "mode", "not_allowed"),
        (with(good.clone(), "type", json!("top_up")), "debtor", "not_allowed"),
        (with(good, "debtor", json!("@outside:EUR")), "debtor", "not_allowed"),
    ];
    for (body, field, code) in cases {
        let problem = server.client.post("/v1/payments", &body).problem(400, code);
        assert_eq!(problem["field"], field, "{body}");
    }
}

#[test]
fn every_field_of_an_account_is_checked() {
    let server = Server::with_alice_and_bob();
    let route = ("POST", "/v1/accounts");
    let good = json!({"id": "a", "currency": "EUR"});
    let fields = [
        ("id", Kind::Id),
        ("currency", Kind::Currency),
        ("side", Kind::Word),
        ("floor", Kind::Limit),
        ("ceiling", Kind::Limit),
        ("code", Kind::Code),
        ("name", Kind::Text(140)),
        ("metadata", Kind::Metadata),
    ];
    refuse_all(&server, route, &good, &fields);
    miss_all(&server, route, &good, &["id", "currency"]);
    let crossed = json!({"id": "a", "currency": "EUR", "floor": "1.00", "ceiling": "0.00"});
    server.client.post("/v1/accounts", &crossed).problem(422, "limits_crossed");
    server.client.get("/v1/accounts/a").problem(404, "account_not_found");

    let route = ("PUT", "/v1/accounts/bob/limits");
    let good = json!({"floor": "0.00", "ceiling": null});
    refuse_all(
        &server,
        route,
        &good,
        &[("floor", Kind::Limit), ("ceiling", Kind::Limit), ("reason", Kind::Text(140))],
    );
    miss_all(&server, route, &good, &["floor", "ceiling"]);
    for verb in ["freeze", "unfreeze", "close"] {
        refuse_all(
            &server,
            ("POST", &format!("/v1/accounts/bob/{verb}")),
            &json!({}),
            &[("reason", Kind::Text(140))],
        );
    }
}

#[test]
fn every_field_of_a_step_is_checked() {
    let server = Server::with_alice_and_bob();
    let child = json!({"id": "c", "amount": "1.00", "currency": "EUR"});
    let fields = [
        ("id", Kind::Id),
        ("amount", Kind::Amount),
        ("currency", Kind::Currency),
        ("reason", Kind::Text(140)),
        ("release_rest", Kind::Bool),
    ];
    let parts =
        json!({"id": "c", "currency": "EUR", "parts": [{"creditor": "bob", "amount": "1.00"}]});
    let part_fields = [
        ("parts", Kind::List),
        ("parts/0/creditor", Kind::AnyId),
        ("parts/0/amount", Kind::Amount),
    ];
    for list in ["captures", "refunds", "returns", "reversals"] {
        let route = format!("/v1/payments/first/{list}");
        refuse_all(&server, ("POST", &route), &child, &fields);
        refuse_all(&server, ("POST", &route), &parts, &part_fields);
        miss_all(&server, ("POST", &route), &child, &["id", "currency"]);
        miss_all(
            &server,
            ("POST", &route),
            &parts,
            &["parts/0/creditor", "parts/0/amount", "currency"],
        );
        let both = with(child.clone(), "parts", parts["parts"].clone());
        server.client.post(&route, &both).problem(400, "not_allowed");
    }
    let money = json!({"amount": "1.00", "currency": "EUR"});
    let fields =
        [("amount", Kind::Amount), ("currency", Kind::Currency), ("reason", Kind::Text(140))];
    for verb in ["release", "increment"] {
        refuse_all(&server, ("POST", &format!("/v1/payments/first/{verb}")), &money, &fields);
    }
    miss_all(&server, ("POST", "/v1/payments/first/increment"), &money, &["amount", "currency"]);
    for verb in ["cancel", "confirm", "refuse", "inquire"] {
        refuse_all(
            &server,
            ("POST", &format!("/v1/payments/first/{verb}")),
            &json!({}),
            &[("reason", Kind::Text(140))],
        );
    }
}

#[test]
fn a_body_that_is_not_what_it_should_be_is_refused() {
    let server = Server::with_alice_and_bob();
    let send = |body: &[u8]| {
        server.client.send("POST", "/v1/payments", &[("Content-Type", "application/json")], body)
    };
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (body, code) in [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("{\"id\": NaN}", "bad_json"),
        ("nothing", "bad_json"),
        ("{\"id\": \"p\",}", "bad_json"),
        ("{} {}", "missing"),
        ("[]", "wrong_type"),
        ("null", "wrong_type"),
        ("7", "wrong_type"),
        (r#"{"id": "a", "id": "b"}"#, "duplicate"),
        (&deep(17), "too_deep"),
        (&deep(100_000), "too_deep"),
    ] {
        let answer = send(body.as_bytes());
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (400, Some(code)),
            "{}",
            &body[..body.len().min(40)]
        );
    }
    let mut twice = transfer("p", "1.00").to_string();
    twice.insert_str(1, r#""metadata": {"k": "1", "k": "2"},"#);
    assert_eq!(send(twice.as_bytes()).problem(400, "duplicate")["field"], "metadata");
    for bytes in [&b"{\"id\": \"\xff\"}"[..], b"\xff\xfe", b"{\"\xc3\x28\": 1}"] {
        let problem = send(bytes).problem(400, "bad_json");
        assert_eq!(problem["detail"], "the body is not UTF-8");
    }
    let trailing = format!("{}x", transfer("p", "1.00"));
    send(trailing.as_bytes()).problem(400, "bad_json");
    let lone = send(br#"{"id": "\ud800"}"#);
    assert_eq!(lone.status, 400);
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
        "application/jsonx",
        "",
    ] {
        let body = transfer("p", "1.00").to_string();
        let answer =
            server.client.send("POST", "/v1/payments", &[("Content-Type", media)], body.as_bytes());
        answer.problem(415, "unsupported_media_type");
    }
    let body = transfer("p", "1.00").to_string();
    let media = [("Content-Type", "Application/JSON; charset=utf-8")];
    server.client.send("POST", "/v1/payments", &media, body.as_bytes()).expect(201);
}

#[test]
fn paths_and_methods_that_do_not_exist_are_told_apart() {
    let server = Server::start();
    server.client.get("/v1/nothing").problem(404, "route_not_found");
    server.client.get("/payments").problem(404, "route_not_found");
    let answer = server.client.send("PATCH", "/v1/accounts", &[], b"");
    assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")), "{answer:?}");
    answer.problem(405, "method_not_allowed");
    server.client.get("/v1/accounts/a%20b").problem(400, "bad_character");
    server.client.get("/v1/accounts/%ff").problem(400, "malformed");
    server.client.get(&format!("/v1/payments/{}", "x".repeat(65))).problem(400, "too_long");
}
