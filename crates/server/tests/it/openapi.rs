//! The OpenAPI document: the one in the repository is the one that is served.

use crate::access::operations;
use crate::server::Server;
use serde_json::Value;
use std::path::Path;

#[test]
fn the_committed_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let generated = courant_server::document();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &generated).expect("the document can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("docs/openapi.json");
    assert!(committed == generated, "docs/openapi.json is old: run this test again with UPDATE=1");
}

#[test]
fn the_document_is_whole() {
    let document: Value = serde_json::from_str(&courant_server::document()).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("operations").values() {
            assert!(
                operation["summary"].is_string() && operation["operationId"].is_string(),
                "{path}"
            );
            assert!(operation["responses"]["default"].is_object(), "{path} describes its problems");
        }
    }
    assert_eq!(operations().len(), 35, "a route was added or lost: count it here");
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[test]
fn the_pages_are_served_and_load_nothing_from_elsewhere() {
    let server = Server::start();
    let client = server.client.with_key(None);
    assert_eq!(client.get("/openapi.json").text(), courant_server::document());
    for path in ["/docs", "/docs/problems", "/docs/page.js", "/docs/page.css"] {
        let page = client.get(path);
        assert_eq!(
            (page.status, page.header("content-security-policy")),
            (200, Some("default-src 'self'"))
        );
        assert!(!page.text().contains("http://") && !page.text().contains("https://"), "{path}");
    }
    let root = client.get("/");
    assert_eq!((root.status, root.header("location")), (307, Some("/docs")));
    let problems = client.get("/docs/problems");
    for code in ["insufficient_funds", "api_key_missing", "wrong_decimals", "busy"] {
        assert!(problems.text().contains(&format!("<tr id=\"{code}\">")), "{code} is explained");
    }
}
