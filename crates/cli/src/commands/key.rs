//! `courant key`: make, list and revoke API keys.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{new_id, object, text};
use crate::client::{Client, Method, ServerArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Column, Output, cell, note};

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key and print it, once
    Create {
        /// What people call it
        name: String,
        /// What it may do; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        #[arg(value_parser = SCOPES)]
        scopes: Vec<String>,
        /// When it stops to work, such as 2030-01-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// List keys, without their secrets
    List,
    /// Let a key work no more
    Revoke {
        /// The number of the key
        number: u32,
    },
}

const SCOPES: [&str; 7] = [
    "admin",
    "accounts:read",
    "accounts:write",
    "payments:read",
    "payments:write",
    "events:read",
    "metrics:read",
];

pub(crate) fn run(args: &KeyArgs) -> Result<Exit, Failure> {
    let client = args.server.client()?;
    let mut out = Output::new(args.server.json);
    match &args.command {
        KeyCommand::Create { name, scopes, expires_at } => {
            let body = object(&[
                ("name", Some(json!(name))),
                ("scopes", Some(json!(scopes))),
                ("expires_at", text(expires_at)),
            ]);
            let answer = client.send(Method::Post, "/v1/keys", &body, Some(&new_id()))?;
            if out.json {
                out.json(&answer.body)?;
            } else {
                out.line(cell(&answer.body, "key"))?;
                note("courant: keep it now: it is not stored and cannot be shown again");
            }
        }
        KeyCommand::List => list(&client, &mut out)?,
        KeyCommand::Revoke { number } => {
            let path = format!("/v1/keys/{number}");
            let key = new_id();
            let answer = client.send_once(Method::Delete, &path, &json!({}), Some(&key))?;
            match out.json {
                true => out.json(&answer.body)?,
                false => out.line(format_args!("key {number} is revoked"))?,
            }
        }
    }
    Ok(Exit::Success)
}

fn list(client: &Client, out: &mut Output) -> Result<(), Failure> {
    let mut keys = client.get("/v1/keys")?;
    let keys = keys["items"].take();
    if out.json {
        return out.json(&keys);
    }
    let columns = [
        Column::Number("number"),
        Column::Text("name"),
        Column::Text("scopes"),
        Column::Text("created"),
        Column::Text("expires"),
        Column::Text("revoked"),
    ];
    let rows = keys.as_array().into_iter().flatten().map(|key| {
        let scopes = key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        vec![
            cell(key, "number"),
            cell(key, "name"),
            scopes.collect::<Vec<_>>().join(" "),
            cell(key, "created_at"),
            cell(key, "expires_at"),
            cell(key, "revoked_at"),
        ]
    });
    out.table(&columns, rows, "no keys")
}
