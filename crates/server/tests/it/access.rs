//! Access: every route against every kind of key that must not pass, and the life of a key.

use crate::client::{Answer, Client};
use crate::server::Server;
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

/// Every operation of the OpenAPI document: method, path, and the scope it needs, if any.
pub(crate) fn operations() -> Vec<(String, String, Option<String>)> {
    let document: Value = serde_json::from_str(&courant_server::document()).expect("JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let scope = operation["security"][0]["api_key"][0].as_str().map(str::to_owned);
            let path = path.replace("{id}", "some-id").replace("{number}", "77");
            all.push((method.to_uppercase(), path, scope));
        }
    }
    all
}

fn call(client: &Client, (method, path, _): &(String, String, Option<String>)) -> Answer {
    match method.as_str() {
        "GET" => client.get(path),
        _ => client.send_json(method, path, &json!({}), &[]),
    }
}

/// Makes a key and gives its text.
fn make(server: &Server, body: &Value) -> (u64, String) {
    let made = server.client.post("/v1/keys", body).expect(201);
    let number = made["number"].as_u64().expect("a number");
    (number, made["key"].as_str().expect("the text").to_owned())
}

#[test]
fn every_route_refuses_every_key_that_does_not_work() {
    let server = Server::start();
    let all = json!(["admin"]);
    let (_, expired) =
        make(&server, &json!({"name": "old", "scopes": all, "expires_at": "2020-01-01T00:00:00Z"}));
    let (number, revoked) = make(&server, &json!({"name": "lost", "scopes": all}));
    server.client.send("DELETE", &format!("/v1/keys/{number}"), &[], b"").expect(200);
    let good = server.client.key.clone().expect("the admin key");
    let mut elsewhere = Server::start().client.key.clone().expect("the key of another server");
    elsewhere.make_ascii_lowercase();
    let other = Server::start().client.key.clone().expect("the key of another server");
    let cases = [
        (None, "api_key_missing"),
        (Some(""), "api_key_malformed"),
        (Some("secret"), "api_key_malformed"),
        (Some(&good[..good.len() - 1]), "api_key_malformed"),
        (Some(elsewhere.as_str()), "api_key_malformed"),
        (Some(other.as_str()), "api_key_unknown"),
        (Some(expired.as_str()), "api_key_expired"),
        (Some(revoked.as_str()), "api_key_revoked"),
    ];
    for operation in operations() {
        if operation.2.is_none() {
            continue;
        }
        for (key, code) in &cases {
            let answer = call(&server.client.with_key(*key), &operation);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            answer.problem(401, code);
        }
    }
    let basic = server.client.with_key(None).send(
        "GET",
        "/v1/keys",
        &[("Authorization", "Basic eDp5")],
        b"",
    );
    basic.problem(401, "api_key_missing");
}

#[test]
fn every_route_needs_exactly_the_scope_that_the_document_names() {
    let server = Server::start();
    let scopes = [
        "accounts:read",
        "accounts:write",
        "payments:read",
        "payments:write",
        "events:read",
        "metrics:read",
    ];
    let keys =
        scopes.map(|scope| (scope, make(&server, &json!({"name": scope, "scopes": [scope]})).1));
    for operation in operations() {
        for (scope, key) in &keys {
            let client = server.client.with_key(Some(key));
            // Opened, a stream would not end: a type that does not exist is refused after the key
            // was judged.
            let path = operation.1.replace("/stream", "/stream?type=none");
            let answer = call(&client, &(operation.0.clone(), path, None));
            match &operation.2 {
                Some(needed) if needed != scope => {
                    let problem = answer.problem(403, "scope_missing");
                    assert!(problem["detail"].as_str().unwrap().ends_with(needed), "{problem}");
                }
                _ => assert!(![401, 403].contains(&answer.status), "{operation:?} with {scope}"),
            }
        }
    }
}

#[test]
fn no_route_but_those_of_the_operator_is_open() {
    let open: Vec<String> =
        operations().into_iter().filter(|o| o.2.is_none()).map(|o| o.1).collect();
    assert_eq!(open, ["/v1/health", "/v1/ready"]);
    let server = Server::start();
    let client = server.client.with_key(None);
    assert_eq!(client.get("/v1/health").expect(200)["status"], "alive");
    assert_eq!(client.get("/v1/ready").expect(200)["status"], "ready");
}

