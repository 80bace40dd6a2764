//! Accounts: every route's good way, repeats, conflicts, refusals, pages and entries.

use crate::client::Client;
use crate::server::{Server, transfer};
use serde_json::{Value, json};

#[test]
fn an_account_is_opened_shown_and_opened_again() {
    let server = Server::start();
    let client = &server.client;
    let body = json!({"id": "shop", "currency": "KWD", "side": "credit", "floor": "-1.500",
        "ceiling": "9.000",
        "code": 7, "name": "Der Laden", "metadata": {"b": "2", "a": "1"}});
    let opened = client.post("/v1/accounts", &body).expect(201);
    assert_eq!(opened["balance"], "0.000");
    assert_eq!(opened["available"], "1.500");
    assert_eq!((&opened["floor"], &opened["ceiling"]), (&json!("-1.500"), &json!("9.000")));
    assert_eq!((&opened["exponent"], &opened["code"]), (&json!(3), &json!(7)));
    assert_eq!((&opened["side"], &opened["status"]), (&json!("credit"), &json!("open")));
    assert_eq!(
        (&opened["name"], &opened["metadata"]),
        (&json!("Der Laden"), &json!({"a": "1", "b": "2"}))
    );
    assert_eq!(client.get("/v1/accounts/shop").expect(200), opened);

    let mut turned = body.clone();
    turned["metadata"] = json!({"a": "1", "b": "2"});
    let again = client.post("/v1/accounts", &turned);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let again = again.expect(200);
    assert_eq!((&again["repeat"], &again["id"]), (&json!(true), &json!("shop")));
    turned["name"] = json!("another");
    client.post("/v1/accounts", &turned).problem(409, "account_exists");
}

