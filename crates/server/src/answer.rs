//! Answers that are what was asked for.

use crate::problem::Problem;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What every handler returns.
pub(crate) type Answer = Result<Response, Problem>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Room for most answers, so that they are written without growing.
const ANSWER_BYTES_USUAL: usize = 1_024;

/// A value as JSON.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ANSWER_BYTES_USUAL);
    serde_json::to_writer(&mut bytes, value)
        .expect("texts and numbers can always be written as JSON");
    bytes
}

/// An answer with JSON that is already written.
pub(crate) fn written(status: StatusCode, json: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], json).into_response()
}

/// An answer with a value as JSON.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    written(status, encode(value))
}

/// The answer to something that was recorded: `first` if now, 200 with a mark if it had been
/// before.
pub(crate) fn recorded(first: StatusCode, is_repeat: bool, json: Vec<u8>) -> Response {
    if !is_repeat {
        return written(first, json);
    }
    replayed(written(StatusCode::OK, json))
}

/// The same answer, marked as one to a request that had been answered before.
pub(crate) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// An object with one list, whose entries are already written.
pub(crate) fn list(name: &str, items: &[Vec<u8>]) -> Vec<u8> {
    let mut json = format!("{{\"{name}\":[").into_bytes();
    for (nth, item) in items.iter().enumerate() {
        if nth > 0 {
            json.push(b',');
        }
        json.extend_from_slice(item);
    }
    json.extend_from_slice(b"]}");
    json
}

/// A page of entries that are already written; the same as [`crate::view::Page`].
pub(crate) fn page(items: &[Vec<u8>], next_cursor: Option<String>) -> Vec<u8> {
    let mut json = list("items", items);
    json.pop();
    json.extend_from_slice(br#","next_cursor":"#);
    json.extend_from_slice(&encode(&next_cursor));
    json.push(b'}');
    json
}
