//! `courant payment`: show a payment and its history, take it a step further, or send a small file
//! at once.

mod batch;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{named, new_id, object, pages, pair, path_id, show, text};
use crate::client::{Answer, Client, Method, ServerArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Column, Output, cell, note};

#[derive(Debug, Args)]
pub(crate) struct PaymentArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    command: PaymentCommand,
}

#[derive(Debug, Subcommand)]
enum PaymentCommand {
    /// Show a payment
    Show {
        /// The payment
        payment: String,
    },
    /// Show every step of a payment, oldest first
    History {
        /// The payment
        payment: String,
    },
    /// Post held money, all of it or a part
    Capture {
        #[command(flatten)]
        child: Child,
        /// Give up what is left after it
        #[arg(long)]
        release_rest: bool,
    },
    /// Give up held money, all of it or a part
    Release {
        #[command(flatten)]
        portion: Portion,
        #[command(flatten)]
        once: Once,
    },
    /// Hold more
    Increment {
        /// The payment
        payment: String,
        /// How much more
        #[arg(allow_negative_numbers = true)]
        amount: String,
        /// ISO 4217 code
        #[arg(value_name = "CUR")]
        currency: String,
        #[command(flatten)]
        once: Once,
    },
    /// Take a payment back before it is completed
    Cancel(Plain),
    /// The outside world has carried the payment out
    Confirm(Plain),
    /// The outside world has refused the payment
    Refuse(Plain),
    /// Nobody knows yet what the outside world did
    Inquire(Plain),
    /// The payee gives money back
    Refund(Child),
    /// Send money back that could not be applied
    Return(Child),
    /// Take a payment back that was an error
    Reverse(Child),
    /// Send up to 10,000 payments of a JSON or NDJSON file in one request
    Batch {
        /// A JSON array of payments, or one payment a line; - for standard input
        file: PathBuf,
        /// All of them, or none
        #[arg(long)]
        atomic: bool,
    },
}

/// A step without an amount.
#[derive(Debug, Args)]
struct Plain {
    /// The payment
    payment: String,
    /// Why, for the audit trail
    #[arg(long)]
    reason: Option<String>,
}

/// A step with an amount, or all there is.
#[derive(Debug, Args)]
struct Portion {
    /// The payment
    payment: String,
    /// How much [default: all]
    #[arg(requires = "currency", allow_negative_numbers = true)]
    amount: Option<String>,
    /// ISO 4217 code
    #[arg(value_name = "CUR")]
    currency: Option<String>,
    /// How much for which payee, for a payment with several; may be repeated
    #[arg(long = "part", value_name = "CREDITOR=AMOUNT", value_parser = pair)]
    #[arg(conflicts_with = "amount", requires = "part_currency")]
    parts: Vec<(String, String)>,
    /// The currency of the parts
    #[arg(long = "currency", value_name = "CUR", id = "part_currency")]
    part_currency: Option<String>,
    /// Why, for the audit trail
    #[arg(long)]
    reason: Option<String>,
}

/// A step that makes a child with its own id.
#[derive(Debug, Args)]
struct Child {
    #[command(flatten)]
    portion: Portion,
    /// The child's id: sending it again does nothing [default: a new UUID]
    #[arg(long)]
    id: Option<String>,
}

/// What keeps a step without an id of its own from being done twice.
#[derive(Debug, Args)]
struct Once {
    /// Sending the step again under the same key does nothing [default: a new UUID, printed]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Once {
    /// The key. One that is made up is shown before it is used, so that it is known whatever
    /// happens to the request.
    fn key(&self) -> String {
        self.idempotency_key.clone().unwrap_or_else(|| {
            let key = new_id();
            note(format_args!("courant: to send this again: --idempotency-key {key}"));
            key
        })
    }
}

pub(crate) fn run(args: &PaymentArgs) -> Result<Exit, Failure> {
    let client = args.server.client()?;
    let mut out = Output::new(args.server.json);
    let step = Stepping { client: &client, out: &mut out };
    match &args.command {
        PaymentCommand::Show { payment } => {
            let path = format!("/v1/payments/{}", path_id("payment", payment)?);
            let payment = client.get(&path)?;
            // Showing succeeded, whatever became of the payment.
            show::payment(&mut out, &payment, None, false)?;
            Ok(Exit::Success)
        }
        PaymentCommand::History { payment } => history(&client, payment, &mut out),
        PaymentCommand::Capture { child, release_rest } => {
            let rest = release_rest.then(|| json!(true));
            step.child("capture", child, vec![("release_rest", rest)])
        }
        PaymentCommand::Refund(child) => step.child("refund", child, Vec::new()),
        PaymentCommand::Return(child) => step.child("return", child, Vec::new()),
        PaymentCommand::Reverse(child) => step.child("reversal", child, Vec::new()),
        PaymentCommand::Release { portion, once } => {
            let body = object(&portion.members());
            step.keyed("release", &portion.payment, &body, once)
        }
        PaymentCommand::Increment { payment, amount, currency, once } => {
            let body = json!({"amount": amount, "currency": currency});
            step.keyed("increment", payment, &body, once)
        }
        PaymentCommand::Cancel(plain) => step.plain("cancel", plain),
        PaymentCommand::Confirm(plain) => step.plain("confirm", plain),
        PaymentCommand::Refuse(plain) => step.plain("refuse", plain),
        PaymentCommand::Inquire(plain) => step.plain("inquire", plain),
        PaymentCommand::Batch { file, atomic } => batch::run(&client, file, *atomic, &mut out),
    }
}