#[test]
fn a_floor_is_zero_unless_it_is_given_or_lifted() {
    let server = Server::start();
    let floors = [(json!({}), json!("0.00")), (json!({"floor": null}), json!(null))];
    for (at, (more, floor)) in floors.into_iter().enumerate() {
        let mut body = json!({"id": format!("a{at}"), "currency": "EUR"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(server.client.post("/v1/accounts", &body).expect(201)["floor"], floor);
    }
    assert_eq!(server.client.get("/v1/accounts/a1").expect(200)["available"], json!(null));
}

#[test]
fn an_account_is_frozen_unfrozen_limited_and_closed() {
    let server = Server::with_alice_and_bob();
    let client = &server.client;
    let frozen = client.post("/v1/accounts/bob/freeze", &json!({"reason": "asked by him"}));
    assert_eq!(frozen.expect(200)["status"], "frozen");
    client.post("/v1/accounts/bob/freeze", &json!({})).problem(422, "account_already_frozen");
    let refused = client.post("/v1/payments", &transfer("p", "1.00")).expect(201);
    assert_eq!(refused["reason"]["code"], "credit_account_frozen");
    // No body at all is as good as an empty object.
    let unfrozen = client.send("POST", "/v1/accounts/bob/unfreeze", &[], b"");
    assert_eq!(unfrozen.expect(200)["status"], "open");
    let limits = json!({"floor": "-5.00", "ceiling": null, "reason": "a good customer"});
    let limited = client.put("/v1/accounts/bob/limits", &limits).expect(200);
    assert_eq!((&limited["floor"], &limited["available"]), (&json!("-5.00"), &json!("5.00")));
    client.put("/v1/accounts/bob/limits", &json!({"floor": null})).problem(400, "missing");
    client.post("/v1/accounts/alice/close", &json!({})).problem(422, "balance_not_zero");
    assert_eq!(client.post("/v1/accounts/bob/close", &json!({})).expect(200)["status"], "closed");
    client.post("/v1/accounts/nobody/freeze", &json!({})).problem(404, "account_not_found");
    client.get("/v1/accounts/nobody").problem(404, "account_not_found");
}

#[test]
fn a_change_is_repeated_under_its_idempotency_key() {
    let server = Server::with_alice_and_bob();
    let client = &server.client;
    let freeze = |key: &str, body: Value| client.post_once("/v1/accounts/bob/freeze", key, &body);
    let first = freeze("k1", json!({}));
    assert_eq!(first.header("idempotency-replayed"), None);
    first.expect(200);
    let again = freeze("k1", json!({}));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(200)["repeat"], true);
    freeze("k1", json!({"reason": "another body"})).problem(409, "idempotency_conflict");
    client
        .post_once("/v1/accounts/bob/unfreeze", "k1", &json!({}))
        .problem(409, "idempotency_conflict");
    for bad in ["", "with space", &"x".repeat(129), "ü"] {
        let answer = freeze(bad, json!({}));
        assert_eq!(
            (answer.status, answer.json()["field"].as_str()),
            (400, Some("Idempotency-Key")),
            "{bad}"
        );
    }
}

#[test]
fn accounts_are_listed_in_pages() {
    let server = Server::start();
    for n in 0..7 {
        server.open_account(&format!("a{n}"), "EUR");
    }
    let all = pages(&server.client, "/v1/accounts", 3);
    let ids: Vec<&str> = all.iter().map(|account| account["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a0", "@outside:EUR", "a1", "a2", "a3", "a4", "a5", "a6"]);
    assert_eq!(server.client.get("/v1/accounts/@outside:EUR").expect(200), all[1]);
    for (query, code) in
        [("limit=0", "zero"), ("limit=1001", "too_large"), ("cursor=x", "malformed")]
    {
        server.client.get(&format!("/v1/accounts?{query}")).problem(400, code);
    }
    server.client.get("/v1/accounts?limit=x").problem(400, "bad_query");
    server.client.get("/v1/accounts?more=1").problem(400, "bad_query");
}

#[test]
fn entries_show_what_moved_newest_first_and_add_up() {
    let server = Server::with_alice_and_bob();
    let client = &server.client;
    client.post("/v1/payments", &transfer("p1", "10.00")).expect(201);
    let mut hold = transfer("p2", "20.00");
    hold["mode"] = json!("authorise");
    client.post("/v1/payments", &hold).expect(201);
    client.post("/v1/accounts/alice/freeze", &json!({})).expect(200);
    client.post("/v1/accounts/alice/unfreeze", &json!({})).expect(200);
    let capture = json!({"id": "c1", "amount": "5.00", "currency": "EUR", "release_rest": true});
    client.post("/v1/payments/p2/captures", &capture).expect(201);
    let group = json!([transfer("g1", "1.00"), transfer("g2", "2.00")]);
    client.post("/v1/payments/batch?atomic=true", &group).expect(201);

    let entries = client.get("/v1/accounts/alice/entries").expect(200)["items"].clone();
    let shown = |name: &str| -> Vec<&str> {
        entries.as_array().unwrap().iter().map(|e| e[name].as_str().unwrap()).collect()
    };
    assert_eq!(shown("payment"), ["g2", "g1", "p2", "p2", "p1", "first"]);
    assert_eq!(shown("amount"), ["-2.00", "-1.00", "-5.00", "0.00", "-10.00", "100.00"]);
    assert_eq!(shown("held"), ["0.00", "0.00", "-20.00", "20.00", "0.00", "0.00"]);
    assert_eq!(shown("balance"), ["82.00", "84.00", "85.00", "90.00", "90.00", "100.00"]);
    assert_eq!(
        shown("kind"),
        [
            "payment.completed",
            "payment.completed",
            "payment.captured",
            "payment.authorised",
            "payment.completed",
            "payment.completed"
        ]
    );
    assert_eq!(entries[2]["child"], "c1");
    assert_eq!(entries[0]["counterparts"], json!(["bob"]));
    assert_eq!(server.balance("alice"), "82.00");
    assert_eq!(pages(client, "/v1/accounts/alice/entries", 1), *entries.as_array().unwrap());
    assert_eq!(pages(client, "/v1/accounts/alice/entries", 4), *entries.as_array().unwrap());
    client.get("/v1/accounts/alice/entries?cursor=1").problem(400, "not_allowed");
}

#[test]
fn a_cursor_of_a_history_that_a_restore_replaced_is_refused() {
    const LISTS: [&str; 2] = ["/v1/accounts/alice/entries", "/v1/payments/hold/history"];
    // Each changes the account and the payment, and so has an entry and a step.
    let capture = |server: &Server, id: &str| {
        let body = json!({"id": id, "amount": "1.00", "currency": "EUR"});
        server.client.post("/v1/payments/hold/captures", &body).expect(201);
    };
    // The cursor behind the newest thing of a list.
    let cursor = |server: &Server, list: &str| {
        let page = server.client.get(&format!("{list}?limit=1")).expect(200);
        page["next_cursor"].as_str().expect("there is more").to_owned()
    };
    let server = Server::with_alice_and_bob();
    let mut hold = transfer("hold", "20.00");
    hold["mode"] = json!("authorise");
    server.client.post("/v1/payments", &hold).expect(201);
    capture(&server, "kept");
    let kept = LISTS.map(|list| cursor(&server, list));
    let backup = server.back_up();
    ["lost-1", "lost-2"].iter().for_each(|id| capture(&server, id));
    let lost = LISTS.map(|list| cursor(&server, list));

    let server = server.restored(&backup);
    ["new-1", "new-2"].iter().for_each(|id| capture(&server, id));
    for (list, (kept, lost)) in LISTS.iter().zip(kept.iter().zip(&lost)) {
        let new = cursor(&server, list);
        let place = |cursor: &str| cursor.split('.').next().map(str::to_owned);
        let new_place = new.split_once('-').expect("of another past").1;
        assert_eq!(place(new_place), place(lost), "another record stands there");
        let problem = server.client.get(&format!("{list}?cursor={lost}"));
        let problem = problem.problem(410, "history_replaced");
        assert!(problem["detail"].as_str().expect("a text").contains("without a cursor"));
        server.client.get(&format!("{list}?cursor={kept}")).expect(200);
        server.client.get(&format!("{list}?cursor={new}")).expect(200);
        assert_eq!(
            pages(&server.client, list, 1).len(),
            server.client.get(list).expect(200)["items"].as_array().expect("a list").len()
        );
        server.client.get(&format!("{list}?cursor=0badcafe-1")).problem(410, "history_replaced");
        server.client.get(&format!("{list}?cursor=-1")).problem(400, "not_allowed");
    }
}

#[test]
fn the_trial_balance_adds_up() {
    let server = Server::with_alice_and_bob();
    server.client.post("/v1/payments", &transfer("p1", "10.00")).expect(201);
    let balance = server.client.get("/v1/trial-balance").expect(200);
    assert_eq!(balance["balanced"], true);
    let sums = &balance["currencies"][0];
    assert_eq!((&sums["currency"], &sums["debits_posted"]), (&json!("EUR"), &json!("110.00")));
    assert_eq!(sums["debits_posted"], sums["credits_posted"]);
    assert_eq!((&balance["accounts"], &balance["payments"]), (&json!(3), &json!(2)));
}

/// Every entry of a list, page by page.
pub(crate) fn pages(client: &Client, path: &str, limit: usize) -> Vec<Value> {
    let join = if path.contains('?') { '&' } else { '?' };
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}{join}limit={limit}{cursor}")).expect(200);
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= limit);
        all.extend(items.clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}
