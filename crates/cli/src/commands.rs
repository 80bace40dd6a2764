//! Commands that are one request, or a few, to a server; and what they share.

pub(crate) mod account;
pub(crate) mod completions;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod key;
pub(crate) mod pages;
pub(crate) mod pay;
pub(crate) mod payment;
mod show;
pub(crate) mod trial_balance;

use courant_ledger::Id;
use serde_json::{Map, Value};

use crate::client::RequestError;
use crate::exit::{Exit, Failure};
use crate::output::note;

/// An id as it stands in a path. Ids have no character that a path would need escaped.
fn path_id<'a>(what: &'static str, id: &'a str) -> Result<&'a str, Failure> {
    Id::parse_any(what, id).map(Id::as_str).map_err(|error| Failure::usage(error.to_string()))
}

/// An id or idempotency key that nobody has used: a UUID of version 7, which sorts by time.
pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Names the id or idempotency key that an option gives: if the answer was lost, it is what makes
/// asking again safe; if it was taken, it is what to look for.
fn named(error: RequestError, option: &str, name: &str) -> Failure {
    let is_taken = error.has_code("idempotency_conflict");
    let failure = Failure::from(error);
    if is_taken {
        let next = format!("send what was sent as {name} before, or take another {option}");
        return Failure { message: format!("{name}: {}", failure.message), ..failure }.next(next);
    }
    if failure.exit == Exit::Unreachable {
        note(format_args!(
            "courant: if it was done is not known; send it again with {option} {name}"
        ));
    }
    failure
}

/// A JSON object of the members that have a value.
fn object(members: &[(&str, Option<Value>)]) -> Value {
    let present = members.iter().filter_map(|(name, value)| {
        let value = value.clone()?;
        Some(((*name).to_owned(), value))
    });
    Value::Object(present.collect::<Map<_, _>>())
}

/// A text as a JSON value, if there is one.
fn text(text: &Option<String>) -> Option<Value> {
    text.clone().map(Value::String)
}

/// Reads `KEY=VALUE`; the key is not empty, the value may be.
pub(crate) fn pair(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it like KEY=VALUE".to_owned()),
    }
}

/// Pairs as a JSON object; none at all is no object.
fn metadata(pairs: &[(String, String)]) -> Option<Value> {
    if pairs.is_empty() {
        return None;
    }
    let members = pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    Some(Value::Object(members.collect()))
}
