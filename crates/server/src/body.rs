//! Bodies: read within limits of size and time, parsed strictly, and refused by naming field and
//! limit.
//!
//! A good body is parsed once, borrowing its texts. Only a bad one is looked at again, to say where
//! it is bad.

use crate::app::App;
use crate::config::JSON_DEPTH_MAX;
use crate::input::Object;
use crate::problem::{Fault, Problem};
use axum::body::Body;
use axum::extract::FromRequest;
use axum::http::{HeaderMap, Request, header};
use bytes::Bytes;
use courant_ledger::{FieldError, FieldProblem};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use std::sync::Arc;

/// The media types that bodies can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    Json,
    NdJson,
    Protobuf,
}

impl MediaType {
    const ALL: [MediaType; 3] = [MediaType::Json, MediaType::NdJson, MediaType::Protobuf];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            MediaType::Json => "application/json",
            MediaType::NdJson => "application/x-ndjson",
            MediaType::Protobuf => "application/x-protobuf",
        }
    }

    /// The type of a request's body, which must be one of those that the route takes.
    pub(crate) fn of(headers: &HeaderMap, taken: &[MediaType]) -> Result<MediaType, Problem> {
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        let known = MediaType::ALL.into_iter().find(|t| essence.eq_ignore_ascii_case(t.name()));
        known.filter(|t| taken.contains(t)).ok_or_else(|| {
            let names: Vec<&str> = taken.iter().map(|t| t.name()).collect();
            let detail =
                format!("send the body with the header `Content-Type: {}`", names.join(" or "));
            Problem::because(Fault::UnsupportedMediaType, detail).at("Content-Type")
        })
    }
}

/// Reads a body of at most `bytes_max` bytes.
pub(crate) async fn read(app: &App, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body has more than {bytes_max} bytes: split it");
        Problem::because(Fault::BodyTooLarge, detail).with_limit(bytes_max as u64)
    };
    // A declared length is refused before a byte of it is read.
    let declared = http_body::Body::size_hint(&body).lower();
    if declared > bytes_max as u64 {
        return Err(too_large());
    }
    let collected = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(app.config.body_timeout, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Fault::BodyIncomplete.into()),
        Err(_) => {
            let seconds = app.config.body_timeout.as_secs();
            let detail = format!("the body did not arrive within {seconds} s");
            Err(Problem::because(Fault::SlowBody, detail).with_limit(seconds))
        }
    }
}

/// The JSON body of a request. The handler parses it, borrowing its texts.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) Bytes);

/// A JSON body that may be left out; then it is `{}`.
#[derive(Debug)]
pub(crate) struct OptionalJson(pub(crate) Bytes);

impl FromRequest<Arc<App>> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Json, Problem> {
        MediaType::of(request.headers(), &[MediaType::Json])?;
        read(app, request.into_body(), app.config.body_bytes_max).await.map(Json)
    }
}

impl FromRequest<Arc<App>> for OptionalJson {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let bytes = read(app, body, app.config.body_bytes_max).await?;
        if bytes.is_empty() {
            return Ok(OptionalJson(Bytes::from_static(b"{}")));
        }
        MediaType::of(&head.headers, &[MediaType::Json])?;
        Ok(OptionalJson(bytes))
    }
}

/// Parses an object of JSON; nothing may follow it.
pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    parse_any(bytes).map(|Object(object)| object)
}

/// Parses any JSON; nothing may follow it.
pub(crate) fn parse_any<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| explain::<T>(bytes, &error))
}

/// Says what is wrong with a body that was refused.
#[cold]
fn explain<'a, T: Deserialize<'a>>(bytes: &'a [u8], error: &serde_json::Error) -> Problem {
    if std::str::from_utf8(bytes).is_err() {
        return Problem::because(Fault::BadJson, "the body is not UTF-8");
    }
    // Every type of the API is flat, so that a body that is too deep has been refused already.
    if depth(bytes) > JSON_DEPTH_MAX {
        return Problem::from(Fault::TooDeep).with_limit(JSON_DEPTH_MAX as u64);
    }
    if !error.is_data() {
        let detail = format!("the body is not JSON: {error}");
        return Problem::because(Fault::BadJson, detail);
    }
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut parser) {
        Err(error) => {
            let path = error.path().to_string();
            field_error(&path, &error.into_inner().to_string()).into()
        }
        Ok(_) => Problem::because(Fault::BadJson, format!("the body is not as expected: {error}")),
    }
}

/// serde tells what is wrong with data in words only; the words it begins with are stable.
fn field_error(path: &str, said: &str) -> FieldError {
    let sentence = said.split(" at line ").next().unwrap_or(said).to_owned();
    let named = || said.split('`').nth(1).unwrap_or_default().to_owned();
    let within = |name: String| match path {
        "." | "" => name,
        _ if path.ends_with(&name) => path.to_owned(),
        _ => format!("{path}.{name}"),
    };
    let at =
        |problem| FieldError::new(path.trim_matches('.').to_owned(), problem, sentence.clone());
    if said.starts_with("missing field") {
        FieldError::missing(within(named()))
    } else if said.starts_with("unknown field") {
        let sentence = format!("there is no such field here: {sentence}");
        FieldError::new(within(named()), FieldProblem::UnknownField, sentence)
    } else if said.starts_with("duplicate field") {
        let sentence = "the field stands twice: keep one of the two";
        FieldError::new(within(named()), FieldProblem::Duplicate, sentence)
    } else if said.starts_with("invalid type") {
        at(FieldProblem::WrongType)
    } else if said.starts_with("unknown variant") {
        at(FieldProblem::NotAllowed)
    } else {
        at(FieldProblem::Malformed)
    }
}

/// How deep objects and arrays are nested, outside of texts.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
