//! `courant payment batch`: a file of up to 10,000 payments in one request. Larger ones: `courant
//! import`.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::show;
use crate::client::{Client, Method, Payload};
use crate::exit::{Exit, Failure};
use crate::output::{Column, Output, cell};

/// What the server takes as one body.
const BATCH_BYTES_MAX: u64 = 8 * 1024 * 1024;

pub(super) fn run(
    client: &Client,
    file: &Path,
    is_atomic: bool,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let bytes = read(file)?;
    let is_array = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[');
    let content_type = if is_array { "application/json" } else { "application/x-ndjson" };
    let payload = Payload { content_type, bytes: &bytes };
    let path = format!("/v1/payments/batch?atomic={is_atomic}");
    let answer = client.send_payload(Method::Post, &path, payload, None)?;
    if out.json {
        out.json(&answer.body)?;
    }
    let results = answer.body["results"].as_array().cloned().unwrap_or_default();
    if !out.json {
        table(&results, out)?;
    }
    let is_refused = |result: &Value| !is_accepted(result);
    let is_negative = results.iter().any(is_refused);
    Ok(if is_negative { Exit::Negative } else { Exit::Success })
}

/// Whether a result of a batch is a payment that was not rejected.
pub(crate) fn is_accepted(result: &Value) -> bool {
    result["status"].as_str().is_some_and(|status| status != "rejected")
}

fn table(results: &[Value], out: &mut Output) -> Result<(), Failure> {
    let columns = [
        Column::Text("payment"),
        Column::Text("status"),
        Column::Text("repeat"),
        Column::Text("reason"),
    ];
    let rows = results.iter().map(|result| {
        let is_repeat = result["repeat"].as_bool().unwrap_or_default();
        vec![
            cell(result, "id"),
            cell(result, "status"),
            if is_repeat { "yes" } else { "-" }.to_owned(),
            show::reason(&result["reason"]).unwrap_or_else(|| "-".to_owned()),
        ]
    });
    out.table(&columns, rows, "the file has no payments")
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::file(file, "read", &error);
    let source: Box<dyn Read> = match file.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(std::fs::File::open(file).map_err(failed)?),
    };
    let mut bytes = Vec::new();
    source.take(BATCH_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > BATCH_BYTES_MAX {
        let message = format!("{} is larger than 8 MiB, the limit of a batch", file.display());
        return Err(Failure::usage(message).next("use `courant import`, which takes any size"));
    }
    Ok(bytes)
}
