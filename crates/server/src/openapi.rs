//! The OpenAPI document, the page to read it, and the page that explains the codes of problems.
//!
//! The document is made from the handlers, so it cannot describe what is not there. The pages load
//! nothing from elsewhere.

use crate::problem::{Document, Fault};
use crate::{app::App, routes};
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use bytes::Bytes;
use courant_ledger::Reason;
use std::fmt::Write as _;
use std::sync::Arc;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, PathItem,
    Ref, RefOr, Response, ResponseBuilder, path::Operation, tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

const PAGE: &str = include_str!("docs/page.html");
const PROBLEMS: &str = include_str!("docs/problems.html");
const SCRIPT: &str = include_str!("docs/page.js");
const STYLE: &str = include_str!("docs/page.css");

/// The pages may load what this server gives them, and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'self'");

const DESCRIPTION: &str = "The real-time core of a payment system. Amounts are decimal texts with \
    exactly the decimals of their currency; times are RFC 3339; unknown fields are refused. \
    Whatever is not what was asked for is a problem document (RFC 9457) with a stable code.";

/// The document without its paths.
pub(crate) fn frame() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("ck_...").build();
    let components = ComponentsBuilder::new()
        .security_scheme("api_key", SecurityScheme::Http(bearer))
        .schema(Document::name(), Document::schema());
    let tags = [
        ("accounts", "Accounts, their entries, and the sums of all of them"),
        ("payments", "Payments and what becomes of them"),
        ("events", "What happened, in order, as CloudEvents"),
        ("keys", "API keys"),
        ("operations", "How the server is"),
    ];
    let tags =
        tags.map(|(name, says)| TagBuilder::new().name(name).description(Some(says)).build());
    let info = InfoBuilder::new()
        .title("Courant")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(License::new("Apache-2.0")));
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components.build()))
        .tags(Some(tags))
        .build()
}

/// The OpenAPI document of the server, as `GET /openapi.json` gives it.
pub fn document() -> String {
    let (_, document) = routes::described().split_for_parts();
    text(document)
}

fn text(mut document: OpenApi) -> String {
    for item in document.paths.paths.values_mut() {
        operations(item).for_each(describe_problems);
    }
    let mut text = document.to_pretty_json().expect("the document is made of texts and numbers");
    text.push('\n');
    text
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten()
}

/// Everything but health can answer with a problem.
fn describe_problems(operation: &mut Operation) {
    let schema = Ref::from_schema_name(Document::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let problem: Response = ResponseBuilder::new()
        .description("What was wrong")
        .content(crate::problem::PROBLEM_JSON, content)
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(problem));
}

/// The document and the pages as routes, which need no API key.
pub(crate) fn pages(document: OpenApi) -> Router<Arc<App>> {
    let page = |content_type: &'static str, text: String| {
        let bytes = Bytes::from(text);
        get(move || {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
                (header::CONTENT_SECURITY_POLICY, POLICY),
            ];
            std::future::ready((headers, bytes.clone()).into_response())
        })
    };
    let html = "text/html; charset=utf-8";
    Router::new()
        .route("/", get(|| std::future::ready(Redirect::temporary("/docs"))))
        .route("/openapi.json", page("application/json", text(document)))
        .route("/docs", page(html, PAGE.to_owned()))
        .route("/docs/page.js", page("text/javascript; charset=utf-8", SCRIPT.to_owned()))
        .route("/docs/page.css", page("text/css; charset=utf-8", STYLE.to_owned()))
        .route("/docs/problems", page(html, problems()))
}

/// A page with every code, each with an anchor that the `type` of a problem points to.
fn problems() -> String {
    let mut rows = String::new();
    let mut row = |code: &str, status: u16, iso: Option<&str>, says: &str| {
        let iso = iso.unwrap_or_default();
        // No code and no sentence of ours holds a sign that HTML would read.
        let _ = write!(rows, "<tr id=\"{code}\"><td><code>{code}</code></td><td>{status}</td>");
        let _ = writeln!(rows, "<td>{iso}</td><td>{says}</td></tr>");
    };
    for fault in Fault::ALL {
        row(fault.name(), fault.status().as_u16(), None, fault.sentence());
    }
    for (code, says) in FIELD_PROBLEMS {
        row(code, 400, None, says);
    }
    for reason in Reason::ALL {
        let status = crate::problem::Code::Reason(*reason).status().as_u16();
        row(reason.name(), status, reason.iso20022(), reason.sentence());
    }
    PROBLEMS.replace("{rows}", &rows)
}

/// The codes of [`courant_ledger::FieldProblem`], in words.
const FIELD_PROBLEMS: [(&str, &str); 16] = [
    ("missing", "A required field is not there."),
    ("unknown_field", "The field is none that this object has."),
    ("wrong_type", "The value is of another type, such as a number where a text belongs."),
    ("malformed", "The text does not have the form that the field needs."),
    ("too_long", "The text has more characters than the limit."),
    ("too_short", "The text has fewer characters than the limit."),
    ("bad_character", "A character is not one that the field may hold."),
    ("too_many", "The list has more entries than the limit."),
    ("duplicate", "The value stands twice where each may stand once."),
    ("unknown_currency", "The currency code is not on the list of ISO 4217."),
    ("wrong_decimals", "The amount has more or fewer decimals than its currency."),
    ("negative", "The number is below zero where none may be."),
    ("zero", "The number is zero where none may be."),
    ("too_large", "The number is above the limit."),
    ("too_small", "The number is below the limit."),
    ("not_allowed", "The value is well formed, but may not be used here."),
];