#[test]
fn a_key_is_made_listed_and_revoked_and_its_text_is_told_once() {
    let server = Server::start();
    let client = &server.client;
    let body = json!({"name": "till 7", "scopes": ["payments:write", "accounts:read"],
        "expires_at": "2100-01-01T00:00:00Z"});
    let made = client.post_once("/v1/keys", "once", &body).expect(201);
    assert_eq!((&made["number"], &made["name"]), (&json!(2), &json!("till 7")));
    assert_eq!(made["scopes"], json!(["accounts:read", "payments:write"]));
    assert_eq!(made["expires_at"], "2100-01-01T00:00:00Z");
    client.post_once("/v1/keys", "once", &body).problem(409, "key_shown_once");
    let text = made["key"].as_str().unwrap();
    assert!(text.starts_with("ck_2_"));
    let listed = client.get("/v1/keys").expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("ck_"));

    let till = client.with_key(Some(text));
    till.get("/v1/accounts").expect(200);
    assert_eq!(client.send("DELETE", "/v1/keys/2", &[], b"").expect(200)["number"], 2);
    till.get("/v1/accounts").problem(401, "api_key_revoked");
    client.send("DELETE", "/v1/keys/2", &[], b"").problem(422, "key_revoked");
    client.send("DELETE", "/v1/keys/3", &[], b"").problem(404, "key_not_found");
    client.send("DELETE", "/v1/keys/x", &[], b"").problem(404, "key_not_found");
    client.send("DELETE", "/v1/keys/1", &[], b"").problem(422, "last_admin_key");
    for (body, code) in [
        (json!({"name": "x", "scopes": []}), "missing"),
        (json!({"name": "x", "scopes": ["root"]}), "not_allowed"),
        (json!({"name": "", "scopes": ["admin"]}), "too_short"),
        (json!({"name": "x"}), "missing"),
        (json!({"name": "x", "scopes": ["admin"], "expires_at": "tomorrow"}), "malformed"),
    ] {
        client.post("/v1/keys", &body).problem(400, code);
    }
}

/// Asks for a key to be revoked, and hangs up a little later.
fn revoke_and_hang_up(server: &Server, number: u64, yields: u32) {
    let head = server.client.head("DELETE", &format!("/v1/keys/{number}"), &[], 0);
    let mut connection = server.client.connect();
    connection.write_all(head.as_bytes()).expect("the server reads");
    (0..yields).for_each(|_| std::thread::yield_now());
}

#[test]
fn a_revoked_key_stops_to_work_though_the_client_hung_up() {
    const ROUNDS: u32 = 80;
    let server = Server::start();
    let mut revoked = 0;
    for round in 0..ROUNDS {
        let (number, key) = make(&server, &json!({"name": "lost", "scopes": ["accounts:read"]}));
        revoke_and_hang_up(&server, number, round * 25);
        // Read from the records, so it tells whether the request was still heard.
        let listed = server.client.get("/v1/keys").expect(200);
        let is_it = |item: &&Value| item["number"] == number;
        let item = listed["items"].as_array().expect("a list").iter().find(is_it).expect("the key");
        if item["revoked_at"].is_string() {
            revoked += 1;
            let lost = server.client.with_key(Some(&key));
            // Tries are bounded only so that a broken server fails the test instead of hanging it.
            let refused = (0..1_000).map(|_| lost.get("/v1/accounts")).find(|a| a.status != 200);
            refused.expect("the key stops to work").problem(401, "api_key_revoked");
        }
    }
    assert!(
        revoked > 0,
        "each of {ROUNDS} clients hung up too early for this test to say anything"
    );
}

#[test]
fn keys_work_after_a_restart_and_their_files_are_private() {
    let server = Server::start();
    let (_, key) = make(&server, &json!({"name": "reader", "scopes": ["accounts:read"]}));
    let admin =
        std::fs::read_to_string(server.dir.join("admin.key")).expect("the file of the first key");
    assert_eq!(Some(admin.trim()), server.client.key.as_deref());
    for file in ["admin.key", "keys.secret"] {
        let mode = std::fs::metadata(server.dir.join(file)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let mode = std::fs::metadata(&server.dir).expect("the directory").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let server = server.restart();
    server.client.with_key(Some(&key)).get("/v1/accounts").expect(200);
    server.client.get("/v1/keys").expect(200);
}