/// Sends one step and shows it and the payment after it.
struct Stepping<'a> {
    client: &'a Client,
    out: &'a mut Output,
}

impl Stepping<'_> {
    fn plain(self, verb: &str, plain: &Plain) -> Result<Exit, Failure> {
        let path = step_path(&plain.payment, verb)?;
        let body = object(&[("reason", text(&plain.reason))]);
        let answer = self.client.send_once(Method::Post, &path, &body, Some(&new_id()))?;
        let record = format!("record {}", cell(&answer.body, "version"));
        self.show(verb, &record, &answer)
    }

    fn child(
        self,
        noun: &str,
        child: &Child,
        more: Vec<(&'static str, Option<Value>)>,
    ) -> Result<Exit, Failure> {
        let id = child.id.clone().unwrap_or_else(new_id);
        let mut members = child.portion.members();
        members.push(("id", Some(json!(id))));
        members.extend(more);
        let path = step_path(&child.portion.payment, &format!("{noun}s"))?;
        let answer = self.client.send_once(Method::Post, &path, &object(&members), None);
        let answer = answer.map_err(|error| named(error, "--id", &id))?;
        self.show(noun, &format!("id {id}"), &answer)
    }

    fn keyed(self, verb: &str, payment: &str, body: &Value, once: &Once) -> Result<Exit, Failure> {
        let path = step_path(payment, verb)?;
        let key = once.key();
        let answer = self.client.send_once(Method::Post, &path, body, Some(&key));
        let answer = answer.map_err(|error| named(error, "--idempotency-key", &key))?;
        self.show(verb, &format!("idempotency key {key}"), &answer)
    }

    /// `step  refund of 1.00 EUR, id r-1`, and the payment.
    fn show(self, step: &str, name: &str, answer: &Answer) -> Result<Exit, Failure> {
        let of = show::money(&answer.body["step"]).map(|money| format!(" of {money}"));
        let step = format!("{step}{}, {name}", of.unwrap_or_default());
        // A step that was carried out is a success, also if it ends the payment (`refuse`).
        show::payment(self.out, &answer.body, Some(step), answer.is_repeat)?;
        Ok(Exit::Success)
    }
}

fn step_path(payment: &str, last: &str) -> Result<String, Failure> {
    Ok(format!("/v1/payments/{}/{last}", path_id("payment", payment)?))
}

impl Portion {
    fn members(&self) -> Vec<(&'static str, Option<Value>)> {
        let part =
            |(creditor, amount): &(String, String)| json!({"creditor": creditor, "amount": amount});
        let parts = (!self.parts.is_empty()).then(|| self.parts.iter().map(part).collect());
        vec![
            ("amount", text(&self.amount)),
            ("currency", text(&self.currency).or_else(|| text(&self.part_currency))),
            ("parts", parts),
            ("reason", text(&self.reason)),
        ]
    }
}

fn history(client: &Client, payment: &str, out: &mut Output) -> Result<Exit, Failure> {
    let path = format!("/v1/payments/{}/history", path_id("payment", payment)?);
    let steps = pages::collect_back(client, &path)?;
    if out.json {
        return out.json(&Value::Array(steps)).map(|()| Exit::Success);
    }
    let columns = [
        Column::Text("time"),
        Column::Text("step"),
        Column::Number("amount"),
        Column::Text("id"),
        Column::Text("status"),
        Column::Number("captured"),
        Column::Number("remaining"),
        Column::Text("reason"),
    ];
    let rows = steps.iter().map(|step| {
        let payment = &step["payment"];
        let kind = cell(step, "kind");
        let amount = show::amount(&kind, step, payment).unwrap_or_else(|| "-".to_owned());
        vec![
            cell(step, "time"),
            kind,
            amount,
            cell(step, "child"),
            cell(payment, "status"),
            cell(&payment["amounts"], "captured"),
            cell(&payment["amounts"], "remaining"),
            show::reason(&payment["reason"]).unwrap_or_else(|| "-".to_owned()),
        ]
    });
    out.table(&columns, rows, "the payment has no history")?;
    Ok(Exit::Success)
}
