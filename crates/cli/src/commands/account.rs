//! `courant account`: open, show, list, freeze, unfreeze, close, limit accounts, and page through
//! their entries.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{metadata, new_id, object, pages, pair, path_id, show, text};
use crate::client::{Client, Method, ServerArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Column, Output, cell};

/// Entries or accounts that one command prints unless told otherwise.
const LIMIT_DEFAULT: usize = 100;

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Open an account; opening it again the same way changes nothing
    Open(Open),
    /// Show an account: status, balance, what is available
    Show {
        /// The account
        account: String,
    },
    /// List accounts in the order of their opening
    List {
        /// At most this many
        #[arg(long, default_value_t = LIMIT_DEFAULT, value_name = "N")]
        limit: usize,
    },
    /// Let no money in or out
    Freeze(Change),
    /// Let money in and out again
    Unfreeze(Change),
    /// Close an account for good; its balance must be zero
    Close(Change),
    /// Set how far the balance may go
    Limits(Limits),
    /// Show what moved on an account, newest first
    Entries {
        /// The account
        account: String,
        /// At most this many
        #[arg(long, default_value_t = LIMIT_DEFAULT, value_name = "N")]
        limit: usize,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Side {
    /// Customers' money: the balance is credits less debits
    Credit,
    /// Money held elsewhere: the balance is debits less credits
    Debit,
}

#[derive(Debug, Args)]
struct Open {
    /// Its id, forever: 1 to 64 of A-Z a-z 0-9 . _ : @ ~ -
    account: String,
    /// ISO 4217 code
    #[arg(long, value_name = "CUR")]
    currency: String,
    /// The side on which the balance grows
    #[arg(long, value_enum)]
    side: Option<Side>,
    /// The lowest balance, such as -500.00; `none` for no floor [default: zero]
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    floor: Option<String>,
    /// The highest balance
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    ceiling: Option<String>,
    /// The owner's own classification, 0 to 65535
    #[arg(long, value_name = "NUMBER")]
    code: Option<u16>,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// A pair of the owner's own; may be repeated
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
}

#[derive(Debug, Args)]
struct Change {
    /// The account
    account: String,
    /// Why, for the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
struct Limits {
    /// The account
    account: String,
    /// The lowest balance, such as -500.00; `none` for no floor
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    floor: String,
    /// The highest balance; `none` for no ceiling
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    ceiling: String,
    /// Why, for the audit trail
    #[arg(long)]
    reason: Option<String>,
}

pub(crate) fn run(args: &AccountArgs) -> Result<Exit, Failure> {
    let client = args.server.client()?;
    let mut out = Output::new(args.server.json);
    match &args.command {
        AccountCommand::Open(open) => {
            let answer = client.send_once(Method::Post, "/v1/accounts", &open.body(), None)?;
            show::account(&mut out, &answer.body)?;
        }
        AccountCommand::Show { account } => {
            let account = client.get(&format!("/v1/accounts/{}", path_id("account", account)?))?;
            show::account(&mut out, &account)?;
        }
        AccountCommand::List { limit } => list(&client, *limit, &mut out)?,
        AccountCommand::Freeze(change) => change.send(&client, "freeze", &mut out)?,
        AccountCommand::Unfreeze(change) => change.send(&client, "unfreeze", &mut out)?,
        AccountCommand::Close(change) => change.send(&client, "close", &mut out)?,
        AccountCommand::Limits(limits) => limits.send(&client, &mut out)?,
        AccountCommand::Entries { account, limit } => entries(&client, account, *limit, &mut out)?,
    }
    Ok(Exit::Success)
}

impl Open {
    fn body(&self) -> Value {
        let side = self.side.map(|side| match side {
            Side::Credit => json!("credit"),
            Side::Debit => json!("debit"),
        });
        object(&[
            ("id", Some(json!(self.account))),
            ("currency", Some(json!(self.currency))),
            ("side", side),
            ("floor", self.floor.as_deref().map(limit_value)),
            ("ceiling", self.ceiling.as_deref().map(limit_value)),
            ("code", self.code.map(Value::from)),
            ("name", text(&self.name)),
            ("metadata", metadata(&self.metadata)),
        ])
    }
}

/// A limit as the API takes it: null is no limit.
fn limit_value(text: &str) -> Value {
    match text {
        "none" => Value::Null,
        amount => Value::from(amount),
    }
}

impl Change {
    fn send(&self, client: &Client, verb: &str, out: &mut Output) -> Result<(), Failure> {
        let path = format!("/v1/accounts/{}/{verb}", path_id("account", &self.account)?);
        let body = object(&[("reason", text(&self.reason))]);
        let answer = client.send_once(Method::Post, &path, &body, Some(&new_id()))?;
        show::account(out, &answer.body)
    }
}

impl Limits {
    fn send(&self, client: &Client, out: &mut Output) -> Result<(), Failure> {
        let path = format!("/v1/accounts/{}/limits", path_id("account", &self.account)?);
        let body = object(&[
            ("floor", Some(limit_value(&self.floor))),
            ("ceiling", Some(limit_value(&self.ceiling))),
            ("reason", text(&self.reason)),
        ]);
        let answer = client.send_once(Method::Put, &path, &body, Some(&new_id()))?;
        show::account(out, &answer.body)
    }
}

fn list(client: &Client, limit: usize, out: &mut Output) -> Result<(), Failure> {
    let accounts = pages::collect(client, "/v1/accounts", limit)?;
    if out.json {
        return out.json(&Value::Array(accounts));
    }
    let columns = [
        Column::Text("account"),
        Column::Text("currency"),
        Column::Number("balance"),
        Column::Number("available"),
        Column::Text("status"),
        Column::Text("name"),
    ];
    let rows = accounts.iter().map(|account| {
        let available = match &account["available"] {
            Value::Null => "unlimited".to_owned(),
            _ => cell(account, "available"),
        };
        vec![
            cell(account, "id"),
            cell(account, "currency"),
            cell(account, "balance"),
            available,
            cell(account, "status"),
            cell(account, "name"),
        ]
    });
    let empty = "no account yet: open one with `courant account open ID --currency EUR`";
    out.table(&columns, rows, empty)
}

fn entries(client: &Client, id: &str, limit: usize, out: &mut Output) -> Result<(), Failure> {
    let path = format!("/v1/accounts/{}/entries", path_id("account", id)?);
    let entries = pages::collect(client, &path, limit)?;
    if out.json {
        return out.json(&Value::Array(entries));
    }
    let columns = [
        Column::Text("time"),
        Column::Text("kind"),
        Column::Text("payment"),
        Column::Number("amount"),
        Column::Number("balance"),
    ];
    let rows = entries.iter().map(|entry| {
        ["time", "kind", "payment", "amount", "balance"].map(|name| cell(entry, name)).to_vec()
    });
    out.table(&columns, rows, "nothing happened on this account yet")
}
